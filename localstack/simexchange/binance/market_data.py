"""The public reads: markets, books, trades, candles, tickers.

Times of market data are simulated; `serverTime` is the exchange's own clock, because clients sign their requests by it.
"""

from collections.abc import Callable
from typing import Any

from simexchange.binance import errors, payloads
from simexchange.binance.asked import Asked
from simexchange.binance.errors import ApiError
from simexchange.engine.candles import INTERVALS
from simexchange.engine.exchange import Exchange
from simexchange.engine.market import Market
from simexchange.engine.orders import Side
from simexchange.engine.units import text


class MarketData:
    """Handlers of public endpoints; each takes what was asked and returns the JSON of the answer.

    Parameters
    ----------
    exchange : Exchange
        What is read.
    weight_limit : int
        Weight per minute, as exchangeInfo tells it.
    now_ms : callable
        Simulated time.
    wall_ms : callable
        Time of the exchange's own clock in milliseconds.
    """

    def __init__(
        self, exchange: Exchange, weight_limit: int, *, now_ms: Callable[[], int], wall_ms: Callable[[], int]
    ) -> None:
        self._exchange = exchange
        self._weight_limit = weight_limit
        self._now_ms = now_ms
        self._wall_ms = wall_ms

    def time(self, _: Asked) -> dict[str, Any]:
        """The exchange's time, and the market's."""
        return {"serverTime": self._wall_ms(), "simulatedTime": self._now_ms()}

    def exchange_info(self, asked: Asked) -> dict[str, Any]:
        """Every market, or one."""
        wanted = asked.parameters.get("symbol")
        markets = [self._exchange.market(wanted)] if wanted else self._exchange.markets.values()
        return {
            "timezone": "UTC",
            "serverTime": self._wall_ms(),
            "simulated": True,
            "simulatedTime": self._now_ms(),
            "rateLimits": [
                {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": self._weight_limit}
            ],
            "exchangeFilters": [],
            "symbols": [payloads.symbol_info(market.rules) for market in markets],
        }

    def depth(self, asked: Asked) -> dict[str, Any]:
        """A snapshot of a book."""
        book, limit = self._market(asked).book, asked.limit(100, 5000)
        return {
            "lastUpdateId": book.update_id,
            "bids": payloads.levels(book.levels(Side.BUY, limit)),
            "asks": payloads.levels(book.levels(Side.SELL, limit)),
        }

    def trades(self, asked: Asked) -> list[Any]:
        """The newest trades."""
        trades = self._market(asked).tape.newest(asked.limit(500, 1000))
        return [payloads.public_trade(trade) for trade in trades]

    def historical_trades(self, asked: Asked) -> list[Any]:
        """Trades from an id on."""
        tape, limit, first = self._market(asked).tape, asked.limit(500, 1000), asked.whole("fromId")
        trades = tape.newest(limit) if first is None else tape.from_id(first, limit)
        return [payloads.public_trade(trade) for trade in trades]

    def aggregate_trades(self, asked: Asked) -> list[Any]:
        """Trades from an id or a time on."""
        tape, limit, first = self._market(asked).tape, asked.limit(500, 1000), asked.whole("fromId")
        start, end = asked.whole("startTime"), asked.whole("endTime")
        if first is not None:
            trades = tape.from_id(first, limit)
        elif start is not None:
            trades = tape.between(start, self._now_ms() if end is None else end, limit)
        else:
            trades = tape.newest(limit, end)
        return [payloads.aggregate_trade(trade) for trade in trades]

    def klines(self, asked: Asked) -> list[Any]:
        """Candles."""
        interval, limit = asked.text("interval"), asked.limit(500, 1000)
        if interval not in INTERVALS:
            raise ApiError(*errors.INVALID_INTERVAL)
        now, end = self._now_ms(), asked.whole("endTime")
        until = now if end is None else min(now, end)
        candles = self._market(asked).candles.between(interval, asked.whole("startTime"), until, limit)
        return [payloads.kline(candle, interval) for candle in candles]

    def per_symbol(self, shape: Callable[[Market], Any]) -> Callable[[Asked], Any]:
        """A handler that shapes one market, several, or all."""

        def answer(asked: Asked) -> Any:
            if "symbol" in asked.parameters:
                return shape(self._market(asked))
            markets = list(self._exchange.markets.values())
            if "symbols" in asked.parameters:
                markets = [self._exchange.market(name) for name in asked.names("symbols")]
            return [shape(market) for market in markets]

        return answer

    def ticker(self, market: Market) -> dict[str, Any]:
        """The last day of one market."""
        return payloads.ticker_24h(market, self._now_ms())

    @staticmethod
    def price(market: Market) -> dict[str, Any]:
        """The last price of one market."""
        last = market.tape.last
        return {"symbol": market.rules.symbol, "price": text(last.price if last else 0)}

    def _market(self, asked: Asked) -> Market:
        return self._exchange.market(asked.text("symbol"))
