"""What went wrong with a call, told from the exception alone: the providers' packages differ, their errors' attributes do not."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from volexswarm.deliberation.domain import Silence
from volexswarm.deliberation.fencing import cleaned

REASON: Final = 160
_DECLINES: Final = ("content_filter", "content_policy", "responsible_ai")
_NOT_UNDERSTOOD: Final = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.NOT_IMPLEMENTED,
    }
)
_PASSING: Final = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)


class Unreadable(Exception):
    """An answer that is not read to its end: too long, or in a form that nobody asked for."""


@dataclass(frozen=True)
class Failure:
    """`again` says whether the same call may succeed soon, `after` how many seconds the server wants to be left alone.

    `charged` is False when the provider surely did no work that it asks money for.
    """

    why: Silence
    reason: str
    again: bool = False
    after: float = 0.0
    charged: bool = True


def failure_of(error: BaseException, seconds: float) -> Failure:
    """Read an exception of a provider's client, or the time-out after `seconds`."""
    if isinstance(unread := error if isinstance(error, Unreadable) else error.__cause__, Unreadable):
        return Failure(Silence.MALFORMED, str(unread))
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return _answered(error, status)
    if isinstance(error, asyncio.TimeoutError) or "Timeout" in type(error).__name__:
        return Failure(Silence.UNREACHABLE, f"no answer within {seconds:.0f} s")
    if "Connect" in type(error).__name__ or isinstance(error, OSError):
        return Failure(Silence.UNREACHABLE, f"no connection, or it broke: {_words(error)}", again=True)
    return Failure(Silence.MALFORMED, f"an answer that the client can't read: {_words(error)}")


def _answered(error: BaseException, status: int) -> Failure:
    words = f"HTTP {status}: {_words(error)}"
    if status < 300:  # an answer that claims to be good and can't be read
        return Failure(Silence.MALFORMED, words)
    if any(sign in str(error) for sign in _DECLINES):
        return Failure(Silence.REFUSED, words)
    passing = status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return Failure(Silence.UNREACHABLE, words, again=passing, after=_retry_after(error), charged=False)


def takes_no_schema(error: BaseException) -> bool:
    """Whether the server, asked for an answer by a schema, says that it does not know how: it only resembles the provider's."""
    return getattr(error, "status_code", None) in _NOT_UNDERSTOOD and "response_format" in str(error)


def _retry_after(error: BaseException) -> float:
    """Seconds that the server asks to wait; 0 if it does not say, or says it in a way that is none."""
    headers: Mapping[str, str] = getattr(getattr(error, "response", None), "headers", {})
    try:
        return max(0.0, min(float(headers.get("retry-after", 0)), 3600.0))
    except (TypeError, ValueError):
        return 0.0


def _words(error: BaseException) -> str:
    """What it says in one clean, short line: a server may have put anything into it."""
    return cleaned(f"{type(error).__name__}: {error}", REASON)
