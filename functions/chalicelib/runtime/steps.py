"""Makes a handler a step of a task's state machine: called by it, recorded, told, and done once.

What goes wrong reaches the machine under the name of its exception. `Retry` and its kin (`Unavailable`, `NotYet`) are what the
machine tries again; anything else it takes for an answer. `NotYet` is no failure: the work goes on with the next try, and the
step stands as begun until then.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from typing import Any

from chalice.app import Blueprint

from chalicelib.runtime import wiring
from chalicelib.runtime.observability import observed
from chalicelib.runtime.wakers import woken
from volexswarm.errors import NotYet, Retry, VolexError
from volexswarm.tasks.record import Begun, StepKey

logger = logging.getLogger(__name__)

MAX_DETAIL = 300

Handler = Callable[[Any], Any]


def step(blueprint: Blueprint, name: str) -> Callable[[Handler], Any]:
    """Decorator of a function that a state machine calls.

    The handler takes the step's event, a dict with at least `step`, `task_id` and `attempt`, and answers a dict (JSON, small: it
    travels through the machine). It must be idempotent, as it runs again where a crash kept its answer from being stored; an
    answer that is stored is given again without running it, unless the event says `"repeats": true`. An answer with words in
    `missing` counts as a voice without an answer; `words` or `summary` in an answer are what is told of it.
    """

    def decorate(handler: Handler) -> Any:
        return woken(blueprint, name)(observed(name)(_recorded(name, handler)))

    return decorate


def _recorded(name: str, handler: Handler) -> Handler:
    @functools.wraps(handler)
    def run(event: Any) -> Any:
        key, record = StepKey.of(event), wiring.step_record()
        begun = record.begin(key, name, _recordable(event), repeats=bool(event.get("repeats")))
        if begun.answer is not None:
            logger.info("%s has answered already", key.step)
            return begun.answer
        try:
            answer = handler(event)
        except NotYet as more:
            logger.info("%s goes on with the next try: %s", key.step, more)
            raise
        except Exception as error:
            _note_failure(key, begun, error)
            raise
        record.end(key, begun, "missing" if answer.get("missing") else "done", _told(answer), answer)
        return answer

    return run


def _note_failure(key: StepKey, begun: Begun, error: Exception) -> None:
    """The machine must learn of the error itself, also when it can't be stored."""
    words = f"{type(error).__name__}: {error}"
    try:
        wiring.step_record().end(key, begun, "failed", words[:MAX_DETAIL], None)
    except Retry as away:
        logger.warning("the failure of %s is not recorded: %s", key.step, away)
    if not isinstance(error, VolexError):
        logger.exception("%s failed", key.step)


def _recordable(event: Mapping[str, Any]) -> dict[str, Any]:
    """What of an event people may see.

    Whoever has a task token can speak for the person who is asked: it is stored where only the asking needs it. An error comes
    with stack traces: its name is enough, the words are the step's own.
    """
    shown = {field: value for field, value in event.items() if field != "token"}
    if isinstance(event.get("error"), dict):
        shown["error"] = {"Error": event["error"].get("Error")}
    return shown


def _told(answer: Mapping[str, Any]) -> str:
    for field in ("missing", "words", "summary", "explanation"):
        if isinstance(answer.get(field), str):
            return str(answer[field])[:MAX_DETAIL]
    return "answered"
