"""`trade`, `cancel` and `explain`: asking for a trade, taking an order back, and the whole story of one."""

from __future__ import annotations

import re
import time
import uuid
from decimal import Decimal, InvalidOperation
from typing import Any

import click
from rich.text import Text

from volexswarm.cli.client import ApiClient, path_of
from volexswarm.cli.commands import Desk, capitals, command
from volexswarm.cli.output import console, money_label, number, short
from volexswarm.cli.story import tell

POLL_SECONDS = 1.0
TYPES = click.Choice(["market", "limit", "stop_loss", "stop_loss_limit", "take_profit", "take_profit_limit"])
TIMES_IN_FORCE = click.Choice(["gtc", "ioc", "fok", "post_only"])
WAYS_OUT = ("stop_price", "take_profit_price", "trailing_share", "max_holding")
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
    command(group, "cancel")(_cancel)
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


class Share(click.ParamType[str]):
    """A share between 0 and 1, or in percent."""

    name = "percent"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        try:
            share = Decimal(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except InvalidOperation:
            share = Decimal(0)
        if not 0 < share < 1:
            self.fail(f"{value!r} is no share between 0 and 1, as 2% or 0.02", param, ctx)
        return format(share, "f")


class Seconds(click.ParamType[int]):
    """A time, as `90m`, `4h` or `2d`."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = re.fullmatch(r"([1-9]\d{0,6})([smhd])", str(value))
        if found is None:
            self.fail(f"{value!r} is no time: a number above 0 with s, m, h or d, as 4h", param, ctx)
        return int(found[1]) * {"s": 1, "m": 60, "h": 3_600, "d": 86_400}[found[2]]


@click.argument("side", type=click.Choice(["BUY", "SELL"], case_sensitive=False))
@click.argument("symbol", type=capitals)
@click.argument("amount", type=Amount())
@click.option("--limit", "price", type=Amount(), help="Not worse than this price; without it, a market order.")
@click.option(
    "--type", "kind", type=TYPES, help="Waits for --trigger: a stop is beyond the price, a take-profit before it."
)
@click.option("--trigger", "trigger_price", type=Amount(), help="The price that such an order waits for.")
@click.option(
    "--tif", "time_in_force", type=TIMES_IN_FORCE, help="How long a limit order stays that is not filled at once."
)
@click.option("--stop", "stop_price", type=Amount(), help="Sell what is bought at this price or below.")
@click.option("--take-profit", "take_profit_price", type=Amount(), help="Sell what is bought at this price or above.")
@click.option("--trail", "trailing_share", type=Share(), help="Sell when the price falls so far below its best, as 2%.")
@click.option("--max-holding", type=Seconds(), help="Sell after this market time in any case, as 4h.")
@click.option("--wait", is_flag=True, help="Wait until it is filled or refused; exit code 1 unless it is filled.")
@click.option(
    "--timeout", type=click.FloatRange(min=1), default=60.0, show_default=True, help="How long to wait, in seconds."
)
@click.option(
    "--key",
    help="The request's own name, 8 to 100 letters, digits, - or _: repeating a request with its key does not trade twice.",
)
def _trade(
    desk: Desk, *, side: str, symbol: str, amount: str, wait: bool, timeout: float, key: str | None, **terms: Any
) -> None:
    """BUY or SELL an AMOUNT (base currency) of a SYMBOL, through risk and compliance like any other trade."""
    client = desk.client
    body = {"symbol": symbol, "side": side.lower(), "amount": amount, **_terms(**terms)}
    taken = client.post_once("/trade", body, key or uuid.uuid4().hex)
    if not wait:
        desk.output.show(taken, lambda data: [_taken(data), _how_to_follow(data)])
        return
    if not desk.as_json:
        console().print(_taken(taken))
    signal = _follow(client, taken["signal_id"], timeout)
    rejected = not desk.as_json and signal["outcome"] == "order rejected"
    why = client.get(path_of("orders", signal["order_id"]))["reason"] if rejected else None
    desk.output.show(signal, lambda data: [_settled(data, why)])
    if signal["outcome"] != "order filled":
        raise SystemExit(1)


def _terms(*, price: str | None, kind: str | None, **others: Any) -> dict[str, Any]:
    """What was said of the order's kind and of the ways out, as the API takes it."""
    given = {name: value for name, value in others.items() if value is not None}
    ways_out = {name: given.pop(name) for name in WAYS_OUT if name in given}
    body = {"type": kind or ("limit" if price else "market"), **given}
    body |= {"price": price} if price else {}
    return body | ({"protection": ways_out} if ways_out else {})


@click.argument("order")
@click.option("--reason", required=True, help="Why; it is kept with the order.")
def _cancel(desk: Desk, *, order: str, reason: str) -> None:
    """Take an ORDER off the exchange; what of it is filled stays filled. Takes its id or the beginning of it.

    Of a large order in slices any of them will do, and the id of its signal also before the first: no other follows.
    """
    taken = desk.client.post(path_of("orders", order, "cancel"), {"reason": reason})
    desk.output.show(taken, lambda data: [_asked(data)])


def _asked(data: Any) -> Text:
    if data["order_id"] is None:
        return Text(
            f"the large order of {data['symbol']}, {money_label(data)}, is being ended: no further slice is made"
        )
    return Text(
        f"order {data['order_id']} of {data['symbol']} is {data['state']}, {money_label(data)}: its cancellation is on its way\n"
        f"what became of it: volexswarm orders {short(data['order_id'])}"
    )


def _taken(taken: Any) -> Text:
    at = f"limit {number(taken['limit_price'])}" if taken["limit_price"] else f"market, now {number(taken['price'])}"
    if taken["trigger_price"]:
        at = f"{taken['order_type']} {number(taken['trigger_price'])}, then {at}"
    again = " (this request had been taken before)" if taken["repeated"] else ""
    wish = f"{taken['side']} {number(taken['amount'])} {taken['symbol']} at {at}, {money_label(taken)}"
    return Text(f"{wish}: taken as {taken['signal_id']}{again}")


def _how_to_follow(taken: Any) -> Text:
    return Text(
        f"what becomes of it: volexswarm signals --symbol {taken['symbol']}\n"
        f"once it is an order: volexswarm orders --symbol {taken['symbol']}, and volexswarm explain with the order's id",
        style="dim",
    )


def _follow(client: ApiClient, signal_id: str, timeout: float) -> Any:
    """The signal once it is settled, or as it stands when the time is over."""
    end = time.monotonic() + timeout
    while True:
        signal = client.get(path_of("signals", signal_id))
        if signal["outcome"] in SETTLED or time.monotonic() >= end:
            return signal
        time.sleep(POLL_SECONDS)


def _settled(signal: Any, why: str | None) -> Text:
    """What became of a signal; `why` the exchange rejected its order."""
    reasons = [stage["reason"] for stage in (signal["risk"], signal["compliance"]) if stage and stage["reason"]]
    reasons += [f"the exchange: {why}"] if why else []
    order = f": volexswarm explain {signal['order_id']}" if signal["order_id"] else ""
    waiting = "" if signal["outcome"] in SETTLED else " (still on its way)"
    return Text(f"{signal['outcome']}{waiting}{order}" + "".join(f"\n  {reason}" for reason in reasons))


@click.argument("order")
def _explain(desk: Desk, *, order: str) -> None:
    """The whole story of an ORDER, from the tape to the books. Takes its id, the beginning of it, or the client order id."""
    desk.output.show(desk.client.get(path_of("orders", order, "explain")), tell)
