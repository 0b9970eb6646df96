"""A field that does not fit is told what would, in the house's words and without what was given."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, ValidationError, field_validator

from volexswarm.expectations import expected, in_words, refusal


class Form(BaseModel, extra="forbid"):
    share: Annotated[Decimal, Field(gt=0, le=1, max_digits=4)] = Decimal(1)
    count: Annotated[int, Field(ge=1, lt=10)] = 1
    name: Annotated[str, Field(min_length=1, max_length=5)] = "abc"
    several: Annotated[list[str], Field(max_length=1)] = []
    odd: int = 1

    @field_validator("odd")
    @classmethod
    def _odd(cls, odd: int) -> int:
        if odd % 2 == 0:
            raise ValueError("even numbers are refused")
        return odd


def problem(**values: Any) -> Any:
    with pytest.raises(ValidationError) as refused:
        Form.model_validate(values)
    return refused.value.errors()[0]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"share": 0}, "more than 0"),
        ({"share": 2}, "at most 1"),
        ({"share": "NaN"}, "a finite number"),
        ({"share": "0.00001"}, "at most 4 digits"),
        ({"share": "most"}, "a number"),
        ({"count": 0}, "at least 1"),
        ({"count": 10}, "less than 10"),
        ({"count": "1.5"}, "a whole number"),
        ({"name": ""}, "at least 1 character"),
        ({"name": "secret"}, "at most 5 characters"),
        ({"name": 5}, "text"),
        ({"several": ["a", "b"]}, "at most 1 entry"),
        ({"several": "a"}, "a list"),
        ({"other": 1}, "no field of this name"),
    ],
)
def test_what_would_fit(values: dict[str, Any], words: str) -> None:
    found = problem(**values)
    assert (expected(found), in_words(found), refusal(found)) == (words, words, f"expected {words}")


def test_a_check_of_our_own_speaks_for_itself() -> None:
    found = problem(odd=2)
    assert (expected(found), refusal(found)) == (None, "even numbers are refused")
