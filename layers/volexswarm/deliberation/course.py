"""What comes next in a deliberation, from what was said so far. Pure: after a crash the same course is found again.

blind → challenge (the strongest dissenter, then its target; a round) → verdict. It ends when the team is of one mind enough, when
a round has moved nobody's stance, or after the last round allowed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from volexswarm.deliberation.challenge import next_pair
from volexswarm.deliberation.domain import Answer, Configuration, Opinion, Turn


@dataclass(frozen=True)
class BlindRound:
    """All roles are asked, none hearing another."""


@dataclass(frozen=True)
class Challenge:
    """One role is shown another's opinion, and answers it."""

    round: int
    speaker: str
    listener: str


@dataclass(frozen=True)
class Verdict:
    """Everything was said."""


def next_move(
    turns: Sequence[Turn], configuration: Configuration, absent: Collection[str] = ()
) -> BlindRound | Challenge | Verdict:
    """What is to be done after these turns, at a desk without the `absent`."""
    if not turns:
        return BlindRound()
    limits, weights = configuration.limits, configuration.weights
    argued = [turn for turn in turns if turn.phase == "challenge"]
    if len(argued) % 2:
        before = panel(turns[:-1])
        pair = next_pair(before, weights, limits.disagreement, absent)
        assert pair is not None  # its challenger has just spoken
        return Challenge(argued[-1].round, pair.target, pair.challenger)
    if argued and _stances(panel(turns)) == _stances(panel(turns[:-2])):
        return Verdict()
    number = len(argued) // 2 + 1
    pair = next_pair(panel(turns), weights, limits.disagreement, absent) if number <= limits.rounds else None
    return Verdict() if pair is None else Challenge(number, pair.challenger, pair.target)


def rounds(turns: Sequence[Turn]) -> int:
    """How many rounds of challenge there were."""
    return max((turn.round for turn in turns), default=0)


def panel(turns: Sequence[Turn]) -> Mapping[str, Answer]:
    """What each role's word is after these turns. Who falls silent when challenged is held to the opinion it had given."""
    standing: dict[str, Answer] = {}
    for turn in turns:
        answer = turn.recorded.answer
        if isinstance(answer, Opinion) or turn.role not in standing:
            standing[turn.role] = answer
    return standing


def _stances(of: Mapping[str, Answer]) -> Mapping[str, str | None]:
    return {role: answer.stance if isinstance(answer, Opinion) else None for role, answer in of.items()}
