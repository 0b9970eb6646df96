"""The account's books: portfolio, positions, own trades."""

from __future__ import annotations

from typing import Any

from chalicelib.api.endpoint import Call, Resource
from chalicelib.api.inputs import PageOf
from chalicelib.runtime import wiring
from volexswarm.security.roles import Permission
from volexswarm.views.books import Fill, Portfolio, Positions
from volexswarm.views.shape import Page

resource = Resource(__name__)
blueprint = resource.blueprint


@resource.route("GET", "/portfolio", Portfolio, permission=Permission.TRADE_READ)
def portfolio(_: Call[Any, Any, Any]) -> Portfolio:
    """Balances, positions and equity.

    What can't be had is null, and `missing` says why.
    """
    return wiring.books_reader().portfolio()


@resource.route("GET", "/positions", Positions, permission=Permission.TRADE_READ)
def positions(_: Call[Any, Any, Any]) -> Positions:
    """Positions at average cost, flat ones with their realised result."""
    return wiring.books_reader().positions()


@resource.route("GET", "/trades", Page[Fill], permission=Permission.TRADE_READ, query=PageOf)
def trades(call: Call[PageOf, Any, Any]) -> Page[Fill]:
    """The account's own trades (fills), newest first."""
    return wiring.books_reader().fills(call.query.symbol, call.query.limit, call.query.cursor)
