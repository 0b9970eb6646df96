"""Control's statements: the halt, the mode in force, and confirmations of real money."""

from __future__ import annotations

from datetime import datetime

from volexswarm.adapters.postgres.governed import halt_in_force, hold_alone, no_mode
from volexswarm.adapters.postgres.store import PostgresTransaction
from volexswarm.control.model import Confirmation, ModeInForce
from volexswarm.messages import OrderState
from volexswarm.ports import Halt

_FINAL = [state.value for state in OrderState if state.is_final]

HOLD_WITHIN = "15s"
"""How long is waited for those who hold the state of trading: less than the gateway waits for an answer."""


class ControlTransaction(PostgresTransaction):
    """Implements `control.ports.ControlTransaction`."""

    def hold_trading(self) -> None:
        self.connection.execute("SELECT set_config('lock_timeout', %s, true)", (HOLD_WITHIN,))
        hold_alone(self.connection)

    def halt_in_force(self) -> Halt | None:
        return halt_in_force(self.connection)

    def add_halt(self, halt: Halt) -> None:
        self.connection.execute(
            "INSERT INTO trading_halts (id, actor, reason, flatten, halted_at) VALUES (%s, %s, %s, %s, %s)",
            (halt.id, halt.actor, halt.reason, halt.flatten, halt.halted_at),
        )

    def ask_to_empty(self, halt_id: str) -> None:
        self.connection.execute(
            "UPDATE trading_halts SET flatten = true, settled_at = NULL, canceled = NULL, left_over = NULL WHERE id = %s",
            (halt_id,),
        )

    def lift_halt(self, halt_id: str, actor: str, reason: str, at: datetime) -> None:
        self.connection.execute(
            "UPDATE trading_halts SET lifted_by = %s, lift_reason = %s, lifted_at = %s WHERE id = %s",
            (actor, reason, at, halt_id),
        )

    def mode_in_force(self, venue: str) -> ModeInForce:
        row = self.connection.execute(
            "SELECT venue, account, mode, cap, switched_by, reason, switched_at FROM trading_modes WHERE venue = %s",
            (venue,),
        ).fetchone()
        if row is None:
            raise no_mode(venue)
        return ModeInForce(**row)

    def put_mode(self, mode: ModeInForce) -> None:
        self.connection.execute(
            "UPDATE trading_modes SET account = %(account)s, mode = %(mode)s, cap = %(cap)s, switched_by = %(switched_by)s,"
            " reason = %(reason)s, switched_at = %(switched_at)s WHERE venue = %(venue)s",
            mode.__dict__,
        )

    def open_orders(self, venue: str, account: str) -> int:
        row = self.connection.execute(
            "SELECT (SELECT count(*) FROM orders WHERE venue = %(venue)s AND account = %(account)s AND state <> ALL(%(final)s))"
            " + (SELECT count(*) FROM order_plans WHERE venue = %(venue)s AND account = %(account)s AND state = 'working')"
            " AS count",
            {"venue": venue, "account": account, "final": _FINAL},
        ).fetchone()
        assert row is not None  # an aggregate always answers
        return int(row["count"])

    def unplaced_trades(self, venue: str, account: str, since: datetime) -> int:
        row = self.connection.execute(
            "SELECT count(*) FROM proposals p WHERE venue = %s AND account = %s AND state <> 'refused' AND proposed_at >= %s"
            " AND NOT EXISTS (SELECT FROM orders WHERE proposal_id = p.id)"
            " AND NOT EXISTS (SELECT FROM order_plans WHERE proposal_id = p.id)",
            (venue, account, since),
        ).fetchone()
        assert row is not None  # an aggregate always answers
        return int(row["count"])

    def add_confirmation(self, confirmation: Confirmation) -> None:
        self.connection.execute(
            "INSERT INTO mode_confirmations (digest, venue, actor, mode, cap, expires_at)"
            " VALUES (%(digest)s, %(venue)s, %(actor)s, %(mode)s, %(cap)s, %(expires_at)s)",
            confirmation.__dict__,
        )

    def take_confirmation(self, confirmation: Confirmation, now: datetime) -> bool:
        cursor = self.connection.execute(
            "UPDATE mode_confirmations SET used_at = %(now)s WHERE digest = %(digest)s AND venue = %(venue)s"
            " AND actor = %(actor)s AND mode = %(mode)s AND cap = %(cap)s AND used_at IS NULL AND expires_at > %(now)s",
            confirmation.__dict__ | {"now": now},
        )
        return cursor.rowcount == 1
