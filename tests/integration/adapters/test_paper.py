"""The paper venue's money and memory: what the stored trades make of orders that stand."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count

import psycopg
import pytest

from tests.fakes.execution import RULES
from tests.fakes.transaction import START, FakeQuoteBoard, FixedClock
from volexswarm.adapters.paper.gateway import PaperGateway, PaperTerms
from volexswarm.adapters.postgres.database import Database
from volexswarm.errors import OutcomeUnknown, Rejected, Unavailable
from volexswarm.execution.model import MarketRules, OrderRequest
from volexswarm.messages import OrderState, OrderType, Quote, Side, TimeInForce

SYMBOL = "BTC/USDT"
T = OrderType
FUNDS = {"USDT": Decimal(1000), "BTC": Decimal(5)}
TERMS = PaperTerms(balances=FUNDS, slippage=Decimal("0.01"), quote_max_age=timedelta(seconds=30))


class Binance:
    """The real venue's rules, fees and clock."""

    def rules(self, symbol: str) -> MarketRules:
        if symbol != SYMBOL:
            raise Rejected(f"binance does not trade {symbol}")
        return RULES

    def fees(self, symbol: str) -> tuple[Decimal, Decimal]:
        return Decimal("0.002"), Decimal("0.001")

    def market_time(self) -> datetime:
        return START


@dataclass
class Desk:
    """A paper account, with the quotes and trades that the feed would have brought."""

    gateway: PaperGateway
    other: PaperGateway
    quotes: FakeQuoteBoard
    clock: FixedClock
    dsn: str
    ids: Iterator[int] = field(default_factory=lambda: count(1))

    def order(self, side: Side, kind: OrderType, cid: str = "v1", amount: str = "2", **prices: str) -> OrderRequest:
        worth = {name: Decimal(value) for name, value in prices.items()}
        return OrderRequest(
            client_order_id=cid,
            symbol=SYMBOL,
            side=side,
            order_type=kind,
            amount=Decimal(amount),
            limit_price=worth.get("limit"),
            sent_at=self.clock.now(),
            trigger_price=worth.get("trigger"),
            trailing_share=worth.get("share"),
            time_in_force=TimeInForce.GTC,
        )

    def print(self, price: str, amount: str = "10", side: str = "s", *, complete: bool = True) -> None:
        """Store a public trade, a second after the one before; perhaps before the feed knows that none is missing."""
        number = next(self.ids)
        moment = START + timedelta(seconds=number)
        with psycopg.connect(self.dsn) as connection:
            connection.execute(
                "INSERT INTO trades (venue, symbol, trade_id, traded_at, price, amount, side)"
                " VALUES ('binance', %s, %s, %s, %s, %s, %s)",
                (SYMBOL, number, moment, Decimal(price), Decimal(amount), side),
            )
            if complete:
                connection.execute(
                    "INSERT INTO watermarks (venue, symbol, complete_to, last_trade_id) VALUES ('binance', %s, %s, %s)"
                    " ON CONFLICT (venue, symbol) DO UPDATE SET last_trade_id = excluded.last_trade_id",
                    (SYMBOL, moment, number),
                )

    def state(self, cid: str = "v1") -> OrderState | None:
        found = self.gateway.find(cid, SYMBOL)
        return None if found is None else found.state

    def locked(self) -> dict[str, Decimal]:
        with psycopg.connect(self.dsn) as connection:
            rows = connection.execute("SELECT currency, locked FROM paper_balances WHERE locked > 0").fetchall()
        return dict(rows)


@pytest.fixture
def desk(database_dsn: str) -> Iterator[Desk]:
    clock, quotes = FixedClock(), FakeQuoteBoard()
    quotes.put("binance", {SYMBOL: Quote(bid=Decimal(99), ask=Decimal(101), as_of=START, received_at=START)})
    databases = [Database(lambda: database_dsn) for _ in range(2)]
    first, second = (
        PaperGateway(
            venue="binance",
            account="main-paper",
            real=Binance(),
            database=database,
            quotes=quotes,
            clock=clock,
            terms=TERMS,
        )
        for database in databases
    )
    yield Desk(first, second, quotes, clock, database_dsn)
    for database in databases:
        database.close()


