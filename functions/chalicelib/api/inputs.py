"""Pieces of input that several routes share."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, Field

from chalicelib.api.endpoint import Input
from chalicelib.runtime import wiring
from volexswarm.errors import require
from volexswarm.plaintext import steering


def _line(text: str) -> str:
    _refuse(steering(text))
    return text


def _lines(text: str) -> str:
    _refuse(steering(text, but="\n\t"))
    return text


def _document(found: dict[str, Any]) -> dict[str, Any]:
    for text in _texts(found):
        _refuse(steering(text))
    return found


def _texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value, names of fields among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, entry in value.items():
            yield name
            yield from _texts(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _texts(entry)


def _refuse(character: str | None) -> None:
    if character is not None:
        raise ValueError(f"expected visible characters, without control or format characters as U+{ord(character):04X}")


LINE = AfterValidator(_line)
"""Of each free text: it is read by people on terminals, and kept in a database that takes no NUL."""
LINES = AfterValidator(_lines)
"""Of a free text that may have several lines."""
DOCUMENT = AfterValidator(_document)
"""Of a JSON object that its reader judges: its texts are lines."""


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time of the years 1 to 9999 in UTC") from error


Symbol = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,20}/[A-Z0-9]{1,20}$", description="BASE/QUOTE, as BTC/USDT")]
Cursor = Annotated[str, Field(max_length=400, pattern=r"^[A-Za-z0-9_-]+$", description="`next` of the page before")]
Reason = Annotated[str, Field(min_length=3, max_length=500, description="why, in words that will be read again"), LINE]
Moment = Annotated[
    AwareDatetime, AfterValidator(_in_utc), Field(description="a time with its zone, as 2026-01-05T12:00:00Z")
]
Limit = Annotated[int, Field(ge=1, le=500, description="at most so many")]


def may_be_key(text: str) -> bool:
    """Whether a path's text has the form of an id, or of the beginning of one."""
    return len(text) <= 64 and text.isascii() and text.replace("-", "").isalnum()


def key_of(kind: str, text: str) -> str:
    """A path's id or the beginning of one. Raises InvalidInput if it can be neither."""
    fits = len(text) >= 4 and may_be_key(text)
    require(fits, kind, text, f"the id of the {kind}, or at least four characters of its beginning")
    return text


def known(symbol: str | None, *, found: bool) -> None:
    """Refuse a symbol by name that is neither traded here nor `found` in what is stored. Raises InvalidInput."""
    traded = wiring.settings().symbols
    require(found or symbol is None or symbol in traded, "symbol", symbol, f"one of {', '.join(traded)}")


class PageOf(Input):
    """A page of a list, newest first."""

    symbol: Symbol | None = None
    limit: Limit = 50
    cursor: Cursor | None = None
