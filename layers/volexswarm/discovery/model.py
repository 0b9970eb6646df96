"""A search for strategies, its candidates, and what came of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import NAMESPACE


@dataclass(frozen=True)
class Expedition:
    """Where strategies are wanted: on these markets, by the last `days` of market time."""

    task_id: str
    attempt: int
    step: str
    venue: str
    symbols: Sequence[str]
    days: int

    @property
    def discovery_id(self) -> str:
        """The same attempt of a task has the same discovery."""
        return str(uuid.uuid5(NAMESPACE, f"discovery/{self.task_id}/{self.attempt}"))


@dataclass(frozen=True)
class Begun:
    """An expedition on its way: `until` (market time) fixes its candles, `started_at` is wall time."""

    until: datetime
    started_at: datetime


@dataclass(frozen=True)
class Place:
    """A template on a market's candles of one length."""

    template: str
    symbol: str
    timeframe: Timeframe

    @property
    def name(self) -> str:
        return f"{self.template} on {self.symbol}, candles of {self.timeframe}"


@dataclass(frozen=True)
class Candidate:
    """What a search at one place came to. `sharpe` out of sample, of a year; `deflated_sharpe` among all candidates.

    `draft` is the id of the playbook's draft that was made of it, None if none was.
    """

    template: str
    symbol: str
    timeframe: Timeframe
    optimization_id: str
    parameters: Mapping[str, Any] | None
    out_of_sample_return: float | None
    sharpe: float | None
    trades: int
    trials: int
    overfit_risk: str
    deflated_sharpe: float | None
    draft: str | None = None


@dataclass(frozen=True)
class Discovery:
    """What an expedition found: candidates, the best first; places that could not be searched, with the reason."""

    candidates: Sequence[Candidate]
    left_out: Mapping[str, str]
    trials: int
    warnings: Sequence[str]
