"""The slicer's statements: plans, their slices, what the market trades in a minute."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from volexswarm.adapters.postgres.execution import ExecutionTransaction
from volexswarm.errors import NotFound
from volexswarm.execution.model import Order, OrderPlan
from volexswarm.messages import Event, OrderApproved

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


class SlicingTransaction(ExecutionTransaction):
    """Implements `execution.ports.SlicingTransaction`. A plan is locked before its orders."""

    def plan(self, proposal_id: str) -> OrderPlan | None:
        row = self.connection.execute(
            f"SELECT {_COLUMNS} FROM order_plans WHERE proposal_id = %s FOR NO KEY UPDATE",  # noqa: S608 - our own names
            (proposal_id,),
        ).fetchone()
        if row is None:
            return None
        return OrderPlan(interval=timedelta(seconds=row.pop("interval_seconds")), **row)

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

    def has_order(self, client_order_id: str) -> bool:
        return bool(self.orders_where("client_order_id = %s", (client_order_id,)))

    def command(self, proposal_id: str) -> Event[OrderApproved]:
        row = self.connection.execute(
            "SELECT id::text, source, type, subject, occurred_at AS time, correlation_id::text AS correlationid,"
            " causation_id::text AS causationid, data FROM events WHERE type = %s AND data->>'proposal_id' = %s"
            " AND correlation_id = (SELECT correlation_id FROM proposals WHERE id = %s::uuid)",
            (OrderApproved.type_name(), proposal_id, proposal_id),
        ).fetchone()
        if row is None:
            raise NotFound("command of proposal", proposal_id)
        return Event[OrderApproved].model_validate(row)

    def traded_per_minute(self, venue: str, symbol: str, as_of: datetime) -> Decimal | None:
        row = self.connection.execute(_TRADED, {"venue": venue, "symbol": symbol, "as_of": as_of}).fetchone()
        return None if row is None else row["traded"]
