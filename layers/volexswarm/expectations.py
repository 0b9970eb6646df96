"""What a field would have accepted, in the words that every refusal here uses, of what pydantic says is wrong with it.

pydantic's own words are about Python; these complete `expected …`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic_core import ErrorDetails

_SAID: Final = {
    "missing": "a value, and none was given",
    "extra_forbidden": "no field of this name",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "multiple_of": "a multiple of {multiple_of}",
    "finite_number": "a finite number",
    "literal_error": "{expected}",
    "enum": "{expected}",
    "decimal_max_digits": "at most {max_digits} digits",
    "decimal_max_places": "at most {decimal_places} decimal places",
    "decimal_whole_digits": "at most {whole_digits} digits before the decimal point",
    "int_from_float": "a whole number",
}
_LENGTHS: Final = {  # kind: the bound, its word, and what is counted
    "string_too_short": ("at least", "min_length", "character", "characters"),
    "string_too_long": ("at most", "max_length", "character", "characters"),
    "too_short": ("at least", "min_length", "entry", "entries"),
    "too_long": ("at most", "max_length", "entry", "entries"),
}
_OF_TYPE: Final = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "bool": "true or false",
    "list": "a list",
    "tuple": "a list",
    "dict": "an object",
    "mapping": "an object",
    "model": "an object",
    "model_attributes": "an object",
    "datetime": "a time with its zone, as 2026-01-05T12:00:00Z",
}


def expected(problem: ErrorDetails) -> str | None:
    """What would have been accepted, to be read after `expected`; None if pydantic's kind of error doesn't tell.

    Needs the problem's `ctx`; never says what was given, which may be a password.
    """
    kind, context = problem["type"], problem.get("ctx", {})
    if kind in _LENGTHS:
        return _length(*_LENGTHS[kind], context)
    if kind in _SAID:
        return _SAID[kind].format(**context)
    type_name, _, aspect = kind.rpartition("_")
    return _OF_TYPE.get(type_name) if aspect in ("type", "parsing") else None


def in_words(problem: ErrorDetails) -> str:
    """As `expected`, or the words of the check itself where that is None."""
    return expected(problem) or problem["msg"].removeprefix("Value error, ")


def refusal(problem: ErrorDetails) -> str:
    """A whole phrase to stand behind a field's name: `expected …`, or the words of the check itself."""
    wanted = expected(problem)
    return in_words(problem) if wanted is None else f"expected {wanted}"


def _length(bound: str, limit: str, one: str, many: str, context: Mapping[str, Any]) -> str:
    count = context[limit]
    return f"{bound} {count} {one if count == 1 else many}"
