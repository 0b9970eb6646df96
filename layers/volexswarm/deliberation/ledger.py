"""A deliberation's tape and its budget, kept in its store: an answer is stored once, a call is stored before it is made.

What was held for a call that a crash has swallowed counts in full, so that no number of crashes makes a deliberation cost more
than it may. Nothing here raises: what the store can't do becomes an abstention that the coordinator takes for what it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from volexswarm.clock import Clock
from volexswarm.deliberation.domain import Abstention, Limits, Recorded, Silence, Usage
from volexswarm.deliberation.ports import DeliberationTransaction, Reservation, Spent
from volexswarm.errors import Unavailable
from volexswarm.ports import Store

_COST_SLACK: Final = 1e-9
"""Dollars: sums of floats may miss a limit by less than anybody is charged."""


class Ledger:
    """Implements `ports.Budget` and `ports.Tape` for one run of one deliberation.

    Parameters
    ----------
    deadline : datetime
        Wall time after which no call begins.
    """

    def __init__(
        self,
        store: Store[DeliberationTransaction],
        clock: Clock,
        deliberation_id: str,
        limits: Limits,
        deadline: datetime,
    ) -> None:
        self._store = store
        self._clock = clock
        self._id = deliberation_id
        self._limits = limits
        self._deadline = deadline
        with store.transaction() as tx:
            self._answers = dict(tx.answers(deliberation_id))
            self._spent = tx.spent(deliberation_id)
        self._held: dict[int, Usage] = {}
        self._settled: dict[int, Usage] = {}

    @property
    def spent(self) -> Spent:
        """What the deliberation has taken so far, with what is held."""
        return self._spent

    def seconds_left(self) -> float:
        return max(0.0, (self._deadline - self._clock.now()).total_seconds())

    def reserve(self, key: str, role: str, usage: Usage) -> Reservation | Abstention:
        refusal = self._refusal(usage)
        if refusal is not None:
            return refusal
        try:
            with self._store.transaction() as tx:
                number = tx.reserve(self._id, key, role, usage, self._clock.now())
        except Unavailable as away:
            return _unrecorded(away)
        self._count(calls=1, tokens=usage.tokens, cost=usage.cost)
        self._held[number] = usage
        return Reservation(number, usage.tokens, usage.cost)

    def settle(self, reservation: Reservation, usage: Usage) -> None:
        held = self._held.pop(reservation.number, None)
        if held is None:
            return
        self._count(calls=0, tokens=usage.tokens - held.tokens, cost=usage.cost - held.cost)
        self._settled[reservation.number] = usage

    def recall(self, key: str) -> Recorded | None:
        return self._answers.get(key)

    def record(self, key: str, recorded: Recorded) -> Recorded:
        try:
            with self._store.transaction() as tx:
                stands = tx.record(self._id, key, recorded, self._clock.now())
                tx.settle(self._settled, self._clock.now())
        except Unavailable as away:
            return recorded.model_copy(update={"answer": _unrecorded(away)})
        self._settled = {}
        self._answers[key] = stands
        return stands

    def _refusal(self, usage: Usage) -> Abstention | None:
        limits, spent = self._limits, self._spent
        if not self.seconds_left():
            return Abstention(why=Silence.DEADLINE, reason="the deliberation's time is up")
        if spent.calls + 1 > limits.calls:
            return _exhausted(f"{limits.calls} calls")
        if spent.tokens + usage.tokens > limits.tokens:
            return _exhausted(f"{limits.tokens} tokens: {spent.tokens} are taken, the call may take {usage.tokens}")
        if spent.cost + usage.cost > limits.cost_usd + _COST_SLACK:
            return _exhausted(
                f"{limits.cost_usd:.2f} USD: {spent.cost:.4f} are taken, the call may take {usage.cost:.4f}"
            )
        return None

    def _count(self, calls: int, tokens: int, cost: float) -> None:
        spent = self._spent
        self._spent = Spent(spent.calls + calls, spent.tokens + tokens, spent.cost + cost, spent.repeated)


class Recording:
    """Implements `ports.Budget` and `ports.Tape` for a replay: only what is on the tape, and not one call."""

    def __init__(self, answers: Mapping[str, Recorded]) -> None:
        self._answers = answers

    def recall(self, key: str) -> Recorded:
        return self._answers.get(key, _UNTAPED)

    def record(self, key: str, recorded: Recorded) -> Recorded:  # noqa: ARG002 - nothing is added to a replayed tape
        return _UNTAPED

    def reserve(self, key: str, role: str, usage: Usage) -> Reservation | Abstention:  # noqa: ARG002 - there is no room
        return Abstention(why=Silence.UNTAPED, reason="a replay makes no call")

    def settle(self, reservation: Reservation, usage: Usage) -> None:
        """Nothing was reserved."""

    def seconds_left(self) -> float:
        return 0.0


_UNTAPED: Final = Recorded(role="", answer=Abstention(why=Silence.UNTAPED, reason="not on the tape"), model="")


def _exhausted(what: str) -> Abstention:
    return Abstention(why=Silence.BUDGET, reason=f"the deliberation may take no more than {what}")


def _unrecorded(away: Unavailable) -> Abstention:
    return Abstention(why=Silence.UNRECORDED, reason=str(away)[:400])
