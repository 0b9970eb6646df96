"""The house envelope of every answer, and what each of the domain's errors is over HTTP. No answer tells of the inside."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from chalice.app import Response
from pydantic import BaseModel

from volexswarm.errors import (
    ConfirmationRequired,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    Retry,
    TooManyAttempts,
    Unauthorized,
    Unavailable,
    VolexError,
)

logger = logging.getLogger(__name__)

JSON = "application/json"
CSV = "text/csv"
SPOKEN_PARTS = frozenset({"market data"})
"""Parts whose reason is written for the caller; the reason of any other may hold addresses and stays in the log."""


class TooLarge(VolexError):
    """The body is larger than any request of this API can be."""


class UnsupportedMedia(VolexError):
    """The body is not JSON by its content type."""


class InvalidRequest(VolexError):
    """The body or the query does not fit its model; `fields` says where and what would fit."""

    def __init__(self, code: str, message: str, fields: list[dict[str, str]]) -> None:
        super().__init__(message)
        self.code = code
        self.fields = fields


def success(data: BaseModel, now: datetime, status: int) -> Response:
    """An answer with data."""
    body = {"status": "success", "data": data.model_dump(mode="json"), "message": HTTPStatus(status).phrase}
    return _respond(status, body, now)


def bare(data: BaseModel) -> Response:
    """An answer that has a form of its own."""
    return Response(data.model_dump_json(), {"Content-Type": JSON})


@dataclass(frozen=True)
class Text:
    """An answer that is no JSON: a text of some media type, to be kept under a name."""

    body: str
    media: str
    name: str


def text(answer: Text) -> Response:
    """A text as it stands."""
    headers: dict[str, str | list[str]] = {
        "Content-Type": f"{answer.media}; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{answer.name}"',
        "Cache-Control": "no-store",
    }
    return Response(answer.body, headers)


def failure(error: Exception, now: datetime, request_id: str) -> Response:
    """What this error is to the caller. An unexpected one is logged and answered by its request id alone."""
    status, code, message, details = describe(error, request_id)
    if status >= 500:
        logger.error("request failed", exc_info=error, extra={"status": status, "code": code})
    body = {"status": "error", "error": {"code": code, "message": message, "details": details}}
    return _respond(status, body, now, _headers(status, error))


def _respond(status: int, body: dict[str, Any], now: datetime, headers: dict[str, str] | None = None) -> Response:
    text = json.dumps({**body, "timestamp": now.isoformat()}, separators=(",", ":"), allow_nan=False)
    return Response(text, {"Content-Type": JSON, "Cache-Control": "no-store", **(headers or {})}, status)


def _headers(status: int, error: Exception) -> dict[str, str]:
    if status == 401:
        return {"WWW-Authenticate": "Bearer"}
    after: timedelta | None = getattr(error, "after", None)
    return {"Retry-After": str(math.ceil(after.total_seconds()))} if after is not None else {}


Described = tuple[int, str, str, dict[str, Any]]


def describe(error: Exception, request_id: str) -> Described:
    """Status, code, message and details. An unexpected error tells nothing but where its log can be found."""
    for kind, describe in _DESCRIPTIONS.items():
        if isinstance(error, kind):
            return describe(error)
    return (
        500,
        "internal_error",
        "something went wrong inside; the log has it by its request id",
        {"request_id": request_id},
    )


def _invalid_input(error: Any) -> Described:
    message = f"{error.field}: expected {error.expected}"
    return 400, "invalid_input", message, {"fields": [{"field": error.field, "message": f"expected {error.expected}"}]}


def _unavailable(error: Any) -> Described:
    spoken = error.part in SPOKEN_PARTS
    # not that nothing was done: a database that is lost at the commit may have stored it
    message = str(error) if spoken else f"{error.part} does not answer: try again soon"
    return 503, "unavailable", message, {"part": error.part}


def _plain(status: int, code: str) -> Callable[[Any], Described]:
    return lambda error: (status, code, str(error), {})


# In order: the first kind that fits describes the error.
_DESCRIPTIONS: dict[type[Exception], Callable[[Any], Described]] = {
    InvalidRequest: lambda error: (400, error.code, str(error), {"fields": error.fields}),
    InvalidInput: _invalid_input,
    Unauthorized: _plain(401, "unauthorized"),
    Forbidden: lambda error: (403, "forbidden", str(error), {"permission": str(error.permission)}),
    NotFound: lambda error: (404, "not_found", str(error), {"kind": error.kind}),
    Conflict: _plain(409, "conflict"),
    ConfirmationRequired: lambda error: (
        428,
        "confirmation_required",
        str(error),
        {"confirmation": error.code, "expires_at": error.expires_at.isoformat()},
    ),
    TooLarge: _plain(413, "too_large"),
    UnsupportedMedia: _plain(415, "unsupported_media_type"),
    TooManyAttempts: _plain(429, "too_many_attempts"),
    Unavailable: _unavailable,
    Retry: _plain(503, "try_again"),
}
