"""Binance spot for the feed: ccxt.pro's connections and signing, with the messages read past ccxt's caches.

ccxt's own parsing costs eight times as much per trade, keeps what it parses in rings that overflow unseen, and turns prices
into floats. Here a trade goes straight from the decoded message to the feed, prices as the exchange wrote them.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

import ccxt.pro
from ccxt.base.errors import AuthenticationError, BaseError, NetworkError

from volexswarm.adapters.rate_limit import Bucket
from volexswarm.adapters.venues import connection
from volexswarm.clock import from_ms, to_ms
from volexswarm.errors import Unavailable, require
from volexswarm.messages import ExecutionReported, OrderState, Side
from volexswarm.realtime.ports import OnQuote, OnReady, OnReport, OnTrade
from volexswarm.realtime.sequence import Tick

logger = logging.getLogger(__name__)

NAME = "binance"
STREAMS = ("trades", "quotes", "account")
PAGE = 1000  # the most trades Binance gives at once
MOST_SYMBOLS = 200  # subscriptions that ccxt allows on one connection

STATES: Mapping[str, OrderState] = {
    "PENDING_NEW": OrderState.SUBMITTED,
    "NEW": OrderState.ACCEPTED,
    "PARTIALLY_FILLED": OrderState.PARTIALLY_FILLED,
    "FILLED": OrderState.FILLED,
    "CANCELED": OrderState.CANCELED,
    "PENDING_CANCEL": OrderState.ACCEPTED,
    "REJECTED": OrderState.REJECTED,
    "EXPIRED": OrderState.EXPIRED,
    "EXPIRED_IN_MATCH": OrderState.EXPIRED,
}

Raw = Mapping[str, Any]


class _Connection(ccxt.pro.binance):  # type: ignore[misc]
    """One WebSocket connection by ccxt.pro, with a way around its caches for the messages that the feed lives on."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.on_event: Callable[[Raw], None] = _ignore
        self.on_confirmed: OnReady = _nothing

    def handle_message(self, client: Any, message: Any) -> None:
        """Called by ccxt for every message. Whatever goes wrong here breaks the connection, so that it is made anew.

        ccxt's reader would stop without a word if an exception left this method.
        """
        try:
            if message.get("e") == "trade":
                self.on_event(message)
            else:
                self._handle_other(client, message)
        except Exception as error:
            logger.exception("a message of %s could not be handled", client.url)
            client.on_error(NetworkError(f"a message could not be handled: {error!r}"))

    def _handle_other(self, client: Any, message: dict[str, Any]) -> None:
        event = message.get("event") or message  # user data comes wrapped
        kind = event.get("e")
        if kind == "executionReport" or (kind is None and "b" in event and "a" in event):  # the second is a bookTicker
            self.on_event(event)
        elif kind == "eventStreamTerminated":
            # ccxt rejects a future here that nobody awaits: watch_orders would hang for good
            client.on_error(NetworkError("the exchange ended the user data stream"))
        elif kind is None and "id" in message:
            super().handle_message(client, message)
            if "error" not in message:
                self.on_confirmed()

    def cut(self, reason: str) -> None:
        """Fail whoever watches; ccxt's own `close` would cancel its futures, which looks like the task being cancelled."""
        for client in list((self.clients or {}).values()):
            client.on_error(NetworkError(reason))