def test_a_trade_beyond_its_price_fills_a_standing_order_as_maker(desk: Desk) -> None:
    desk.gateway.place(desk.order(Side.BUY, T.LIMIT, limit="95"))
    assert desk.locked() == {"USDT": Decimal(190)}
    desk.print("94.9")
    found = desk.gateway.find("v1", SYMBOL)
    assert found is not None
    (fill,) = found.fills
    assert (found.state, found.filled) == (OrderState.FILLED, Decimal(2))
    assert (fill.price, fill.amount, fill.is_maker, fill.as_of) == (
        Decimal(95),
        Decimal(2),
        True,
        START + timedelta(seconds=1),
    )
    assert (fill.fee, fill.fee_currency) == (Decimal("0.002"), "BTC")
    assert desk.gateway.balances() == {"USDT": Decimal(810), "BTC": Decimal("6.998")}
    assert desk.locked() == {}


def test_trades_before_the_order_came_do_not_fill_it(desk: Desk) -> None:
    desk.print("90")
    desk.gateway.place(desk.order(Side.BUY, T.LIMIT, limit="95"))
    assert desk.state() is OrderState.ACCEPTED


def test_trades_count_only_when_none_is_missing_before_them(desk: Desk) -> None:
    desk.gateway.place(desk.order(Side.BUY, T.LIMIT, limit="95"))
    desk.print("98")
    desk.print("90", complete=False)
    assert desk.state() is OrderState.ACCEPTED
    desk.print("98")
    assert desk.state() is OrderState.FILLED


def test_one_trade_does_not_serve_two_orders_with_the_same_amount(desk: Desk) -> None:
    for cid in ("v1", "v2"):
        desk.gateway.place(desk.order(Side.BUY, T.LIMIT, cid, limit="95"))
    desk.print("95", amount="3")
    assert (desk.state("v1"), desk.state("v2")) == (OrderState.FILLED, OrderState.ACCEPTED)


@pytest.mark.parametrize("often", [True, False])
def test_it_does_not_matter_how_often_an_order_is_looked_at(desk: Desk, often: bool) -> None:
    desk.gateway.place(desk.order(Side.SELL, T.TRAILING_STOP, share="0.1"))
    desk.gateway.place(desk.order(Side.BUY, T.LIMIT, "v2", limit="95"))
    for price in ("110", "120", "112", "107", "90"):
        desk.print(price)
        if often:
            desk.gateway.settle(SYMBOL)
    fills = desk.gateway.fills_since(SYMBOL, START)
    # the stop at 108 is reached by 107, 1 % worse; the purchase by 90
    assert [(fill.side, fill.price) for fill in fills] == [(Side.SELL, Decimal("105.93")), (Side.BUY, Decimal(95))]
    assert desk.gateway.open_orders() == []


def test_a_cancellation_that_comes_after_the_fill_is_too_late(desk: Desk) -> None:
    desk.gateway.place(desk.order(Side.BUY, T.LIMIT, limit="95"))
    desk.print("94")
    assert desk.gateway.cancel("v1", SYMBOL) is False
    assert desk.state() is OrderState.FILLED


def test_a_woken_purchase_that_can_not_be_paid_any_more_expires(desk: Desk) -> None:
    desk.gateway.place(desk.order(Side.BUY, T.STOP_LOSS, amount="9", trigger="105"))
    desk.gateway.place(desk.order(Side.BUY, T.MARKET, "v2", amount="8"))
    before = desk.gateway.balances()
    desk.print("106", side="b")
    assert desk.state() is OrderState.EXPIRED
    assert desk.gateway.balances() == before


@pytest.mark.parametrize("age", [None, timedelta(seconds=31)])
def test_without_a_fresh_quote_nothing_is_placed(desk: Desk, age: timedelta | None) -> None:
    request = desk.order(Side.BUY, T.MARKET)
    if age is None:
        desk.quotes.quotes.clear()
    else:
        desk.clock.advance(age)
    with pytest.raises(Unavailable, match="no fresh quote"):
        desk.gateway.place(request)
    assert desk.state() is None


