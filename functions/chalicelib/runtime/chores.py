"""Runs a keeper's chores one after the other, so that one that fails does not keep the others from being done."""

from __future__ import annotations

import logging
from collections.abc import Callable

from volexswarm.errors import Retry

logger = logging.getLogger(__name__)


def each_chore(*chores: Callable[[], object]) -> None:
    """Do each chore; then raise the first failure that waiting will not cure, so that the call counts as failed.

    A Retry (a part is down) is logged only: the next tick of the schedule is the retry.
    """
    failures: list[Exception] = []
    for chore in chores:
        try:
            chore()
        except Retry as waiting:
            logger.warning("%s waits for the next tick: %s", chore.__name__, waiting)
        except Exception as failure:
            logger.exception("%s failed", chore.__name__)
            failures.append(failure)
    if failures:
        raise failures[0]
