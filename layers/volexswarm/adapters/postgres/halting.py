"""Statements of clearing the exchange after a halt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from volexswarm.adapters.postgres.execution import ExecutionTransaction
from volexswarm.adapters.postgres.governed import halt_in_force
from volexswarm.execution.model import Order
from volexswarm.messages import OrderState
from volexswarm.ports import Halt


class HaltingTransaction(ExecutionTransaction):
    """Implements `execution.ports.HaltingTransaction`."""

    def halt_in_force(self) -> Halt | None:
        return halt_in_force(self.connection)

    def accounts_at(self, venue: str) -> Sequence[str]:
        rows = self.connection.execute(
            "SELECT account FROM trading_modes WHERE venue = %(venue)s UNION SELECT account FROM accounts"
            " WHERE venue = %(venue)s ORDER BY account",
            {"venue": venue},
        )
        return [row["account"] for row in rows]

    def stop_plans(self, venue: str, reason: str, at: datetime) -> None:
        self.connection.execute(
            "UPDATE order_plans SET state = 'stopped', reason = %s, updated_at = %s WHERE venue = %s AND state = 'working'",
            (reason, at, venue),
        )

    def sales_of(self, halt_id: str, account: str, symbol: str) -> Sequence[Order]:
        return self.orders_where(
            "correlation_id = %s AND purpose = 'flatten' AND account = %s AND symbol = %s ORDER BY sequence",
            (halt_id, account, symbol),
        )

    def last_price(self, venue: str, symbol: str) -> Decimal | None:
        row = self.connection.execute(
            "SELECT price FROM trades WHERE venue = %s AND symbol = %s ORDER BY trade_id DESC LIMIT 1", (venue, symbol)
        ).fetchone()
        return None if row is None else row["price"]

    def canceled_since(self, venue: str, moment: datetime) -> int:
        row = self.connection.execute(
            "SELECT count(*) FROM orders WHERE venue = %s AND state = %s AND updated_at >= %s",
            (venue, OrderState.CANCELED.value, moment),
        ).fetchone()
        assert row is not None  # an aggregate always answers
        return int(row["count"])

    def settle_halt(self, halt: Halt, canceled: int, left: Sequence[str], at: datetime) -> bool:
        cursor = self.connection.execute(
            "UPDATE trading_halts SET settled_at = %s, canceled = %s, left_over = %s"
            " WHERE id = %s AND flatten = %s AND settled_at IS NULL AND lifted_at IS NULL",
            (at, canceled, list(left), halt.id, halt.flatten),
        )
        return cursor.rowcount == 1