def test_the_same_order_from_two_processes_is_one_order(desk: Desk) -> None:
    request = desk.order(Side.BUY, T.MARKET)

    def place(gateway: PaperGateway) -> bool:
        try:
            gateway.place(request)
        except OutcomeUnknown:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        placed = list(threads.map(place, [desk.gateway, desk.other]))
    assert sorted(placed) == [False, True]
    assert len(desk.gateway.fills_since(SYMBOL, START)) == 1


def test_two_processes_settle_a_fill_once(desk: Desk) -> None:
    desk.gateway.place(desk.order(Side.BUY, T.LIMIT, limit="95"))
    desk.print("94")
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda gateway: gateway.settle(SYMBOL), [desk.gateway, desk.other] * 4))
    assert len(desk.gateway.fills_since(SYMBOL, START)) == 1


def test_an_account_is_opened_once_with_what_was_stated(desk: Desk) -> None:
    assert desk.gateway.balances() == FUNDS
    desk.gateway.place(desk.order(Side.SELL, T.MARKET))
    assert desk.other.balances()["BTC"] == Decimal(3)


@pytest.mark.parametrize("seed", range(4))
def test_no_money_comes_or_goes_whatever_is_ordered_and_printed(desk: Desk, seed: int) -> None:
    chance = random.Random(seed)
    kinds = [(T.MARKET, ()), (T.LIMIT, ("limit",)), (T.STOP_LOSS, ("trigger",)), (T.TAKE_PROFIT, ("trigger",))]
    kinds += [(T.STOP_LOSS_LIMIT, ("limit", "trigger")), (T.TRAILING_STOP, ("share",))]
    for number in range(40):
        kind, names = chance.choice(kinds)
        prices = {name: "0.05" if name == "share" else str(chance.randint(85, 115)) for name in names}
        request = desk.order(chance.choice([*Side]), kind, f"v{number}", str(chance.randint(1, 3)), **prices)
        with suppress(Rejected):
            desk.gateway.place(request)
        desk.print(str(chance.randint(88, 112)), str(chance.randint(1, 4)), chance.choice("bs"))
        if chance.random() < 0.2:
            desk.gateway.cancel(f"v{chance.randint(0, number)}", SYMBOL)
    fills = desk.gateway.fills_since(SYMBOL, START)
    assert len(fills) > 10
    held = dict(FUNDS)
    for fill in fills:
        sign = 1 if fill.side is Side.BUY else -1
        held["BTC"] += sign * fill.amount
        held["USDT"] -= sign * fill.amount * fill.price
        held[fill.fee_currency] -= fill.fee
    assert desk.gateway.balances() == held
    assert min(held.values()) >= 0
    for standing in desk.gateway.open_orders():
        assert desk.gateway.cancel(str(standing.client_order_id), SYMBOL)
    assert desk.locked() == {}


@pytest.mark.parametrize(
    ("kind", "prices"),
    [
        (T.LIMIT, {}),
        (T.LIMIT, {"limit": "95.001"}),
        (T.STOP_LOSS, {}),
        (T.STOP_LOSS, {"trigger": "0"}),
        (T.TRAILING_STOP, {}),
    ],
)
def test_an_order_that_says_too_little_is_refused(desk: Desk, kind: OrderType, prices: dict[str, str]) -> None:
    with pytest.raises(Rejected):
        desk.gateway.place(desk.order(Side.SELL, kind, **prices))
    assert desk.state() is None


def test_a_database_that_is_away_leaves_the_outcome_unknown(desk: Desk) -> None:
    away = Database(lambda: "postgresql://nobody@127.0.0.1:1/none", timeout=0.1)
    gateway = PaperGateway(
        venue="binance",
        account="main-paper",
        real=Binance(),
        database=away,
        quotes=desk.quotes,
        clock=desk.clock,
        terms=TERMS,
    )
    with pytest.raises(OutcomeUnknown):
        gateway.place(desk.order(Side.BUY, T.MARKET))
    away.close()
