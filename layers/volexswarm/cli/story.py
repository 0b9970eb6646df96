"""Tells an order's story as a tree: each step with its times and ids, and what is not known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import RenderableType
from rich.text import Text
from rich.tree import Tree

from volexswarm.cli.output import NONE, coloured, money_label, notes, number, when, words
from volexswarm.cli.protections import lines, ways_out


def tell(data: Any) -> Iterable[RenderableType]:
    """The tree, then what is missing from it."""
    order = data["order"]
    tree = Tree(_headline(order))
    for step in (_tape, _candle, _task, _signal, _decisions, _order, _fills, _ledger, _position, _ways_out, _journal):
        step(tree, data)
    yield tree
    yield Text("as of = market time; other times are ours; all UTC", style="dim")
    yield from notes(data["missing"])


def _headline(order: Any) -> Text:
    line = Text.assemble(
        "Order ", (order["id"], "bold"), "\n", coloured(order["side"]), f" {number(order['amount'])} {order['symbol']} "
    )
    line.append(f"{order['order_type']} on {order['venue']}: ").append_text(coloured(order["state"]))
    return line.append(f" · {money_label(order)}\nchain {order['correlation_id']}", style="dim")


def _step(tree: Tree, title: str, *details: str | Text) -> Tree:
    branch = tree.add(Text(title, style="bold cyan"))
    for detail in details:
        branch.add(detail if isinstance(detail, Text) else Text(detail))
    return branch


def _tape(tree: Tree, data: Any) -> None:
    tape = data["tape"]
    if tape is None:
        return
    branch = _step(
        tree,
        "Tape",
        f"{tape['count']} trades, ids {tape['first_trade_id']} to {tape['last_trade_id']}",
        f"as of {when(tape['first_at'])} to {when(tape['last_at'])}",
    )
    for trade in tape["samples"]:
        line = Text(f"#{trade['trade_id']} {when(trade['traded_at'])} ").append_text(coloured(trade["side"]))
        branch.add(line.append(f" {number(trade['amount'])} at {number(trade['price'])}"))


def _candle(tree: Tree, data: Any) -> None:
    candle = data["candle"]
    if candle is None:
        return
    corrected = f", corrected {candle['revision']} times since" if candle["revision"] else ""
    _step(
        tree,
        f"Candle {words(data['timeframe'])}, opened {when(candle['opened_at'])}",
        " ".join(f"{name} {number(candle[name])}" for name in ("open", "high", "low", "close", "volume")),
        f"{candle['trade_count']} trades, {'closed' if candle['closed'] else 'still open'}{corrected}",
    )


def _task(tree: Tree, data: Any) -> None:
    task = data["task"]
    if task is None:
        return
    approved = f", approved by {task['approved_by']}" if task["approved_by"] else ""
    details = [f"to {task['understood']}{approved}", f"because: {task['why']}"]
    if task["deliberation_id"]:
        details.append(f"deliberation {task['deliberation_id']}")
    _step(tree, f"Task of {task['requested_by']}: {task['id']}, attempt {task['attempt']}", *details)


def _signal(tree: Tree, data: Any) -> None:
    signal = data["signal"]
    if signal is None:
        return
    indicators = ", ".join(f"{name} {value:.10g}" for name, value in signal["indicators"].items())
    stop = f", stop {number(signal['stop_price'])}" if signal["stop_price"] else ""
    _step(
        tree,
        f"Signal of {signal['strategy_id']}: {signal['side']} at {number(signal['price'])}{stop}",
        f"because: {signal['reason']} (confidence {signal['confidence']:.2f})",
        *([f"indicators: {indicators}"] if indicators else []),
        f"as of {when(signal['as_of'])}, raised {when(signal['raised_at'])}",
        f"id {signal['id']}",
    )


def _decisions(tree: Tree, data: Any) -> None:
    signal, proposal = data["signal"], data["proposal"]
    if signal is None:
        return
    for stage in ("risk", "compliance"):
        decision = signal[stage]
        if decision is None:
            continue
        verdict = "approved" if decision["approved"] else "refused"
        branch = _step(
            tree,
            f"{stage.capitalize()} {verdict} it (policy {decision['policy_version']})",
            f"as of {when(decision['as_of'])}, decided {when(decision['decided_at'])}",
        )
        for check in decision["checks"]:
            mark = ("✓ ", "green") if check["passed"] else ("✗ ", "red")
            branch.add(Text.assemble(mark, f"{check['name']}: {check['value']} (limit {check['limit']})"))
        if stage == "risk" and proposal:
            branch.add(Text(f"sized {number(proposal['amount'])}: {proposal['sizing']}"))
            branch.add(Text(f"proposal {proposal['id']}"))


def _order(tree: Tree, data: Any) -> None:
    order = data["order"]
    branch = _step(
        tree,
        f"Order, intended {when(order['intended_at'])}",
        f"client order id {order['client_order_id']}, the exchange's {words(order['exchange_order_id'])}",
    )
    for step in data["transitions"]:
        line = Text(f"{when(step['changed_at'])} {step['before'] or NONE} → ").append_text(coloured(step["after"]))
        branch.add(line.append(f": {step['cause']}"))
    if order["reason"]:
        branch.add(Text(f"reason: {order['reason']}"))


def _fills(tree: Tree, data: Any) -> None:
    if not data["fills"]:
        return
    order = data["order"]
    branch = _step(tree, f"Fills: {number(order['filled'])} at {number(order['average_price'])} on average")
    for fill in data["fills"]:
        branch.add(
            Text(
                f"#{fill['trade_id']} as of {when(fill['as_of'])}: {number(fill['amount'])} at {number(fill['price'])},"
                f" fee {number(fill['fee'])} {fill['fee_currency']}, realised {number(fill['realised_pnl'])}"
            )
        )


def _ledger(tree: Tree, data: Any) -> None:
    for posting in data["ledger"]:
        branch = _step(tree, f"Ledger {posting['kind']} {posting['reference']}, posted {when(posting['posted_at'])}")
        for entry in posting["entries"]:
            branch.add(Text(f"{entry['ledger_account']:<8} {number(entry['amount']):>24} {entry['currency']}"))


def _position(tree: Tree, data: Any) -> None:
    position = data["position"]
    if position is None:
        return
    _step(
        tree,
        f"Position after it: {number(position['amount'])} at {number(position['average_price'])} on average",
        f"as of {when(position['as_of'])}, after trade #{position['trade_id']}",
    )


def _ways_out(tree: Tree, data: Any) -> None:
    guarded = data["protection"]
    if guarded is None:
        return
    title = f"Ways out: {ways_out(guarded)}; {guarded['state']}, {number(guarded['amount'])} left"
    _step(tree, title, *lines(guarded, data["ways_out"]))


def _journal(tree: Tree, data: Any) -> None:
    if not data["journal"]:
        return
    branch = _step(tree, f"Journal ({len(data['journal'])})")
    for event in data["journal"]:
        kind = event["type"].rsplit(".", 1)[-1]
        branch.add(Text(f"{when(event['occurred_at'])} {kind} from {event['source']}  {event['id']}"))
