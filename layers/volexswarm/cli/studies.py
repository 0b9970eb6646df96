"""`backtests`, `optimizations`, `discoveries`: what came of studies of the past. Tasks ask for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click
from rich.console import RenderableType
from rich.text import Text

from volexswarm.cli.client import path_of
from volexswarm.cli.commands import Desk, capitals, command
from volexswarm.cli.output import money_label, number, short, table, when, when_short

SYMBOL = click.option("--symbol", type=capitals, help="Only of this symbol, as BTC/USDT.")
LIMIT = click.option("--limit", type=click.IntRange(1, 500), default=25, show_default=True, help="At most so many.")
CURSOR = click.option("--cursor", help="Go on where a page ended (its `next`).")

SHARES = frozenset(
    (
        "total_return",
        "annual_return",
        "hold_return",
        "volatility",
        "max_drawdown",
        "win_rate",
        "return_on_stake",
        "exposure",
    )
)
"""Figures that are shown in percent."""


def add_to(group: click.Group) -> None:
    """Register the commands."""
    backtests = click.Group("backtests", help="Strategies over history: what they would have earned after costs.")
    command(backtests, "list")(_backtests)
    command(backtests, "show")(_backtest)
    group.add_command(backtests)
    optimizations = click.Group("optimizations", help="Searches for better parameters, judged on unseen candles.")
    command(optimizations, "list")(_optimizations)
    command(optimizations, "show")(_optimization)
    group.add_command(optimizations)
    discoveries = click.Group("discoveries", help="Searches for strategies; the best become drafts.")
    command(discoveries, "list")(_discoveries)
    command(discoveries, "show")(_discovery)
    group.add_command(discoveries)


@SYMBOL
@LIMIT
@CURSOR
def _backtests(desk: Desk, *, symbol: str | None, limit: int, cursor: str | None) -> None:
    """Backtests, newest first."""
    data = desk.client.get("/backtests", symbol=symbol, limit=limit, cursor=cursor)
    desk.output.show(data, _render_backtests)


def _render_backtests(data: Any) -> Iterable[RenderableType]:
    yield table(
        ["id", "made", "strategy", "symbol", "candles", "return", "Sharpe", "drawdown", "trades"],
        [
            [
                short(b["id"]),
                when_short(b["made_at"]),
                b["strategy"],
                b["symbol"],
                f"{b['candles']} × {b['timeframe']}",
                *(
                    _figure(name, b["figures"].get(name))
                    for name in ("total_return", "sharpe", "max_drawdown", "trades")
                ),
            ]
            for b in data["items"]
        ],
        numbers="return Sharpe drawdown trades",
    )
    yield from _more(data)


@click.argument("backtest")
def _backtest(desk: Desk, *, backtest: str) -> None:
    """One BACKTEST (its id, or the beginning of it): figures, trades, and what it assumes."""
    desk.output.show(desk.client.get(path_of("backtests", backtest)), _render_backtest)


def _render_backtest(data: Any) -> Iterable[RenderableType]:
    made = data["backtest"]
    yield from _head(made)
    yield Text(f"parameters: {_named(made['parameters'])}; risk policy version {data['policy_version']}")
    yield table(
        ["figure", "value", "why unknown"],
        [[name, _figure(name, figure), figure["reason"] or ""] for name, figure in made["figures"].items()],
        numbers="value",
        prose="why unknown",
    )
    yield table(
        ["bought", "sold", "amount", "at", "left at", "result", "because"],
        [
            [
                when_short(t["opened_at"]),
                when_short(t["closed_at"]),
                number(t["amount"]),
                number(t["entry_price"], 2),
                number(t["exit_price"], 2),
                number(t["result"], 2),
                t["exit_reason"],
            ]
            for t in data["trades"]
        ],
        numbers="amount at left at result",
        prose="because",
    )
    for reason, count in data["unfilled"].items():
        yield Text(f"not bought {count} times: {reason}")
    yield from (Text(f"assumed: {sentence}", style="dim") for sentence in data["assumptions"])


@SYMBOL
@LIMIT
@CURSOR
def _optimizations(desk: Desk, *, symbol: str | None, limit: int, cursor: str | None) -> None:
    """Searches, those that run among them, newest first."""
    data = desk.client.get("/optimizations", symbol=symbol, limit=limit, cursor=cursor)
    desk.output.show(data, _render_optimizations)


def _render_optimizations(data: Any) -> Iterable[RenderableType]:
    yield table(
        ["id", "begun", "strategy", "symbol", "runs", "unseen", "defaults", "overfit"],
        [
            [
                short(o["id"]),
                when_short(o["started_at"]),
                o["strategy"],
                f"{o['symbol']} {o['timeframe']}",
                f"{o['runs']}/{o['budget_runs']}",
                _percent(o["result"] and o["result"]["out_of_sample_return"]),
                _percent(o["result"] and o["result"]["default_return"]),
                o["result"]["overfit_risk"] if o["result"] else o["status"],
            ]
            for o in data["items"]
        ],
        numbers="runs unseen defaults",
    )
    yield from _more(data)


@click.argument("optimization")
def _optimization(desk: Desk, *, optimization: str) -> None:
    """One OPTIMIZATION (its id, or the beginning of it): each fold in sample and out of sample, and the trials."""
    desk.output.show(desk.client.get(path_of("optimizations", optimization)), _render_optimization)


def _render_optimization(data: Any) -> Iterable[RenderableType]:
    search = data["optimization"]
    yield from _head(search)
    found = search["result"]
    if found is not None:
        for fold in found["folds"]:
            yield Text(
                f"unseen from {when_short(fold['split'])} to {when_short(fold['until'])}: {_named(fold['best'])}"
            )
            yield Text(f"  seen      {_fared(fold['in_sample'])}")
            yield Text(f"  unseen    {_fared(fold['out_of_sample'])}")
            yield Text(f"  defaults  {_fared(fold['default'])}")
        chance = _percent(found["deflated_sharpe"], signed=False)
        yield Text(f"risk of overfitting {found['overfit_risk']}; probability that it is more than luck {chance}")
        yield from (Text(f"mind: {sentence}") for sentence in found["warnings"])
    yield table(
        ["fold", "trial", "parameters", "Sharpe", "return", "trades", "not judged"],
        [
            [
                t["fold"],
                t["number"],
                _named(t["parameters"]),
                _ratio(t["sharpe"]),
                _percent(t["total_return"]),
                t["trades"],
                t["reason"] or "",
            ]
            for t in data["trials"]
        ],
        numbers="Sharpe return trades",
        prose="parameters not judged",
    )


@SYMBOL
@LIMIT
@CURSOR
def _discoveries(desk: Desk, *, symbol: str | None, limit: int, cursor: str | None) -> None:
    """Searches for strategies, newest first."""
    data = desk.client.get("/discoveries", symbol=symbol, limit=limit, cursor=cursor)
    desk.output.show(data, _render_discoveries)


def _render_discoveries(data: Any) -> Iterable[RenderableType]:
    yield table(
        ["id", "begun", "symbols", "state", "found"],
        [
            [short(d["id"]), when_short(d["started_at"]), ", ".join(d["symbols"]), d["status"], d["words"] or ""]
            for d in data["items"]
        ],
        prose="symbols found",
    )
    yield from _more(data)


@click.argument("discovery")
def _discovery(desk: Desk, *, discovery: str) -> None:
    """One DISCOVERY (its id, or the beginning of it): its candidates on unseen candles, its drafts, its warnings."""
    desk.output.show(desk.client.get(path_of("discoveries", discovery)), _render_discovery)


def _render_discovery(data: Any) -> Iterable[RenderableType]:
    yield from _head(data)
    found = data["result"]
    if found is None:
        return
    yield table(
        ["strategy", "symbol", "unseen", "Sharpe", "trades", "overfit", "not luck", "draft"],
        [
            [
                c["template"],
                f"{c['symbol']} {c['timeframe']}",
                _percent(c["out_of_sample_return"]),
                _ratio(c["sharpe"]),
                c["trades"],
                c["overfit_risk"],
                _percent(c["deflated_sharpe"], signed=False),
                c["draft"] or "",
            ]
            for c in found["candidates"]
        ],
        numbers="unseen Sharpe trades not luck",
        prose="draft",
    )
    yield from (Text(f"not searched: {place}: {why}") for place, why in found["left_out"].items())
    yield from (Text(f"mind: {sentence}") for sentence in found["warnings"])


def _head(study: Any) -> Iterable[RenderableType]:
    """In whose words, on what market, until when."""
    told = study["words"] or f"{short(study['id'])} is running"
    yield Text(told, style="bold")
    yield Text(f"{study['venue']}, {money_label(study)} ({study['mode']}), to {when(study['until'])} market time")


def _figure(name: str, figure: Any) -> str:
    value = None if figure is None else figure["value"]
    return _percent(value) if name in SHARES else _ratio(value)


def _percent(value: float | None, *, signed: bool = True) -> str:
    if value is None:
        return "–"
    return f"{value:+.2%}" if signed else f"{value:.0%}"


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}".removesuffix(".00")


def _fared(fared: Any) -> str:
    if fared is None:
        return "not judged"
    return f"{_percent(fared['total_return'])}, Sharpe {_ratio(fared['sharpe'])}, {fared['trades']} trades"


def _named(parameters: Any) -> str:
    return ", ".join(f"{name} {value}" for name, value in (parameters or {}).items()) or "–"


def _more(data: Any) -> Iterable[RenderableType]:
    if data["next"]:
        yield Text(f"more: --cursor {data['next']}", style="dim", no_wrap=True)
