"""Hears an agent on a question, as a state machine puts it: the testimony is what the step answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from volexswarm.errors import InvalidInput
from volexswarm.expectations import in_words
from volexswarm.messages import Question, Testimony


def testimony(event: Mapping[str, Any], speak: Callable[[Question], Testimony]) -> dict[str, Any]:
    """What the agent says to the event's `question`, as JSON takes it.

    Raises
    ------
    InvalidInput
        If it is no question, naming the first field that is wrong.
    """
    try:
        question = Question.model_validate(event.get("question"))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(("question", *map(str, first["loc"])))
        raise InvalidInput(field, first.get("input"), in_words(first)) from error
    return speak(question).model_dump(mode="json")
