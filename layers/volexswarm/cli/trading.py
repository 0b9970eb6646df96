"""`trade` and `explain`: asking for a trade, and the whole story of one."""

from __future__ import annotations

import time
import uuid
from decimal import Decimal, InvalidOperation
from typing import Any

import click
from rich.text import Text

from volexswarm.cli.client import ApiClient, Unreachable, path_of
from volexswarm.cli.commands import Desk, capitals, command
from volexswarm.cli.output import console, number
from volexswarm.cli.story import tell

POLL_SECONDS = 1.0
SETTLED = (
    "order filled",
    "order rejected",
    "order canceled",
    "order expired",
    "refused by risk",
    "refused by compliance",
)


def add_to(group: click.Group) -> None:
    """Register the commands."""
    command(group, "trade")(_trade)
    command(group, "explain")(_explain)


class Amount(click.ParamType[str]):
    """A decimal above zero, kept as text so that no digit is lost."""

    name = "decimal"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            amount = Decimal(str(value))
        except InvalidOperation:
            amount = Decimal(0)
        if not amount.is_finite() or amount <= 0:
            self.fail(f"{value!r} is no number above 0", param, ctx)
        return format(amount, "f")


@click.argument("side", type=click.Choice(["BUY", "SELL"], case_sensitive=False))
@click.argument("symbol", type=capitals)
@click.argument("amount", type=Amount())
@click.option("--limit", "price", type=Amount(), help="Not worse than this price; without it, a market order.")
@click.option("--wait", is_flag=True, help="Wait until it is filled or refused; exit code 1 unless it is filled.")
@click.option(
    "--timeout", type=click.FloatRange(min=1), default=60.0, show_default=True, help="How long to wait, in seconds."
)
@click.option("--key", help="The request's own name: repeating a request with its key does not trade twice.")
def _trade(
    desk: Desk, *, side: str, symbol: str, amount: str, price: str | None, wait: bool, timeout: float, key: str | None
) -> None:
    """BUY or SELL an AMOUNT (base currency) of a SYMBOL, through risk and compliance like any other trade."""
    key = key or uuid.uuid4().hex
    client = desk.client
    body = {"symbol": symbol, "side": side.lower(), "amount": amount, "type": "limit" if price else "market"}
    try:
        taken = client.post("/trade", body | ({"price": price} if price else {}), {"Idempotency-Key": key})
    except Unreachable as error:
        raise Unreachable(f"{error.message}\nwhether it was taken is not known: repeat it with --key {key}") from error
    if not wait:
        desk.output.show(taken, lambda data: [_taken(data), Text("follow it: volexswarm signals", style="dim")])
        return
    if not desk.as_json:
        console().print(_taken(taken))
    signal = _follow(client, taken["signal_id"], timeout)
    desk.output.show(signal, lambda data: [_settled(data)])
    if signal["outcome"] != "order filled":
        raise SystemExit(1)


def _taken(taken: Any) -> Text:
    at = f"limit {number(taken['limit_price'])}" if taken["limit_price"] else f"market, now {number(taken['price'])}"
    money = "simulated money" if taken["simulated"] else "REAL MONEY"
    again = " (this request had been taken before)" if taken["repeated"] else ""
    words = (
        f"{taken['side']} {number(taken['amount'])} {taken['symbol']} at {at}, {money}: taken as {taken['signal_id']}"
    )
    return Text(words + again)


def _follow(client: ApiClient, signal_id: str, timeout: float) -> Any:
    """The signal once it is settled, or as it stands when the time is over."""
    end = time.monotonic() + timeout
    while True:
        signal = client.get(path_of("signals", signal_id))
        if signal["outcome"] in SETTLED or time.monotonic() >= end:
            return signal
        time.sleep(POLL_SECONDS)


def _settled(signal: Any) -> Text:
    reasons = [stage["reason"] for stage in (signal["risk"], signal["compliance"]) if stage and stage["reason"]]
    order = f": volexswarm explain {signal['order_id']}" if signal["order_id"] else ""
    waiting = "" if signal["outcome"] in SETTLED else " (still on its way)"
    return Text(f"{signal['outcome']}{waiting}{order}" + "".join(f"\n  {reason}" for reason in reasons))


@click.argument("order")
def _explain(desk: Desk, *, order: str) -> None:
    """The whole story of an ORDER, from the tape to the books. Takes its id, the beginning of it, or the client order id."""
    desk.output.show(desk.client.get(path_of("orders", order, "explain")), tell)
