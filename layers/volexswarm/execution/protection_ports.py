"""What the guard of positions needs of its store, besides orders."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, Protocol

from volexswarm.execution.protection import Guarded
from volexswarm.messages import Protection, Purpose
from volexswarm.ports import GovernedTransaction, PriceWatch, Reached


class Market(NamedTuple):
    """One account's trading in one symbol: what is guarded together, because it sells the same base."""

    venue: str
    account: str
    symbol: str

    @property
    def base(self) -> str:
        """What is held and sold in it."""
        return self.symbol.partition("/")[0]


@dataclass(frozen=True)
class Holding:
    """A market at one moment: the position, the base that the exchange holds for us in all, the open protections oldest first."""

    position: Decimal
    base: Decimal
    guarded: Sequence[Guarded]


class ProtectionTransaction(GovernedTransaction, Protocol):
    """Protections and their price watches."""

    def wanted_protection(self, proposal_id: str) -> Protection | None:
        """How the proposal's position is to be left, as approved; None if nothing was asked for."""
        ...

    def is_guarded(self, market: Market) -> bool:
        """Whether any protection of the market is open."""
        ...

    def hold_protections(self, market: Market) -> None:
        """Hold the market's protections for this transaction alone, to its end."""
        ...

    def holding(self, market: Market) -> Holding:
        """Position, base and protections of one and the same moment: a fill is in all of them or in none."""
        ...

    def guarded(self, order_id: str) -> Guarded:
        """The protection of an entry, open or closed. Raises NotFound."""
        ...

    def fill_times(self, order_id: str) -> tuple[datetime, datetime]:
        """Market time of the order's first and last booked fill; it has one."""
        ...

    def add_protection(self, guarded: Guarded, at: datetime) -> bool:
        """Store it; False if there is one of that entry."""
        ...

    def save_protection(self, guarded: Guarded, at: datetime) -> None:
        """Store what can change of it."""
        ...

    def standing_watches(self, order_id: str) -> dict[Purpose, str]:
        """Ids of the entry's price watches that are not done, by reason."""
        ...

    def watches_so_far(self, order_id: str) -> int:
        """How many watches were ever set for the entry."""
        ...

    def set_watch(self, watch: PriceWatch, best_since: datetime) -> Reached | None:
        """Set a watch and show it the trades since it counts; the one at which it is done already.

        A trailing one begins with the best price since `best_since`.
        """
        ...

    def take_away(self, venue: str, watches: Collection[str], at: datetime) -> None:
        """End watches that are not needed any more."""
        ...

    def watched_entry(self, watch_id: str) -> str | None:
        """Which entry a watch is for; None if there is no such watch."""
        ...

    def newest_trade(self, venue: str, symbol: str) -> datetime | None:
        """Market time of the newest trade that is stored."""
        ...

    def guarded_markets(self) -> Sequence[Market]:
        """Where a protection is open, or an entry has bought something that has none yet."""
        ...

    def unguarded_entries(self, market: Market) -> Sequence[str]:
        """Orders of the market that have bought something, want a protection, and have none yet."""
        ...
