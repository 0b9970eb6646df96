"""What goes wrong on purpose: faults are armed, strike when their time has come, and count how often they did.

Pure: it says what goes wrong and leaves the doing to whoever serves requests, messages and sockets. Seconds are real,
because networks and clients live in real time. Nothing here survives the exchange's process.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

MAX_SECONDS = 86_400.0
STREAMS = ("user", "trades", "quotes", "depth", "candles")


class BadFault(ValueError):
    """There is no such fault; the message says what to send instead."""


class Kind(StrEnum):
    """Everything that can go wrong."""

    LOSE_REQUEST = "lose_request"
    LOSE_RESPONSE = "lose_response"
    DELAY_REQUEST = "delay_request"
    DELAY_RESPONSE = "delay_response"
    STATUS = "status"
    ERROR = "error"
    RATE_LIMIT = "rate_limit"
    BAN = "ban"
    MAINTENANCE = "maintenance"
    CLOCK_SKEW = "clock_skew"
    DROP_EVENT = "drop_event"
    REPEAT_EVENT = "repeat_event"
    REORDER_EVENT = "reorder_event"
    CUT_SOCKETS = "cut_sockets"
    STALL_SOCKETS = "stall_sockets"


REQUESTS = frozenset(
    {Kind.LOSE_REQUEST, Kind.LOSE_RESPONSE, Kind.DELAY_REQUEST, Kind.DELAY_RESPONSE, Kind.STATUS, Kind.ERROR}
)
TURNED_AWAY = frozenset({Kind.RATE_LIMIT, Kind.BAN})
EVENTS = frozenset({Kind.DROP_EVENT, Kind.REPEAT_EVENT, Kind.REORDER_EVENT})
SOCKETS = frozenset({Kind.CUT_SOCKETS, Kind.STALL_SOCKETS})
AT_ONCE = frozenset({Kind.MAINTENANCE, Kind.CLOCK_SKEW}) | SOCKETS


@dataclass(slots=True)
class Fault:
    """One armed fault.

    `count` is how many requests or messages it strikes; for `rate_limit` and `ban`, how many spells of `seconds` it lasts, each
    from the first request that meets it. Faults in `AT_ONCE` begin when they are armed. `struck` counts every request, message
    or socket that suffered; `until` is the real second at which a spell ends.
    """

    id: int
    kind: Kind
    count: int = 1
    route: str = "*"
    stream: str = ""
    seconds: float = 0.0
    ms: int = 0
    status: int = 0
    code: int = 0
    message: str = ""
    after: bool = False
    left: int = 1
    struck: int = 0
    until: float | None = None


@dataclass(frozen=True, slots=True)
class _Field:
    """How one parameter is read from a specification."""

    read: Callable[[Any], Any]
    legal: str


def _within(low: float, high: float) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        if isinstance(value, bool) or not low <= float(value) <= high:
            raise ValueError(value)
        return float(value)

    return read


def _whole(low: int, high: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, bool) or int(value) != float(value) or not low <= int(value) <= high:
            raise ValueError(value)
        return int(value)

    return read


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(value)
    return value


def _words(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(value)
    return value


def _stream(value: Any) -> str:
    if value not in STREAMS:
        raise ValueError(value)
    return str(value)


_FIELDS = {
    "count": _Field(_whole(1, 1_000_000), "a whole number from 1"),
    "route": _Field(_words, 'a pattern such as "POST /api/v3/order" or "WS userDataStream.*"'),
    "stream": _Field(_stream, f"one of {', '.join(STREAMS)}"),
    "seconds": _Field(_within(0.001, MAX_SECONDS), f"above 0, at most {MAX_SECONDS:g}"),
    "ms": _Field(_whole(-86_400_000, 86_400_000), "whole milliseconds, at most a day"),
    "status": _Field(_whole(400, 599), "an HTTP status from 400 to 599"),
    "code": _Field(_whole(-9_999, -1), "Binance's code, such as -1007"),
    "message": _Field(_words, "words"),
    "after": _Field(_flag, "true (acted) or false"),
}
_REQUIRED: dict[Kind, tuple[str, ...]] = {
    Kind.DELAY_REQUEST: ("seconds",),
    Kind.DELAY_RESPONSE: ("seconds",),
    Kind.STATUS: ("status",),
    Kind.ERROR: ("code",),
    Kind.RATE_LIMIT: ("seconds",),
    Kind.BAN: ("seconds",),
    Kind.MAINTENANCE: ("seconds",),
    Kind.CLOCK_SKEW: ("ms",),
    Kind.STALL_SOCKETS: ("seconds",),
    **dict.fromkeys(EVENTS, ("stream",)),
}
_OPTIONAL: dict[Kind, tuple[str, ...]] = {
    **dict.fromkeys(REQUESTS | TURNED_AWAY, ("count", "route")),
    Kind.STATUS: ("count", "route", "after"),
    Kind.ERROR: ("count", "route", "after", "message", "status"),
    Kind.CLOCK_SKEW: ("seconds",),
    **dict.fromkeys(EVENTS, ("count",)),
    **dict.fromkeys(SOCKETS, ("stream",)),
}


def read(spec: Mapping[str, Any], fault_id: int = 0) -> Fault:
    """A fault as it was asked for: {"kind": …} and the parameters of that kind.

    Raises
    ------
    BadFault
        If the kind is unknown, or a parameter is missing, unknown or not legal.
    """
    try:
        kind = Kind(spec.get("kind", ""))
    except ValueError:
        raise BadFault(f"kind is {spec.get('kind')!r}; it must be one of {', '.join(Kind)}") from None
    required, optional = _REQUIRED.get(kind, ()), _OPTIONAL.get(kind, ())
    if missing := [name for name in required if name not in spec]:
        raise BadFault(f"{kind} needs {missing[0]}: {_FIELDS[missing[0]].legal}")
    given = {name: value for name, value in spec.items() if name != "kind"}
    if unknown := given.keys() - {*required, *optional}:
        known = ", ".join((*required, *optional)) or "nothing else"
        raise BadFault(f"{kind} takes no {min(unknown)}; it takes {known}")
    values = {name: _value(name, value) for name, value in given.items()}
    return Fault(id=fault_id, kind=kind, left=values.get("count", 1), **values)


def _value(name: str, value: Any) -> Any:
    field = _FIELDS[name]
    try:
        return field.read(value)
    except (ValueError, TypeError, OverflowError):
        raise BadFault(f"{name} is {value!r}; it must be {field.legal}") from None


class Faults:
    """The faults that are armed, and those that have struck.

    Parameters
    ----------
    seconds : callable
        Real seconds, never running backwards.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._faults: dict[int, Fault] = {}
        self._last_id = 0
        self._held: dict[tuple[str, str], bytes] = {}

    def arm(self, spec: Mapping[str, Any]) -> Fault:
        """Arm a fault; see `read`. Those that begin at once begin here."""
        fault = read(spec, self._last_id + 1)
        self._last_id = fault.id
        self._faults[fault.id] = fault
        if fault.kind in AT_ONCE:
            fault.left = 0
            if fault.seconds:
                fault.until = self._seconds() + fault.seconds
        return fault

    def clear(self, fault_id: int | None = None) -> int:
        """Forget one fault, or all. Returns how many they were. A socket that is stalled stays so for its time."""
        gone = [fault_id] if fault_id in self._faults else list(self._faults) if fault_id is None else []
        for found in gone:
            del self._faults[found]
        if fault_id is None:
            self._held.clear()
        return len(gone)

    def listed(self) -> list[dict[str, Any]]:
        """Every fault since the last clearing, whether it can strike on, and how often it has."""
        return [self.described(fault) for fault in self._faults.values()]

    def described(self, fault: Fault) -> dict[str, Any]:
        """One fault as JSON: what was asked for, and `struck`, `left`, `active`."""
        asked = {name: value for name, value in asdict(fault).items() if name in _FIELDS and value not in ("", 0)}
        state = {"left": fault.left, "struck": fault.struck, "active": self._can_strike(fault)}
        return {"id": fault.id, "kind": str(fault.kind), **asked, **state}

    def of_request(self, route: str) -> Fault | None:
        """What this request has to suffer: maintenance, or else the oldest fault for its route. It has then struck.

        Parameters
        ----------
        route : str
            Such as `POST /api/v3/order`, or `WS` and the method of the WebSocket API.
        """
        for kinds in ({Kind.MAINTENANCE}, REQUESTS | TURNED_AWAY):
            for fault in self._faults.values():
                if fault.kind in kinds and self._can_strike(fault) and fnmatchcase(route, fault.route):
                    self._strike(fault)
                    return fault
        return None

    def maintenance(self) -> Fault | None:
        """The maintenance that is on."""
        return next((f for f in self._faults.values() if f.kind is Kind.MAINTENANCE and self._can_strike(f)), None)

    def seconds_left(self, fault: Fault) -> float:
        """How long the fault's spell still lasts."""
        return 0.0 if fault.until is None else max(0.0, fault.until - self._seconds())

    def skew_ms(self) -> int:
        """How far off the exchange's own clock is, for one look at it."""
        skew = 0
        for fault in self._faults.values():
            if fault.kind is Kind.CLOCK_SKEW and self._can_strike(fault):
                fault.struck += 1
                skew += fault.ms
        return skew

    def sent(self, stream: str, key: str, message: bytes) -> tuple[bytes, ...]:
        """What is sent instead of a message: nothing, itself, itself twice, or itself and one that was held back before it.

        Parameters
        ----------
        stream : str
            One of `STREAMS`.
        key : str
            Whose order counts: the stream's full name, or the account.
        """
        if not self._faults:
            return (message,)
        held = self._held.pop((stream, key), None)
        if held is not None:
            return (message, held)
        faults = self._faults.values()
        fault = next((f for f in faults if f.kind in EVENTS and f.stream == stream and self._can_strike(f)), None)
        if fault is None:
            return (message,)
        self._strike(fault)
        if fault.kind is Kind.REPEAT_EVENT:
            return (message, message)
        if fault.kind is Kind.REORDER_EVENT:
            self._held[(stream, key)] = message
        return ()

    def _can_strike(self, fault: Fault) -> bool:
        if fault.kind is Kind.CLOCK_SKEW and not fault.seconds:
            return True
        return fault.left > 0 or (fault.until is not None and self._seconds() < fault.until)

    def _strike(self, fault: Fault) -> None:
        if fault.kind in TURNED_AWAY:
            if not self.seconds_left(fault):
                fault.left -= 1
                fault.until = self._seconds() + fault.seconds
        elif fault.kind is not Kind.MAINTENANCE:
            fault.left -= 1
        fault.struck += 1
