"""What the playbook needs of the stored truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from volexswarm.messages import StrategyStatus
from volexswarm.playbook.model import Saying, Strategy
from volexswarm.ports import Transaction


class PlaybookTransaction(Transaction, Protocol):
    """Strategies to read and to move on, their signals and closed trades to read."""

    def strategy_to_change(self, strategy_id: str) -> Strategy:
        """The strategy, held to the end of the transaction. Raises NotFound."""
        ...

    def add_strategy(self, strategy: Strategy, at: datetime) -> bool:
        """Store a strategy, as of a moment of wall time; False if there is one of its id."""
        ...

    def save_status(self, strategy_id: str, status: StrategyStatus, at: datetime) -> None:
        """Store its status, as of a moment of wall time."""
        ...

    def active_on(self, venue: str, symbol: str) -> Sequence[Strategy]:
        """The active strategies of a symbol, of every timeframe, ascending by id."""
        ...

    def sayings(self, strategy_ids: Sequence[str], until: datetime) -> Mapping[str, Saying]:
        """The last signal of each strategy by a moment of market time, by strategy."""
        ...

    def results(
        self, venue: str, account: str, symbol: str, strategy_ids: Sequence[str], until: datetime | None, limit: int
    ) -> Sequence[float]:
        """The newest closed trades of the strategies on the symbol: each result net of fees as a share of its cost.

        Without those of which a fee has no price, being in a third currency. `until` a moment of market time; None for all.
        """
        ...
