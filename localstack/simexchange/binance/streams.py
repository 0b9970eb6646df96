"""Market streams: who listens to what, and what they are told.

Trades and closed candles are sent one by one. Best prices, depth, running candles and tickers are sent as their latest state
(best prices with every batch, depth and candles ten times, tickers once a real second): at high speed many changes lie between.
"""

from collections.abc import Callable
from typing import Any

import orjson

from simexchange.binance import payloads
from simexchange.binance.connection import Connection, all_told
from simexchange.engine.candles import INTERVALS, MINUTE
from simexchange.engine.exchange import Exchange, Happened
from simexchange.engine.market import Market
from simexchange.faults import Faults

FAST_SECONDS = 0.1
SLOW_SECONDS = 1.0
CHANNELS = {"trade", "aggTrade", "bookTicker", "depth", "depth@100ms", "ticker", "miniTicker"} | {
    f"kline_{interval}" for interval in INTERVALS
}
STREAM_OF = {"trade": "trades", "aggTrade": "trades", "depth": "depth", "depth@100ms": "depth"} | dict.fromkeys(
    ("bookTicker", "ticker", "miniTicker"), "quotes"
)


def stream_of(name: str) -> str:
    """What kind of stream a name such as btcusdt@trade is of, as faults call it (see `faults.STREAMS`)."""
    return STREAM_OF.get(name.partition("@")[2], "candles")


class BadStream(ValueError):
    """A stream name that is not served."""


class MarketStreams:
    """Subscriptions and publishing.

    Parameters
    ----------
    exchange : Exchange
        What is published.
    seconds : callable
        Real seconds.
    on_trades : callable
        Called when someone subscribes to trades.
    faults : Faults
        What becomes of messages on their way.
    """

    def __init__(
        self, exchange: Exchange, seconds: Callable[[], float], on_trades: Callable[[], None], faults: Faults
    ) -> None:
        self._exchange = exchange
        self._faults = faults
        self._seconds = seconds
        self._on_trades = on_trades
        self._symbols = {symbol.lower(): symbol for symbol in exchange.markets}
        self._subscribers: dict[str, set[MarketSession]] = {}
        self._told_best: dict[str, int] = {}
        self._traded: set[str] = set()
        self._fast_at = self._slow_at = 0.0

    def subscribe(self, session: "MarketSession", name: str) -> None:
        """Send a stream to a session from now on.

        Raises
        ------
        BadStream
            If there is no such stream.
        """
        symbol, _, channel = name.partition("@")
        if symbol not in self._symbols or channel not in CHANNELS:
            raise BadStream(f"Invalid request: unknown stream {name}")
        self._subscribers.setdefault(name, set()).add(session)
        if channel == "trade":
            self._on_trades()

    def unsubscribe(self, session: "MarketSession", name: str) -> None:
        """Stop sending a stream to a session."""
        listeners = self._subscribers.get(name)
        if listeners is not None:
            listeners.discard(session)
            if not listeners:
                del self._subscribers[name]

    @property
    def streams(self) -> dict[str, int]:
        """Number of listeners by stream."""
        return {name: len(listeners) for name, listeners in sorted(self._subscribers.items())}

    def publish(self, happened: Happened) -> None:
        """Tell everyone what happened; called with every stored batch, also an empty one."""
        now_ms = self._exchange.now_ms
        for symbol, trade in happened.trades:
            self._traded.add(symbol)
            self._send(symbol, "trade", payloads.trade_event, trade, now_ms)
            self._send(symbol, "aggTrade", payloads.aggregate_event, trade, now_ms)
        for symbol, candle in happened.closed:
            self._send_closed(symbol, candle.start_ms, now_ms)
        for symbol, market in self._exchange.markets.items():
            self._send_best(symbol, market)
        self._publish_by_time(now_ms)

    def publish_state(self) -> None:
        """Tell depth, running candles and tickers as they are, whatever time it is."""
        self._fast_at = self._slow_at = -SLOW_SECONDS
        self._publish_by_time(self._exchange.now_ms)

    async def told(self) -> None:
        """Wait, for a while, until everyone has been sent everything."""
        sessions = set().union(*self._subscribers.values())
        await all_told(session.connection for session in sessions)

    def _publish_by_time(self, now_ms: int) -> None:
        seconds = self._seconds()
        if seconds - self._fast_at >= FAST_SECONDS:
            self._fast_at = seconds
            for symbol, market in self._exchange.markets.items():
                self._send_depth(symbol, market, now_ms)
            for symbol in self._traded:
                self._send_running(symbol, now_ms)
            self._traded.clear()
        if seconds - self._slow_at >= SLOW_SECONDS:
            self._slow_at = seconds
            for symbol, market in self._exchange.markets.items():
                self._send(symbol, "ticker", lambda _, m: payloads.ticker_event(m, now_ms), market)
                self._send(symbol, "miniTicker", lambda _, m: payloads.mini_ticker_event(m, now_ms), market)

    def _send_best(self, symbol: str, market: Market) -> None:
        if self._told_best.get(symbol) != market.book.update_id:
            self._told_best[symbol] = market.book.update_id
            self._send(symbol, "bookTicker", lambda _, m: payloads.book_ticker_event(m), market)

    def _send_depth(self, symbol: str, market: Market, now_ms: int) -> None:
        changes = market.book.take_changes()
        if changes is None:
            return
        first, last, bids, asks = changes
        event = {
            "e": "depthUpdate",
            "E": now_ms,
            "s": symbol,
            "U": first,
            "u": last,
            "b": payloads.levels(bids),
            "a": payloads.levels(asks),
        }
        for channel in ("depth", "depth@100ms"):
            self._send(symbol, channel, lambda _, e: e, event)

    def _send_running(self, symbol: str, now_ms: int) -> None:
        for interval in INTERVALS:
            if f"{symbol.lower()}@kline_{interval}" in self._subscribers:
                candles = self._exchange.markets[symbol].candles.between(interval, None, now_ms, 1)
                self._send_candles(symbol, interval, candles, now_ms, closed=False)

    def _send_closed(self, symbol: str, minute_ms: int, now_ms: int) -> None:
        for interval, width in INTERVALS.items():
            ends = (minute_ms + MINUTE) % width == 0 or now_ms // width > minute_ms // width
            if ends and f"{symbol.lower()}@kline_{interval}" in self._subscribers:
                candles = self._exchange.markets[symbol].candles.between(interval, None, minute_ms, 1)
                self._send_candles(symbol, interval, candles, now_ms, closed=True)

    def _send_candles(self, symbol: str, interval: str, candles: list[Any], now_ms: int, *, closed: bool) -> None:
        for candle in candles:
            self._send(
                symbol,
                f"kline_{interval}",
                lambda s, c: payloads.kline_event(s, c, interval, now_ms, closed=closed),
                candle,
            )

    def _send(self, symbol: str, channel: str, shape: Callable[..., Any], *values: Any) -> None:
        """Shape and serialise an event once for all its listeners; not at all when there are none."""
        name = f"{symbol.lower()}@{channel}"
        listeners = self._subscribers.get(name)
        if listeners:
            for event in self._faults.sent(stream_of(name), name, orjson.dumps(shape(symbol, *values))):
                for listener in listeners:
                    listener.send(name, event)


