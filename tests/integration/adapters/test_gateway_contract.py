"""What every exchange gateway keeps to: the venue's own (on a simulated exchange) and the paper venue on its prices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import ccxt
import pytest

from tests.fakes.execution import FakeSecrets
from volexlocal.servers.exchange import Exchange, Market
from volexswarm.adapters.ccxt_gateway import CcxtGateway
from volexswarm.adapters.paper.gateway import PaperGateway, PaperTerms
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.venues import connection
from volexswarm.clock import SystemClock
from volexswarm.errors import OutcomeUnknown, Rejected
from volexswarm.execution.model import Balance, OrderRequest
from volexswarm.execution.ports import ExchangeGateway
from volexswarm.messages import OrderState, OrderType, Quote, Side, TimeInForce

SYMBOL = "BTC/USDT"
FUNDS = {"USDT": Decimal(100_000), "BTC": Decimal("1.5")}
FAR = Decimal("0.5")  # no market moves so far while a test runs
STEP = Decimal("0.01")


class KeyedSecrets(FakeSecrets):
    def __init__(self, credentials: Mapping[str, str]) -> None:
        super().__init__()
        self._keys = {"api_key": credentials["apiKey"], "secret": credentials["secret"]}

    def read(self, path: str) -> dict[str, str]:
        return self._keys


class LiveQuotes:
    """The exchange's own best bid and ask, as the feed would have put them."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def put(self, venue: str, quotes: Mapping[str, Quote]) -> None:
        raise NotImplementedError

    def get(self, venue: str, symbols: Sequence[str]) -> dict[str, Quote]:
        found = self._client.fetch_bids_asks(list(symbols))
        moment = datetime.fromtimestamp(int(self._client.public_get_time()["simulatedTime"]) / 1000, UTC)
        return {
            symbol: Quote(
                bid=Decimal(found[symbol]["bid"]),
                ask=Decimal(found[symbol]["ask"]),
                as_of=moment,
                received_at=SystemClock().now(),
            )
            for symbol in symbols
        }


@dataclass
class Venue:
    """A gateway, and the prices that it trades on."""

    gateway: ExchangeGateway
    quotes: LiveQuotes
    numbers: Iterator[int] = field(default_factory=count)

    def price(self, share: Decimal) -> Decimal:
        """So much of the price at the moment, on the grid."""
        quote = self.quotes.get("binance", [SYMBOL])[SYMBOL]
        return (quote.mid * share).quantize(STEP)

    def request(
        self,
        side: Side = Side.BUY,
        order_type: OrderType = OrderType.MARKET,
        amount: str = "0.01",
        limit_price: Decimal | None = None,
        trigger_price: Decimal | None = None,
        tif: TimeInForce = TimeInForce.GTC,
        age: timedelta = timedelta(0),
    ) -> OrderRequest:
        return OrderRequest(
            client_order_id=f"vcontract{next(self.numbers)}",
            symbol=SYMBOL,
            side=side,
            order_type=order_type,
            amount=Decimal(amount),
            limit_price=limit_price,
            sent_at=SystemClock().now() - age,
            trigger_price=trigger_price,
            time_in_force=tif,
        )

    def held(self) -> dict[str, Decimal]:
        return {asset: amount for asset, amount in self.gateway.balances().items() if amount}


@pytest.fixture(params=["simulated", "paper"])
def venue(
    request: pytest.FixtureRequest, sim_exchange: Callable[[Market], Exchange], database_dsn: str
) -> Iterator[Venue]:
    funds = tuple(f"{currency}={amount}" for currency, amount in FUNDS.items())
    exchange = sim_exchange(Market(speed=20, symbols=(SYMBOL,), balances=funds))
    client = ccxt.binance(connection("binance", exchange.url, "simulated"))
    client.number = str
    quotes = LiveQuotes(client)
    database = Database(lambda: database_dsn)
    public = {"venue": "binance", "account": "main", "exchange_url": exchange.url, "mode": "simulated"}
    gateway: ExchangeGateway
    if request.param == "simulated":
        gateway = CcxtGateway(**public, secrets=KeyedSecrets(exchange.credentials))  # type: ignore[arg-type]
    else:
        gateway = PaperGateway(
            venue="binance",
            account="main-paper",
            real=CcxtGateway(**public, secrets=None),  # type: ignore[arg-type]
            database=database,
            quotes=quotes,
            clock=SystemClock(),
            terms=PaperTerms(balances=FUNDS, slippage=Decimal("0.0005"), quote_max_age=timedelta(seconds=30)),
        )
    yield Venue(gateway, quotes)
    database.close()


