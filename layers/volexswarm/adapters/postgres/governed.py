"""The state of trading, held to the end of a transaction, so that the kill switch can't be passed unseen.

It is held by a lock of its own and read by a statement after it. A row that is locked while it is read would not do: who had to
wait for the kill switch's change of it would go on with the halt that the statement had found before the wait. Who waits for the
lock waits in turn, so that a stream of readers can't keep the kill switch out either.
"""

from __future__ import annotations

from typing import Any

from volexswarm.adapters.postgres.database import Connection
from volexswarm.adapters.postgres.store import PostgresTransaction
from volexswarm.errors import Stop
from volexswarm.ports import Halt, TradingState

_HOLD = "SELECT pg_advisory_xact_lock_shared(hashtextextended('trading', 0))"
_HOLD_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('trading', 0))"

_STATE = """
SELECT m.account, m.mode, m.cap, greatest(m.switched_at, (SELECT max(lifted_at) FROM trading_halts)) AS since, h.*
FROM trading_modes m LEFT JOIN (
    SELECT id, actor, reason, flatten, halted_at, settled_at FROM trading_halts WHERE lifted_at IS NULL
) h ON true
WHERE m.venue = %s
"""

_HALT = "SELECT id, actor, reason, flatten, halted_at, settled_at FROM trading_halts WHERE lifted_at IS NULL"


class GovernedTransaction(PostgresTransaction):
    """Implements `ports.GovernedTransaction`."""

    def trading_state(self, venue: str) -> TradingState:
        self.connection.execute(_HOLD)
        row = self.connection.execute(_STATE, (venue,)).fetchone()
        if row is None:
            raise no_mode(venue)
        halt = None if row["id"] is None else _halt(row).words
        return TradingState(row["account"], row["mode"], row["cap"], halt, row["since"])


def hold_alone(connection: Connection) -> None:
    """Wait for every transaction that has read the state of trading, and hold off all others until the end of this one."""
    connection.execute(_HOLD_ALONE)


def halt_in_force(connection: Connection) -> Halt | None:
    """The halt that nobody has lifted; None while trading goes on."""
    row = connection.execute(_HALT).fetchone()
    return None if row is None else _halt(row)


def no_mode(venue: str) -> Stop:
    """What it means that a venue has no mode of trading."""
    return Stop(f"no trading mode is set for {venue}: `volexlocal up` and `infra.seed` set one")


def _halt(row: dict[str, Any]) -> Halt:
    return Halt(str(row["id"]), row["actor"], row["reason"], row["flatten"], row["halted_at"], row["settled_at"])