class MarketSession:
    """One client of the market streams. `combined` wraps every event as {"stream", "data"}."""

    def __init__(self, streams: MarketStreams, connection: Connection, *, combined: bool, names: list[str]) -> None:
        self._streams = streams
        self.connection = connection
        self._combined = combined
        self._names: list[str] = []
        self._subscribe(names)

    def send(self, name: str, event: bytes) -> None:
        """Queue an event of a stream."""
        self.connection.send(b'{"stream":"%b","data":%b}' % (name.encode(), event) if self._combined else event)

    def hears(self, stream: str) -> bool:
        """Whether it is subscribed to a stream of this kind."""
        return any(stream_of(name) == stream for name in self._names)

    async def receive(self, text: str) -> None:
        """SUBSCRIBE, UNSUBSCRIBE or LIST_SUBSCRIPTIONS."""
        request: Any = None
        try:
            request = orjson.loads(text)
            result = self._handle(request["method"], request.get("params", []))
        except (orjson.JSONDecodeError, BadStream, KeyError, TypeError, AttributeError) as error:
            words = str(error) if isinstance(error, BadStream) else "Invalid request: method and params are needed"
            answer = {
                "error": {"code": 2, "msg": words},
                "id": request.get("id") if isinstance(request, dict) else None,
            }
        else:
            answer = {"result": result, "id": request.get("id")}
        self.connection.send(orjson.dumps(answer))

    def close(self) -> None:
        """Unsubscribe from everything."""
        for name in self._names:
            self._streams.unsubscribe(self, name)

    def _handle(self, method: str, names: list[str]) -> list[str] | None:
        if method == "LIST_SUBSCRIPTIONS":
            return list(self._names)
        if method == "SUBSCRIBE":
            self._subscribe(names)
        elif method == "UNSUBSCRIBE":
            self._unsubscribe(names)
        else:
            raise BadStream(f"Invalid request: unknown method {method}")
        return None

    def _subscribe(self, names: list[str]) -> None:
        for name in names:
            self._streams.subscribe(self, name)
            if name not in self._names:
                self._names.append(name)

    def _unsubscribe(self, names: list[str]) -> None:
        for name in names:
            self._streams.unsubscribe(self, name)
            if name in self._names:
                self._names.remove(name)
