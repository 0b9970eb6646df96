"""The catalogue: each fault by name, in which rounds it can strike, and how often the whole suite and the bounded part do it.

Every crash point stands in a row for each function that reaches it; `unlisted()` says which point has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any, Final

from tests.faults import kinds
from tests.faults.board import Delivery
from tests.faults.play import Round
from tests.faults.site import Stage
from volexswarm.crashpoints import CrashPoint

_P = CrashPoint
_ANY_MESSAGE: Final = (_P.BEFORE_HANDLING, _P.BEFORE_COMMIT, _P.AFTER_COMMIT, _P.AFTER_HANDLING)
_PUBLISHING: Final = (*_ANY_MESSAGE, _P.AFTER_PUBLISH)
_SENDING: Final = (_P.AFTER_INTENT_STORED, _P.BEFORE_SEND, _P.AFTER_SEND)
_CANCELING: Final = (_P.BEFORE_CANCEL, _P.AFTER_CANCEL)
_KEEPING: Final = (_P.BEFORE_COMMIT, _P.AFTER_COMMIT)

REACHES: Final[dict[str, tuple[CrashPoint, ...]]] = {
    "market-data": _PUBLISHING,
    "signal": _PUBLISHING,
    "risk": _PUBLISHING,
    "compliance": _PUBLISHING,
    "execution-orders": (*_PUBLISHING, *_SENDING, *_CANCELING),
    "execution-fills": _PUBLISHING,
    "execution-keeper": _KEEPING,
    "monitor-events": _ANY_MESSAGE,
    "monitor-keeper": (*_KEEPING, _P.AFTER_PUBLISH),
}
"""Which points a function's worker passes while the script is played. A keeper publishes what others left behind."""


class Needs(Enum):
    """What a round must hold for a fault to strike in it, as the undisturbed run has shown."""

    NOTHING = "nothing"
    STRATEGY = "a signal of the strategy"
    CANCEL = "a cancellation"
    LATE_FILL = "a resting order that is filled"
    NO_SLICES = "no large order under way"

    def met_by(self, played: Round) -> bool:
        match self:
            case Needs.STRATEGY:
                return played.strategic
            case Needs.CANCEL:
                return played.canceled > 0
            case Needs.LATE_FILL:
                return played.late_fills
            case Needs.NO_SLICES:
                return not played.sliced
        return True


_CRASH_NEEDS: Final = {
    ("signal", _P.AFTER_PUBLISH): Needs.STRATEGY,
    ("execution-fills", _P.AFTER_PUBLISH): Needs.LATE_FILL,
    ("execution-orders", _P.BEFORE_CANCEL): Needs.CANCEL,
    ("execution-orders", _P.AFTER_CANCEL): Needs.CANCEL,
}


_BOUNDED: Final = {
    _P.BEFORE_HANDLING: "signal",
    _P.BEFORE_COMMIT: "risk",
    _P.AFTER_COMMIT: "compliance",
    _P.AFTER_PUBLISH: "market-data",
    _P.AFTER_HANDLING: "execution-fills",
    **dict.fromkeys((*_SENDING, *_CANCELING), "execution-orders"),
}
"""Where the bounded part passes each point."""


@dataclass(frozen=True)
class Entry:
    """One fault. `kind` groups entries in the report; `often` how many rounds of the whole suite have it; `bounded` says that it
    belongs to the part that every test run plays.
    """

    kind: str
    name: str
    make: Callable[[Stage], kinds.Fault]
    needs: Needs = Needs.NOTHING
    often: int = 1
    bounded: bool = False


def _crash(stage: Stage, function: str, point: CrashPoint, times: int, skip: int) -> kinds.Fault:
    return kinds.Crash(stage, function, point, times, skip)


