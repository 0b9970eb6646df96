"""What is said in a deliberation: opinions, abstentions, what a role is asked, and the frozen facts it is asked about.

A vote belongs to whoever sent it: an opinion has no field for its author, so that no text can speak for another role.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from volexswarm.messages import Question, Share, Side, Stance, Testimony

RATIONALE_LENGTH: Final = 400

Phase = Literal["blind", "challenge"]


def digest(value: Any) -> str:
    """SHA-256 of a value's canonical JSON, hex: equal values have equal digests in every process."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class Said(BaseModel):
    """What is said is never changed, and has no field but its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Opinion(Said):
    """What a role thinks: this is also the form that models answer in.

    `size_frac` is the share of the equity that it would trade; `evidence` the ids that it rests on; `objection_to` the role whose
    reasoning it disputes. `VETO` is for risk and compliance; from anybody else it counts as `HOLD`.
    """

    kind: Literal["opinion"] = "opinion"
    stance: Stance
    confidence: Share
    size_frac: Share
    rationale: str = Field(max_length=RATIONALE_LENGTH)
    evidence: tuple[Annotated[str, Field(max_length=120)], ...] = Field(default=(), max_length=20)
    objection_to: str | None = Field(default=None, max_length=40)


class Silence(StrEnum):
    """Why there is no opinion."""

    NO_DATA = "no_data"
    """What the role judges by is not there."""
    NOTHING = "nothing"
    """It was looked, and there is nothing for the role to judge: no news, no strategy. No opinion, and no failure either."""
    BUDGET = "budget"
    """Another call would be more than the deliberation may cost."""
    DEADLINE = "deadline"
    """The time was up before an answer came."""
    REFUSED = "refused"
    """The model declined to answer."""
    MALFORMED = "malformed"
    """The answer was not in the form that was asked for, or beyond its bounds."""
    UNKNOWN_EVIDENCE = "unknown_evidence"
    """It rests on evidence that was not given."""
    UNREACHABLE = "unreachable"
    """The model's server failed, or could not be reached."""
    UNTAPED = "untaped"
    """A replay asked for what is not on the tape: the replay fails, it is no outcome."""
    UNRECORDED = "unrecorded"
    """The answer could not be stored: the step is tried again, it is no outcome."""

    @property
    def is_failure(self) -> bool:
        """Whether a voice is missing that ought to have been heard."""
        return self is not Silence.NOTHING

    @property
    def is_outcome(self) -> bool:
        """Whether the deliberation goes on with it, as the role's silence."""
        return self not in (Silence.UNTAPED, Silence.UNRECORDED)


class Abstention(Said):
    """A role without an opinion, and why. Of risk and compliance it is a veto."""

    kind: Literal["abstention"] = "abstention"
    why: Silence
    reason: str = Field(max_length=RATIONALE_LENGTH)


Answer = Annotated[Opinion | Abstention, Field(discriminator="kind")]


class ModelChoice(Said):
    """Which model speaks for the roles. `params` are what changes its answers (temperature, seed, limits), never a key.

    `provider` is `policy` for the offline analysts.
    """

    provider: str
    name: str
    params: dict[str, str | int | float | bool] = Field(default_factory=dict)

    @property
    def words(self) -> str:
        return f"{self.provider}:{self.name}"


class Objection(Said):
    """What another role holds against one's opinion, as it is put to the role that shall answer.

    Of a tainted role nothing is put to anybody.
    """

    role: str
    opinion: Opinion


class Brief(Said):
    """What a role knows when it is asked: only the testimonies that it may see. Policy analysts reason on this alone.

    `standing` and `objection` are there in the challenge only: its own opinion so far, and the one that it shall answer.
    """

    question: Question
    testimonies: tuple[Testimony, ...]
    standing: Opinion | None = None
    objection: Objection | None = None

    def testimony(self, agent: str) -> Testimony | None:
        """What the agent said, None if it may not be seen, was not asked or had nothing to say."""
        found = next((t for t in self.testimonies if t.agent == agent), None)
        return None if found is None or found.missing is not None else found


class Ask(Said):
    """One question put to one role: wholly determined by the snapshot and the opinions so far, so that it can be asked again.

    `system` and `text` are what a model is told; everything in `brief` stands in `text`. `evidence`: the ids that may be cited.
    `fallback` says that the policy analyst may answer where the model fails (the answer is then `degraded`).
    """

    deliberation_id: str
    role: str
    phase: Phase
    round: int = Field(ge=0)
    prompt_version: str
    system: str
    text: str
    evidence: tuple[str, ...]
    brief: Brief
    fallback: bool = True


class Usage(Said):
    """What a call took: tokens in both directions, and US dollars."""

    tokens: int = Field(ge=0)
    cost: float = Field(ge=0, allow_inf_nan=False)


NOTHING_USED: Final = Usage(tokens=0, cost=0.0)


