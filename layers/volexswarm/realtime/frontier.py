"""Through which exchange time each symbol's trades are complete: what a candle may be closed on.

A symbol's own trades move its frontier. A quiet symbol has none, so the exchange's clock is asked: a moment it named is passed
once every trade before it must have arrived on the unbroken connection. The frontier never passes an unresolved gap. Pure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class _Asked:
    exchange_ms: int
    answered_at: float


class Frontier:
    """Exchange times in Unix ms; `now` and `answered_at` in seconds of any steady clock.

    Parameters
    ----------
    grace : float
        Seconds that a trade may take from the exchange to us, at most: after it, silence means that there was none.
    """

    def __init__(self, symbols: Iterable[str], grace: float) -> None:
        self._through: dict[str, int] = dict.fromkeys(symbols, 0)
        self._grace = grace
        self._asked: deque[_Asked] = deque(maxlen=60)
        self._newest_trade_ms = 0
        self._trade_arrived_at = 0.0
        self._passed = 0

    def traded(self, symbol: str, time_ms: int) -> None:
        """A trade of this symbol was accepted in order: all that happened before it are in."""
        if time_ms > self._through[symbol]:  # noqa: PLR1730  # max() is a call too many at this rate
            self._through[symbol] = time_ms

    def arrived(self, time_ms: int, now: float) -> None:
        """A trade came over the connection, in order or not."""
        if time_ms > self._newest_trade_ms:  # noqa: PLR1730
            self._newest_trade_ms = time_ms
        self._trade_arrived_at = now

    def asked(self, exchange_ms: int, answered_at: float) -> None:
        """The exchange's clock said this, and the answer came then."""
        self._asked.append(_Asked(exchange_ms, answered_at))

    def disconnected(self) -> None:
        """The connection broke: moments named before say nothing about what was sent since."""
        self._asked.clear()
        self._passed = 0

    def watermarks(self, complete: Iterable[str], now: float) -> dict[str, int]:
        """Frontier of each symbol that has one.

        Parameters
        ----------
        complete : iterable of str
            Symbols without a gap, whose trades were compared with the exchange's since the connection was made.
        """
        self._pass(now)
        for symbol in complete:
            self._through[symbol] = max(self._through[symbol], self._passed)
        return {symbol: through for symbol, through in self._through.items() if through}

    def _pass(self, now: float) -> None:
        is_idle = now - self._trade_arrived_at >= self._grace
        while self._asked and now - self._asked[0].answered_at >= self._grace:
            moment = self._asked[0].exchange_ms
            if not is_idle and self._newest_trade_ms < moment:
                return  # older trades are still streaming in
            self._passed = max(self._passed, moment)
            self._asked.popleft()
