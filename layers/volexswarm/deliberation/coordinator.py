"""Leads a deliberation through its phases, each stored before the next begins, so that a crash or a time-out resumes.

A deliberation belongs to a task's attempt and a symbol: called again for the same, it goes on where it was, with the facts and
rules of its beginning, or gives the ruling that it has come to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from volexswarm.clock import Clock
from volexswarm.deliberation.calibration import HORIZON_CANDLES, forecasts, weight
from volexswarm.deliberation.desk import PROMPT_VERSION
from volexswarm.deliberation.domain import (
    Abstention,
    Configuration,
    Decision,
    Deliberation,
    Limits,
    ModelChoice,
    Snapshot,
    Turn,
    identity,
)
from volexswarm.deliberation.ledger import Ledger
from volexswarm.deliberation.ports import DeliberationTransaction, Spent, Team
from volexswarm.deliberation.proceedings import proceed, ruling
from volexswarm.errors import Unavailable
from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import DeliberationConcluded, Event, OpinionGiven, Question, Ruling, Testimony
from volexswarm.messages.tasks import TaskEvent
from volexswarm.ports import Store

SOURCE = "meta"


class EnhancedAgentCoordinator:
    """Has the team deliberate: snapshot, blind round, challenge, verdict.

    Parameters
    ----------
    team : callable
        Gives the team that speaks with a model, on a ledger.
    choice : ModelChoice
        The model that is configured; a deliberation that was begun goes on with its own.
    """

    def __init__(
        self,
        store: Store[DeliberationTransaction],
        clock: Clock,
        team: Callable[[ModelChoice, Ledger], Team],
        choice: ModelChoice,
    ) -> None:
        self._store = store
        self._clock = clock
        self._team = team
        self._choice = choice

    def deliberate(
        self, question: Question, testimonies: Sequence[Testimony], limits: Limits, deadline: datetime | None = None
    ) -> Ruling:
        """Come to a ruling; at once, if the attempt has one about the symbol.

        Parameters
        ----------
        deadline : datetime, optional
            Wall time after which nobody is asked any more; never later than `limits.seconds` from here.

        Raises
        ------
        Unavailable
            If the database does not answer; called again, it goes on from there.
        """
        deliberation = self._opened(question, testimonies, limits)
        if deliberation.checkpoint.decision is not None:
            return ruling(deliberation, deliberation.checkpoint.decision)
        end = self._clock.now() + timedelta(seconds=deliberation.configuration.limits.seconds)
        limit = end if deadline is None else min(end, deadline)
        ledger = Ledger(self._store, self._clock, deliberation.id, deliberation.configuration.limits, limit)
        team = self._team(deliberation.configuration.model, ledger)
        while deliberation.checkpoint.decision is None:
            came = proceed(deliberation, team, ledger)
            deliberation = self._stored(deliberation, came, ledger.spent)
        return ruling(deliberation, deliberation.checkpoint.decision)

    def _opened(self, question: Question, testimonies: Sequence[Testimony], limits: Limits) -> Deliberation:
        """The attempt's deliberation, frozen now if there is none."""
        with self._store.transaction() as tx:
            found = tx.find(question.task_id, question.attempt, question.symbol)
            if found is not None:
                return found
            snapshot = Snapshot(question=question, testimonies=tuple(sorted(testimonies, key=lambda t: t.agent)))
            configuration = Configuration(
                limits=limits,
                weights={role: weight(record) for role, record in sorted(tx.track_records().items())},
                model=self._choice,
                prompt_version=PROMPT_VERSION,
            )
            new = Deliberation(id=identity(snapshot, configuration), snapshot=snapshot, configuration=configuration)
            if tx.begin(new, self._clock.now()):
                return new
        raise Unavailable("deliberation", "another process has just begun it", timedelta(seconds=1))

    def _stored(self, before: Deliberation, came: tuple[Turn, ...] | Decision, spent: Spent) -> Deliberation:
        """The deliberation with what came, stored and told in one; as another process has it, if that was faster."""
        if isinstance(came, Decision):
            checkpoint = before.checkpoint.following(decision=came)
        else:
            checkpoint = before.checkpoint.following(turns=came)
        after = before.model_copy(update={"checkpoint": checkpoint})
        with self._store.transaction() as tx:
            if tx.advance(after.id, checkpoint, self._clock.now()):
                tx.publish(*self._told(after, came, spent))
                if isinstance(came, Decision):
                    tx.record_forecasts(after, forecasts(checkpoint.turns), _horizon(after))
                return after
            other = tx.load(after.id)
        assert other is not None  # what was begun is never taken away
        return other

    def _told(
        self, deliberation: Deliberation, came: tuple[Turn, ...] | Decision, spent: Spent
    ) -> Sequence[Event[TaskEvent]]:
        if isinstance(came, Decision):
            question = deliberation.snapshot.question
            concluded = DeliberationConcluded(
                task_id=question.task_id,
                attempt=question.attempt,
                ruling=ruling(deliberation, came),
                rounds=came.rounds,
                calls=spent.calls,
                tokens=spent.tokens,
                cost=spent.cost,
            )
            return [self._event(deliberation, concluded, "verdict")]
        return [
            self._event(deliberation, _opinion(deliberation, turn), f"{turn.phase}/{turn.round}/{turn.role}")
            for turn in came
        ]

    def _event(self, deliberation: Deliberation, payload: TaskEvent, what: str) -> Event[TaskEvent]:
        return Event.root(
            payload,
            source=SOURCE,
            subject=payload.key,
            identity=f"{deliberation.id}/{what}",
            time=self._clock.now(),
        )


def _horizon(deliberation: Deliberation) -> datetime:
    """Market time at which its forecasts are judged."""
    question = deliberation.snapshot.question
    return question.as_of + HORIZON_CANDLES * Timeframe(question.timeframe).length


def _opinion(deliberation: Deliberation, turn: Turn) -> OpinionGiven:
    question, answer = deliberation.snapshot.question, turn.recorded.answer
    silent = isinstance(answer, Abstention) and answer.why.is_failure
    return OpinionGiven(
        task_id=question.task_id,
        attempt=question.attempt,
        deliberation_id=deliberation.id,
        symbol=question.symbol,
        phase=turn.phase,
        round=turn.round,
        agent=turn.role,
        stance=None if isinstance(answer, Abstention) else answer.stance,
        confidence=0 if isinstance(answer, Abstention) else answer.confidence,
        size_frac=0 if isinstance(answer, Abstention) else answer.size_frac,
        rationale=answer.reason if isinstance(answer, Abstention) else answer.rationale,
        objection_to=None if isinstance(answer, Abstention) else answer.objection_to,
        model=turn.recorded.model,
        degraded=turn.recorded.degraded or silent,
    )
