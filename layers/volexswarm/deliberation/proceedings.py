"""One step of a deliberation: whoever is next is asked, or the verdict is computed. The same for a live run and for a replay."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Final

from volexswarm.deliberation.course import BlindRound, Challenge, next_move, panel, rounds
from volexswarm.deliberation.desk import DESK, ROLES
from volexswarm.deliberation.domain import (
    RATIONALE_LENGTH,
    Abstention,
    Answer,
    Ask,
    Decision,
    Deliberation,
    Objection,
    Opinion,
    Recorded,
    Silence,
    Turn,
)
from volexswarm.deliberation.ports import Tape, Team
from volexswarm.deliberation.prompts import ask_of
from volexswarm.deliberation.tape import tape_key
from volexswarm.deliberation.verdict import RULES, aggregate
from volexswarm.errors import Conflict, NotFound, Unavailable
from volexswarm.messages import Ruling

_EXPLAINED: Final = 1500


def proceed(
    deliberation: Deliberation, team: Team, tape: Tape, absent: Collection[str] = ()
) -> tuple[Turn, ...] | Decision:
    """Do what comes next, at a desk without the `absent`.

    Raises
    ------
    Unavailable
        If an answer could not be stored: the step must be done again.
    NotFound
        If the tape is all there is, and the answer is not on it.
    """
    move = next_move(deliberation.checkpoint.turns, deliberation.configuration, absent)
    if isinstance(move, BlindRound):
        asks = [ask_of(deliberation, role, "blind") for role in DESK if role.name not in absent]
        answers = team.blind(asks)
        return tuple(_turn(deliberation, ask, answers.get(ask.role), tape) for ask in asks)
    if isinstance(move, Challenge):
        ask = challenge_of(deliberation, move)
        return (_turn(deliberation, ask, team.turn(ask, move.listener), tape),)
    return decide(deliberation, absent)


def challenge_of(deliberation: Deliberation, move: Challenge) -> Ask:
    """What the speaker of a challenge is asked."""
    standing = panel(deliberation.checkpoint.turns)
    own, other = standing[move.speaker], standing[move.listener]
    assert isinstance(own, Opinion)  # only who has an opinion disputes or is disputed
    assert isinstance(other, Opinion)
    objection = Objection(role=move.listener, opinion=other)
    return ask_of(deliberation, ROLES[move.speaker], "challenge", move.round, own, objection)


def decide(deliberation: Deliberation, absent: Collection[str] = ()) -> Decision:
    """The verdict on what was said; `absent` roles are left out as if they had no seat."""
    turns, rules = deliberation.checkpoint.turns, deliberation.configuration
    tally = aggregate(panel(turns), deliberation.snapshot, rules.weights, absent)
    counted = [turn for turn in turns if turn.role not in absent]
    replaced = [f"{t.role}: {t.recorded.note or t.recorded.model}" for t in counted if t.recorded.degraded]
    standing = panel(counted)
    silent = [f"{v.role}: {v.counted}" for v in tally.votes if v.stance is None and _failed(standing.get(v.role))]
    return Decision(
        action=tally.action,
        size_frac=tally.size_frac,
        confidence=tally.confidence,
        votes=tally.votes,
        dissent=tally.dissent,
        vetoed_by=tally.vetoed_by,
        abstained=tally.abstained,
        rounds=rounds(turns),
        tokens=sum(turn.recorded.usage.tokens for turn in counted),
        cost=round(math.fsum(turn.recorded.usage.cost for turn in counted), 8),
        degraded=bool(replaced or silent),
        degraded_why=tuple(replaced + silent),
        snapshot_hash=deliberation.snapshot.hash,
        tape_keys=tuple(turn.key for turn in counted),
        prompt_version=rules.prompt_version,
        model=rules.model.words,
        arithmetic=tally.arithmetic,
        reason=tally.reason,
        rules=RULES,
    )


def _failed(answer: Answer | None) -> bool:
    """Whether a voice without an opinion ought to have been heard: who has nothing to judge by rights leaves nothing out."""
    return not isinstance(answer, Abstention) or answer.why.is_failure


def ruling(deliberation: Deliberation, decision: Decision) -> Ruling:
    """The decision in the form in which the task goes on with it."""
    said = panel(deliberation.checkpoint.turns)
    return Ruling(
        deliberation_id=deliberation.id,
        symbol=deliberation.snapshot.question.symbol,
        action=decision.action,
        size_frac=decision.size_frac,
        confidence=decision.confidence,
        vetoed_by=decision.vetoed_by,
        vetoes=tuple(_words(said.get(role)) for role in decision.vetoed_by),
        abstained=decision.abstained,
        dissent=decision.dissent,
        degraded=decision.degraded,
        explanation=explanation(deliberation, decision),
    )


def _words(answer: Answer | None) -> str:
    if isinstance(answer, Opinion):
        return answer.rationale
    return f"no opinion: {answer.reason}" if answer is not None else "was not asked"


def explanation(deliberation: Deliberation, decision: Decision) -> str:
    """The verdict in words, for people: what, why, who said what. Made by code from what was counted."""
    said = panel(deliberation.checkpoint.turns)
    size = f" {decision.size_frac:.2%} of the equity" if decision.size_frac else ""
    lines = [f"{decision.action.capitalize()}{size}, confidence {decision.confidence:.2f}: {decision.reason}."]
    for vote in decision.votes:
        answer = said.get(vote.role)
        if isinstance(answer, Opinion):
            lines.append(f"{vote.role} {answer.stance.value} {answer.confidence:.2f}: {answer.rationale}")
        else:
            lines.append(f"{vote.role}: {vote.counted}")
    text = "\n".join(lines)
    return text if len(text) <= _EXPLAINED else text[: _EXPLAINED - 1] + "…"


def _turn(deliberation: Deliberation, ask: Ask, answer: Answer | None, tape: Tape) -> Turn:
    """What was said, as it stands on the tape: the vote of whoever sent it."""
    key = tape_key(ask, deliberation.configuration.model)
    recorded = tape.recall(key)
    said = answer if recorded is None else recorded.answer
    if isinstance(said, Abstention) and said.why is Silence.UNTAPED:
        raise NotFound("answer on the tape", f"of {ask.role} ({ask.phase} {ask.round}): {key}")
    if isinstance(said, Abstention) and said.why is Silence.UNRECORDED:
        raise Unavailable("tape", said.reason)
    if recorded is None or recorded.answer != answer or recorded.role != ask.role:
        raise Conflict(f"{ask.role} did not say what is on the tape under {key}")
    return Turn(phase=ask.phase, round=ask.round, role=ask.role, key=key, recorded=_admitted(ask, recorded))


def _admitted(ask: Ask, recorded: Recorded) -> Recorded:
    """An opinion that rests on what was never shown is none, whichever model let it through."""
    answer = recorded.answer
    if not isinstance(answer, Opinion):
        return recorded
    unknown = sorted(set(answer.evidence) - set(ask.evidence))
    if not unknown:
        return recorded
    reason = f"rests on evidence that was not given: {', '.join(unknown)}"[:RATIONALE_LENGTH]
    return recorded.model_copy(update={"answer": Abstention(why=Silence.UNKNOWN_EVIDENCE, reason=reason)})
