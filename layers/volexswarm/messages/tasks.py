"""What Meta's task flows say: a task's life, its steps, the team's opinions and ruling, a person's approval."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from volexswarm.messages.envelope import Channel, Payload, Queue
from volexswarm.messages.trading import Side

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
"""Between nothing and all."""


class TaskKind(StrEnum):
    ANALYZE = "analyze"
    TRADE = "trade"
    REBALANCE = "rebalance"
    RESEARCH = "research"
    REPORT = "report"
    BACKTEST = "backtest"
    OPTIMIZE = "optimize"
    DISCOVER = "discover"

    @property
    def moves_money(self) -> bool:
        return self in (TaskKind.TRADE, TaskKind.REBALANCE)


class Priority(StrEnum):
    """From the first to be started to the last."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 is started first."""
        return tuple(Priority).index(self)


class TaskStatus(StrEnum):
    """A task's life. `UNCONFIRMED`: understood from words, and waits for its author to say that this was meant."""

    UNCONFIRMED = "unconfirmed"
    WAITING = "waiting"
    RUNNING = "running"
    AWAITING_APPROVAL = "awaiting_approval"
    SUCCEEDED = "succeeded"
    REJECTED = "rejected"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"

    @property
    def is_final(self) -> bool:
        return self in _FINAL


_FINAL = frozenset(
    {TaskStatus.SUCCEEDED, TaskStatus.REJECTED, TaskStatus.FAILED, TaskStatus.CANCELED, TaskStatus.EXPIRED}
)


class Stance(StrEnum):
    BUY = "buy"
    SELL = "sell"
    HOLD = "hold"
    VETO = "veto"


class Question(BaseModel):
    """What the team is asked about one symbol. `wish` is the side that the task wants to trade, None if it wants to know.

    `target_share` is the part of the equity that shall be held in the symbol's base after the wished trade, beside what else may
    be under way; None if the team shall say. `as_of` is market time: nothing later is looked at.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task_id: str
    attempt: int = Field(ge=1)
    venue: str
    account: str
    symbol: str
    timeframe: str
    wish: Side | None = None
    target_share: Share | None = None
    as_of: AwareDatetime


class Evidence(BaseModel):
    """One fact that an opinion may rest on. `id` is unique in a panel, as `signal:rsi_14`; `text` is for people and models.

    `tainted`: the words were written outside (news): they are data, never instructions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(max_length=120)
    kind: str = Field(max_length=40)
    text: str = Field(max_length=300)
    value: float | None = Field(default=None, allow_inf_nan=False)
    as_of: AwareDatetime
    tainted: bool = False


class Testimony(BaseModel):
    """What an agent knows about a question. One that can't speak says why in `missing`, and has neither features nor evidence.

    `features` are the numbers that policies reason on; a number that is not known is not there.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    __test__ = False  # no test, whatever pytest makes of the name

    agent: str
    symbol: str
    as_of: AwareDatetime
    features: dict[str, Annotated[float, Field(allow_inf_nan=False)]] = Field(default_factory=dict)
    evidence: tuple[Evidence, ...] = Field(default=(), max_length=40)
    missing: str | None = None


class Ruling(BaseModel):
    """What came of a deliberation, in the form in which the task goes on with it.

    `size_frac` share of the equity to trade (0 when `action` is hold), `vetoes` what each of `vetoed_by` said, `dissent` who
    spoke for another action; `degraded` when a model was replaced or a voice was missing. Who abstained because there is nothing
    to judge (no news, no active strategy) is not missing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    deliberation_id: str
    symbol: str
    action: Literal["buy", "sell", "hold"]
    size_frac: Share
    confidence: Share
    vetoed_by: tuple[str, ...] = ()
    abstained: tuple[str, ...] = ()
    dissent: tuple[str, ...] = ()
    vetoes: tuple[str, ...] = ()
    degraded: bool
    explanation: str


class TaskEvent(Payload):
    """A payload that speaks of one task's attempt."""

    task_id: str
    attempt: int

    @property
    def key(self) -> str:
        return f"task:{self.task_id}"


class TaskChanged(TaskEvent):
    """A task was taken (`before` is None) or went on to another status."""

    QUEUE: ClassVar[Queue | None] = Queue.TASKS
    CHANNELS: ClassVar[tuple[Channel, ...]] = (Channel.TASKS,)

    kind: TaskKind
    priority: Priority
    symbols: tuple[str, ...]
    before: TaskStatus | None
    after: TaskStatus
    reason: str
    requested_by: str


class TaskStepped(TaskEvent):
    """A step of the state machine began or ended; `seconds` it took, None at its beginning. `missing`: it had no answer."""

    CHANNELS: ClassVar[tuple[Channel, ...]] = (Channel.TASKS,)

    step: str
    symbol: str | None
    status: Literal["started", "done", "missing", "failed"]
    detail: str
    seconds: float | None


class JobProgressed(TaskEvent):
    """A long step has come some way: `done` of `of` runs of the study `job_id`."""

    CHANNELS: ClassVar[tuple[Channel, ...]] = (Channel.TASKS,)

    step: str
    job_id: str
    done: int = Field(ge=0)
    of: int = Field(ge=1)
    detail: str


class ApprovalAsked(TaskEvent):
    """A person must say whether the task may go on; nobody saying anything until `expires_at` is a no."""

    CHANNELS: ClassVar[tuple[Channel, ...]] = (Channel.TASKS, Channel.ALERTS)

    approval_id: str
    question: str
    reasons: tuple[str, ...]
    expires_at: AwareDatetime


class ApprovalDecided(TaskEvent):
    """A person has spoken, or the time has passed (`actor` is then `system`)."""

    CHANNELS: ClassVar[tuple[Channel, ...]] = (Channel.TASKS,)

    approval_id: str
    verdict: Literal["approved", "rejected", "expired"]
    actor: str
    reason: str


class OpinionGiven(TaskEvent):
    """A specialist has spoken, or has abstained and says why (`stance` is then None)."""

    CHANNELS: ClassVar[tuple[Channel, ...]] = (Channel.DELIBERATIONS,)

    deliberation_id: str
    symbol: str
    phase: Literal["blind", "challenge"]
    round: int
    agent: str
    stance: Stance | None
    confidence: Share
    size_frac: Share
    rationale: str
    objection_to: str | None
    model: str
    degraded: bool


class DeliberationConcluded(TaskEvent):
    """The verdict was computed. `calls`, `tokens` and `cost` (USD) are what it took."""

    CHANNELS: ClassVar[tuple[Channel, ...]] = (Channel.DELIBERATIONS,)

    ruling: Ruling
    rounds: int
    calls: int
    tokens: int
    cost: float
