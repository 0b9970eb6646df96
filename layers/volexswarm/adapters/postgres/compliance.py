"""Compliance's statements: the account's activity in market time, what becomes of proposals, and flags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Literal

from volexswarm.adapters.postgres.decisions import DecidingTransaction
from volexswarm.compliance.model import DAY, HOUR, WEEK, Activity, Flag, Look, OwnTrade, other
from volexswarm.errors import Conflict, NotFound
from volexswarm.messages import Event, TradeProposed

_COUNTS = """
WITH trades AS (
    SELECT symbol, as_of, CASE WHEN working THEN planned ELSE executed END AS value FROM own_trades
    WHERE venue = %(venue)s AND account = %(account)s AND id <> %(itself)s
      AND (as_of > %(day)s OR symbol = %(symbol)s AND as_of > %(week)s)
)
SELECT count(*) FILTER (WHERE symbol = %(symbol)s AND as_of > %(hour)s) AS of_hour,
       count(*) FILTER (WHERE symbol = %(symbol)s AND as_of > %(day)s) AS of_day,
       count(*) FILTER (WHERE symbol = %(symbol)s) AS of_week,
       avg(value) FILTER (WHERE symbol = %(symbol)s) AS average,
       coalesce(sum(value) FILTER (
           WHERE as_of > %(day)s AND split_part(symbol, '/', 2) = split_part(%(symbol)s, '/', 2)), 0) AS value
FROM trades WHERE value > 0
"""

_OPPOSITE = """
SELECT strategy_id, price, as_of FROM own_trades
WHERE venue = %(venue)s AND account = %(account)s AND symbol = %(symbol)s AND side = %(other)s
  AND as_of BETWEEN %(wash_from)s AND %(wash_to)s AND (working OR executed > 0)
ORDER BY as_of
"""

# What stands in the book or is about to: a limit price, no trigger that it waits for, and a time in force that lets it stay.
_FACING = """
SELECT CASE WHEN %(other)s = 'sell' THEN min(limit_price) ELSE max(limit_price) END AS price
FROM (
    SELECT limit_price FROM orders
    WHERE venue = %(venue)s AND account = %(account)s AND symbol = %(symbol)s AND side = %(other)s
      AND state NOT IN ('filled', 'canceled', 'rejected', 'expired')
      AND limit_price IS NOT NULL AND trigger_price IS NULL AND time_in_force IN ('gtc', 'post_only')
    UNION ALL
    SELECT limit_price FROM proposals p
    WHERE venue = %(venue)s AND account = %(account)s AND symbol = %(symbol)s AND side = %(other)s
      AND state = 'approved' AND as_of > %(hour)s
      AND limit_price IS NOT NULL AND trigger_price IS NULL AND time_in_force IN ('gtc', 'post_only')
      AND NOT EXISTS (SELECT FROM orders WHERE proposal_id = p.id)
) standing
"""

_PULLED = """
SELECT count(*) AS orders,
       count(*) FILTER (WHERE state = 'canceled' AND filled = 0 AND updated_at - sent_at <= %(pulled)s) AS pulled
FROM orders
WHERE venue = %(venue)s AND account = %(account)s AND symbol = %(symbol)s AND as_of > %(day)s AND sent_at IS NOT NULL
  AND purpose IN ('trade', 'slice')
  AND limit_price IS NOT NULL AND trigger_price IS NULL AND time_in_force IN ('gtc', 'post_only')
