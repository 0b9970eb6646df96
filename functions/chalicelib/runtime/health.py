"""A function's own word on its health: asked by the API, answered by the function itself, by trying what it depends on.

The question is an event of a form that every kind of handler takes, whatever wakes it otherwise.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.runtime import runs, wiring
from volexswarm.errors import VolexError
from volexswarm.monitor.ports import Probe

QUESTION: Mapping[str, Any] = {
    "health": True,
    # for a function that a queue wakes: no messages
    "Records": [],
    # for one that a schedule wakes: all that Chalice reads of such an event
    **dict.fromkeys(("version", "account", "region", "source", "id", "time"), ""),
    "detail-type": "Health",
    "detail": {},
    "resources": [],
}

_started = time.monotonic()


def is_asked(event: Any) -> bool:
    """Whether this is the question, and no work."""
    return isinstance(event, Mapping) and event.get("health") is True


def answer(name: str) -> dict[str, Any]:
    """Try every part that the function works with.

    A part that is away is an answer, no failure; `milliseconds` is how long it took to find out.
    """
    parts = [_tried(probe) for probe in _probes(name)]
    return {
        "function": name,
        "healthy": all(part["healthy"] for part in parts),
        "version": runs.version(),
        "process_seconds": round(time.monotonic() - _started, 1),
        "parts": parts,
    }


def _probes(name: str) -> Sequence[Probe]:
    return wiring.dependencies(name)


def _tried(probe: Probe) -> dict[str, Any]:
    began = time.perf_counter()
    try:
        healthy, detail = probe.measure()
    except VolexError as error:
        healthy, detail = False, str(error)
    took = (time.perf_counter() - began) * 1000
    return {"part": probe.part, "healthy": healthy, "detail": detail, "milliseconds": round(took, 1)}
