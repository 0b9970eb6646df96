"""Signals and what became of them."""

from __future__ import annotations

from typing import Any

from chalicelib.api.endpoint import Call, Resource
from chalicelib.api.inputs import PageOf
from chalicelib.runtime import wiring
from volexswarm.security.roles import Permission
from volexswarm.views.shape import Page
from volexswarm.views.trading import Signal

resource = Resource(__name__)
blueprint = resource.blueprint


@resource.route("GET", "/signals", Page[Signal], permission=Permission.STRATEGY_READ, query=PageOf)
def signals(call: Call[PageOf, Any, Any]) -> Page[Signal]:
    """Signals with the verdicts on them, newest first."""
    return wiring.trading_reader().signals(call.query.symbol, call.query.limit, call.query.cursor)


@resource.route("GET", "/signals/{signal}", Signal, permission=Permission.STRATEGY_READ)
def one_signal(_: Call[Any, Any, Any], signal: str) -> Signal:
    """One signal with the verdicts on it, and its order if it became one."""
    return wiring.trading_reader().signal(signal)
