"""Plays a recorded market back: every recorded trade becomes public exactly once, with its own id and time.

Users trade against a maker who quotes around the last recorded price. Their executions are private (see `Exchange`), so
they neither use up recorded ids nor change recorded candles.
"""

from bisect import bisect_right
from random import Random

from simexchange.engine.exchange import Exchange
from simexchange.engine.filters import MarketRules
from simexchange.engine.orders import Trade
from simexchange.market.maker import ladder_for

QUOTED_TRADES = 20  # the maker's best level holds about this many typical trades


class Replay:
    """Drives one market of an exchange from recorded trades.

    Parameters
    ----------
    rules : MarketRules
        The market.
    trades : list of Trade
        Recorded trades, ids growing.
    after_id : int
        The last trade already published; the replay goes on behind it.
    seed : str
        Seed of the maker's quantities.
    """

    def __init__(self, rules: MarketRules, trades: list[Trade], after_id: int, seed: str) -> None:
        self._symbol = rules.symbol
        self._trades = trades
        self._rng = Random(seed)  # noqa: S311 - a market, not a secret
        self._done = bisect_right(trades, after_id, key=lambda trade: trade.id)
        typical = sorted(trade.quantity for trade in trades)[len(trades) // 2]
        self._ladder = ladder_for(rules, trades[0].price, typical * QUOTED_TRADES)
        self._stale = False

    @property
    def next_ms(self) -> int | None:
        """Time of the next recorded trade; None after the last."""
        return None if self.complete else self._trades[self._done].time_ms

    @property
    def complete(self) -> bool:
        """Whether every recorded trade has been published."""
        return self._done == len(self._trades)

    @property
    def progress(self) -> dict[str, object]:
        """What was played so far, for people and probes."""
        last = self._trades[self._done - 1].id if self._done else None
        return {"published": self._done, "total": len(self._trades), "lastId": last, "complete": self.complete}

    def open(self, exchange: Exchange) -> None:
        """Quote around the last published price, or the first that comes."""
        self._requote(exchange, self._trades[max(0, self._done - 1)].price)

    def step(self, exchange: Exchange) -> None:
        """Publish the next recorded trade."""
        trade = self._trades[self._done]
        self._done += 1
        exchange.publish(self._symbol, trade)
        self._stale = True
        # With nobody's order on the book, quotes only need to be right when someone looks.
        if exchange.has_open_orders(self._symbol):
            self.settle(exchange)

    def settle(self, exchange: Exchange) -> None:
        """Quote around the last published price."""
        if self._stale:
            self._requote(exchange, self._trades[self._done - 1].price)

    def _requote(self, exchange: Exchange, price: int) -> None:
        bids, asks = self._ladder.around(price, self._rng)
        exchange.quote(self._symbol, bids, asks, exchange.now_ms)
        self._stale = False
