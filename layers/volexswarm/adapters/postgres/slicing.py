"""The slicer's statements: plans, their slices, what the market trades in a minute."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from volexswarm.adapters.postgres.execution import ExecutionTransaction
from volexswarm.errors import NotFound
from volexswarm.execution.model import Order, OrderPlan
from volexswarm.messages import Event, OrderApproved, PlaceSlice, Purpose

# a market at rest prints no candle for a minute, and trades nothing in it; a feed that has just begun knows too little
_TRADED = """
SELECT sum(volume * (high + low) / 2) / (extract(epoch FROM %(as_of)s - min(opened_at)) / 60) AS traded FROM candles
WHERE venue = %(venue)s AND symbol = %(symbol)s AND timeframe = '1m' AND closed
  AND opened_at >= %(as_of)s - interval '30 minutes' AND opened_at < %(as_of)s
HAVING count(*) >= 10
"""

_COLUMNS = (
    "proposal_id::text, venue, account, symbol, profile, amount, slices, next_slice, interval_seconds, worst_price, state,"
    " reason, started_at, correlation_id::text"
)

# the chain is that of the proposal, and indexed
_JOURNALED = """
SELECT id::text, source, type, subject, occurred_at AS time, correlation_id::text AS correlationid,
    causation_id::text AS causationid, data
FROM events WHERE type = %(type)s AND data->>'proposal_id' = %(proposal)s
    AND correlation_id = (SELECT correlation_id FROM proposals WHERE id = %(proposal)s::uuid)
"""

# a way that was reached stands at the protection; a stop at the exchange is known to be taken by what it has sold
_WAY_TAKEN = """
SELECT coalesce(g.way, w.purpose) AS way FROM orders o
LEFT JOIN protections g ON g.order_id = o.id
LEFT JOIN orders w ON w.parent_id = o.id AND w.filled > 0
WHERE o.proposal_id = %s AND o.purpose = 'slice' AND coalesce(g.way, w.purpose) IS NOT NULL
ORDER BY o.sequence, w.intended_at LIMIT 1
"""

_LATER_SALE = """
SELECT s.id::text FROM proposals b JOIN proposals s USING (venue, account, symbol, strategy_id)
WHERE b.id = %s AND b.side = 'buy' AND s.side = 'sell' AND s.state = 'approved' AND s.proposed_at > b.proposed_at
ORDER BY s.proposed_at LIMIT 1
"""


class SlicingTransaction(ExecutionTransaction):
    """Implements `execution.ports.SlicingTransaction`. A plan is locked before its orders."""

    def plan(self, proposal_id: str) -> OrderPlan | None:
        row = self.connection.execute(
            f"SELECT {_COLUMNS} FROM order_plans WHERE proposal_id = %s FOR NO KEY UPDATE",  # noqa: S608 - our own names
            (proposal_id,),
        ).fetchone()
        return None if row is None else _plan(row)

    def idle_plans(self, idle_since: datetime) -> list[OrderPlan]:
        rows = self.connection.execute(
            f"SELECT {_COLUMNS} FROM order_plans WHERE state = 'working'"  # noqa: S608 - our own names
            " AND updated_at < %s::timestamptz - interval_seconds * interval '1 second' ORDER BY updated_at",
            (idle_since,),
        )
        return [_plan(row) for row in rows]

    def add_plan(self, plan: OrderPlan) -> None:
        self.connection.execute(
            "INSERT INTO order_plans (proposal_id, venue, account, symbol, profile, amount, slices, interval_seconds,"
            " worst_price, state, reason, started_at, updated_at, correlation_id)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                plan.proposal_id,
                plan.venue,
                plan.account,
                plan.symbol,
                plan.profile,
                plan.amount,
                plan.slices,
                plan.interval.total_seconds(),
                plan.worst_price,
                plan.state,
                plan.reason,
                plan.started_at,
                plan.started_at,
                plan.correlation_id,
            ),
        )

    def save_plan(self, plan: OrderPlan, updated_at: datetime) -> None:
        self.connection.execute(
            "UPDATE order_plans SET next_slice = %s, state = %s, reason = %s, updated_at = %s WHERE proposal_id = %s",
            (plan.next_slice, plan.state, plan.reason, updated_at, plan.proposal_id),
        )

    def slices(self, proposal_id: str) -> dict[int, Order]:
        found = self.orders_where("proposal_id = %s AND purpose = 'slice'", (proposal_id,))
        return {order.sequence: order for order in found}

    def way_taken(self, proposal_id: str) -> Purpose | None:
        row = self.connection.execute(_WAY_TAKEN, (proposal_id,)).fetchone()
        return None if row is None else Purpose(row["way"])

    def later_sale(self, proposal_id: str) -> str | None:
        row = self.connection.execute(_LATER_SALE, (proposal_id,)).fetchone()
        return None if row is None else str(row["id"])

    def has_order(self, client_order_id: str) -> bool:
        return bool(self.orders_where("client_order_id = %s", (client_order_id,)))

    def command(self, proposal_id: str) -> Event[OrderApproved]:
        row = self.connection.execute(
            _JOURNALED, {"type": OrderApproved.type_name(), "proposal": proposal_id}
        ).fetchone()
        if row is None:
            raise NotFound("command of proposal", proposal_id)
        return Event[OrderApproved].model_validate(row)

    def steps(self, proposal_id: str, number: int) -> list[Event[PlaceSlice]]:
        rows = self.connection.execute(
            _JOURNALED + " AND (data->>'number')::integer = %(number)s ORDER BY occurred_at",
            {"type": PlaceSlice.type_name(), "proposal": proposal_id, "number": number},
        )
        return [Event[PlaceSlice].model_validate(row) for row in rows]

    def traded_per_minute(self, venue: str, symbol: str, as_of: datetime) -> Decimal | None:
        row = self.connection.execute(_TRADED, {"venue": venue, "symbol": symbol, "as_of": as_of}).fetchone()
        return None if row is None else row["traded"]


def _plan(row: Mapping[str, Any]) -> OrderPlan:
    values = {name: value for name, value in row.items() if name != "interval_seconds"}
    return OrderPlan(interval=timedelta(seconds=row["interval_seconds"]), **values)
