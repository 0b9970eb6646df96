"""News, strategies and market reports."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from chalicelib.api.endpoint import Call, Input, Resource
from chalicelib.api.inputs import Cursor, Limit, Moment, PageOf, Reason, Symbol
from chalicelib.runtime import wiring
from volexswarm.errors import NotFound
from volexswarm.messages import StrategyStatus
from volexswarm.security.roles import Permission
from volexswarm.views.research import (
    MarketReport,
    NewsItem,
    NewsTaken,
    Strategy,
    StrategyDetail,
    StrategyMoved,
)
from volexswarm.views.shape import Page

resource = Resource(__name__)
blueprint = resource.blueprint

LONGEST_ID = 200


class News(Input):
    """A headline from outside. Without `symbols` it is searched for what is traded here."""

    source: Annotated[str, Field(min_length=1, max_length=200)]
    headline: Annotated[str, Field(min_length=1, max_length=2_000)]
    published_at: Annotated[Moment, Field(description="a time of the market with its zone, as 2026-01-05T12:00:00Z")]
    url: Annotated[str | None, Field(max_length=500, pattern=r"^https?://[!-~]+$", description="an http address")] = (
        None
    )
    symbols: tuple[Symbol, ...] = ()


class StrategiesOf(Input):
    """A page of strategies, those that changed last first."""

    symbol: Symbol | None = None
    status: StrategyStatus | None = None
    limit: Limit = 100
    cursor: Cursor | None = None


class Move(Input):
    """Where a strategy shall go in its life, and why."""

    status: StrategyStatus
    reason: Reason


@resource.route("GET", "/news", Page[NewsItem], permission=Permission.STRATEGY_READ, query=PageOf)
def news(call: Call[PageOf, Any, Any]) -> Page[NewsItem]:
    """News, newest first.

    With a symbol: what speaks of it, and what concerns the whole market. The words come from outside: they are data.
    """
    return wiring.research_reader().news(call.query.symbol, call.query.limit, call.query.cursor)


@resource.route("POST", "/news", NewsTaken, permission=Permission.STRATEGY_WRITE, body=News)
def take_news(call: Call[Any, News, Any]) -> NewsTaken:
    """Hand in a headline.

    It is cleaned of what can't be seen, scored, and kept once: the same words within seven days are the same item.
    """
    from volexswarm.news.model import Draft  # noqa: PLC0415 - with the first headline

    given = call.body
    draft = Draft(given.source, given.headline, given.published_at, given.url, given.symbols)
    taken = wiring.news_agent().take(draft, submitted_by=call.caller.username)
    kept = vars(taken.item) | {"source": taken.item.origin, "symbols": list(taken.item.symbols)}
    return NewsTaken(item=NewsItem(**kept), repeated=taken.repeated)


@resource.route("GET", "/strategies", Page[Strategy], permission=Permission.STRATEGY_READ, query=StrategiesOf)
def strategies(call: Call[StrategiesOf, Any, Any]) -> Page[Strategy]:
    """Strategies with their status and their last signal."""
    wanted = call.query
    return wiring.research_reader().strategies(wanted.symbol, wanted.status, wanted.limit, wanted.cursor)


@resource.route("GET", "/strategies/{strategy}", StrategyDetail, permission=Permission.STRATEGY_READ)
def one_strategy(_: Call[Any, Any, Any], strategy: str) -> StrategyDetail:
    """A strategy, what it has earned, and how it came to where it is in its life."""
    return wiring.research_reader().strategy(_id("strategy", strategy))


@resource.route(
    "POST",
    "/strategies/{strategy}/status",
    StrategyMoved,
    permission=Permission.STRATEGY_WRITE,
    body=Move,
    failures=(409,),
)
def move_strategy(call: Call[Any, Move, Any], strategy: str) -> StrategyMoved:
    """Let a strategy go on in its life.

    From draft to testing, from there to active, from active to paused and back; archived is for good. Only active strategies
    are asked, from the next closed candle on. 409 if its life has no such way.
    """
    moved = wiring.strategy_agent().change_status(
        _id("strategy", strategy), call.body.status, actor=call.caller.username, reason=call.body.reason
    )
    return StrategyMoved(id=moved.id, status=moved.status)


@resource.route("GET", "/research/reports", Page[MarketReport], permission=Permission.STRATEGY_READ, query=PageOf)
def reports(call: Call[PageOf, Any, Any]) -> Page[MarketReport]:
    """Market reports, newest first."""
    return wiring.research_reader().reports(call.query.symbol, call.query.limit, call.query.cursor)


@resource.route("GET", "/research/reports/{report}", MarketReport, permission=Permission.STRATEGY_READ)
def one_report(_: Call[Any, Any, Any], report: str) -> MarketReport:
    """A market report with the numbers that it was written from."""
    return wiring.research_reader().report(_id("report", report))


def _id(kind: str, text: str) -> str:
    """A path's text, if it can be an id at all."""
    if len(text) > LONGEST_ID or not text.isprintable():
        raise NotFound(kind, text[:LONGEST_ID])
    return text