def test_a_purchase_at_market_is_filled_whole_and_paid_for(venue: Venue) -> None:
    request = venue.request()
    evidence = venue.gateway.place(request)
    assert (evidence.state, evidence.filled) == (OrderState.FILLED, request.amount)
    assert sum(fill.amount for fill in evidence.fills) == request.amount
    assert {fill.fee_currency for fill in evidence.fills} == {"BTC"}
    assert not any(fill.is_maker for fill in evidence.fills)
    cost = sum(fill.amount * fill.price for fill in evidence.fills)
    fees = sum(fill.fee for fill in evidence.fills)
    assert venue.held() == {"USDT": FUNDS["USDT"] - cost, "BTC": FUNDS["BTC"] + request.amount - fees}


def test_a_sale_at_market_is_filled_whole_and_paid_out(venue: Venue) -> None:
    request = venue.request(Side.SELL)
    evidence = venue.gateway.place(request)
    assert (evidence.state, evidence.filled) == (OrderState.FILLED, request.amount)
    gain = sum(fill.amount * fill.price - fill.fee for fill in evidence.fills)
    assert {fill.fee_currency for fill in evidence.fills} == {"USDT"}
    assert venue.held() == {"USDT": FUNDS["USDT"] + gain, "BTC": FUNDS["BTC"] - request.amount}


def test_an_order_is_found_again_by_our_id_or_theirs_with_all_its_fills(venue: Venue) -> None:
    request = venue.request()
    evidence = venue.gateway.place(request)
    for theirs in (None, evidence.exchange_order_id):
        found = venue.gateway.find(request.client_order_id, SYMBOL, theirs)
        assert found is not None
        assert (found.exchange_order_id, found.state) == (evidence.exchange_order_id, OrderState.FILLED)
        assert {fill.trade_id for fill in found.fills} == {fill.trade_id for fill in evidence.fills}
        assert {fill.exchange_order_id for fill in found.fills} == {evidence.exchange_order_id}


def test_fills_are_told_from_a_moment_on(venue: Venue) -> None:
    first, second = (venue.gateway.place(venue.request()) for _ in range(2))
    everything = [fill.trade_id for fill in (*first.fills, *second.fills)]
    told = venue.gateway.fills_since(SYMBOL, min(fill.as_of for fill in first.fills))
    assert [fill.trade_id for fill in told] == everything
    assert venue.gateway.fills_since(SYMBOL, max(fill.as_of for fill in second.fills) + timedelta(hours=1)) == []


def test_an_order_away_from_the_market_stands_until_it_is_canceled(venue: Venue) -> None:
    request = venue.request(order_type=OrderType.LIMIT, limit_price=venue.price(FAR))
    placed = venue.gateway.place(request)
    assert (placed.state, placed.filled, placed.fills) == (OrderState.ACCEPTED, Decimal(0), ())
    (standing,) = venue.gateway.open_orders()
    assert (standing.client_order_id, standing.side, standing.amount) == (
        request.client_order_id,
        Side.BUY,
        request.amount,
    )
    assert standing.evidence.exchange_order_id == placed.exchange_order_id
    assert venue.held() == FUNDS
    assert venue.gateway.cancel(request.client_order_id, SYMBOL) is True
    assert venue.gateway.cancel(request.client_order_id, SYMBOL) is False
    found = venue.gateway.find(request.client_order_id, SYMBOL)
    assert found is not None
    assert found.state is OrderState.CANCELED
    assert venue.gateway.open_orders() == []


def test_what_a_canceled_order_held_back_is_free_again(venue: Venue) -> None:
    price = venue.price(FAR)
    amount = (FUNDS["USDT"] / price * Decimal("0.9")).quantize(Decimal("0.0001"))
    everything = {"order_type": OrderType.LIMIT, "amount": str(amount), "limit_price": price}
    first = venue.request(**everything)  # type: ignore[arg-type]
    venue.gateway.place(first)
    with pytest.raises(Rejected):
        venue.gateway.place(venue.request(**everything))  # type: ignore[arg-type]
    venue.gateway.cancel(first.client_order_id, SYMBOL)
    assert venue.gateway.place(venue.request(**everything)).state is OrderState.ACCEPTED  # type: ignore[arg-type]


