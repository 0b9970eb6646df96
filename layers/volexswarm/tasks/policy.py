"""The tasks' policy: when a person is asked, how much runs at once, how voices are chosen, what a deliberation may cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from volexswarm.messages import Money
from volexswarm.policies import Share

Weight = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class TasksPolicy(BaseModel):
    """`approval_above`: a task whose trades are together a larger share of the equity asks a person (0: each that trades), who
    has `approval_minutes`; nobody answering is a no. `author_may_approve`: the one who asked for the task may be that person.
    `confirm_minutes`: a task from words that moves money waits so long for its author to say that this was meant.

    `max_drift`: a trade is not ordered any more once the market is worse than the price at which it was decided by more than this
    share of it, however long its approval took.

    `max_running` tasks are at work at once. A trade of less than `min_trade` of the equity is left alone. Until `settle_minutes`
    after its orders were raised a task waits for them to end.

    Routing: an agent's weight is the mean of its capability, its load and its past performance, weighted by `capability_weight`,
    `load_weight` and `performance_weight`, each between 0 (can't, is swamped, always fails) and 1. A voice below `min_weight` is
    not asked, unless it is risk, compliance or portfolio: without those nothing is decided.

    A deliberation may take `deliberation_calls` of a model, `deliberation_tokens`, `deliberation_cost_usd` and
    `deliberation_seconds`; the agents challenge each other in at most `deliberation_rounds` while their disagreement, between
    0 and 1, is above `disagreement`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    approval_above: Annotated[Money, Field(ge=0, le=1)] = Decimal("0.05")
    approval_minutes: Annotated[int, Field(gt=0, le=1440)] = 30
    author_may_approve: bool = True
    confirm_minutes: Annotated[int, Field(gt=0, le=1440)] = 15
    max_drift: Annotated[Money, Field(ge=0, lt=1)] = Decimal("0.01")

    max_running: Annotated[int, Field(gt=0, le=100)] = 4
    min_trade: Share = Decimal("0.001")
    settle_minutes: Annotated[int, Field(gt=0, le=120)] = 30

    capability_weight: Weight = 2.0
    load_weight: Weight = 1.0
    performance_weight: Weight = 1.0
    min_weight: Fraction = 0.25

    deliberation_calls: Annotated[int, Field(gt=0, le=1000)] = 40
    deliberation_tokens: Annotated[int, Field(gt=0, le=10_000_000)] = 60_000
    deliberation_cost_usd: Annotated[float, Field(gt=0, le=1000)] = 0.5
    deliberation_seconds: Annotated[int, Field(gt=0, le=110)] = 90
    deliberation_rounds: Annotated[int, Field(ge=0, le=2)] = 2
    disagreement: Fraction = 0.5

    @property
    def limits(self) -> dict[str, float | int]:
        """What a deliberation may take, as its step reads it."""
        return {
            "calls": self.deliberation_calls,
            "tokens": self.deliberation_tokens,
            "cost_usd": self.deliberation_cost_usd,
            "seconds": self.deliberation_seconds,
            "rounds": self.deliberation_rounds,
            "disagreement": self.disagreement,
        }
