"""What every view shares: it is read-only, tolerant of newer fields, and a page says where the next one begins."""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

Mode = Literal["simulated", "paper", "sandbox", "live"]


class View(BaseModel):
    """A read-only answer. A client ignores fields that a newer server adds."""

    model_config = ConfigDict(frozen=True, extra="ignore")


ViewT = TypeVar("ViewT", bound=View)


class Page(View, Generic[ViewT]):
    """Newest first; `next` is the `cursor` of the following page, null on the last."""

    items: list[ViewT]
    next: str | None