def test_what_an_open_sale_locks_is_not_free(venue: Venue) -> None:
    assert venue.gateway.balance("BTC") == Balance(FUNDS["BTC"], FUNDS["BTC"])
    request = venue.request(Side.SELL, OrderType.STOP_LOSS, "0.25", trigger_price=venue.price(FAR))
    venue.gateway.place(request)
    assert venue.gateway.balance("BTC") == Balance(FUNDS["BTC"], FUNDS["BTC"] - request.amount)
    assert venue.gateway.balance("XYZ") == Balance(Decimal(0), Decimal(0))


def test_an_order_of_the_same_id_is_no_second_order(venue: Venue) -> None:
    request = venue.request(order_type=OrderType.LIMIT, limit_price=venue.price(FAR))
    venue.gateway.place(request)
    with pytest.raises(OutcomeUnknown):
        venue.gateway.place(request)
    assert len(venue.gateway.open_orders()) == 1


def test_what_was_never_placed_is_not_there(venue: Venue) -> None:
    assert venue.gateway.find("vnever", SYMBOL) is None
    assert venue.gateway.cancel("vnever", SYMBOL) is False
    assert venue.gateway.open_orders() == []


def test_an_order_that_comes_too_late_is_not_taken(venue: Venue) -> None:
    request = venue.request(age=timedelta(minutes=1))
    with pytest.raises(OutcomeUnknown):
        venue.gateway.place(request)
    assert venue.gateway.find(request.client_order_id, SYMBOL) is None
    assert venue.held() == FUNDS


@pytest.mark.parametrize("tif", [TimeInForce.IOC, TimeInForce.FOK])
def test_what_is_not_to_wait_does_not(venue: Venue, tif: TimeInForce) -> None:
    request = venue.request(order_type=OrderType.LIMIT, limit_price=venue.price(FAR), tif=tif)
    assert venue.gateway.place(request).state is OrderState.EXPIRED
    assert venue.gateway.open_orders() == []
    assert venue.held() == FUNDS


def test_an_immediate_order_takes_what_is_there(venue: Venue) -> None:
    request = venue.request(order_type=OrderType.LIMIT, limit_price=venue.price(Decimal("1.05")), tif=TimeInForce.IOC)
    evidence = venue.gateway.place(request)
    assert evidence.state is OrderState.FILLED
    assert all(fill.price <= (request.limit_price or 0) for fill in evidence.fills)


def test_a_maker_only_order_that_would_take_is_refused(venue: Venue) -> None:
    price = venue.price(Decimal("1.05"))
    with pytest.raises(Rejected):
        venue.gateway.place(venue.request(order_type=OrderType.LIMIT, limit_price=price, tif=TimeInForce.POST_ONLY))
    resting = venue.request(order_type=OrderType.LIMIT, limit_price=venue.price(FAR), tif=TimeInForce.POST_ONLY)
    assert venue.gateway.place(resting).state is OrderState.ACCEPTED


@pytest.mark.parametrize("order_type", [OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT])
def test_a_stop_waits_below_the_market_and_can_be_canceled(venue: Venue, order_type: OrderType) -> None:
    trigger = venue.price(FAR)
    limit = trigger if order_type.has_limit else None
    request = venue.request(Side.SELL, order_type, limit_price=limit, trigger_price=trigger)
    assert venue.gateway.place(request).state is OrderState.ACCEPTED
    assert [standing.client_order_id for standing in venue.gateway.open_orders()] == [request.client_order_id]
    assert venue.gateway.cancel(request.client_order_id, SYMBOL)


def test_a_stop_that_has_been_passed_is_refused(venue: Venue) -> None:
    trigger = venue.price(Decimal("1.5"))
    with pytest.raises(Rejected):
        venue.gateway.place(venue.request(Side.SELL, OrderType.STOP_LOSS, trigger_price=trigger))
    assert venue.gateway.open_orders() == []


@pytest.mark.parametrize(
    ("side", "amount"),
    [
        (Side.SELL, "2"),  # more than there is
        (Side.BUY, "50"),
        (Side.BUY, "0.00000001"),  # less than the venue takes
    ],
)
def test_an_order_that_can_not_be_paid_or_is_too_small_is_refused(venue: Venue, side: Side, amount: str) -> None:
    with pytest.raises(Rejected):
        venue.gateway.place(venue.request(side, amount=amount))
    assert venue.held() == FUNDS


def test_a_symbol_that_is_not_traded_is_refused(venue: Venue) -> None:
    with pytest.raises(Rejected, match="does not trade"):
        venue.gateway.rules("DOGE/EUR")


def test_nothing_is_transferred_by_trading(venue: Venue) -> None:
    since = venue.gateway.market_time() - timedelta(hours=1)
    venue.gateway.place(venue.request())
    assert venue.gateway.transfers_since(since) == []
