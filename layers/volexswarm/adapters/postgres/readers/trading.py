"""Reads signals with what became of them, and orders by any of their names."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from volexswarm.adapters.postgres.database import Connection, Database
from volexswarm.adapters.postgres.readers import cursor as cursors
from volexswarm.adapters.postgres.readers.beginnings import bounds, the_one
from volexswarm.adapters.postgres.readers.scope import Scope
from volexswarm.errors import InvalidInput, NotFound
from volexswarm.messages import Check, OrderState, Verdict
from volexswarm.views.shape import Page
from volexswarm.views.trading import Decision, LargeOrder, Order, Signal

_ORDER = """
SELECT id::text, client_order_id, exchange_order_id, venue, account, symbol, side, order_type, purpose, parent_id::text,
       (SELECT l.state FROM order_plans l WHERE l.proposal_id = orders.proposal_id AND orders.purpose = 'slice') AS plan,
       amount, limit_price, trigger_price, trailing_share, time_in_force, cancel_requested_at, reference_price,
       state, filled, cost, cost / nullif(filled, 0) AS average_price, reason, strategy_id, signal_id::text,
       as_of, intended_at, sent_at, updated_at, correlation_id::text
FROM orders WHERE venue = %(venue)s AND account = %(account)s
"""

_ORDER_PAGE = (
    _ORDER
    + """
  AND (%(symbol)s::text IS NULL OR symbol = %(symbol)s) AND (%(state)s::text IS NULL OR state = %(state)s)
  AND (%(moment)s::timestamptz IS NULL OR (intended_at, id) < (%(moment)s, %(last)s::uuid))
ORDER BY intended_at DESC, id DESC LIMIT %(rows)s
"""
)

_WAYS_OUT = _ORDER + " AND parent_id = %(parent)s ORDER BY intended_at, sequence"
_ORDER_BY_CLIENT_ID = _ORDER + " AND client_order_id = %(key)s"
_ORDER_BY_RANGE = _ORDER + " AND id BETWEEN %(low)s::uuid AND %(high)s::uuid ORDER BY id LIMIT 3"

_LARGE_ORDER = """
SELECT l.proposal_id::text, l.venue, l.account, l.symbol FROM order_plans l JOIN proposals p ON p.id = l.proposal_id
WHERE l.venue = %(venue)s AND l.account = %(account)s AND l.state = 'working'
    AND p.signal_id::text = %(signal)s
"""

_SIGNAL = """
SELECT s.id::text, s.strategy_id, s.strategy, s.symbol, s.timeframe, s.side, s.confidence, s.price, s.amount, s.stop_price,
       s.reason, s.indicators, s.requested_by, s.as_of, s.candle_opened_at, s.raised_at, s.correlation_id::text,
       to_jsonb(r) AS risk, to_jsonb(c) AS compliance, o.id::text AS order_id, o.state AS order_state, l.state AS plan,
       l.next_slice AS sliced, l.slices
FROM signals s
LEFT JOIN decisions r ON r.signal_id = s.id AND r.stage = 'risk'
LEFT JOIN decisions c ON c.signal_id = s.id AND c.stage = 'compliance'
LEFT JOIN proposals p ON p.signal_id = s.id
LEFT JOIN order_plans l ON l.proposal_id = p.id
LEFT JOIN LATERAL (
    SELECT id, state FROM orders WHERE proposal_id = p.id AND purpose IN ('trade', 'slice') ORDER BY sequence DESC LIMIT 1
) o ON true
WHERE s.venue = %(venue)s
"""

_SIGNAL_PAGE = (
    _SIGNAL
    + """
  AND (%(symbol)s::text IS NULL OR s.symbol = %(symbol)s)
  AND (%(moment)s::timestamptz IS NULL OR (s.raised_at, s.id) < (%(moment)s, %(last)s::uuid))
