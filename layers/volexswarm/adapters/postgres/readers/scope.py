"""Whose books are read, and how their money is labelled."""

from __future__ import annotations

from dataclasses import dataclass

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
    def of(cls, settings: Settings) -> Scope:
        return cls(settings.venue, settings.account, settings.mode, settings.valuation_currency)

    @property
    def simulated(self) -> bool:
        """True unless real money moves: a venue's sandbox is play money too."""
        return self.mode != "live"

    @property
    def keys(self) -> dict[str, str]:
        """Venue and account as named parameters of a statement."""
        return {"venue": self.venue, "account": self.account}
