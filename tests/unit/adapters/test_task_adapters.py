"""What tasks see of the account and the desk: by risk's own reading, and by wishes like anybody's."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from tests.fakes.desk import FakeDeskTransaction
from tests.fakes.risk import FakeRiskTransaction
from tests.fakes.transaction import START, FakeQuoteBoard, FakeStore, FixedClock
from volexswarm.adapters.present_prices import PresentPrices
from volexswarm.adapters.task_account import ENOUGH, RiskAccount
from volexswarm.adapters.task_previews import AgentPreviews
from volexswarm.adapters.task_trader import DeskTrader
from volexswarm.board import BoardReader
from volexswarm.desk.agent import TradingDesk
from volexswarm.errors import Conflict, Unavailable
from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import CancelOrder, Check, OrderState, OrderType, Purpose, Quote, Side, SignalRaised, Verdict
from volexswarm.risk.model import Bar, Pending
from volexswarm.risk.situation import Inquiry
from volexswarm.tasks.model import PlannedTrade

SYMBOLS = ("BTC/USDT", "ETH/USDT")
TIMEFRAMES = (Timeframe.M1, Timeframe.M15, Timeframe.H1, Timeframe.D1)
TRADE = PlannedTrade(
    0, "ETH/USDT", Side.BUY, Decimal("0.5"), Decimal(2000), Decimal(2020), Decimal("0.1"), "wished", "simulated"
)


def quote(price: int, seconds_ago: int = 1) -> Quote:
    moment = START - timedelta(seconds=seconds_ago)
    return Quote(bid=Decimal(price - 1), ask=Decimal(price + 1), as_of=moment, received_at=moment)


def board(**changes: Quote) -> FakeQuoteBoard:
    return FakeQuoteBoard(**{"BTC/USDT": quote(60_000), "ETH/USDT": quote(2000)} | changes)


class Books:
    """An account of risk's, as a task reads it."""

    def __init__(self, quotes: FakeQuoteBoard | None = None, assets: dict[str, str] | None = None) -> None:
        held = {"USDT": "5000", "BTC": "0.05", "ETH": "1"} if assets is None else assets
        self.tx = FakeRiskTransaction(held or None)
        inquiry = Inquiry(
            quotes=quotes or board(),
            clock=FixedClock(),
            currency="USDT",
            symbols=SYMBOLS,
            timeframes=TIMEFRAMES,
            quote_max_age=30.0,
        )
        self.account = RiskAccount(FakeStore(self.tx), inquiry, "binance", TIMEFRAMES)

    def candles(self, timeframe: Timeframe, count: int) -> None:
        bar = Bar(Decimal(3), Decimal(1), Decimal(2))
        self.tx.candles["ETH/USDT", timeframe] = [bar] * count


def test_the_account_is_valued_as_risk_values_it() -> None:
    state = Books().account.state(SYMBOLS)
    assert (state.venue, state.account, state.currency) == ("binance", "main", "USDT")
    assert state.equity == 10_000
    assert state.prices == {"BTC/USDT": 60_000, "ETH/USDT": 2000}
    assert (state.worth["BTC"], state.held["ETH"], state.sellable["ETH/USDT"]) == (60_000, 1, 1)


def test_what_is_under_way_counts_in_every_market_of_the_asset() -> None:
    books = Books()
    books.tx.pending += [
        Pending("BTC/USDT", Side.SELL, Decimal("0.01"), Decimal(60_000)),
        Pending("BTC/USDT", Side.BUY, Decimal("0.02"), Decimal(59_000)),
        Pending("ETH/BTC", Side.BUY, Decimal("0.3"), Decimal("0.03")),  # is paid for with 0.009 BTC
        Pending("ETH/BTC", Side.SELL, Decimal("0.1"), Decimal("0.03")),  # brings 0.003 BTC
    ]
    state = books.account.state(SYMBOLS)
    assert state.coming == {"BTC": Decimal("0.023"), "ETH": Decimal("0.3")}
    assert state.leaving == {"BTC": Decimal("0.019"), "ETH": Decimal("0.1")}
    assert state.sellable == {"BTC/USDT": Decimal("0.031"), "ETH/USDT": Decimal("0.9")}


