"""Pieces of input that several routes share."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.api.endpoint import Input

Symbol = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,20}/[A-Z0-9]{1,20}$", description="BASE/QUOTE, as BTC/USDT")]
Cursor = Annotated[str, Field(max_length=400, pattern=r"^[A-Za-z0-9_-]+$", description="`next` of the page before")]
Limit = Annotated[int, Field(ge=1, le=500, description="at most so many")]


class PageOf(Input):
    """A page of a list, newest first."""

    symbol: Symbol | None = None
    limit: Limit = 50
    cursor: Cursor | None = None
