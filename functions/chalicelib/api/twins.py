"""Over the WebSocket as over HTTP: snapshots and commands are answered by the very routes, by their checks and permissions."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final
from uuid import uuid4

from pydantic import BaseModel

from chalicelib.api import envelope
from chalicelib.api.endpoint import Endpoint, ask
from chalicelib.runtime import wiring
from volexswarm.errors import InvalidInput, require
from volexswarm.messages import Channel
from volexswarm.push.model import Filters
from volexswarm.security.tokens import Principal

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Twin:
    """A route, by the module of its resource: only what is asked for is imported."""

    module: str
    method: str
    path: str
    query: Mapping[str, str]

    def endpoint(self) -> Endpoint:
        found: list[Endpoint] = import_module(f"chalicelib.api.{self.module}").resource.endpoints
        return next(one for one in found if (one.method, one.path) == (self.method, self.path))

    def read(self, principal: Principal, **query: str) -> Any:
        """The data of a GET as JSON; raises what the route raises."""
        return self.ask(principal, {}, query)

    def ask(self, principal: Principal, given: Mapping[str, Any], query: Mapping[str, str] | None = None) -> Any:
        """The route's data as JSON; raises what the route raises. `given`: parameters, body and idempotency key."""
        answer = ask(
            self.endpoint(),
            principal,
            parameters=given.get("parameters", {}),
            query={**self.query, **(query or {})},
            body=json.dumps(given.get("body", {})),
            headers={} if given.get("key") is None else {"idempotency-key": given["key"]},
        )
        assert isinstance(answer, BaseModel)  # no twin answers in a form of its own
        return answer.model_dump(mode="json")


def _get(module: str, path: str, **query: str) -> Twin:
    return Twin(module, "GET", path, query)


def _post(module: str, path: str) -> Twin:
    return Twin(module, "POST", path, {})


COMMANDS: Final[Mapping[str, Twin]] = {
    "halt": _post("control", "/halt"),
    "halt.lift": _post("control", "/resume"),
    "trade": _post("orders", "/trade"),
    "order.cancel": _post("orders", "/orders/{order}/cancel"),
    "task.submit": _post("tasks", "/task"),
    "task.confirm": _post("tasks", "/tasks/{task}/confirm"),
    "task.cancel": _post("tasks", "/tasks/{task}/cancel"),
    "task.retry": _post("tasks", "/tasks/{task}/retry"),
    "approval.decide": _post("approvals", "/approvals/{approval}"),
}

PAGES: Final[Mapping[Channel, Twin]] = {
    Channel.SIGNALS: _get("signals", "/signals", limit="10"),
    Channel.ORDERS: _get("orders", "/orders", limit="50"),
    Channel.TASKS: _get("tasks", "/tasks", limit="20"),
}
"""Snapshots that are a list's first page; of each symbol where the filters name some."""

WHOLE: Final[Mapping[Channel, Mapping[str, Twin]]] = {
    Channel.PORTFOLIO: {"portfolio": _get("books", "/portfolio")},
    Channel.AGENTS: {"agents": _get("agents", "/agents")},
    Channel.ALERTS: {
        "control": _get("control", "/control"),
        "breakers": _get("risk", "/breakers"),
        "flags": _get("compliance", "/compliance/flags", state="open", limit="20"),
    },
}
"""Snapshots of one or more routes, each under its name."""

CANDLES: Final = _get("market", "/candles", limit="1")
DELIBERATIONS: Final = _get("deliberations", "/tasks/{task}/deliberations")


class ApiSnapshots:
    """`push.ports.Snapshots` from the HTTP API's own routes."""

    def snapshot(self, channel: Channel, filters: Filters, principal: Principal) -> Any:
        """What is the case now. Of deliberations it is only had of the tasks that the filters name."""
        if channel is Channel.QUOTES:
            return _quotes(filters)
        if channel is Channel.CANDLES:
            return {"candles": [CANDLES.read(principal, symbol=s, timeframe=t) for s, t in _intervals(filters)]}
        if channel is Channel.DELIBERATIONS:
            tasks = filters.get("task_id", ())
            return (
                {"tasks": [DELIBERATIONS.ask(principal, {"parameters": {"task": task}}) for task in tasks]}
                if tasks
                else None
            )
        if channel in PAGES:
            pages = [PAGES[channel].read(principal, **narrowed) for narrowed in _each_symbol(filters)]
            return {"items": [item for page in pages for item in page["items"]]}
        twins = WHOLE.get(channel)
        return None if twins is None else {name: twin.read(principal) for name, twin in twins.items()}


class ApiCommands:
    """`push.ports.Commands` by the HTTP API's own routes."""

    def carry_out(self, name: str, given: Mapping[str, Any], principal: Principal) -> Any:
        """The data that the route answers with."""
        if name not in COMMANDS:
            raise InvalidInput("command", name, f"one of {', '.join(COMMANDS)}")
        twin = COMMANDS[name]
        wanted, got = set(twin.endpoint().parameters), set(given["parameters"])
        require(wanted == got, "parameters", sorted(got), f"just {', '.join(sorted(wanted)) or 'none'}")
        return twin.ask(principal, given)


def told(error: Exception) -> dict[str, Any]:
    """An error in the words in which HTTP tells it."""
    reference = uuid4().hex
    status, code, message, details = envelope.describe(error, reference)
    if status >= 500:
        logger.error("action failed", exc_info=error, extra={"code": code, "request_id": reference})
    return {"code": code, "message": message, "details": details}


def _each_symbol(filters: Filters) -> list[dict[str, str]]:
    return [{"symbol": symbol} for symbol in filters.get("symbol", ())] or [{}]


def _intervals(filters: Filters) -> list[tuple[str, str]]:
    settings = wiring.settings()
    symbols = filters.get("symbol", settings.symbols)
    timeframes = filters.get("timeframe", settings.timeframes)
    return [(symbol, timeframe) for symbol in symbols for timeframe in timeframes]


def _quotes(filters: Filters) -> dict[str, Any]:
    settings = wiring.settings()
    found = wiring.quotes().get(settings.venue, filters.get("symbol", settings.symbols))
    return {
        "venue": settings.venue,
        "quotes": {symbol: quote.model_dump(mode="json") for symbol, quote in found.items()},
    }