def _crashes() -> Iterator[Entry]:
    for function, points in REACHES.items():
        for point in points:
            if (function, point) == ("monitor-keeper", _P.AFTER_PUBLISH):
                continue  # only after another crash: see `_combined`
            needs = _CRASH_NEEDS.get((function, point), Needs.NOTHING)
            for times, skip, often in _variants(function, point):
                again = f", {times} times" if times > 1 else ""
                later = f", at passing {skip + 1}" if skip else ""
                yield Entry(
                    "kill -9",
                    f"{function} {point}{later}{again}",
                    partial(_crash, function=function, point=point, times=times, skip=skip),
                    needs,
                    often,
                    bounded=(times, skip) == (1, 0) and _BOUNDED.get(point) == function,
                )


def _variants(function: str, point: CrashPoint) -> Iterator[tuple[int, int, int]]:
    """(times, passings to skip, rounds)."""
    yield 1, 0, 3
    if (function, point) in _CRASH_NEEDS or function.endswith("-keeper"):
        return
    if function in ("market-data", "signal"):
        yield 2, 0, 2
        return
    yield 2, 1, 2
    if point in (_P.BEFORE_COMMIT, _P.AFTER_COMMIT):
        yield 1, 2, 2
        yield 1, 5 if function in ("execution-orders", "monitor-events") else 3, 2


def _combined(stage: Stage) -> kinds.Fault:
    first = kinds.Crash(stage, "risk", _P.AFTER_COMMIT)
    return kinds.Both(stage, first, kinds.Crash(stage, "monitor-keeper", _P.AFTER_PUBLISH))


_ORDER: Final = "POST /api/v3/order"
_FIND: Final = "GET /api/v3/order"
_CANCEL: Final = "DELETE /api/v3/order"
_EXCHANGE: Final[tuple[tuple[str, dict[str, Any], Needs, bool], ...]] = (
    (
        "order's answer lost after acceptance",
        {"kind": "lose_response", "route": _ORDER, "count": 2},
        Needs.NOTHING,
        True,
    ),
    ("order lost on its way", {"kind": "lose_request", "route": _ORDER, "count": 2}, Needs.NOTHING, False),
    ("order's answer 6 s late", {"kind": "delay_response", "seconds": 6, "route": _ORDER}, Needs.NOTHING, False),
    ("order 6 s late, past its window", {"kind": "delay_request", "seconds": 6, "route": _ORDER}, Needs.NOTHING, False),
    ("502 after acceptance", {"kind": "status", "status": 502, "after": True, "route": _ORDER}, Needs.NOTHING, False),
    ("503 before acceptance", {"kind": "status", "status": 503, "after": False, "route": _ORDER}, Needs.NOTHING, False),
    ("-1007 after acceptance", {"kind": "error", "code": -1007, "after": True, "route": _ORDER}, Needs.NOTHING, False),
    ("-1001 before acceptance", {"kind": "error", "code": -1001, "route": _ORDER}, Needs.NOTHING, False),
    ("429 for 2 s", {"kind": "rate_limit", "seconds": 2, "route": "*order*"}, Needs.NOTHING, False),
    ("418, a ban for 3 s", {"kind": "ban", "seconds": 3}, Needs.NOTHING, False),
    ("maintenance for 3 s", {"kind": "maintenance", "seconds": 3}, Needs.NOTHING, False),
    ("clock 8 s ahead for 3 s", {"kind": "clock_skew", "ms": 8000, "seconds": 3}, Needs.NOTHING, False),
    ("clock 8 s behind for 3 s", {"kind": "clock_skew", "ms": -8000, "seconds": 3}, Needs.NOTHING, False),
    ("cancellation's answer lost", {"kind": "lose_response", "route": _CANCEL}, Needs.CANCEL, True),
    ("cancellation lost on its way", {"kind": "lose_request", "route": _CANCEL}, Needs.CANCEL, False),
    ("stream drops reports", {"kind": "drop_event", "stream": "user", "count": 4}, Needs.LATE_FILL, True),
    ("stream repeats reports", {"kind": "repeat_event", "stream": "user", "count": 6}, Needs.NOTHING, False),
    ("stream mixes reports up", {"kind": "reorder_event", "stream": "user", "count": 3}, Needs.NOTHING, False),
    ("stream cut", {"kind": "cut_sockets", "stream": "user"}, Needs.LATE_FILL, True),
    ("stream silent for 3 s", {"kind": "stall_sockets", "stream": "user", "seconds": 3}, Needs.LATE_FILL, False),
)


