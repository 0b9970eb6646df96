"""`risk`, `assess`, `breakers`: how much is at risk, what would be decided, and what has stopped buying."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import click
from rich.console import RenderableType
from rich.text import Text

from volexswarm.cli.client import path_of
from volexswarm.cli.commands import Desk, capitals, command
from volexswarm.cli.output import money_label, notes, number, table, when
from volexswarm.cli.trading import Amount


def add_to(group: click.Group) -> None:
    """Register the commands."""
    command(group, "risk")(_risk)
    command(group, "assess")(_assess)
    breakers = click.Group("breakers", help="Circuit breakers: what has stopped buying, and closing one by hand.")
    command(breakers, "list")(_breakers)
    command(breakers, "reset")(_reset)
    group.add_command(breakers)


def _risk(desk: Desk) -> None:
    """Exposures, value at risk, losses, and how much of each limit is used."""
    desk.output.show(desk.client.get("/risk"), _render_risk)


def _render_risk(data: Any) -> Iterable[RenderableType]:
    money = money_label(data)
    yield Text(
        f"{data['venue']}, account {data['account']} · mode {data['mode']}, {money} · {when(data['as_of'])} market time"
        f" · risk policy {data['policy_version']}",
        style="bold",
    )
    if data["halt"] is not None:
        yield Text(f"trading is {data['halt']}", style="bold red")
    currency = data["currency"]
    if data["equity"] is not None:
        yield Text(
            f"equity {number(data['equity'], 2)} {currency}, {_percent(data['drawdown'])} below its peak"
            f" · exposed {number(data['gross'], 2)} gross, {number(data['net'], 2)} net"
        )
    if data["tail"] is not None:
        yield _tail(data["tail"], currency)
    if data["limits"]:
        yield table(
            ["limit", "allowed", "found", "used"],
            [[use["name"], use["limit"], use["value"], _used(use)] for use in data["limits"]],
            numbers="used",
            prose="allowed found",
        )
    if data["exposures"]:
        yield table(
            ["asset", "value", "share", "sector"],
            [[e["asset"], number(e["value"], 2), _percent(e["share"]), e["sector"]] for e in data["exposures"]],
            numbers="value share",
        )
    for cluster in data["clusters"]:
        yield Text(f"they move together: {', '.join(cluster)}")
    yield from _breaker_lines(data["breakers"])
    yield from notes(data["missing"])


def _tail(tail: Any, currency: str) -> Text:
    chance = _percent(str(1 - Decimal(tail["confidence"])))
    return Text(
        f"one day in {chance} of days loses more than {number(tail['value_at_risk'], 2)} {currency}, and then"
        f" {number(tail['shortfall'], 2)} on average (by {tail['hours']} hours)"
    )


def _used(use: Any) -> Text:
    if use["used"] is None:
        return Text("yes" if use["passed"] else "NO")
    return Text(_percent(use["used"]), style="" if use["passed"] else "red")


def _percent(share: str | None) -> str:
    return "–" if share is None else f"{Decimal(share) * 100:.2f} %"


def _breaker_lines(breakers: Any) -> Iterable[RenderableType]:
    if not breakers:
        yield Text("no circuit breaker has ever tripped")
        return
    yield table(
        ["breaker", "state", "since (market)", "until (market)", "why"],
        [[b["id"], _state(b["state"]), when(b["since"]), when(b["until"]), b["reason"]] for b in breakers],
        prose="why",
    )


def _state(state: str) -> Text:
    return Text(state.replace("_", " "), style={"open": "red", "half_open": "yellow"}.get(state, ""))


def _breakers(desk: Desk) -> None:
    """Every circuit breaker that has tripped before."""
    desk.output.show(desk.client.get("/breakers"), lambda data: _breaker_lines(data["breakers"]))


@click.argument("breaker")
@click.option("--reason", required=True, help="Why it may be closed: it is kept.")
def _reset(desk: Desk, *, breaker: str, reason: str) -> None:
    """Close a circuit BREAKER by hand, by its name in `breakers list`."""
    answer = desk.client.post(path_of("breakers", breaker, "reset"), {"reason": reason})
    desk.output.show(answer, lambda data: [Text(f"{data['id']} is {data['state']}: {data['reason']}")])


@click.argument("side", type=click.Choice(["BUY", "SELL"], case_sensitive=False))
@click.argument("symbol", type=capitals)
@click.argument("amount", type=Amount(), required=False)
@click.option("--limit", "price", type=Amount(), help="Not worse than this price; without it, a market order.")
def _assess(desk: Desk, *, side: str, symbol: str, amount: str | None, price: str | None) -> None:
    """What risk would decide about a trade. Without an AMOUNT it is sized as a strategy's would be. Nothing is traded."""
    body = {"symbol": symbol, "side": side.lower(), "type": "limit" if price else "market"}
    body |= {name: value for name, value in (("amount", amount), ("price", price)) if value is not None}
    desk.output.show(desk.client.post("/risk/assess", body), _render_opinion)


def _render_opinion(data: Any) -> Iterable[RenderableType]:
    money = money_label(data)
    verdict = Text("would be approved", style="green") if data["approved"] else Text("would be refused", style="red")
    yield Text.assemble(
        f"{data['side']} {data['symbol']}, {money}: ", verdict, f" by risk policy {data['policy_version']}"
    )
    if data["sizing"]:
        yield Text(f"size: {data['sizing']}")
    if data["protection"]:
        yield Text(f"left by: {_ways_out(data['protection'])}")
    yield table(
        ["check", "allowed", "found", ""],
        [[c["name"], c["limit"], c["value"], _passed(c["passed"])] for c in data["checks"]],
        prose="allowed found",
    )


def _ways_out(protection: Any) -> str:
    words = {
        "stop_price": "stop at {}",
        "take_profit_price": "take profit at {}",
        "trailing_share": "trailing stop {} of the price behind",
        "max_holding": "after {} s of market time",
    }
    return ", ".join(
        text.format(number(str(protection[name]))) for name, text in words.items() if protection[name] is not None
    )


def _passed(passed: bool) -> Text:
    return Text("ok") if passed else Text("NO", style="bold red")
