"""Candles."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from chalicelib.api.endpoint import Call, Input, Resource
from chalicelib.api.inputs import Moment, Symbol, known
from chalicelib.runtime import wiring
from volexswarm.market.timeframes import Timeframe
from volexswarm.security.roles import Permission
from volexswarm.views.market import Candles

resource = Resource(__name__)
blueprint = resource.blueprint


class CandlesOf(Input):
    """Which candles: the last `limit`, or the last before a moment."""

    symbol: Symbol
    timeframe: Timeframe
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    before: Moment | None = None


@resource.route("GET", "/candles", Candles, permission=Permission.TRADE_READ, query=CandlesOf)
def candles(call: Call[CandlesOf, Any, Any]) -> Candles:
    """Candles of a symbol, oldest first.

    A minute without a trade has no candle.
    """
    query = call.query
    found = wiring.candle_reader().candles(query.symbol, query.timeframe, query.limit, query.before)
    known(query.symbol, found=bool(found.candles or query.before))  # before its first candle any symbol has none
    return found
