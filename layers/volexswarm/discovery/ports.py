"""What discovery needs of others: the stored truth, a search at one place, and the playbook for its drafts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from volexswarm.backtest.model import Outcome
from volexswarm.discovery.model import Begun, Discovery, Expedition
from volexswarm.optimize.model import Search
from volexswarm.optimize.ports import OptimizationTransaction


class DiscoveryTransaction(OptimizationTransaction, Protocol):
    """Expeditions to write; the searches that they are made of to read."""

    def begun(self, discovery_id: str) -> Begun | None:
        """An expedition that is on its way; None if it has not begun."""
        ...

    def add_discovery(self, wanted: Expedition, begun: Begun) -> None:
        """Store that an expedition begins, unless it has."""
        ...

    def finish_discovery(self, discovery_id: str, found: Discovery, words: str, at: datetime) -> None:
        """Store what was found, unless it has been."""
        ...

    def discovered(self, discovery_id: str) -> Outcome | None:
        """What is told of a finished expedition; None until it is."""
        ...


class Searcher(Protocol):
    """Searches at one place."""

    def optimize(self, wanted: Search) -> Outcome:
        """Search to the end. Raises NotYet where the call's time is over first, InvalidInput where there are too few candles."""
        ...


class Drafts(Protocol):
    """The playbook."""

    def draft(
        self,
        *,
        strategy_id: str,
        template: str,
        venue: str,
        symbol: str,
        timeframe: str,
        parameters: Mapping[str, Any],
        actor: str,
        reason: str,
    ) -> object:
        """Put a draft into the playbook, once under its id."""
        ...
