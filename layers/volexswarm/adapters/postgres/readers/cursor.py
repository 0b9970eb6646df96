"""A page's place as opaque text: the sort keys of its last row, so that new rows never shift a page."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from volexswarm.errors import InvalidInput
from volexswarm.views.shape import Page, ViewT

RowT = TypeVar("RowT")

EXPECTED = "the `next` of an earlier answer, unchanged"


def encode(moment: datetime, *keys: str) -> str:
    """The place right after the row with these sort keys."""
    return base64.urlsafe_b64encode(json.dumps([moment.isoformat(), *keys]).encode()).decode().rstrip("=")


def decode(cursor: str | None, keys: Sequence[Callable[[str], object]]) -> list[Any]:
    """The sort keys again, the moment first; as many None as there are without a cursor.

    Parameters
    ----------
    cursor : str or None
        What `encode` gave.
    keys : sequence of callables
        One per key after the moment; each raises ValueError for text that is no such key.

    Raises
    ------
    InvalidInput
        If it is no cursor of this kind.
    """
    if cursor is None:
        return [None] * (len(keys) + 1)
    try:
        return _parts(cursor, keys)
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise InvalidInput("cursor", cursor, EXPECTED) from error


def _parts(cursor: str, keys: Sequence[Callable[[str], object]]) -> list[Any]:
    moment, *rest = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    parsed = datetime.fromisoformat(moment)
    for check, part in zip(keys, rest, strict=True):
        check(part)
    # PostgreSQL's text holds no NUL, its timestamps need a zone
    if parsed.tzinfo is None or not all(isinstance(part, str) and "\x00" not in part for part in rest):
        raise ValueError(cursor)
    return [parsed, *rest]


def page(
    rows: Sequence[RowT], limit: int, view: Callable[[RowT], ViewT], place: Callable[[RowT], tuple[Any, ...]]
) -> Page[ViewT]:
    """A page of at most `limit` views out of rows that were asked for one more than that."""
    shown = rows[:limit]
    following = encode(*place(shown[-1])) if len(rows) > limit else None
    return Page(items=[view(row) for row in shown], next=following)
