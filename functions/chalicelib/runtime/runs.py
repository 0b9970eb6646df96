"""Notes each call for the agents' pages. It is never what a call fails by."""

from __future__ import annotations

import itertools
import logging
import os

from chalicelib.runtime import wiring
from volexswarm.errors import VolexError
from volexswarm.monitor.runs import Run

logger = logging.getLogger(__name__)

VERSION = "VOLEX_CODE"
"""The variable in which the template says what the code's content is; the name of its archive."""

MAX_FAILURE = 300

_calls = itertools.count()


def version() -> str:
    """The deployed code, as `3f2a…`; `unknown` outside a deployment."""
    return os.environ.get(VERSION, "unknown").rpartition("/")[2].removesuffix(".zip")


def note(name: str, milliseconds: float, failure: BaseException | None, messages: int, returned: int) -> None:
    """Note a call that has just ended."""
    cold = next(_calls) == 0
    words = None if failure is None else f"{type(failure).__name__}: {failure}"[:MAX_FAILURE]
    try:
        ended = wiring.clock().now()
        wiring.run_log().note(Run(name, ended, milliseconds, words, messages, returned, cold, version()))
    except VolexError as error:
        logger.debug("this call is not counted: %s", error)
