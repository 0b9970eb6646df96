"""What the state machine hands to the team: the question, what was gathered, and how much it may take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from volexswarm.deliberation.domain import Limits
from volexswarm.errors import InvalidInput
from volexswarm.expectations import in_words
from volexswarm.messages import Question, Testimony


class Summons(BaseModel):
    """A step's event, as far as the deliberation needs it. `deadline` is wall time."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    question: Question
    testimonies: tuple[Testimony, ...]
    limits: Limits = Limits()
    deadline: AwareDatetime | None = None

    @classmethod
    def read(cls, event: Mapping[str, Any]) -> Self:
        """Raises InvalidInput, naming the first field that is missing or wrong."""
        try:
            return cls.model_validate(event)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            raise InvalidInput(field, repr(first["input"])[:80], in_words(first)) from error
