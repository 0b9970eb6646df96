"""`performance`, `attribution`, and the chart of `portfolio --history`: how the account has fared."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from rich.console import RenderableType
from rich.text import Text

from volexswarm.cli.chart import columns
from volexswarm.cli.commands import Desk, command
from volexswarm.cli.figures import money, percent, ratio
from volexswarm.cli.output import NONE, money_label, notes, number, table, when, when_short

PERIODS = click.Choice(["1d", "7d", "30d", "90d", "365d", "all"])
DIMENSIONS = click.Choice(["strategy", "symbol", "agent"])

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # the steps of a history are counted from here

period_option = click.option(
    "--period", type=PERIODS, default="30d", show_default=True, help="How far back, in market time."
)


def add_to(group: click.Group) -> None:
    """Register the commands."""
    command(group, "performance")(_performance)
    command(group, "attribution")(_attribution)


@period_option
@click.option("--risk-free", type=float, default=0.0, show_default=True, help="What a year brings without risk: 0.04.")
def _performance(desk: Desk, *, period: str, risk_free: float) -> None:
    """Returns, ratios, drawdown, and what the closed trades say. Deposits and withdrawals are no gain and no loss."""
    desk.output.show(desk.client.get("/performance", period=period, risk_free=risk_free), _render_performance)


def _render_performance(data: Any) -> Iterable[RenderableType]:
    currency = data["valuation_currency"]
    yield Text(f"{data['venue']}, account {data['account']} · {money_label(data)}", style="bold")
    if data["since"] is None:
        yield from notes(["equity: the account has not been valued yet"])
    else:
        yield Text(f"{when(data['since'])} to {when(data['until'])} market time")
        yield Text(
            f"equity {money(data['start_equity'])} to {money(data['end_equity'])} {currency},"
            f" transfers {money(data['net_flows'])}"
        )
    yield table(["figure", "value", "note"], _figures(data), numbers="value", prose="note")
    for trades in data["trades"]:
        yield Text(f"closed trades in {trades['currency']}, net of fees: {trades['count']}", style="bold")
        yield table(["figure", "value", "note"], _trade_figures(trades), numbers="value", prose="note")
        if trades["other_fees"]:
            yield from notes(
                [f"{_other_fees(trades)} of fees in these figures: they have no price in {trades['currency']}"]
            )


def _figures(data: Any) -> list[list[str]]:
    rows = [
        _share("simple return", data["simple_return"]),
        _share("time-weighted return", data["time_weighted_return"]),
        _share("time-weighted, a year", data["annual_return"]),
        _share("money-weighted return", data["money_weighted_return"]),
        _share("money-weighted, a year (XIRR)", data["money_weighted_annual"]),
        _share("volatility, a year", data["volatility"], signed=False),
        _plain("Sharpe", data["sharpe"]),
        _plain("Sortino", data["sortino"]),
        _plain("Calmar", data["calmar"]),
    ]
    return [*rows, _fall(data["max_drawdown"])]


def _fall(fall: Any) -> list[str]:
    if fall is None:
        return ["max drawdown", NONE, "it never fell"]
    end = f"recovered {when_short(fall['recovered_at'])}" if fall["recovered_at"] else "not recovered"
    span = f"{when_short(fall['peak_at'])} to {when_short(fall['trough_at'])}, {end}"
    return ["max drawdown", percent(-fall["share"]), span]


def _trade_figures(trades: Any) -> list[list[str]]:
    held = trades["average_holding_seconds"]
    return [
        _share("win rate", trades["win_rate"], f"{trades['wins']} won, {trades['losses']} lost", signed=False),
        _plain("profit factor", trades["profit_factor"], f"{money(trades['won'])} to {money(trades['lost'])}"),
        _plain("expectancy", trades["expectancy"]),
        _plain("average win", trades["average_win"], f"largest {money(trades['largest_win'])}"),
        _plain("average loss", trades["average_loss"], f"largest {money(trades['largest_loss'])}"),
        ["average holding", NONE if held["value"] is None else str(timedelta(seconds=round(held["value"]))), ""],
    ]


def _share(name: str, figure: Any, note: str = "", *, signed: bool = True) -> list[str]:
    value = NONE if figure["value"] is None else percent(figure["value"], signed=signed)
    return [name, value, figure["reason"] or note]


def _plain(name: str, figure: Any, note: str = "") -> list[str]:
    return [name, NONE if figure["value"] is None else ratio(figure["value"]), figure["reason"] or note]


@click.option("--by", type=DIMENSIONS, default="strategy", show_default=True, help="What to divide the result by.")
@period_option
def _attribution(desk: Desk, *, by: str, period: str) -> None:
    """Whose doing the result is: realised, fees and unrealised, first in, first out. The shares add up to the total."""
    desk.output.show(desk.client.get("/attribution", by=by, period=period), _render_attribution)


def _render_attribution(data: Any) -> Iterable[RenderableType]:
    yield Text(f"{data['venue']}, account {data['account']} · {money_label(data)}", style="bold")
    yield table(
        [data["by"], "currency", "closed", "realised", "fees", "unrealised", "other fees"],
        [_share_row(share) for share in [*data["shares"], *data["totals"]]],
        numbers="closed realised fees unrealised",
        prose="other fees",
    )
    yield from notes(data["missing"])


def _share_row(share: Any) -> list[Any]:
    amounts = [money(share[name]) for name in ("realised", "fees", "unrealised")]
    return [share["key"], share["currency"], share["closed"], *amounts, _other_fees(share)]


def _other_fees(data: Any) -> str:
    return ", ".join(f"{number(amount)} {asset}" for asset, amount in data["other_fees"].items())


def render_history(data: Any) -> Iterable[RenderableType]:
    """The equity as a chart."""
    points = data["points"]
    yield Text(f"{data['venue']}, account {data['account']} · {money_label(data)}", style="bold")
    if not points:
        yield from notes(["equity: the account has not been valued yet"])
        return
    equities = [float(point["equity"]) for point in points]
    for line in columns(_by_time(points, timedelta(seconds=data["step_seconds"])), width=90, height=8):
        yield Text(line.rstrip(), no_wrap=True)
    first, last = points[0], points[-1]
    yield Text(f"{when(first['as_of'])} to {when(last['as_of'])} market time, each {_step(data['step_seconds'])}")
    yield Text(
        f"equity in {data['valuation_currency']}: {min(equities):,.2f} to {max(equities):,.2f}, last"
        f" {money(last['equity'])}; {percent(last['worth'] / first['worth'] - 1)} without transfers"
    )


def _by_time(points: Any, step: timedelta) -> list[float]:
    """The equity at each step from the first point to the last; where the account was not valued the last one stands."""
    known = {(datetime.fromisoformat(point["as_of"]) - _EPOCH) // step: float(point["equity"]) for point in points}
    equity, equities = 0.0, []
    for at in range(min(known), max(known) + 1):
        equity = known.get(at, equity)
        equities.append(equity)
    return equities


def _step(seconds: float) -> str:
    return str(timedelta(seconds=seconds))
