"""From votes to a decision, by arithmetic that shows each of its lines. Pure: no model changes a number here.

What holds, whatever anybody says:
- a direction needs two untainted roles that agree on it, and two of the untainted market roles to have spoken;
- what is bought, and how sure the team is of it, goes by those alone: risk and compliance consent to a wish, which is no reason
  to have it. No more is bought than they consent to, and their doubt counts as anybody's. A wish to sell goes by their consent;
- a tainted role lowers confidence and size of a purchase or ends in hold; it raises neither, turns no direction around, and
  holds back no sale: whoever plants a headline must keep nobody in a position;
- risk and compliance have a veto, and their silence is one.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from volexswarm.deliberation.desk import DESK, PORTFOLIO, Role
from volexswarm.deliberation.domain import Abstention, Answer, Line, Opinion, Snapshot, Vote
from volexswarm.messages import Side, Stance

RULES: Final = 3
"""Version of this arithmetic, raised with every change of what the same votes come to: only its own decisions are replayed."""

THRESHOLD: Final = 0.25
"""Net strength for a direction, as a share of all strength, below which nothing is done."""
AGREEING: Final = 2
"""Untainted roles that a direction needs."""
QUORUM: Final = 2
"""Untainted roles besides the gates that must have spoken: consent of the gates alone is no reason to trade."""

HEADROOM: Final = 0.02
"""Share of risk's room that is left: prices move until the trade is checked, and one that fills its limit would be refused."""

_DIGITS: Final = 6
_SMALLEST: Final = 10.0**-_DIGITS
_ACTIONS: Final[dict[int, Literal["buy", "sell", "hold"]]] = {1: "buy", -1: "sell", 0: "hold"}
_WISHES: Final = {Side.BUY: 1, Side.SELL: -1}


@dataclass(frozen=True)
class Tally:
    """The outcome of the count, to be put into a Decision."""

    action: Literal["buy", "sell", "hold"]
    size_frac: float
    confidence: float
    votes: tuple[Vote, ...]
    dissent: tuple[str, ...]
    vetoed_by: tuple[str, ...]
    abstained: tuple[str, ...]
    arithmetic: tuple[Line, ...]
    reason: str


def direction_of(stance: Stance) -> int:
    """1 for buy, -1 for sell, 0 for hold; a veto is a direction of nobody."""
    return {Stance.BUY: 1, Stance.SELL: -1}.get(stance, 0)


def is_veto(role: Role, answer: Answer | None) -> bool:
    """Whether a gate's word, or its silence, ends the matter."""
    return role.gate and (not isinstance(answer, Opinion) or answer.stance is Stance.VETO)


def aggregate(
    panel: Mapping[str, Answer],
    snapshot: Snapshot,
    weights: Mapping[str, float],
    absent: Collection[str] = (),
) -> Tally:
    """Count the votes.

    Parameters
    ----------
    panel : mapping of str to Answer
        By role, as keyed by who sent it. A role that is not there has abstained.
    snapshot : Snapshot
        The facts that bound the size: what is held, what is wanted, what room risk sees.
    weights : mapping of str to float
        By role, > 0; 1 for those not named.
    absent : collection of str
        Roles to leave out as if there were no such seat: not even their silence counts (for attribution).
    """
    return _Count(panel, snapshot, weights, frozenset(absent)).tally()


