"""Whose books are read, and how their money is labelled."""

from __future__ import annotations

from dataclasses import dataclass

from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.governed import no_mode
from volexswarm.settings import Settings
from volexswarm.views.shape import Mode


@dataclass(frozen=True)
class Scope:
    """One account at one venue. `mode` says whether its money is real."""

    venue: str
    account: str
    mode: Mode
    valuation_currency: str

    @classmethod
    def in_force(cls, database: Database, settings: Settings) -> Scope:
        """The books that trade at this moment. Raises Unavailable if the database is away."""
        with database.connection() as connection:
            row = connection.execute(
                "SELECT account, mode FROM trading_modes WHERE venue = %s", (settings.venue,)
            ).fetchone()
        if row is None:
            raise no_mode(settings.venue)
        return cls(settings.venue, row["account"], row["mode"], settings.valuation_currency)

    @property
    def simulated(self) -> bool:
        """True unless real money moves: a venue's sandbox is play money too."""
        return self.mode != "live"

    @property
    def keys(self) -> dict[str, str]:
        """Venue and account as named parameters of a statement."""
        return {"venue": self.venue, "account": self.account}
