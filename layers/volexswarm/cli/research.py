"""`news`, `strategies`, `reports`: what is learnt, and the lives of strategies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click
from rich.console import RenderableType
from rich.text import Text

from volexswarm.cli import moments
from volexswarm.cli.client import path_of
from volexswarm.cli.commands import Desk, capitals, command
from volexswarm.cli.output import coloured, short, table, when, when_short

STATUSES = click.Choice(["draft", "testing", "active", "paused", "archived"])
SYMBOL = click.option("--symbol", type=capitals, help="Only of this symbol, as BTC/USDT.")
LIMIT = click.option("--limit", type=click.IntRange(1, 500), default=25, show_default=True, help="At most so many.")
CURSOR = click.option("--cursor", help="Go on where a page ended (its `next`).")


def add_to(group: click.Group) -> None:
    """Register the commands."""
    news = click.Group("news", help="Headlines and what they mean for the price.")
    command(news, "list")(_news)
    command(news, "add")(_add_news)
    group.add_command(news)
    strategies = click.Group("strategies", help="Strategies, what they have earned, and where they are in their lives.")
    command(strategies, "list")(_strategies)
    command(strategies, "show")(_strategy)
    command(strategies, "move")(_move)
    group.add_command(strategies)
    reports = click.Group("reports", help="Market reports of the research agent.")
    command(reports, "list")(_reports)
    command(reports, "show")(_report)
    group.add_command(reports)


@SYMBOL
@LIMIT
@CURSOR
def _news(desk: Desk, *, symbol: str | None, limit: int, cursor: str | None) -> None:
    """News, newest first: of one symbol and of the whole market, or all."""
    data = desk.client.get("/news", symbol=symbol, limit=limit, cursor=cursor)
    desk.output.show(data, _render_news)


def _render_news(data: Any) -> Iterable[RenderableType]:
    yield table(
        ["published", "source", "about", "score", "headline"],
        [
            [when_short(n["published_at"]), n["source"], _about(n), f"{n['score']:+.2f}", n["headline"]]
            for n in data["items"]
        ],
        numbers="score",
        prose="source headline",
    )
    yield from _more(data)


def _about(item: Any) -> str:
    return ", ".join(item["symbols"]) or "the market"


def _more(data: Any) -> Iterable[RenderableType]:
    if data["next"]:
        yield Text(f"more: --cursor {data['next']}", style="dim", no_wrap=True)


@click.argument("headline")
@click.option("--source", required=True, help="Who published it.")
@click.option(
    "--published", default="1m", show_default=True, help="So long before the market's present, or a time of the market."
)
@click.option(
    "--symbol", "symbols", type=capitals, multiple=True, help="What it speaks of; else the headline is searched."
)
@click.option("--link", help="Where it can be read (http or https).")
def _add_news(
    desk: Desk, *, headline: str, source: str, published: str, symbols: tuple[str, ...], link: str | None
) -> None:
    """Hand in a HEADLINE; it is scored, and kept once."""
    given = {
        "source": source,
        "headline": headline,
        "published_at": moments.before(desk.client, published),
        "symbols": list(symbols),
    }
    data = desk.client.post("/news", given if link is None else given | {"url": link})
    desk.output.show(data, _render_taken)


def _render_taken(data: Any) -> Iterable[RenderableType]:
    item = data["item"]
    how = "was known already" if data["repeated"] else "is taken"
    yield Text(f"{short(item['id'])} {how}: about {_about(item)}, score {item['score']:+.2f}")


@SYMBOL
@click.option("--status", type=STATUSES, help="Only of this status.")
@click.option("--limit", type=click.IntRange(1, 500), default=100, show_default=True, help="At most so many.")
@CURSOR
def _strategies(desk: Desk, *, symbol: str | None, status: str | None, limit: int, cursor: str | None) -> None:
    """Strategies, those that changed last first."""
    data = desk.client.get("/strategies", symbol=symbol, status=status, limit=limit, cursor=cursor)
    desk.output.show(data, _render_strategies)


def _render_strategies(data: Any) -> Iterable[RenderableType]:
    yield table(
        ["strategy", "symbol", "candles", "status", "last signal (market)"],
        [[s["id"], s["symbol"], s["timeframe"], s["status"], _last(s)] for s in data["items"]],
        prose="strategy",
    )
    yield from _more(data)


def _last(strategy: Any) -> Text:
    words = Text()
    if strategy["last_side"]:
        words.append(coloured(strategy["last_side"]))
        words.append(f" {when_short(strategy['last_signal_at'])}")
    return words


@click.argument("strategy")
def _strategy(desk: Desk, *, strategy: str) -> None:
    """What a STRATEGY has earned, and how it came to where it is."""
    desk.output.show(desk.client.get(path_of("strategies", strategy)), _render_strategy)


def _render_strategy(data: Any) -> Iterable[RenderableType]:
    strategy, record = data["strategy"], data["record"]
    yield Text(
        f"{strategy['id']}: {strategy['template']} on {strategy['symbol']} {strategy['timeframe']}", style="bold"
    )
    ways = " or ".join(data["next"])
    yield Text(f"status: {strategy['status']}" + (f", may become {ways}" if ways else ", for good"))
    parameters = ", ".join(f"{name} {value}" for name, value in sorted(strategy["parameters"].items()))
    yield Text(f"parameters: {parameters or 'the defaults'}")
    yield Text(f"closed trades: {'none' if record is None else _record(record)}")
    yield table(
        ["at (UTC)", "who", "from", "to", "why"],
        [[when_short(c["at"]), c["actor"], c["before"], c["after"], c["reason"]] for c in data["changes"]],
        prose="why",
    )


def _record(record: Any) -> str:
    factor = record["profit_factor"]
    return (
        f"{record['trades']}, {record['win_rate']:.0%} won, {record['expectancy']:+.2%} of the stake on average,"
        f" profit factor {'none has lost' if factor is None else f'{factor:.2f}'}"
    )


@click.argument("strategy")
@click.argument("status", type=STATUSES)
@click.option("--reason", required=True, help="Why: it is kept in the audit.")
def _move(desk: Desk, *, strategy: str, status: str, reason: str) -> None:
    """Let a STRATEGY go on to another STATUS in its life."""
    data = desk.client.post(path_of("strategies", strategy, "status"), {"status": status, "reason": reason})
    desk.output.show(data, lambda done: [Text(f"{done['id']} is {done['status']}")])


@SYMBOL
@LIMIT
@CURSOR
def _reports(desk: Desk, *, symbol: str | None, limit: int, cursor: str | None) -> None:
    """Market reports, newest first."""
    data = desk.client.get("/research/reports", symbol=symbol, limit=limit, cursor=cursor)
    desk.output.show(data, _render_reports)


def _render_reports(data: Any) -> Iterable[RenderableType]:
    yield table(
        ["report", "as of (market)", "says"],
        [[r["id"], when_short(r["as_of"]), r["words"]] for r in data["items"]],
        prose="says",
    )
    yield from _more(data)


@click.argument("report")
def _report(desk: Desk, *, report: str) -> None:
    """A REPORT as it was written."""
    data = desk.client.get(path_of("research", "reports", report))
    desk.output.show(
        data, lambda told: [Text(told["body"]), Text(f"written {when(told['written_at'])} for {told['requested_by']}")]
    )