"""

_FLAG = tuple(field.name for field in fields(Flag))
_SELECT_FLAG = f"SELECT {', '.join(_FLAG)} FROM compliance_flags"  # noqa: S608 - our own names
_ADD_FLAG = (
    f"INSERT INTO compliance_flags (id, {', '.join(_FLAG)})"  # noqa: S608 - our own names
    f" VALUES (%(id)s, {', '.join(f'%({name})s' for name in _FLAG)}) ON CONFLICT (id) DO NOTHING"
)
_ANSWERS = (
    "state",
    "escalated_by",
    "escalated_at",
    "escalation_reason",
    "cleared_by",
    "cleared_at",
    "clearing_reason",
)


class ComplianceTransaction(DecidingTransaction):
    """Implements `compliance.ports.ComplianceTransaction` and `compliance.ports.FlagTransaction`."""

    STAGE = "compliance"

    def proposal_state(self, proposal_id: str) -> str | None:
        row = self.connection.execute("SELECT state FROM proposals WHERE id = %s", (proposal_id,)).fetchone()
        return None if row is None else str(row["state"])

    def activity(self, proposal: Event[TradeProposed], look: Look) -> Activity:
        trade = proposal.data
        wanted = {
            "venue": trade.venue,
            "account": trade.account,
            "symbol": trade.symbol,
            "other": other(trade.side).value,
            "itself": proposal.id,
            "hour": trade.as_of - HOUR,
            "day": trade.as_of - DAY,
            "week": trade.as_of - WEEK,
            "wash_from": trade.as_of - look.wash,
            "wash_to": trade.as_of + look.wash,
            "pulled": look.pulled,
        }
        counts, facing, pulled = (self._aggregate(query, wanted) for query in (_COUNTS, _FACING, _PULLED))
        return Activity(
            trades_of_hour=counts["of_hour"],
            trades_of_day=counts["of_day"],
            value_of_day=counts["value"],
            trades_of_week=counts["of_week"],
            average_of_week=counts["average"],
            opposite=tuple(OwnTrade(**row) for row in self.connection.execute(_OPPOSITE, wanted)),
            facing=facing["price"],
            orders_of_day=pulled["orders"],
            pulled_of_day=pulled["pulled"],
        )

    def _aggregate(self, query: str, wanted: Mapping[str, Any]) -> Mapping[str, Any]:
        row = self.connection.execute(query, wanted).fetchone()
        assert row is not None  # an aggregate always gives a row
        return row

    def conclude(self, proposal_id: str, state: Literal["approved", "refused"]) -> None:
        self.connection.execute(
            "UPDATE proposals SET state = %s WHERE id = %s AND state = 'proposed'", (state, proposal_id)
        )

    def open_flags(self, venue: str, account: str, subject: str) -> Sequence[Flag]:
        rows = self.connection.execute(
            _SELECT_FLAG + " WHERE venue = %s AND account = %s AND subject = %s AND state <> 'cleared'"
            " ORDER BY raised_at DESC, id DESC",
            (venue, account, subject),
        )
        return [_flag(row) for row in rows]

    def raise_flag(self, flag: Flag) -> bool:
        row = {name: getattr(flag, name) for name in _FLAG} | {"id": flag.id}
        if self.connection.execute(_ADD_FLAG, row).rowcount == 1:
            return True
        self.connection.execute(
            "UPDATE compliance_flags SET count = count + 1, detail = %(detail)s,"
            " last_as_of = greatest(last_as_of, %(last_as_of)s) WHERE id = %(id)s",
            row,
        )
        return False

    def flag(self, key: str) -> Flag:
        rows = self.connection.execute(
            _SELECT_FLAG + " WHERE starts_with(id::text, %s) ORDER BY id LIMIT 2 FOR UPDATE", (key.lower(),)
        ).fetchall()
        if not rows:
            raise NotFound("flag", key)
        if len(rows) > 1:
            raise Conflict(f"several flags begin with {key}: give more of the id")
        return _flag(rows[0])

    def save_flag(self, flag: Flag) -> None:
        row = {name: getattr(flag, name) for name in _ANSWERS} | {"id": flag.id}
        self.connection.execute(
            f"UPDATE compliance_flags SET {', '.join(f'{name} = %({name})s' for name in _ANSWERS)} WHERE id = %(id)s",  # noqa: S608
            row,
        )

    def unanswered_flags(self, raised_before: datetime, limit: int) -> Sequence[Flag]:
        rows = self.connection.execute(
            _SELECT_FLAG + " WHERE state = 'open' AND raised_at < %s ORDER BY raised_at LIMIT %s"
            " FOR UPDATE SKIP LOCKED",
            (raised_before, limit),
        )
        return [_flag(row) for row in rows]


def _flag(row: Mapping[str, Any]) -> Flag:
    return Flag(**{**row, "correlation_id": str(row["correlation_id"])})
