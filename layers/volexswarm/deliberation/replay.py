"""Replays: the same decision from the tape, byte for byte, without a call; and what it would have been without one of the team.

Neither needs AutoGen or a model: the course, the questions and the arithmetic are those of the live run, the answers are on the
tape.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from volexswarm.deliberation.desk import DESK, ROLES
from volexswarm.deliberation.domain import (
    Answer,
    Ask,
    Checkpoint,
    Decision,
    Deliberation,
    Recorded,
    Said,
)
from volexswarm.deliberation.ledger import Recording
from volexswarm.deliberation.policies import speak
from volexswarm.deliberation.ports import DeliberationTransaction, Tape, Team
from volexswarm.deliberation.proceedings import proceed
from volexswarm.deliberation.tape import tape_key
from volexswarm.deliberation.verdict import RULES
from volexswarm.errors import Conflict, InvalidInput, NotFound
from volexswarm.ports import Store

_SIGNS: Final = {"buy": 1, "sell": -1, "hold": 0}


class Replayed(Said):
    """A decision made again from the tape. `identical`: byte for byte what was decided; `calls` of a model that it took."""

    deliberation_id: str
    decision: Decision
    identical: bool
    calls: int = 0


class Effect(Said):
    """What one role made of the decision: how it would have been without it.

    `exposure` is what it added: signed share of the equity traded (bought > 0), with it less without it. `assumed` counts answers
    that nobody knows, because the challenge took another course: there the role was held to its opinion.
    """

    role: str
    action: str
    size_frac: float
    confidence: float
    exposure: float
    confidence_change: float
    decisive: bool
    assumed: int


class Replayer:
    """Replays deliberations that have come to a decision."""

    def __init__(self, store: Store[DeliberationTransaction]) -> None:
        self._store = store

    def replay(self, deliberation_id: str) -> Replayed:
        """Decide again from the tape.

        Raises
        ------
        NotFound
            If there is no such deliberation, or an answer is not on its tape.
        Conflict
            If it has not come to a decision yet, or was decided by other rules than these.
        """
        deliberation, decided, answers = self._concluded(deliberation_id)
        tape = Recording(answers)
        again = _run(deliberation, TapedTeam(deliberation, tape), tape)
        identical = again.model_dump_json() == decided.model_dump_json()
        return Replayed(deliberation_id=deliberation_id, decision=again, identical=identical)

    def without(self, deliberation_id: str, role: str) -> Effect:
        """What the decision would have been without a role, and with that what the role made of it. Raises as `replay`.

        Raises
        ------
        InvalidInput
            If there is no such role.
        """
        if role not in ROLES:
            raise InvalidInput("agent", role, f"one of {', '.join(ROLES)}")
        deliberation, decided, answers = self._concluded(deliberation_id)
        return _effect(deliberation, decided, answers, role)

    def attribution(self, deliberation_id: str) -> tuple[Effect, ...]:
        """What each role made of the decision, in the desk's order. Raises as `replay`."""
        deliberation, decided, answers = self._concluded(deliberation_id)
        return tuple(_effect(deliberation, decided, answers, role.name) for role in DESK)

    def _concluded(self, deliberation_id: str) -> tuple[Deliberation, Decision, Mapping[str, Recorded]]:
        with self._store.transaction() as tx:
            deliberation = tx.load(deliberation_id)
            if deliberation is None:
                raise NotFound("deliberation", deliberation_id)
            if deliberation.checkpoint.decision is None:
                raise Conflict(f"deliberation {deliberation_id} has not come to a decision yet")
            if (rules := deliberation.checkpoint.decision.rules) != RULES:
                raise Conflict(
                    f"deliberation {deliberation_id} was decided by version {rules} of the verdict's rules:"
                    f" version {RULES} can't decide it again"
                )
            return deliberation, deliberation.checkpoint.decision, tx.answers(deliberation_id)


def _run(deliberation: Deliberation, team: Team, tape: Tape, absent: Collection[str] = ()) -> Decision:
    """From the beginning to the verdict, in memory."""
    current = deliberation.model_copy(update={"checkpoint": Checkpoint()})
    while not isinstance(came := proceed(current, team, tape, absent), Decision):
        current = current.model_copy(update={"checkpoint": current.checkpoint.following(turns=came)})
    return came


def _effect(deliberation: Deliberation, decided: Decision, answers: Mapping[str, Recorded], role: str) -> Effect:
    team = _HypotheticalTeam(deliberation, answers)
    other = _run(deliberation, team, team, {role})
    exposure = _SIGNS[decided.action] * decided.size_frac - _SIGNS[other.action] * other.size_frac
    return Effect(
        role=role,
        action=other.action,
        size_frac=other.size_frac,
        confidence=other.confidence,
        exposure=round(exposure, 6),
        confidence_change=round(decided.confidence - other.confidence, 6),
        decisive=decided.action != other.action,
        assumed=team.assumed,
    )


class TapedTeam:
    """Implements `ports.Team` from the tape alone."""

    def __init__(self, deliberation: Deliberation, tape: Recording) -> None:
        self._choice = deliberation.configuration.model
        self._tape = tape

    def blind(self, asks: Collection[Ask]) -> Mapping[str, Answer]:
        return {ask.role: self._tape.recall(tape_key(ask, self._choice)).answer for ask in asks}

    def turn(self, ask: Ask, listener: str) -> Answer:  # noqa: ARG002 - who listens changes nothing on the tape
        return self._tape.recall(tape_key(ask, self._choice)).answer


class _HypotheticalTeam(Recording):
    """The team of a deliberation that took another course: what is not on the tape was never said, and no model is asked now.

    Where policy analysts spoke, they say what they would have said; others are held to their opinion.
    """

    def __init__(self, deliberation: Deliberation, answers: Mapping[str, Recorded]) -> None:
        self._known = dict(answers)
        super().__init__(self._known)
        self._choice = deliberation.configuration.model
        self.assumed = 0

    def blind(self, asks: Collection[Ask]) -> Mapping[str, Answer]:
        return {ask.role: self._said(ask) for ask in asks}

    def turn(self, ask: Ask, listener: str) -> Answer:  # noqa: ARG002 - who listens changes nothing
        return self._said(ask)

    def _said(self, ask: Ask) -> Answer:
        key = tape_key(ask, self._choice)
        if key not in self._known and ask.brief.standing is not None:
            self._known[key] = self._supposed(ask, ask.brief.standing)
        return self.recall(key).answer

    def _supposed(self, ask: Ask, standing: Answer) -> Recorded:
        if self._choice.provider == "policy":
            return Recorded(role=ask.role, answer=speak(ask.role, ask.brief), model=self._choice.words)
        self.assumed += 1
        return Recorded(
            role=ask.role, answer=standing, model=self._choice.words, note="was never asked: held to its opinion"
        )