class _Count:
    """One counting: collects its lines as it goes."""

    def __init__(
        self, panel: Mapping[str, Answer], snapshot: Snapshot, weights: Mapping[str, float], absent: frozenset[str]
    ) -> None:
        self._seats = [role for role in DESK if role.name not in absent]
        self._panel = panel
        self._snapshot = snapshot
        self._weights = weights
        self._leaning = 0
        self._lines: list[Line] = []
        self._spoken = [(role, answer) for role in self._seats if isinstance(answer := panel.get(role.name), Opinion)]

    def tally(self) -> Tally:
        direction, confidence, share, reason = self._direction()
        size = self._size(direction, share) if direction else 0.0
        vetoed_by = tuple(role.name for role in self._seats if is_veto(role, self._panel.get(role.name)))
        if vetoed_by:
            reason = f"veto by {' and '.join(vetoed_by)}"
        elif direction and size < _SMALLEST:
            reason = f"nothing is left to trade: {self._lines[-1].how}"
        acts = bool(direction) and size >= _SMALLEST and not vetoed_by
        taken = direction if acts else 0
        self._line("action", taken, reason)
        return Tally(
            action=_ACTIONS[taken],
            size_frac=size if acts else 0.0,
            confidence=round(confidence, _DIGITS),
            votes=tuple(self._vote(role) for role in self._seats),
            dissent=tuple(
                role.name
                for role, opinion in self._spoken
                if direction_of(opinion.stance) != taken and opinion.stance is not Stance.VETO
            ),
            vetoed_by=vetoed_by,
            abstained=tuple(r.name for r in self._seats if not isinstance(self._panel.get(r.name), Opinion)),
            arithmetic=tuple(self._lines),
            reason=reason,
        )

    def _weight(self, role: Role) -> float:
        return self._weights.get(role.name, 1.0)

    def _strength(self, role: Role, opinion: Opinion) -> float:
        return self._weight(role) * opinion.confidence

    def _backing(self, direction: int, *, tainted: bool) -> list[tuple[Role, Opinion]]:
        """Whose strength is for a direction."""
        return [
            (role, opinion)
            for role, opinion in self._spoken
            if role.tainted is tainted and direction_of(opinion.stance) == direction and not _consents(role, opinion)
        ]

    def _mass(self, direction: int, *, tainted: bool) -> float:
        return math.fsum(self._strength(role, opinion) for role, opinion in self._backing(direction, tainted=tainted))

    def _direction(self) -> tuple[int, float, float, str]:
        """Direction (0: none), confidence, the share of the wanted size that the tainted leave, and why."""
        buy, sell, hold = (self._mass(direction, tainted=False) for direction in (1, -1, 0))
        total = math.fsum((buy, sell, hold))
        score = (buy - sell) / total if total else 0.0
        self._line("buy", buy, "strength (weight × confidence) of untainted market roles for buying: consent is none")
        self._line("sell", sell, "strength of untainted roles for selling")
        self._line("hold", hold, "strength of untainted roles for waiting")
        self._line("score", score, "(buy - sell) / (buy + sell + hold)")
        leaning = self._leaning = (score > 0) - (score < 0)
        cautious = self._cautious(buy - sell, total) if leaning > 0 else abs(score)
        lowered = " after what tainted roles hold against it" if leaning > 0 else ", which tainted roles do not lower"
        self._line("confidence", cautious, f"|score|{lowered}; their support does not count")
        reason = self._objection(leaning, cautious)
        share = cautious / abs(score) if leaning else 0.0
        team = f"the team is for {_ACTIONS[leaning]}: {cautious:.2f} of at least {THRESHOLD}"
        return (0, cautious, share, reason) if reason else (leaning, cautious, share, team)

    def _cautious(self, net: float, total: float) -> float:
        """The score of a purchase after what tainted roles say against it, or for waiting."""
        against, waiting = self._mass(-1, tainted=True), self._mass(0, tainted=True)
        return max(0.0, net - against) / (total + against + waiting)

    def _objection(self, leaning: int, confidence: float) -> str | None:
        """Why the leaning becomes no direction; None if it does."""
        wish = self._snapshot.wish
        agreeing = [
            r.name for r, o in self._spoken if not r.tainted and o.confidence and direction_of(o.stance) == leaning
        ]
        market = [role.name for role, _ in self._spoken if not role.tainted and not role.gate]
        self._line("spoken", len(market), f"untainted market roles that spoke, of at least {QUORUM}")
        if len(market) < QUORUM:
            return f"too few voices: {len(market)} untainted market roles spoke, {QUORUM} are needed"
        if not leaning:
            return "the team leans to neither side"
        self._line("agreeing", len(agreeing), f"untainted roles for {_ACTIONS[leaning]}, of at least {AGREEING}")
        if wish is not None and _WISHES[wish] != leaning:
            return f"the task wishes to {wish.value}, the team would {_ACTIONS[leaning]}"
        if len(agreeing) < AGREEING:
            return (
                f"only {' and '.join(agreeing) or 'nobody'} is for {_ACTIONS[leaning]}: two untainted roles must agree"
            )
        if confidence < THRESHOLD:
            return f"the team is not sure enough: {confidence:.2f} of at least {THRESHOLD}"
        return None

    def _size(self, direction: int, share: float) -> float:
        backing = [(self._strength(role, o), o.size_frac) for role, o in self._backing(direction, tainted=False)]
        wanted = math.fsum(s * size for s, size in backing) / math.fsum(s for s, _ in backing)
        who = "market roles that are for it" if direction > 0 else "agreeing roles"
        self._line("wanted", wanted, f"share of the equity that the {who} would trade, by their strength")
        size = wanted * share
        self._line("cautious", wanted * share, "wanted × confidence / |score|")
        bounds = [("cautious", wanted * share, "what the team would trade"), *self._ceilings(direction)]
        for name, ceiling, how in bounds[1:]:
            self._line(name, ceiling, how)
        _, least, why = min(bounds, key=lambda bound: bound[1])
        size = round(math.floor(least / _SMALLEST) * _SMALLEST, _DIGITS)
        self._line("size", size, f"the least of these: {why}")
        return size

    def _ceilings(self, direction: int) -> list[tuple[str, float, str]]:
        """What bounds the size by the facts and by the gates: name, bound, why."""
        held = self._snapshot.feature(PORTFOLIO, "position_share")
        room = self._snapshot.feature("risk", "room_share")
        target = self._snapshot.question.target_share
        found = []
        if target is not None:
            needed = 0.0 if held is None else max(0.0, (target - held) * direction)
            how = "what is held is not known" if held is None else f"from {held:.4f} held to {target:.4f} wanted"
            found.append(("needed", needed, how))
        if direction < 0 and held is not None:
            found.append(("held", max(0.0, held), "no more can be sold than is held"))
        if direction > 0 and room is not None:
            words = f"room that risk sees below its limits, less {HEADROOM:.0%} for prices that move meanwhile"
            found.append(("room", max(0.0, room) * (1 - HEADROOM), words))
        if direction > 0 and (consents := [(o.size_frac, r.name) for r, o in self._spoken if _consents(r, o)]):
            most, gate = min(consents)
            found.append(("consented", most, f"{gate} consents to no more"))
        return found

    def _vote(self, role: Role) -> Vote:
        answer = self._panel.get(role.name)
        if not isinstance(answer, Opinion):
            why = answer.reason if isinstance(answer, Abstention) else "was not asked"
            counted = f"{'veto: ' if role.gate else ''}no opinion: {why}"
            weight = self._weight(role)
            return Vote(
                role=role.name, stance=None, confidence=0, size_frac=0, weight=weight, strength=0, counted=counted
            )
        return Vote(
            role=role.name,
            stance=answer.stance,
            confidence=answer.confidence,
            size_frac=answer.size_frac,
            weight=self._weight(role),
            strength=round(self._strength(role, answer), _DIGITS),
            counted=self._counted(role, answer),
        )

    def _counted(self, role: Role, opinion: Opinion) -> str:
        if is_veto(role, opinion):
            return "veto"
        direction = direction_of(opinion.stance)
        if role.tainted:
            return f"{self._tainted(direction)}: tainted"
        if _consents(role, opinion):
            return "consents to buying, which is no strength"
        return "for " + _ACTIONS[direction] + (" (its veto has no force)" if opinion.stance is Stance.VETO else "")

    def _tainted(self, direction: int) -> str:
        if not self._leaning:
            return "there is nothing to lower"
        if direction == self._leaning:
            return "supports, which does not count"
        return "lowers" if self._leaning > 0 else "lowers no sale"

    def _line(self, what: str, value: float, how: str) -> None:
        self._lines.append(Line(what=what, value=round(value, _DIGITS), how=how))


def _consents(role: Role, opinion: Opinion) -> bool:
    """Whether a gate lets a purchase pass: that is no strength for it."""
    return role.gate and opinion.stance is Stance.BUY