class BinanceVenue:
    """Venue over Binance spot, its sandbox or the simulated exchange.

    Parameters
    ----------
    exchange_url, mode
        As in `venues.connection`.
    account : str
        Our name of the account the keys belong to.
    credentials : mapping
        `api_key` and `secret`: needed for own orders, and for asking trades by id.
    room : Bucket or None
        Where requests are counted together with those of all other processes that use the key; None where that is nobody's. Not
        used in mode `simulated`: that exchange counts by itself.
    """

    def __init__(
        self,
        exchange_url: str | None,
        mode: str,
        account: str,
        credentials: Mapping[str, str],
        room: Bucket | None = None,
    ) -> None:
        config = connection(NAME, exchange_url, mode)
        keys = {"apiKey": credentials["api_key"], "secret": credentials["secret"]}
        self._streams = {stream: _Connection(config | keys) for stream in STREAMS}
        self._rest = ccxt.pro.binance(config | keys)
        if room is not None:
            self._rest.throttle = partial(_take, room)  # ccxt's own knows of no other process
        self._account = account
        self._clock_field = "simulatedTime" if mode == "simulated" else "serverTime"
        self._symbols: dict[str, str] = {}
        self._ids: dict[str, str] = {}

    async def prepare(self, symbols: Sequence[str]) -> None:
        """Load the markets. Raises InvalidInput for a symbol the exchange does not have."""
        require(len(symbols) <= MOST_SYMBOLS, "VOLEX_SYMBOLS", len(symbols), f"at most {MOST_SYMBOLS} symbols")
        async with _answers("exchange"):
            markets = await self._rest.load_markets()
        for symbol in symbols:
            require(
                symbol in markets, "VOLEX_SYMBOLS", symbol, f"one of the exchange's, like {next(iter(markets), '')}"
            )
        for stream in self._streams.values():
            stream.set_markets(self._rest.markets, self._rest.currencies)
        self._ids = {symbol: markets[symbol]["id"] for symbol in symbols}
        self._symbols = {market_id: symbol for symbol, market_id in self._ids.items()}

    async def watch_trades(self, symbols: Sequence[str], on_trade: OnTrade, on_ready: OnReady) -> None:
        """All symbols over one connection, so that one clock orders them. Always ends by raising Unavailable."""
        by_id = self._symbols

        def handle(event: Raw) -> None:
            side = "s" if event["m"] else "b"  # m: the buyer was the maker, so the seller took
            on_trade(by_id[event["s"]], (event["t"], event["T"], event["p"], event["q"], side))

        stream = self._streams["trades"]
        await self._watch("trades", handle, on_ready, stream.watch_trades_for_symbols(list(symbols)))

    async def watch_quotes(self, symbols: Sequence[str], on_quote: OnQuote, on_ready: OnReady) -> None:
        """Best bid and ask of all symbols. Always ends by raising Unavailable."""

        def handle(event: Raw) -> None:
            on_quote(self._symbols[event["s"]], Decimal(event["b"]), Decimal(event["a"]))

        await self._watch("quotes", handle, on_ready, self._streams["quotes"].watch_bids_asks(list(symbols)))

    async def watch_account(self, on_report: OnReport, on_ready: OnReady) -> None:
        """The account's own orders and fills. Always ends by raising Unavailable."""

        def handle(event: Raw) -> None:
            symbol = self._symbols.get(event["s"])
            if symbol is not None:
                on_report(self._streamed(symbol, event))

        await self._watch("account", handle, on_ready, self._streams["account"].watch_orders())

    async def _watch(
        self, name: str, handle: Callable[[Raw], None], on_ready: OnReady, subscription: Coroutine[Any, Any, Any]
    ) -> None:
        stream = self._streams[name]
        stream.on_event, stream.on_confirmed = handle, on_ready
        try:
            async with _answers(f"stream of {name}"):
                await subscription  # its result never comes, as events are read before ccxt's caches; its failure does
        finally:
            stream.on_event, stream.on_confirmed = _ignore, _nothing
        raise Unavailable(f"stream of {name}", "it ended")

    def cut(self, stream: str, reason: str) -> None:
        """Break the connection of `trades`, `quotes` or `account`, so that its watcher ends."""
        self._streams[stream].cut(reason)

    async def trades_from(self, symbol: str, trade_id: int, limit: int = PAGE) -> list[Tick]:
        """Public trades from this id on, ascending. Not `aggTrades`: those have ids of their own."""
        asked = {"symbol": self._ids[symbol], "fromId": trade_id, "limit": limit}
        async with _answers("exchange"):
            found = await self._rest.publicGetHistoricalTrades(asked)
        return [
            (int(raw["id"]), int(raw["time"]), raw["price"], raw["qty"], "s" if raw["isBuyerMaker"] else "b")
            for raw in found
        ]

    async def time_ms(self) -> int:
        """The exchange's clock that trades are stamped with, Unix ms. The simulated one runs apart from `serverTime`."""
        async with _answers("exchange"):
            return int((await self._rest.publicGetTime())[self._clock_field])

    async def quotes(self, symbols: Sequence[str]) -> dict[str, tuple[Decimal, Decimal]]:
        """Best bid and ask now."""
        asked = {"symbols": json.dumps([self._ids[symbol] for symbol in symbols], separators=(",", ":"))}
        async with _answers("exchange"):
            found = await self._rest.publicGetTickerBookTicker(asked)
        return {self._symbols[raw["symbol"]]: (Decimal(raw["bidPrice"]), Decimal(raw["askPrice"])) for raw in found}

    async def own_fills(
        self, symbol: str, from_trade_id: int | None, since: datetime, known: Collection[str]
    ) -> list[ExecutionReported]:
        """The account's fills without the known, ascending by trade id, each with its order's present state.

        Only orders of fills that are news are asked for: each is a request of its own, while live reports are held back.
        """
        fills = [raw async for raw in self._own_trades(symbol, from_trade_id, since) if str(raw["id"]) not in known]
        orders = {order_id: await self._order(symbol, order_id) for order_id in {str(raw["orderId"]) for raw in fills}}
        return [self._filled(symbol, raw, orders[str(raw["orderId"])]) for raw in fills]

    async def open_orders(self) -> list[ExecutionReported]:
        """The account's open orders of the symbols prepared."""
        async with _answers("exchange"):
            found = await self._rest.privateGetOpenOrders()
        known = [raw for raw in found if raw["symbol"] in self._symbols]
        return [self._standing(self._symbols[raw["symbol"]], raw) for raw in known]

    async def close(self) -> None:
        """Close every connection."""
        for exchange in (*self._streams.values(), self._rest):
            await exchange.close()

    async def _own_trades(self, symbol: str, from_trade_id: int | None, since: datetime) -> AsyncIterator[Raw]:
        start = {"startTime": to_ms(since)} if from_trade_id is None else {"fromId": from_trade_id}
        while True:
            asked = {"symbol": self._ids[symbol], "limit": PAGE, **start}
            async with _answers("exchange"):
                page = await self._rest.privateGetMyTrades(asked)
            for raw in page:
                yield raw
            if len(page) < PAGE:
                return
            start = {"fromId": int(page[-1]["id"]) + 1}

    async def _order(self, symbol: str, order_id: str) -> Raw:
        async with _answers("exchange"):
            found: Raw = await self._rest.privateGetOrder({"symbol": self._ids[symbol], "orderId": order_id})
        return found

    def _streamed(self, symbol: str, event: Raw) -> ExecutionReported:
        """From an executionReport of the user data stream."""
        fill: dict[str, Any] = {}
        if event["x"] == "TRADE":
            fill = {
                "trade_id": str(event["t"]),
                "price": Decimal(event["L"]),
                "amount": Decimal(event["l"]),
                "fee": Decimal(event["n"] or 0),
                "fee_currency": event["N"],
                "is_maker": event["m"],
            }
        return ExecutionReported(
            venue=NAME,
            symbol=symbol,
            account=self._account,
            client_order_id=event.get("C") or event["c"],  # a cancellation has an id of its own in "c"
            exchange_order_id=str(event["i"]),
            side=Side(event["S"].lower()),
            state=STATES[event["X"]],
            filled=Decimal(event["z"]),
            as_of=from_ms(event["T"]),
            **fill,
        )

    def _standing(self, symbol: str, order: Raw, as_of_ms: int | None = None, **fill: Any) -> ExecutionReported:
        """From an order as queries return it."""
        return ExecutionReported(
            venue=NAME,
            symbol=symbol,
            account=self._account,
            client_order_id=order["clientOrderId"],
            exchange_order_id=str(order["orderId"]),
            side=Side(order["side"].lower()),
            state=STATES[order["status"]],
            filled=Decimal(order["executedQty"]),
            as_of=from_ms(int(order["updateTime"]) if as_of_ms is None else as_of_ms),
            **fill,
        )

    def _filled(self, symbol: str, trade: Raw, order: Raw) -> ExecutionReported:
        return self._standing(
            symbol,
            order,
            int(trade["time"]),
            trade_id=str(trade["id"]),
            price=Decimal(trade["price"]),
            amount=Decimal(trade["qty"]),
            fee=Decimal(trade["commission"]),
            fee_currency=trade["commissionAsset"],
            is_maker=trade["isMaker"],
        )


def _ignore(_event: Raw) -> None:
    """Nobody watches any more."""


def _nothing() -> None:
    """Nobody waits for the confirmation."""


async def _take(room: Bucket, cost: float | None = None) -> None:
    """Called by ccxt before each request, with what its tables say that it counts. Raises Unavailable: it is not made."""
    await asyncio.to_thread(room.take, cost or 1.0)


@asynccontextmanager
async def _answers(part: str) -> AsyncIterator[None]:
    """What ccxt raises becomes Unavailable: the feed tries again, and says why meanwhile."""
    try:
        yield
    except AuthenticationError as error:
        raise Unavailable(part, f"the venue does not accept the API key: {error}") from error
    except BaseError as error:
        raise Unavailable(part, f"{type(error).__name__}: {error}") from error
