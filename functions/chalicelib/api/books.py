"""The account's books: portfolio, positions, lots, own trades, transfers."""

from __future__ import annotations

from typing import Any

from chalicelib.api.endpoint import Call, Input, Resource
from chalicelib.api.inputs import Cursor, Limit, PageOf
from chalicelib.runtime import wiring
from volexswarm.security.roles import Permission
from volexswarm.views.books import Fill, Lot, Portfolio, Positions, Transfer
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


@resource.route("GET", "/lots", Page[Lot], permission=Permission.TRADE_READ, query=PageOf)
def lots(call: Call[PageOf, Any, Any]) -> Page[Lot]:
    """What is still held of each purchase, first in, first out; newest first."""
    return wiring.books_reader().lots(call.query.symbol, call.query.limit, call.query.cursor)


class TransfersOf(Input):
    """A page of transfers, newest first."""

    limit: Limit = 50
    cursor: Cursor | None = None


@resource.route("GET", "/transfers", Page[Transfer], permission=Permission.TRADE_READ, query=TransfersOf)
def transfers(call: Call[TransfersOf, Any, Any]) -> Page[Transfer]:
    """Deposits, withdrawals and accepted differences, newest first: none of them is profit or loss."""
    return wiring.books_reader().transfers(call.query.limit, call.query.cursor)
