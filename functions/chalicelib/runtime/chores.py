"""Runs a keeper's chores one after the other, so that one that fails does not keep the others from being done.

Nor does one that is slow: each minute another one is the first, and what there is no time for has its turn in a later minute.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from chalicelib.runtime.batch import LONGEST_CALL
from volexswarm.errors import Retry

logger = logging.getLogger(__name__)

ENOUGH = 30.0
"""Seconds that must be left for a chore to be begun: longer than any of them goes on beginning new work."""


def each_chore(
    *chores: Callable[[], object], first: int = 0, seconds_left: Callable[[], float] = lambda: LONGEST_CALL
) -> None:
    """Do each chore; then raise the first failure that waiting will not cure, so that the call counts as failed.

    A Retry (a part is down) is logged only: the next tick of the schedule is the retry.

    Parameters
    ----------
    chores : callable
        Functions, methods, or partials of one.
    first : int
        Which of them is begun with, counted round; those before it come last.
    seconds_left : callable
        How much of the call's time remains.
    """
    start = first % len(chores)
    failures: list[Exception] = []
    for chore in (*chores[start:], *chores[:start]):
        if seconds_left() < ENOUGH:
            logger.warning("%s waits for a later tick: no time is left", _name(chore))
            continue
        try:
            chore()
        except Retry as waiting:
            logger.warning("%s waits for the next tick: %s", _name(chore), waiting)
        except Exception as failure:
            logger.exception("%s failed", _name(chore))
            failures.append(failure)
    if failures:
        raise failures[0]


def _name(chore: Callable[[], object]) -> str:
    if isinstance(chore, partial):
        return " ".join([_name(chore.func), *map(str, chore.args)])
    return chore.__name__
