"""The playbook's statements: strategies, their last signals, their closed trades."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from volexswarm.adapters.postgres.store import PostgresTransaction
from volexswarm.errors import NotFound
from volexswarm.messages import Side, StrategyStatus
from volexswarm.playbook.model import Saying, Strategy

_STRATEGY = "SELECT id, template, venue, symbol, timeframe, parameters, status FROM strategies"

_ADD = """
INSERT INTO strategies (id, template, venue, symbol, timeframe, parameters, status, created_at, updated_at)
VALUES (%(id)s, %(template)s, %(venue)s, %(symbol)s, %(timeframe)s, %(parameters)s, %(status)s, %(at)s, %(at)s)
ON CONFLICT (id) DO NOTHING
"""

# one step down an index for each strategy
_SAYINGS = """
SELECT wanted.id, signal.side, signal.confidence, signal.as_of FROM unnest(%(ids)s::text[]) AS wanted (id)
CROSS JOIN LATERAL (
    SELECT side, confidence, as_of FROM signals WHERE strategy_id = wanted.id AND as_of <= %(until)s
    ORDER BY as_of DESC, id DESC LIMIT 1
) signal
"""

# A trade is what was bought by one order, as far as it was sold since, first in, first out. Cost and proceeds hold no fee in a
# third currency: nobody can say what such a trade came to.
_RESULTS = """
SELECT ((sum(c.proceeds) - sum(c.cost)) / sum(c.cost))::float8 AS result
FROM closings c
JOIN fills f ON f.venue = c.venue AND f.account = c.account AND f.symbol = c.symbol AND f.trade_id = c.entry_id
JOIN orders o ON o.id = f.order_id
WHERE c.venue = %(venue)s AND c.account = %(account)s AND c.symbol = %(symbol)s AND o.strategy_id = ANY(%(ids)s)
  AND (%(until)s::timestamptz IS NULL OR c.closed_at <= %(until)s)
GROUP BY coalesce(o.proposal_id, o.id) HAVING sum(c.cost) > 0 AND NOT bool_or(EXISTS (
    SELECT FROM fills u WHERE u.venue = c.venue AND u.account = c.account AND u.symbol = c.symbol
    AND u.trade_id IN (c.entry_id, c.exit_id) AND u.fee <> 0 AND u.fee_currency <> ALL (string_to_array(u.symbol, '/'))))
ORDER BY max(c.closed_at) DESC, coalesce(o.proposal_id, o.id) LIMIT %(limit)s
"""


class PlaybookTransaction(PostgresTransaction):
    """Implements `playbook.ports.PlaybookTransaction`."""

    def strategy_to_change(self, strategy_id: str) -> Strategy:
        row = self.connection.execute(_STRATEGY + " WHERE id = %s FOR UPDATE", (strategy_id,)).fetchone()
        if row is None:
            raise NotFound("strategy", strategy_id)
        return _strategy(row)

    def add_strategy(self, strategy: Strategy, at: datetime) -> bool:
        row = vars(strategy) | {
            "parameters": Jsonb(dict(strategy.parameters)),
            "status": strategy.status.value,
            "at": at,
        }
        return self.connection.execute(_ADD, row).rowcount == 1

    def save_status(self, strategy_id: str, status: StrategyStatus, at: datetime) -> None:
        self.connection.execute(
            "UPDATE strategies SET status = %s, updated_at = %s WHERE id = %s", (status.value, at, strategy_id)
        )

    def active_on(self, venue: str, symbol: str) -> Sequence[Strategy]:
        rows = self.connection.execute(
            _STRATEGY + " WHERE venue = %s AND symbol = %s AND status = 'active' ORDER BY id", (venue, symbol)
        )
        return [_strategy(row) for row in rows]

    def sayings(self, strategy_ids: Sequence[str], until: datetime) -> Mapping[str, Saying]:
        rows = self.connection.execute(_SAYINGS, {"ids": list(strategy_ids), "until": until})
        return {row["id"]: Saying(row["id"], Side(row["side"]), row["confidence"], row["as_of"]) for row in rows}

    def results(
        self, venue: str, account: str, symbol: str, strategy_ids: Sequence[str], until: datetime | None, limit: int
    ) -> Sequence[float]:
        wanted = {"venue": venue, "account": account, "symbol": symbol, "ids": list(strategy_ids)}
        rows = self.connection.execute(_RESULTS, wanted | {"until": until, "limit": limit})
        return [row["result"] for row in rows]


def _strategy(row: dict[str, Any]) -> Strategy:
    return Strategy(**{**row, "status": StrategyStatus(row["status"])})