@pytest.mark.parametrize(
    ("books", "words"),
    [
        (Books(assets={}), "not opened"),
        (Books(board(**{"BTC/USDT": quote(60_000, seconds_ago=31)})), "no fresh price of BTC"),
        (
            Books(board(**{"BTC/USDT": quote(60_000).model_copy(update={"bid": Decimal(1)})})),
            r"no price to value by: BTC/USDT",
        ),
    ],
)
def test_an_account_that_can_not_be_valued_is_unavailable(books: Books, words: str) -> None:
    with pytest.raises(Unavailable, match=words):
        books.account.state(SYMBOLS)


def test_books_of_other_money_are_not_traded_by() -> None:
    books = Books()
    books.tx.mode = "paper"
    with pytest.raises(Unavailable, match="paper money"):
        books.account.state(SYMBOLS)


@pytest.mark.parametrize(
    ("candles", "timeframe"),
    [
        ({Timeframe.M1: ENOUGH, Timeframe.M15: ENOUGH, Timeframe.H1: ENOUGH, Timeframe.D1: ENOUGH}, Timeframe.H1),
        ({Timeframe.M1: ENOUGH, Timeframe.M15: ENOUGH, Timeframe.H1: ENOUGH - 1}, Timeframe.M15),
        ({Timeframe.M1: 5}, Timeframe.M1),
        ({}, Timeframe.M1),
    ],
)
def test_a_market_is_looked_at_by_the_coarsest_candles_of_which_there_are_enough(
    candles: dict[Timeframe, int], timeframe: Timeframe
) -> None:
    books = Books()
    for each, count in candles.items():
        books.candles(each, count)
    outlook = books.account.outlook("ETH/USDT")
    assert (outlook.timeframe, outlook.account) == (timeframe, "main")
    assert outlook.as_of >= START - timedelta(seconds=1)


def desk(state: FakeDeskTransaction) -> TradingDesk:
    max_age = timedelta(seconds=30)
    return TradingDesk(FakeStore(state), board(), FixedClock(), venue="binance", symbols=SYMBOLS, quote_max_age=max_age)


def orders(**fields: Any) -> Any:
    found = {
        "id": "o1",
        "venue": "binance",
        "account": "main",
        "symbol": "ETH/USDT",
        "state": OrderState.ACCEPTED,
        "purpose": Purpose.TRADE,
        "plan": None,
    }
    return lambda: SimpleNamespace(named=lambda key: SimpleNamespace(**found | fields))


def test_a_tasks_trade_is_a_signal_once() -> None:
    state = FakeDeskTransaction()
    trader = DeskTrader(desk(state), orders())
    first = trader.raise_trade(TRADE, "anna", "task/t1/1/0")
    assert trader.raise_trade(TRADE, "anna", "task/t1/1/0") == first
    assert trader.signal_of("anna", "task/t1/1/0") == first != trader.signal_of("anna", "task/t1/1/1")
    [signal] = state.of(SignalRaised)
    assert (signal.symbol, signal.side, signal.amount, signal.order_type) == (
        "ETH/USDT",
        Side.BUY,
        Decimal("0.5"),
        OrderType.MARKET,
    )
    assert signal.requested_by == "anna"


@pytest.mark.parametrize(("worst", "raised"), [("2000", True), ("1999.99", False)])
def test_a_tasks_trade_is_no_signal_once_the_market_is_beyond_its_worst_price(worst: str, raised: bool) -> None:
    state = FakeDeskTransaction()
    trade = replace(TRADE, price=Decimal(1990), worst_price=Decimal(worst))
    if raised:
        DeskTrader(desk(state), orders()).raise_trade(trade, "anna", "task/t1/1/0")
    else:
        with pytest.raises(Conflict, match=r"decided at 1990 USDT, and at 2000 the market is 0.50 % worse"):
            DeskTrader(desk(state), orders()).raise_trade(trade, "anna", "task/t1/1/0")
    assert len(state.of(SignalRaised)) == len(state.signals) == raised