def _at_exchange(stage: Stage, specs: Sequence[dict[str, Any]]) -> kinds.Fault:
    return kinds.AtExchange(stage, *specs)


def _exchange() -> Iterator[Entry]:
    for name, spec, needs, bounded in _EXCHANGE:
        yield Entry("exchange", name, partial(_at_exchange, specs=[spec]), needs, 4, bounded)
    lost_twice = [{"kind": "lose_response", "route": _ORDER}, {"kind": "lose_response", "route": _FIND}]
    yield Entry(
        "exchange", "answer lost, and that to the question too", partial(_at_exchange, specs=lost_twice), often=4
    )


def _outages() -> Iterator[Entry]:
    makers: dict[str, Callable[[Stage], kinds.Fault]] = {
        "PostgreSQL stopped for 2 s": lambda stage: kinds.Outage(stage, stage.site.postgres, 2.0),
        "PostgreSQL killed for 1 s": lambda stage: kinds.Outage(stage, stage.site.postgres, 1.0, 0.15, kill=True),
        "PostgreSQL silent for 3 s": lambda stage: kinds.Silence(stage, stage.site.postgres, 3.0),
        "PostgreSQL takes no writes for 2 s": lambda stage: kinds.ReadOnly(stage, 2.0),
        "Valkey stopped for 3 s": lambda stage: kinds.Outage(stage, stage.site.valkey, 3.0, 0.05),
        "Valkey killed for 1 s": lambda stage: kinds.Outage(stage, stage.site.valkey, 1.0, 0.1, kill=True),
        "Vault sealed for 3 s": lambda stage: kinds.Sealed(stage, 3.0, 0.1),
        "Vault stopped for 2 s": lambda stage: kinds.Outage(stage, stage.site.openbao, 2.0, 0.1),
        "queues silent for 3 s": lambda stage: kinds.Silence(stage, stage.site.emulator, 3.0),
        "queues killed with all they held": lambda stage: kinds.LostQueues(stage, stage.site.emulator, 1.0, kill=True),
        "exchange silent for 3 s": lambda stage: kinds.Silence(stage, stage.exchange, 3.0),
    }
    short = {
        "Vault sealed for 3 s",
        "PostgreSQL takes no writes for 2 s",
    }
    for name, make in makers.items():
        # what is sent again waits behind a slice whose time is a later round's: then the queue is never empty
        needs = Needs.NO_SLICES if "all they held" in name else Needs.NOTHING
        yield Entry("outage", name, make, needs, often=4, bounded=name in short)


def _deliveries() -> Iterator[Entry]:
    for name, delivery in (
        ("each batch twice, backwards first", Delivery.TWICE),
        ("each message to two workers at once", Delivery.OVERLAPPING),
    ):
        yield Entry("delivery", name, partial(kinds.Redelivery, delivery=delivery), often=8, bounded=True)


def _killings() -> Iterator[Entry]:
    yield Entry("kill -9", "the account's feed", kinds.feed_killed, often=5, bounded=True)
    yield Entry("kill -9", "a worker of every function at once", kinds.all_killed, often=5, bounded=True)
    yield Entry("kill -9", "risk after_commit, then monitor-keeper after_publish", _combined, often=3)


def entries() -> list[Entry]:
    """The whole catalogue."""
    return [*_crashes(), *_killings(), *_deliveries(), *_exchange(), *_outages()]


def unlisted() -> set[CrashPoint]:
    """Crash points that stand in no row: none, or the suite proves less than it says."""
    return set(CrashPoint) - {point for points in REACHES.values() for point in points}
