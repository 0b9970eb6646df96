"""The books open once, with balances at rest, and are valued in market time with fresh prices only."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain, repeat

import pytest

from tests.fakes.portfolio import FakePortfolioTransaction
from tests.fakes.transaction import START, FakeQuoteBoard, FakeStore, FixedClock
from volexswarm.errors import Retry, Stop, Unavailable
from volexswarm.messages import AccountOpened, EquityTaken, Quote
from volexswarm.portfolio.agent import PortfolioAgent
from volexswarm.portfolio.bookkeeping import Bookkeeper
from volexswarm.portfolio.model import LedgerAccount
from volexswarm.ports import Transfer

MARKET = datetime.fromisoformat("2025-03-01T00:00:00+00:00")


class FakeExchange:
    """Balances and a clock that ticks with each look at it."""

    def __init__(self, *readings: dict[str, str], tick: float = 0.5) -> None:
        self._readings: Iterator[dict[str, str]] = chain(readings, repeat(readings[-1]))
        self._time = MARKET
        self._tick = tick

    def balances(self) -> dict[str, Decimal]:
        return {asset: Decimal(amount) for asset, amount in next(self._readings).items()}

    def market_time(self) -> datetime:
        self._time += timedelta(seconds=self._tick)
        return self._time


def agent(
    state: FakePortfolioTransaction, exchange: FakeExchange, board: FakeQuoteBoard | None = None
) -> PortfolioAgent:
    return PortfolioAgent(
        store=FakeStore(state),
        exchange=exchange,
        quotes=board or FakeQuoteBoard(),
        clock=FixedClock(),
        account="main",
        venue="binance",
        mode="sandbox",
        valuation_currency="USDT",
        symbols=["BTC/USDT"],
    )


def quote(price: str, age: float = 0) -> Quote:
    value = Decimal(price)
    return Quote(bid=value - 1, ask=value + 1, as_of=MARKET, received_at=START - timedelta(seconds=age))


def test_the_books_open_with_the_exchanges_balances() -> None:
    state = FakePortfolioTransaction()
    assert agent(state, FakeExchange({"USDT": "1000", "BTC": "0.5", "ETH": "0"})).open_account()
    assert state.balances("binance", "main", LedgerAccount.ASSETS) == {"USDT": 1000, "BTC": Decimal("0.5")}
    (opened,) = state.of(AccountOpened)
    assert opened.balances == {"USDT": 1000, "BTC": Decimal("0.5")}
    assert state.modes["binance", "main"] == "sandbox"
    assert state.accounts["binance", "main"] == opened.as_of == MARKET + timedelta(seconds=0.5)


def test_the_books_open_once() -> None:
    state = FakePortfolioTransaction()
    assert agent(state, FakeExchange({"USDT": "1000"})).open_account()
    assert not agent(state, FakeExchange({"USDT": "7"})).open_account()
    assert state.balances("binance", "main", LedgerAccount.ASSETS) == {"USDT": 1000}
    assert len(state.published) == 1


def test_an_empty_account_opens_too() -> None:
    state = FakePortfolioTransaction()
    assert agent(state, FakeExchange({})).open_account()
    assert state.accounts


@pytest.mark.parametrize(
    ("exchange", "reason"),
    [
        (FakeExchange({"USDT": "1000"}, {"USDT": "900", "BTC": "0.01"}), "balances move"),
        (FakeExchange({"USDT": "1000"}, tick=0), "stands still"),
    ],
)
def test_the_books_do_not_open_while_it_is_unsure_what_belongs_to_them(exchange: FakeExchange, reason: str) -> None:
    state = FakePortfolioTransaction()
    with pytest.raises(Retry, match=reason):
        agent(state, exchange).open_account()
    assert not state.accounts
    assert not state.published


def test_an_exchange_that_does_not_answer_opens_nothing() -> None:
    class Silent(FakeExchange):
        def balances(self) -> dict[str, Decimal]:
            raise Unavailable("exchange", "no answer")

    state = FakePortfolioTransaction()
    with pytest.raises(Unavailable):
        agent(state, Silent({})).open_account()
    assert not state.accounts


def test_a_snapshot_is_taken_in_market_time_at_the_middle_price() -> None:
    state = FakePortfolioTransaction()
    books = agent(state, FakeExchange({"USDT": "1000", "BTC": "0.5"}), FakeQuoteBoard(**{"BTC/USDT": quote("100")}))
    books.open_account()
    worth = books.snapshot()
    assert worth is not None
    assert state.snapshots == {MARKET: worth}
    assert worth.equity == 1050
    (told,) = state.of(EquityTaken)
    assert (told.currency, told.equity, told.cash, told.as_of) == ("USDT", 1050, 1000, MARKET)


def test_the_same_worth_of_the_same_moment_is_told_once() -> None:
    state = FakePortfolioTransaction()
    board = FakeQuoteBoard(**{"BTC/USDT": quote("100")})
    books = agent(state, FakeExchange({"USDT": "1000", "BTC": "0.5"}), board)
    books.open_account()
    books.snapshot()
    books.snapshot()
    board.quotes["BTC/USDT"] = quote("102")
    books.snapshot()
    told = [event for event in state.published if isinstance(event.data, EquityTaken)]
    assert [event.data.equity for event in told] == [1050, 1051]
    assert len({event.id for event in told}) == 2


@pytest.mark.parametrize("board", [FakeQuoteBoard(), FakeQuoteBoard(**{"BTC/USDT": quote("100", age=31)})])
def test_without_a_fresh_price_the_equity_is_unknown_and_nothing_is_stored(board: FakeQuoteBoard) -> None:
    state = FakePortfolioTransaction()
    books = agent(state, FakeExchange({"BTC": "0.5"}), board)
    books.open_account()
    worth = books.snapshot()
    assert worth is not None
    assert worth.equity is None
    assert worth.missing == ("BTC",)
    assert not state.snapshots
    assert not state.of(EquityTaken)


def test_an_emptied_order_book_makes_no_equity(caplog: pytest.LogCaptureFixture) -> None:
    state = FakePortfolioTransaction()
    emptied = Quote(bid=Decimal(1), ask=Decimal(200), as_of=MARKET, received_at=START)
    books = agent(state, FakeExchange({"USDT": "1000", "BTC": "100"}), FakeQuoteBoard(**{"BTC/USDT": emptied}))
    books.open_account()
    worth = books.snapshot()
    assert worth is not None
    assert (worth.equity, worth.missing) == (None, ("BTC",))
    assert not state.snapshots
    assert "no price to value by: BTC/USDT (198.01 %)" in caplog.text


def test_money_from_outside_changes_the_units_and_not_their_worth() -> None:
    state = FakePortfolioTransaction()
    board = FakeQuoteBoard(**{"BTC/USDT": quote("100")})
    books = agent(state, FakeExchange({"USDT": "1000"}), board)
    books.open_account()
    books.snapshot()
    later = MARKET + timedelta(hours=1)
    coins = Transfer("t1", "BTC", Decimal(5), Decimal(0), later)
    Bookkeeper(FixedClock()).record_transfer(state, "binance", "main", coins, correlation_id="c1")
    board.quotes["BTC/USDT"] = quote("200").model_copy(update={"as_of": later})
    worth = books.snapshot()
    assert worth is not None
    assert (worth.equity, worth.flow) == (2000, 1000)
    assert state.snapshot_units == {MARKET: 1000, later: 2000}
    assert state.flow_values == {("deposit", "t1"): 1000}
    worth = books.snapshot()
    assert worth is not None
    assert worth.flow == 0


def test_unopened_books_are_not_valued() -> None:
    assert agent(FakePortfolioTransaction(), FakeExchange({})).snapshot() is None


def test_books_of_other_money_are_neither_opened_nor_valued() -> None:
    state = FakePortfolioTransaction()
    state.add_account("binance", "main", MARKET, "live")
    books = agent(state, FakeExchange({"USDT": "1000"}), FakeQuoteBoard(**{"BTC/USDT": quote("100")}))
    for act in (books.open_account, books.snapshot):
        with pytest.raises(Stop, match="are of live money, and this deployment's are of sandbox money"):
            act()
    assert state.snapshots == {}
