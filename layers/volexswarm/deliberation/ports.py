"""What a deliberation needs: models that speak for roles, a budget that is asked before each call, and a tape.

A guarded client (`models/guarded.py`) stands between AutoGen and every model. It asks the tape first, then reserves, calls,
records and settles, and it never raises: whatever happens becomes an `Opinion` or an `Abstention` in its answer's text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from volexswarm.deliberation.calibration import DueForecast, Forecast, Judgement, TrackRecord
from volexswarm.deliberation.domain import (
    Abstention,
    Answer,
    Ask,
    Brief,
    Checkpoint,
    Deliberation,
    ModelChoice,
    Recorded,
    Usage,
)
from volexswarm.ports import Transaction


@dataclass(frozen=True)
class Reservation:
    """Room that is held for one call until it is settled; `number` tells it from the others of the deliberation."""

    number: int
    tokens: int
    cost: float


@dataclass(frozen=True)
class Spent:
    """What a deliberation has taken so far; `repeated` of the calls asked again what had been asked."""

    calls: int
    tokens: int
    cost: float
    repeated: int = 0


class Budget(Protocol):
    """What the deliberation may still take. Every attempt at a call reserves first, a repeated one too."""

    def reserve(self, key: str, role: str, usage: Usage) -> Reservation | Abstention:
        """Hold room for a call that takes at most so much; stored before it returns, so that a crash forgets no call.

        An Abstention (`BUDGET`, `DEADLINE` or `UNRECORDED`) if there is no room, no time, or no store. Never raises.
        """
        ...

    def settle(self, reservation: Reservation, usage: Usage) -> None:
        """What the call really took, instead of what was held for it; what is never settled counts in full. Never raises."""
        ...

    def seconds_left(self) -> float:
        """Until the deliberation's deadline; never negative. A call is given no more than this."""
        ...


class Tape(Protocol):
    """Every answer of a deliberation by its key (`tape.tape_key`), written once."""

    def recall(self, key: str) -> Recorded | None:
        """The answer that stands under the key; None if it has to be asked for.

        When only what is on the tape may be used, what is not there is answered by an abstention `UNTAPED`. Never raises.
        """
        ...

    def record(self, key: str, recorded: Recorded) -> Recorded:
        """Store the answer, and give what stands: the earlier one, if there was one. Never raises.

        An abstention `UNRECORDED` if the store does not answer.
        """
        ...


class Voices(Protocol):
    """Makes the model clients. The chosen model is configuration; a replay hands in the choice of its time."""

    @property
    def choice(self) -> ModelChoice:
        """The model that is configured."""
        ...

    def guarded(self, ask: Ask, choice: ModelChoice, budget: Budget, tape: Tape) -> Any:
        """An AutoGen `ChatCompletionClient` that answers just this ask.

        Its `create` gives a `CreateResult` whose content is the JSON of the `Answer` that stands on the tape under
        `tape.tape_key(ask, choice)`. Nothing is opened before the first call that is not on the tape.
        """
        ...


class Team(Protocol):
    """Has roles speak (AutoGen's part)."""

    def blind(self, asks: Sequence[Ask]) -> Mapping[str, Answer]:
        """Ask all of them at once, none hearing another; the answers by role, as keyed by the messages' sources."""
        ...

    def turn(self, ask: Ask, listener: str) -> Answer:
        """Let one role speak in a fresh team of itself and the role that it speaks to."""
        ...


class DeliberationTransaction(Transaction, Protocol):
    """One change of a deliberation's record. What is written once stays as it was written first."""

    def find(self, task_id: str, attempt: int, symbol: str) -> Deliberation | None:
        """The deliberation of a task's attempt about a symbol; None if it was not begun."""
        ...

    def load(self, deliberation_id: str) -> Deliberation | None:
        """The deliberation as it stands; None if there is none."""
        ...

    def begin(self, deliberation: Deliberation, at: datetime) -> bool:
        """Store a new one with its frozen facts; False if the attempt has one about the symbol already."""
        ...

    def advance(self, deliberation_id: str, checkpoint: Checkpoint, at: datetime) -> bool:
        """Replace the checkpoint by the one that follows it; False if another process was faster."""
        ...

    def answers(self, deliberation_id: str) -> Mapping[str, Recorded]:
        """The tape, by key."""
        ...

    def record(self, deliberation_id: str, key: str, recorded: Recorded, at: datetime) -> Recorded:
        """Store an answer; the one that stands is given back: the earlier, if there was one."""
        ...

    def reserve(self, deliberation_id: str, key: str, role: str, most: Usage, at: datetime) -> int:
        """Note that a call is about to be made, counted in full until it is settled; its number."""
        ...

    def settle(self, settled: Mapping[int, Usage], at: datetime) -> None:
        """Note what calls have really taken, by their numbers."""
        ...

    def spent(self, deliberation_id: str) -> Spent:
        """What the deliberation has taken: settled calls by what they took, others by what was held for them."""
        ...

    def track_records(self) -> Mapping[str, TrackRecord]:
        """How the forecasts of each role have fared that were judged; a role without any is missing."""
        ...

    def record_forecasts(self, deliberation: Deliberation, forecasts: Sequence[Forecast], due: datetime) -> None:
        """Note what roles foretold of the price at market time `due`, to be judged then."""
        ...

    def forecasts_due(self, limit: int) -> Sequence[DueForecast]:
        """Forecasts whose moment is past by a candle's length and that were not judged yet, oldest first; held to the end."""
        ...

    def judge(self, due: DueForecast, judgement: Judgement | None, at: datetime) -> None:
        """Note how a forecast came out; None where there was nothing to judge it by. It is not judged again."""
        ...


class Analyst(Protocol):
    """Speaks for a role by rules alone: offline, the same answer to the same brief, always."""

    def __call__(self, brief: Brief) -> Answer: ...