def test_a_tasks_trade_is_no_signal_once_another_money_trades() -> None:
    state = FakeDeskTransaction()
    state.state = replace(state.state, account="main-paper", mode="paper")
    with pytest.raises(Conflict, match=r"decided for simulated money, and trading is in mode paper now.*retry"):
        DeskTrader(desk(state), orders()).raise_trade(TRADE, "anna", "task/t1/1/0")
    assert not state.signals
    assert not state.published


def test_a_tasks_trade_that_was_raised_stays_so_wherever_the_market_goes() -> None:
    state = FakeDeskTransaction()
    trader = DeskTrader(desk(state), orders())
    first = trader.raise_trade(TRADE, "anna", "task/t1/1/0")
    assert trader.raise_trade(replace(TRADE, worst_price=Decimal(1)), "anna", "task/t1/1/0") == first


def test_present_prices_are_those_that_may_be_traded_on_and_none_while_they_can_not_be_asked() -> None:
    quotes = board(**{"BTC/USDT": quote(60_000, seconds_ago=31)})
    prices = PresentPrices(BoardReader(quotes, FixedClock(), timedelta(seconds=30)), "binance")
    assert prices(SYMBOLS) == {"ETH/USDT": Decimal(2000)}

    def away(venue: str, symbols: Any) -> Any:
        raise Unavailable("quote board", "silent")

    quotes.get = away  # type: ignore[method-assign]
    assert prices(SYMBOLS) == {}


def test_a_tasks_order_is_canceled_by_the_desks_command() -> None:
    state = FakeDeskTransaction()
    DeskTrader(desk(state), orders()).cancel("o1", "anna", "changed my mind")
    [command] = state.of(CancelOrder)
    assert (command.order_id, command.requested_by, command.reason) == ("o1", "anna", "changed my mind")
    with pytest.raises(Conflict):
        DeskTrader(desk(state), orders(state=OrderState.FILLED)).cancel("o1", "anna", "late")


@pytest.mark.parametrize(("plan", "canceled"), [("working", True), ("done", False), ("stopped", False)])
def test_a_slice_that_has_ended_is_canceled_while_more_of_them_follow(plan: str, canceled: bool) -> None:
    state = FakeDeskTransaction()
    trader = DeskTrader(desk(state), orders(state=OrderState.FILLED, purpose=Purpose.SLICE, plan=plan))
    if canceled:
        trader.cancel("o1", "anna", "changed my mind")
    else:
        with pytest.raises(Conflict, match="o1 is filled already"):
            trader.cancel("o1", "anna", "changed my mind")
    assert [command.order_id for command in state.of(CancelOrder)] == ["o1"] * canceled


class Stage:
    """A deciding agent that says what it is told, and remembers what it was asked."""

    def __init__(self, stage: Any, passed: bool) -> None:
        check = Check(name="limit", limit="1", value="1" if passed else "2", passed=passed)
        self.verdict = Verdict.of(stage, 1, [check])
        self.asked: list[Any] = []

    def consider(self, event: Any) -> Any:
        self.asked.append(event)
        return self if self.verdict.stage == "risk" else self.verdict

    def proposal(self, event: Any, decision: Any) -> Any:
        return ("proposal of", event.id)


@pytest.mark.parametrize(("risk_passes", "compliance_passes"), [(True, True), (True, False), (False, True)])
def test_a_preview_is_what_the_agents_would_say_to_the_signal_that_would_be_raised(
    risk_passes: bool, compliance_passes: bool
) -> None:
    state, risk, compliance = FakeDeskTransaction(), Stage("risk", risk_passes), Stage("compliance", compliance_passes)
    previews = AgentPreviews(desk(state), risk, compliance)  # type: ignore[arg-type]
    assert all(check.passed for check in previews.risk(TRADE, "anna")) is risk_passes
    assert all(check.passed for check in previews.compliance(TRADE, "anna")) is (risk_passes and compliance_passes)
    assert len(compliance.asked) == int(risk_passes)
    assert risk.asked[0].data.amount == Decimal("0.5")
    assert not state.published
    assert not state.signals