class Recorded(Said):
    """One answer as it stands on the tape. `model` is who really answered; `degraded` when it replaced the one that was chosen.

    `note` says why it was replaced, not asked, or what was wrong; `raw` is what the model wrote, cut to what is worth keeping.
    """

    role: str
    answer: Answer
    model: str
    degraded: bool = False
    note: str = ""
    raw: str = Field(default="", max_length=4000)
    usage: Usage = NOTHING_USED


class Limits(Said):
    """What one deliberation may take, and when it is worth a challenge.

    `disagreement` from 0 (all of one mind) to 1: above it the strongest dissenter is heard.
    """

    calls: int = Field(default=40, ge=0)
    tokens: int = Field(default=60_000, ge=0)
    cost_usd: float = Field(default=0.50, ge=0, allow_inf_nan=False)
    seconds: float = Field(default=90.0, gt=0, allow_inf_nan=False)
    disagreement: float = Field(default=0.5, ge=0, le=1)
    rounds: int = Field(default=2, ge=0, le=2)


class Turn(Said):
    """One answer in the order in which it was given, and where it stands on the tape."""

    phase: Phase
    round: int
    role: str
    key: str
    recorded: Recorded


class Vote(Said):
    """What became of a role's word. `strength` is weight times confidence; `counted` says in words how it went in."""

    role: str
    stance: Stance | None
    confidence: Share
    size_frac: Share
    weight: float
    strength: float
    counted: str


class Line(Said):
    """One line of the verdict's arithmetic, for people: what was computed, what came out, and how."""

    what: str
    value: float
    how: str


class Decision(Said):
    """The verdict: computed by code from the votes. The same votes on the same facts give the same bytes.

    `size_frac` is the share of the equity to trade, 0 when the action is hold. `dissent` spoke for another action, without ending
    the matter by a veto; `abstained` had no opinion. `tokens` and `cost` are those of the answers on the tape, not of repeated
    calls. `rules` is the version of the arithmetic; what was decided before there were versions is of the first.
    """

    action: Literal["buy", "sell", "hold"]
    size_frac: Share
    confidence: Share
    votes: tuple[Vote, ...]
    dissent: tuple[str, ...]
    vetoed_by: tuple[str, ...]
    abstained: tuple[str, ...]
    rounds: int
    tokens: int
    cost: float
    degraded: bool
    degraded_why: tuple[str, ...]
    snapshot_hash: str
    tape_keys: tuple[str, ...]
    prompt_version: str
    model: str
    arithmetic: tuple[Line, ...]
    reason: str
    rules: int = 1


class Configuration(Said):
    """What besides the facts decides a deliberation. `weights` by role come from calibration; a role not named weighs 1."""

    limits: Limits = Limits()
    weights: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = Field(default_factory=dict)
    model: ModelChoice
    prompt_version: str


class Snapshot(Said):
    """The facts, frozen: whatever is asked afterwards is asked about these."""

    question: Question
    testimonies: tuple[Testimony, ...]

    @model_validator(mode="after")
    def _one_voice_each(self) -> Self:
        agents = [testimony.agent for testimony in self.testimonies]
        if len(set(agents)) != len(agents):
            raise ValueError("an agent testifies once")
        ids = [evidence.id for testimony in self.testimonies for evidence in testimony.evidence]
        if len(set(ids)) != len(ids):
            raise ValueError("evidence ids are unique in a panel")
        others = [t.agent for t in self.testimonies if t.symbol != self.question.symbol]
        if others:
            raise ValueError(f"{others[0]} testifies about another symbol than {self.question.symbol}")
        return self

    @property
    def hash(self) -> str:
        return digest(self.model_dump(mode="json"))

    @property
    def as_of(self) -> datetime:
        """Market time of the question."""
        return self.question.as_of

    @property
    def wish(self) -> Side | None:
        return self.question.wish

    def feature(self, agent: str, name: str) -> float | None:
        """A number that the agent gave; None if it is not known."""
        found = next((t for t in self.testimonies if t.agent == agent), None)
        return None if found is None else found.features.get(name)


class Checkpoint(Said):
    """How far a deliberation has come: what was said, in order, and the decision when there is one. `version` counts up."""

    version: int = Field(default=0, ge=0)
    turns: tuple[Turn, ...] = ()
    decision: Decision | None = None

    def following(self, turns: Sequence[Turn] = (), decision: Decision | None = None) -> Checkpoint:
        """The next one."""
        return Checkpoint(version=self.version + 1, turns=(*self.turns, *turns), decision=decision)


class Deliberation(Said):
    """One deliberation: its facts and rules, frozen when it began, and how far it has come."""

    id: str
    snapshot: Snapshot
    configuration: Configuration
    checkpoint: Checkpoint = Checkpoint()


def identity(snapshot: Snapshot, configuration: Configuration) -> str:
    """A deliberation's id: the same facts under the same rules, prompts and model are the same deliberation."""
    return digest([snapshot.hash, configuration.model_dump(mode="json")])
