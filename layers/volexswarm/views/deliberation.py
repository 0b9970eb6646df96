"""A deliberation as people read it: who said what, who disagreed, and how the verdict was computed, line by line."""

from __future__ import annotations

from pydantic import AwareDatetime

from volexswarm.messages import Question, Testimony
from volexswarm.views.shape import View


class Statement(View):
    """What a role said at one moment. `stance` is null if it had no opinion: `rationale` then says why.

    `model` is who really spoke for it; `degraded` that it stood in for the one that was chosen; `note` why
    that was so, or why no model was asked.
    """

    phase: str
    round: int
    role: str
    stance: str | None
    confidence: float
    size_frac: float
    rationale: str
    evidence: list[str]
    objection_to: str | None
    model: str
    degraded: bool
    note: str
    tokens: int
    cost: float
    tape_key: str


class CountedVote(View):
    """How a role's last word was counted. `strength` is weight times confidence."""

    role: str
    stance: str | None
    confidence: float
    size_frac: float
    weight: float
    strength: float
    counted: str


class SumLine(View):
    """One line of the arithmetic."""

    what: str
    value: float
    how: str


class DeliberationVerdict(View):
    """What was decided and why. `size_frac` is the share of the equity to trade."""

    action: str
    size_frac: float
    confidence: float
    reason: str
    explanation: str
    votes: list[CountedVote]
    arithmetic: list[SumLine]
    dissent: list[str]
    vetoed_by: list[str]
    abstained: list[str]
    degraded: bool
    degraded_why: list[str]


class Costs(View):
    """What it took. `calls` were made, `repeated` of them again after a crash or a failed attempt; `cost` in US dollars.

    `answered_tokens` and `answered_cost` are those of the answers that counted.
    """

    calls: int
    repeated: int
    tokens: int
    cost: float
    answered_tokens: int
    answered_cost: float


class DeliberationRecord(View):
    """The whole record. `phase` is what comes next: `blind`, `challenge`, or `done`; `verdict` is null until then."""

    id: str
    task_id: str
    attempt: int
    symbol: str
    phase: str
    question: Question
    testimonies: list[Testimony]
    statements: list[Statement]
    verdict: DeliberationVerdict | None
    rounds: int
    costs: Costs
    model: str
    prompt_version: str
    weights: dict[str, float]
    limits: dict[str, float]
    snapshot_hash: str
    begun_at: AwareDatetime
    updated_at: AwareDatetime


class RoleRecord(View):
    """How a role's forecasts have fared, and what its vote weighs for it. Rates are null before any was judged."""

    role: str
    forecasts: int
    hit_rate: float | None
    brier: float | None
    weight: float


class DeliberationList(View):
    """A task's deliberations, by attempt and symbol."""

    deliberations: list[DeliberationRecord]


class Replay(View):
    """A decision made again from the tape. `identical`: byte for byte what was decided; `calls` of a model that it took."""

    deliberation_id: str
    identical: bool
    calls: int
    action: str
    size_frac: float
    confidence: float
    reason: str


class RoleEffect(View):
    """What one role made of a decision: how it would have been without it.

    `exposure` is what the role added, as a signed share of the equity; `decisive`: without it the action would be another.
    `assumed` counts answers that nobody knows, where the role was held to its opinion.
    """

    role: str
    action: str
    size_frac: float
    confidence: float
    exposure: float
    confidence_change: float
    decisive: bool
    assumed: int


class RoleEffects(View):
    """What each role made of a decision, in the desk's order."""

    deliberation_id: str
    action: str
    size_frac: float
    effects: list[RoleEffect]


class Calibration(View):
    """Every forecasting role's record."""

    roles: list[RoleRecord]
