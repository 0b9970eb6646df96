"""The state of trading, held shared to the end of a transaction, so that the kill switch can't be passed unseen."""

from __future__ import annotations

from volexswarm.adapters.postgres.store import PostgresTransaction
from volexswarm.errors import Stop
from volexswarm.ports import TradingState

_STATE = """
SELECT m.account, m.mode, m.cap, h.reason AS halt, h.actor
FROM trading_gate g LEFT JOIN trading_halts h ON h.id = g.halt_id, trading_modes m
WHERE m.venue = %s FOR SHARE OF g, m
"""


class GovernedTransaction(PostgresTransaction):
    """Implements `ports.GovernedTransaction`."""

    def trading_state(self, venue: str) -> TradingState:
        row = self.connection.execute(_STATE, (venue,)).fetchone()
        if row is None:
            raise Stop(f"no trading mode is set for {venue}: `volexlocal up` and `infra.seed` set one")
        halt = None if row["actor"] is None else f"halted by {row['actor']}: {row['halt']}"
        return TradingState(row["account"], row["mode"], row["cap"], halt)
