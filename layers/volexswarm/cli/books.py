"""What there is and what has happened: portfolio, positions, lots, own trades, transfers, signals, candles, orders."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click
from rich.console import RenderableType
from rich.text import Text

from volexswarm.cli.client import path_of
from volexswarm.cli.commands import CommandT, Desk, capitals, command
from volexswarm.cli.figures import money
from volexswarm.cli.output import coloured, money_label, notes, number, short, significant, table, when, when_short
from volexswarm.cli.performance import period_option, render_history

TIMEFRAMES = click.Choice(["1m", "5m", "15m", "1h", "4h", "1d"])
STATES = click.Choice(
    ["intended", "submitted", "unknown", "accepted", "partially_filled", "filled", "canceled", "rejected", "expired"]
)


def add_to(group: click.Group) -> None:
    """Register the commands."""
    command(group, "portfolio")(_portfolio)
    command(group, "positions")(_positions)
    command(group, "lots")(_lots)
    command(group, "trades")(_trades)
    command(group, "transfers")(_transfers)
    command(group, "signals")(_signals)
    command(group, "candles")(_candles)
    command(group, "orders")(_orders)


def _paged(function: CommandT) -> CommandT:
    """Options of every list."""
    cursor = click.option("--cursor", help="Go on where a page ended (its `next`).")
    limit = click.option("--limit", type=click.IntRange(1, 500), default=25, show_default=True, help="At most so many.")
    return limit(cursor(function))


def listing(function: CommandT) -> CommandT:
    """Options of a list that a symbol narrows."""
    symbol = click.option("--symbol", type=capitals, metavar="BASE/QUOTE", help="Only this symbol, as BTC/USDT.")
    return symbol(_paged(function))


def more(data: Any) -> Iterable[RenderableType]:
    """Where the next page begins, if there is one."""
    if data["next"]:
        yield Text(f"more: --cursor {data['next']}", style="dim", no_wrap=True)


@click.option("--history", is_flag=True, help="Draw the equity over the period instead.")
@period_option
def _portfolio(desk: Desk, *, history: bool, period: str) -> None:
    """Equity, balances and positions; or the equity over time."""
    if history:
        desk.output.show(desk.client.get("/portfolio/history", period=period), render_history)
    else:
        desk.output.show(desk.client.get("/portfolio"), _render_portfolio)


def _render_portfolio(data: Any) -> Iterable[RenderableType]:
    currency = data["valuation_currency"]
    yield Text(f"{data['venue']}, account {data['account']} · {money_label(data)} ({data['mode']})", style="bold")
    if data["equity"] is not None:
        yield Text(
            f"equity {money(data['equity'])} {currency}, cash {money(data['cash'])},"
            f" by the {'last valuation' if data['equity_by'] == 'valuation' else 'last trades'}"
            f" at {when_short(data['equity_as_of'])} market time"
        )
    if data["change"] is not None:
        yield Text(
            f"gain {money(data['change'])} since {when_short(data['first']['as_of'])}"
            f" (without transfers of {money(data['net_transfers'])})"
        )
    yield from notes(data["missing"])
    yield table(
        ["currency", "amount", "brought in", "traded", "fees"],
        [
            [b["currency"], *(number(b[column]) for column in ("amount", "brought_in", "traded", "fees"))]
            for b in data["balances"]
        ],
        numbers="amount traded fees",
    )
    yield _position_table(data["positions"])
    for quote, result in data["realised_pnl"].items():
        yield Text(
            f"realised, net of fees: {money(result)} {quote} (fees {money(data['fees'][quote])}),"
            f" unrealised {money(data['unrealised_pnl'].get(quote))}"
        )
    if data["fees_by_asset"]:
        charged = [f"{number(fee)} {asset}" for asset, fee in data["fees_by_asset"].items()]
        yield Text(f"all fees ever: {', '.join(charged)}")


def _positions(desk: Desk) -> None:
    """Positions at average cost."""
    desk.output.show(
        desk.client.get("/positions"), lambda data: [Text(money_label(data)), _position_table(data["positions"])]
    )


def _position_table(positions: Any) -> RenderableType:
    return table(
        ["symbol", "amount", "average", "mark", "unrealised", "realised", "fees"],
        [
            [
                p["symbol"],
                number(p["amount"]),
                money(p["average_price"]),
                money(p["mark"]),
                money(p["unrealised_pnl"]),
                money(p["realised_pnl"]),
                money(p["fees"]),
            ]
            for p in positions
        ],
        numbers="amount average mark unrealised realised fees",
    )


@listing
def _lots(desk: Desk, *, symbol: str | None, limit: int, cursor: str | None) -> None:
    """What is still held of each purchase, newest first."""
    desk.output.show(desk.client.get("/lots", symbol=symbol, limit=limit, cursor=cursor), _render_lots)


def _render_lots(data: Any) -> Iterable[RenderableType]:
    yield table(
        ["opened (market)", "symbol", "amount", "average", "cost", "mark", "unrealised", "strategy"],
        [
            [
                when_short(lot["opened_at"]),
                lot["symbol"],
                number(lot["amount"]),
                *(money(lot[column]) for column in ("average_price", "cost", "mark", "unrealised_pnl")),
                lot["strategy_id"],
            ]
            for lot in data["items"]
        ],
        numbers="amount average cost mark unrealised",
        prose="strategy",
    )
    yield from more(data)


@_paged
def _transfers(desk: Desk, *, limit: int, cursor: str | None) -> None:
    """Deposits, withdrawals and accepted differences, newest first: no gain and no loss."""
    desk.output.show(desk.client.get("/transfers", limit=limit, cursor=cursor), _render_transfers)


def _render_transfers(data: Any) -> Iterable[RenderableType]:
    yield table(
        ["market time", "kind", "amount", "currency", "fee", "value", "reference"],
        [
            [
                when_short(t["as_of"]),
                t["kind"],
                number(t["amount"]),
                t["currency"],
                number(t["fee"]),
                f"{money(t['value'])} {t['value_currency'] or ''}".strip(),
                t["reference"],
            ]
            for t in data["items"]
        ],
        numbers="amount fee value",
        prose="reference",
    )
    yield from more(data)


@listing
def _trades(desk: Desk, *, symbol: str | None, limit: int, cursor: str | None) -> None:
    """The account's own trades, newest first."""
    desk.output.show(desk.client.get("/trades", symbol=symbol, limit=limit, cursor=cursor), _render_trades)


