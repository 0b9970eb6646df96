"""Named places where a process may die: the fault suite kills it at each of them and checks that nothing was lost or done twice.

Outside that suite nothing is armed, and passing one costs a comparison.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum


class CrashPoint(StrEnum):
    """In the order in which a message passes them."""

    BEFORE_HANDLING = "before_handling"
    BEFORE_COMMIT = "before_commit"
    AFTER_COMMIT = "after_commit"
    AFTER_PUBLISH = "after_publish"
    AFTER_INTENT_STORED = "after_intent_stored"
    BEFORE_SEND = "before_send"
    AFTER_SEND = "after_send"
    BEFORE_CANCEL = "before_cancel"
    AFTER_CANCEL = "after_cancel"
    AFTER_HANDLING = "after_handling"


_strike: Callable[[CrashPoint], None] | None = None


def arm(strike: Callable[[CrashPoint], None] | None) -> None:
    """Call `strike` at every point from here on; None disarms."""
    global _strike  # noqa: PLW0603 - a process has one fate
    _strike = strike


def passing(point: CrashPoint) -> None:
    """The process is at this point."""
    if _strike is not None:
        _strike(point)
