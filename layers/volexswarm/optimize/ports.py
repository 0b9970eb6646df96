"""What searches need of the stored truth."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from volexswarm.backtest.model import Outcome
from volexswarm.backtest.ports import HistoryTransaction
from volexswarm.optimize.model import Finding, Study, Trial


class OptimizationTransaction(HistoryTransaction, Protocol):
    """Searches to write, and to go on with."""

    def study(self, search_id: str) -> Study | None:
        """A search that has begun; None if it has not."""
        ...

    def add_study(self, study: Study) -> None:
        """Store that a search begins, unless it has."""
        ...

    def trials(self, search_id: str) -> Sequence[Trial]:
        """Its trials in the order of their folds and numbers."""
        ...

    def add_trial(self, search_id: str, trial: Trial) -> None:
        """Store a trial, unless it is stored."""
        ...

    def finish(self, search_id: str, finding: Finding, words: str, at: datetime) -> None:
        """Store what the search found, unless it has been."""
        ...

    def outcome(self, search_id: str) -> Outcome | None:
        """What is told of a finished search; None until it is."""
        ...

    def finding(self, search_id: str) -> Finding | None:
        """What a finished search found; None until it has."""
        ...