def _render_trades(data: Any) -> Iterable[RenderableType]:
    yield table(
        ["market time", "symbol", "side", "amount", "price", "fee", "P&L", "order"],
        [
            [
                when_short(f["as_of"]),
                f["symbol"],
                coloured(f["side"]),
                number(f["amount"]),
                number(f["price"]),
                f"{significant(f['fee'])} {f['fee_currency']}",
                money(f["realised_pnl"]),
                short(f["order_id"]),
            ]
            for f in data["items"]
        ],
        numbers="amount price P&L",
        prose="fee",
    )
    yield from more(data)


@listing
def _signals(desk: Desk, *, symbol: str | None, limit: int, cursor: str | None) -> None:
    """Signals and what became of them, newest first."""
    desk.output.show(desk.client.get("/signals", symbol=symbol, limit=limit, cursor=cursor), _render_signals)


def _render_signals(data: Any) -> Iterable[RenderableType]:
    yield table(
        ["market time", "symbol", "side", "strategy", "price", "outcome"],
        [
            [when_short(s["as_of"]), s["symbol"], coloured(s["side"]), _strategy(s), number(s["price"]), _outcome(s)]
            for s in data["items"]
        ],
        numbers="price",
        prose="outcome",
    )
    yield from more(data)


def _strategy(signal: Any) -> str:
    if signal["requested_by"]:
        return f"by {signal['requested_by']}"
    return f"{signal['strategy']} {signal['timeframe'] or ''}".strip()


def _outcome(signal: Any) -> str:
    refusals = [stage["reason"] for stage in (signal["risk"], signal["compliance"]) if stage and not stage["approved"]]
    order = f" ({short(signal['order_id'])})" if signal["order_id"] else ""
    return f"{signal['outcome']}{order}" + (f": {'; '.join(refusals)}" if refusals else "")


@click.argument("symbol", type=capitals)
@click.argument("timeframe", type=TIMEFRAMES, default="1m")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="The last so many.")
@click.option("--before", help="Only those that opened before this time, as 2026-01-05T12:00:00Z.")
def _candles(desk: Desk, *, symbol: str, timeframe: str, limit: int, before: str | None) -> None:
    """Candles of a symbol, oldest first; TIMEFRAME is 1m unless given."""
    desk.output.show(
        desk.client.get("/candles", symbol=symbol, timeframe=timeframe, limit=limit, before=before), _render_candles
    )


def _render_candles(data: Any) -> Iterable[RenderableType]:
    prices = ["open", "high", "low", "close", "volume"]
    yield Text(f"{data['venue']} {data['symbol']} {data['timeframe']}", style="bold")
    yield table(
        ["opened (market)", *prices, "trades", "state"],
        [
            [when(c["opened_at"])[:-3], *(number(c[p]) for p in prices), c["trade_count"], _candle_state(c)]
            for c in data["candles"]
        ],
        numbers=" ".join([*prices, "trades"]),
    )
    if not data["candles"]:
        yield Text("no such candle is stored")


def _candle_state(candle: Any) -> str:
    if not candle["closed"]:
        return "open"
    return f"corrected ×{candle['revision']}" if candle["revision"] else "closed"


@click.argument("order", required=False)
@click.option("--state", type=STATES, help="Only orders in this state.")
@listing
def _orders(
    desk: Desk, *, order: str | None, state: str | None, symbol: str | None, limit: int, cursor: str | None
) -> None:
    """Orders, newest first; or one ORDER by its id, the beginning of it, or its client order id."""
    if order is not None:
        desk.output.show(desk.client.get(path_of("orders", order)), lambda data: [order_table([data])])
        return
    page = desk.client.get("/orders", symbol=symbol, state=state, limit=limit, cursor=cursor)
    desk.output.show(page, lambda data: [order_table(data["items"]), *more(data)])


def order_table(orders: Any) -> RenderableType:
    """Orders, one a line."""
    return table(
        ["order", "market time", "symbol", "side", "type", "amount", "average", "state"],
        [
            [
                short(o["id"]),
                when_short(o["as_of"]),
                o["symbol"],
                coloured(o["side"]),
                o["order_type"],
                _filled(o),
                money(o["average_price"]),
                coloured(o["state"]),
            ]
            for o in orders
        ],
        numbers="amount average",
    )


def _filled(order: Any) -> str:
    """The amount, and what of it is filled unless all is."""
    filled, amount = number(order["filled"]), number(order["amount"])
    return amount if filled == amount else f"{filled} of {amount}"