ORDER BY s.raised_at DESC, s.id DESC LIMIT %(rows)s
"""
)

_SIGNAL_BY_ID = _SIGNAL + " AND s.id = %(id)s::uuid"


class PostgresTradingReader:
    """TradingReader over PostgreSQL."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database = database
        self._scope = scope

    def orders(self, symbol: str | None, state: OrderState | None, limit: int, cursor: str | None) -> Page[Order]:
        """Orders, newest first."""
        moment, last = cursors.decode(cursor, (UUID,))
        parameters = {
            **self._scope.keys,
            "symbol": symbol,
            "state": state,
            "moment": moment,
            "last": last,
            "rows": limit + 1,
        }
        with self._database.connection() as connection:
            rows = connection.execute(_ORDER_PAGE, parameters).fetchall()
        return cursors.page(rows, limit, self._order, lambda row: (row["intended_at"], row["id"]))

    def order(self, key: str) -> Order:
        """By order id, its unambiguous beginning, or client order id."""
        with self._database.connection() as connection:
            return self.find(connection, key)

    def find(self, connection: Connection, key: str) -> Order:
        """`order` within a reader's transaction."""
        rows = connection.execute(_ORDER_BY_CLIENT_ID, {**self._scope.keys, "key": key}).fetchall()
        if not rows and (range_of := bounds(key)) is not None:
            rows = connection.execute(_ORDER_BY_RANGE, {**self._scope.keys, **range_of}).fetchall()
        the_one("order", key, [row["id"] for row in rows])
        return self._order(rows[0])

    def _order(self, row: DictRow) -> Order:
        return Order(**row, simulated=self._scope.simulated)

    def named(self, key: str) -> Order | LargeOrder:
        """As `order`; a large order that is still worked in slices by the id of its signal."""
        with self._database.connection() as connection:
            row = connection.execute(_LARGE_ORDER, {**self._scope.keys, "signal": key}).fetchone()
            return LargeOrder(**row, simulated=self._scope.simulated) if row else self.find(connection, key)

    def ways_out(self, connection: Connection, order_id: str) -> list[Order]:
        """The orders that were made to leave what an order bought, oldest first, within a reader's transaction."""
        rows = connection.execute(_WAYS_OUT, {**self._scope.keys, "parent": order_id}).fetchall()
        return [self._order(row) for row in rows]

    def signals(self, symbol: str | None, limit: int, cursor: str | None) -> Page[Signal]:
        """Signals with their outcome, newest first."""
        moment, last = cursors.decode(cursor, (UUID,))
        parameters = {"venue": self._scope.venue, "symbol": symbol, "moment": moment, "last": last, "rows": limit + 1}
        with self._database.connection() as connection:
            rows = connection.execute(_SIGNAL_PAGE, parameters).fetchall()
        return cursors.page(rows, limit, _signal, lambda row: (row["raised_at"], row["id"]))

    def signal(self, signal_id: str) -> Signal:
        """One signal with its outcome."""
        try:
            UUID(signal_id)
        except ValueError as error:
            raise InvalidInput("signal", signal_id, "a signal's id (a UUID)") from error
        with self._database.connection() as connection:
            found = self.find_signal(connection, signal_id)
        if found is None:
            raise NotFound("signal", signal_id)
        return found

    def find_signal(self, connection: Connection, signal_id: str) -> Signal | None:
        """`signal` within a reader's transaction; None if it is not stored."""
        row = connection.execute(_SIGNAL_BY_ID, {"venue": self._scope.venue, "id": signal_id}).fetchone()
        return _signal(row) if row else None


def _decision(row: dict[str, Any] | None) -> Decision | None:
    if row is None:
        return None
    verdict = Verdict(
        stage=row["stage"],
        approved=row["approved"],
        policy_version=row["policy_version"],
        checks=tuple(Check.model_validate(check) for check in row["checks"]),
    )
    return Decision(**verdict.model_dump(), reason=verdict.reason, as_of=row["as_of"], decided_at=row["decided_at"])


def _signal(row: DictRow) -> Signal:
    risk, compliance = _decision(row["risk"]), _decision(row["compliance"])
    plan, sliced, planned = row.pop("plan"), row.pop("sliced"), row.pop("slices")
    outcome = (
        f"order in slices, {sliced} of {planned} sent"
        if plan == "working"
        else _outcome(risk, compliance, row["order_state"])
    )
    return Signal(**{**row, "risk": risk, "compliance": compliance, "outcome": outcome})


def _outcome(risk: Decision | None, compliance: Decision | None, order_state: str | None) -> str:
    if order_state is not None:
        return f"order {order_state}"
    for stage, decision in (("risk", risk), ("compliance", compliance)):
        if decision is None:
            return f"waiting for {stage}"
        if not decision.approved:
            return f"refused by {stage}"
    return "approved, order on its way"
