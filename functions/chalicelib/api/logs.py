"""What the functions wrote."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from chalicelib.api.endpoint import Call, Input, Resource
from chalicelib.api.inputs import LINE
from chalicelib.runtime import wiring
from volexswarm.agents import functions
from volexswarm.errors import NotFound
from volexswarm.security.roles import Permission
from volexswarm.views.swarm import LogLines

resource = Resource(__name__)
blueprint = resource.blueprint

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
DEFAULT_SINCE = timedelta(minutes=15)
MAX_SINCE = timedelta(days=7)


def _span(text: Any) -> Any:
    if isinstance(text, timedelta):
        return text
    match = re.fullmatch(r"(\d{1,6})([smhd])", str(text))
    if match is None:
        raise ValueError("expected a number with s, m, h or d, as 15m")
    span = timedelta(**{_UNITS[match[2]]: int(match[1])})
    if not timedelta(0) < span <= MAX_SINCE:
        raise ValueError(f"expected more than 0s and at most {MAX_SINCE.days}d")
    return span


Span = Annotated[
    timedelta,
    BeforeValidator(_span),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,6}[smhd]$", "default": "15m"}),
]


class LogsOf(Input):
    """Whose lines, of the last how long, holding what text."""

    function: str
    since: Span = Field(default_factory=lambda: DEFAULT_SINCE)
    filter: Annotated[str, Field(min_length=1, max_length=200), LINE] | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 200


@resource.route("GET", "/logs", LogLines, permission=Permission.AUDIT_READ, query=LogsOf, failures=(404,))
def logs(call: Call[LogsOf, Any, Any]) -> LogLines:
    """The newest log lines of a function, oldest first."""
    query = call.query
    names = [function.name for function in functions()]
    if query.function not in names:
        raise NotFound("function", f"{query.function}: there are {', '.join(names)}")
    return wiring.function_logs().lines(query.function, query.since, query.filter, query.limit)
