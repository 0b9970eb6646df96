"""Reads what governs trading."""

from __future__ import annotations

from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.governed import no_mode
from volexswarm.control import modes
from volexswarm.messages import OrderState
from volexswarm.settings import Settings
from volexswarm.views.control import Control, Halt, TradingMode

_FINAL = [state.value for state in OrderState if state.is_final]

_MODE = "SELECT venue, account, mode, cap, switched_by, reason, switched_at FROM trading_modes WHERE venue = %s"

_HALT = """
SELECT id::text, actor, reason, flatten, halted_at, settled_at, canceled, coalesce(left_over, '{}') AS left
FROM trading_halts WHERE lifted_at IS NULL
"""

_OPEN = "SELECT count(*) AS open FROM orders WHERE venue = %s AND account = %s AND state <> ALL(%s)"


class PostgresControlReader:
    """ControlReader over PostgreSQL, for one deployment."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings

    def control(self) -> Control:
        """What is in force, as of one moment."""
        s = self._settings
        with self._database.connection() as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            mode = connection.execute(_MODE, (s.venue,)).fetchone()
            if mode is None:
                raise no_mode(s.venue)
            halt = connection.execute(_HALT).fetchone()
            count = connection.execute(_OPEN, (s.venue, mode["account"], _FINAL)).fetchone()
        assert count is not None  # an aggregate always answers
        return Control(
            trading=TradingMode(**mode, simulated=mode["mode"] != modes.LIVE),
            available=list(modes.available(s.mode)),
            currency=s.valuation_currency,
            open_orders=count["open"],
            halt=None if halt is None else Halt(**halt),
        )
