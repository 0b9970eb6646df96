"""What every study of the past reads: closed candles, how far the market is known, the risk policy in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from volexswarm.adapters.postgres.market_clock import market_time
from volexswarm.adapters.postgres.store import PostgresTransaction
from volexswarm.errors import Conflict
from volexswarm.market.timeframes import Timeframe
from volexswarm.policies import StoredPolicy, in_force
from volexswarm.risk.policy import RiskPolicy
from volexswarm.signals.ports import CandleRow

_CANDLES = """
SELECT opened_at, open::float8, high::float8, low::float8, close::float8, volume::float8 FROM candles
WHERE venue = %s AND symbol = %s AND timeframe = %s AND opened_at >= %s AND opened_at <= %s AND closed
ORDER BY opened_at
"""

_STORED = """
SELECT timeframe, count(*) AS candles FROM candles
WHERE venue = %s AND symbol = %s AND opened_at >= %s AND opened_at < %s AND closed GROUP BY timeframe
"""


class HistoryTransaction(PostgresTransaction):
    """Implements `backtest.ports.HistoryTransaction`."""

    def market_time(self, venue: str) -> datetime | None:
        return market_time(self.connection, venue)

    def stored(self, venue: str, symbol: str, since: datetime, until: datetime) -> Mapping[Timeframe, int]:
        rows = self.connection.execute(_STORED, (venue, symbol, since, until))
        counts = {row["timeframe"]: row["candles"] for row in rows}
        return {timeframe: counts[timeframe] for timeframe in Timeframe if timeframe in counts}

    def candles(
        self, venue: str, symbol: str, timeframe: Timeframe, since: datetime, until: datetime
    ) -> Sequence[CandleRow]:
        wanted = (venue, symbol, timeframe.value, since, until - timeframe.length)
        rows = self.connection.execute(_CANDLES, wanted)
        return [(row["opened_at"], row["open"], row["high"], row["low"], row["close"], row["volume"]) for row in rows]

    def risk_policy(self, version: int | None = None) -> tuple[int, RiskPolicy]:
        row = self.connection.execute(
            "SELECT version, body FROM policies WHERE name = 'risk' AND (%(version)s::int IS NULL OR version = %(version)s)"
            " ORDER BY version DESC LIMIT 1",
            {"version": version},
        ).fetchone()
        found = in_force(RiskPolicy, None if row is None else StoredPolicy(row["version"], row["body"]))
        if found.policy is None:
            raise Conflict(f"no risk policy by which trades could be sized: {found.check.value}")
        return found.version, found.policy
