"""`policy`: what is in force, a change of it, and what a change would have meant."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import RenderableType
from rich.text import Text

from volexswarm.cli.client import ApiClient, path_of
from volexswarm.cli.commands import Desk, command
from volexswarm.cli.moments import before
from volexswarm.cli.output import coloured, money_label, number, short, table, when, when_short

NAME = click.argument("name", type=click.Choice(["risk", "compliance", "tasks"]))
FIELDS = click.argument("fields", nargs=-1, required=True, metavar="FIELD=VALUE...")
ROWS = 12


def add_to(group: click.Group) -> None:
    """Register the commands."""
    policy = click.Group("policy", help="Limits and rules: see them, change them, try a change on the past.")
    command(policy, "show")(_show)
    command(policy, "history")(_history)
    command(policy, "diff")(_diff)
    command(policy, "set")(_set)
    command(policy, "what-if")(_what_if)
    group.add_command(policy)


@NAME
def _show(desk: Desk, *, name: str) -> None:
    """The policy in force."""
    desk.output.show(desk.client.get(path_of("policies", name)), _render_policy)


def _render_policy(data: Any) -> Iterable[RenderableType]:
    newest = data["history"][0]
    yield Text(
        f"{data['name']}, version {data['version']}, by {newest['activated_by']} at {when(newest['activated_at'])} UTC"
    )
    if data["problem"]:
        yield Text(f"it is not valid, so all that it governs is refused: {data['problem']}", style="red")
    yield table(["field", "value"], [[name, _plain(value)] for name, value in _leaves(data["body"])], prose="value")


@NAME
def _history(desk: Desk, *, name: str) -> None:
    """Every version: who, when, why, and what it changed."""
    desk.output.show(desk.client.get(path_of("policies", name)), _render_history)


def _render_history(data: Any) -> Iterable[RenderableType]:
    yield table(
        ["version", "since", "by", "why", "changed"],
        [
            [one["version"], when(one["activated_at"]), one["activated_by"], one["reason"], _changed(one["changed"])]
            for one in data["history"]
        ],
        numbers="version",
        prose="why changed",
    )


@NAME
@FIELDS
def _diff(desk: Desk, *, name: str, fields: tuple[str, ...]) -> None:
    """What `set` would change. Nothing is changed. An entry of a mapping is named as max_order_value.USDT."""
    moment = datetime.now(UTC).isoformat()  # no decision lies between a moment and itself
    body = {"changes": _wanted(desk.client, name, fields)[0], "since": moment, "until": moment}
    changed = desk.client.post(path_of("policies", name, "what-if"), body)["changed"]
    desk.output.show(changed, _render_changed)


def _render_changed(changed: Any) -> Iterable[RenderableType]:
    yield table(["field", "change"], list(changed.items()), prose="change")
    if not changed:
        yield Text("nothing would change")


@NAME
@FIELDS
@click.option("--reason", required=True, help="Why: it is kept with the version.")
def _set(desk: Desk, *, name: str, fields: tuple[str, ...], reason: str) -> None:
    """Change fields of a policy, for every decision from then on. `null` switches off, or takes an entry away.

    Lists are written with commas: restricted_symbols=XMR/USDT,BTC/USDT; restricted_symbols= empties it.
    """
    changes, version = _wanted(desk.client, name, fields)
    body = {"changes": changes, "expected_version": version, "reason": reason}
    desk.output.show(desk.client.post(path_of("policies", name), body), _render_activation)


def _render_activation(data: Any) -> Iterable[RenderableType]:
    yield Text(f"{data['name']}: version {data['version']} is in force")
    yield from _render_changed(data["changed"])


@NAME
@FIELDS
@click.option("--since", help="Only decisions since then: 7d, 12h back from the market's present time, or a time.")
@click.option("--until", help="Only decisions before then.")
def _what_if(desk: Desk, *, name: str, fields: tuple[str, ...], since: str | None, until: str | None) -> None:
    """What a changed policy would have decided otherwise in the past, and what that would have been worth."""
    body: dict[str, Any] = {"changes": _wanted(desk.client, name, fields)[0]}
    body |= {key: before(desk.client, text) for key, text in (("since", since), ("until", until)) if text}
    desk.output.show(desk.client.post(path_of("policies", name, "what-if"), body), _render_what_if)


def _render_what_if(data: Any) -> Iterable[RenderableType]:
    total = data["total"]
    money = money_label(data)
    yield Text(f"if {data['name']} had been: {_changed(data['changed']) or 'as it is'} ({money})", style="bold")
    yield Text(
        f"of {data['decisions']} decisions {total['refused']} would have been refused, {total['reduced']} smaller,"
        f" {total['allowed']} allowed"
    )
    for worth in total["worth"]:
        yield Text(
            f"{number(worth['losses_avoided'], 2)} {worth['currency']} of losses avoided,"
            f" {number(worth['profits_missed'], 2)} of profits missed: {_signed(worth['effect'])} {worth['currency']}"
            f" ({_signed(worth['unrealised'])} of the results not realised yet"
            + (f", {worth['unvalued']} without a price)" if worth["unvalued"] else ")")
        )
    for heading in ("check", "symbol", "strategy", "day"):
        if data[f"by_{heading}"]:
            yield _tallies(heading, data[f"by_{heading}"])
    if data["examples"]:
        yield _examples(data["examples"])
    yield from (Text(f"note: {caveat}", style="dim") for caveat in data["caveats"])
    if data["not_asked"]:
        names = ", ".join(data["not_asked"])
        yield Text(f"no past decision says anything about: {names}", style="yellow")
    if data["kept"]:
        kept = ", ".join(f"{name} in {count}" for name, count in data["kept"].items())
        yield Text(
            f"of {data['decisions']} decisions these checks are kept as decided where they stored no number, as most do for a"
            f" sale: {kept}",
            style="dim",
        )


def _tallies(heading: str, tallies: Any) -> RenderableType:
    """The first lines; `--json` has all."""
    return table(
        [heading, "refused", "smaller", "allowed", "effect"],
        [[one["name"], one["refused"], one["reduced"], one["allowed"], _effect(one)] for one in tallies[:ROWS]],
        numbers="refused smaller allowed effect",
        prose=heading,
    )


def _effect(tally: Any) -> str:
    return ", ".join(f"{_signed(worth['effect'])} {worth['currency']}" for worth in tally["worth"])


def _examples(examples: Any) -> RenderableType:
    return table(
        ["market time", "symbol", "side", "strategy", "effect", "by", "realised", "open", "order"],
        [
            [
                when_short(one["as_of"]),
                one["symbol"],
                coloured(one["side"]),
                one["strategy_id"],
                one["effect"],
                ", ".join(one["checks"]),
                number(one["realised"], 2),
                number(one["unrealised"], 2),
                ", ".join(map(short, one["order_ids"])),
            ]
            for one in examples
        ],
        numbers="realised open",
        prose="by strategy order",
    )


def _wanted(client: ApiClient, name: str, fields: tuple[str, ...]) -> tuple[dict[str, Any], int]:
    """The changes that FIELD=VALUE words ask for, and the version that they are made on."""
    policy = client.get(path_of("policies", name))
    changes = {}
    for word in fields:
        field, equals, value = word.partition("=")
        if not equals or not field:
            raise click.UsageError(f"{word!r} is no FIELD=VALUE")
        changes[field] = _value(policy["body"], field, value)
    return changes, policy["version"]


def _value(body: Mapping[str, Any], field: str, text: str) -> Any:
    present = body.get(field)
    if text == "null":
        return None
    if text.startswith(("[", "{")):
        try:
            return json.loads(text)
        except ValueError as error:
            raise click.UsageError(f"{field}: {text!r} is no JSON") from error
    if isinstance(present, Mapping):
        raise click.UsageError(f"{field} has entries: name one, as {field}.{next(iter(present), 'NAME')}={text}")
    if isinstance(present, list):
        return [entry.strip() for entry in text.split(",") if entry.strip()]
    return text


def _leaves(body: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in body.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _plain(value: Any) -> Any:
    if value is None:
        return "off"
    return ", ".join(map(str, value)) or "none" if isinstance(value, list | dict) else value


def _changed(changed: Mapping[str, str]) -> str:
    return ", ".join(f"{field} {change}" for field, change in changed.items())


def _signed(text: str) -> str:
    shown = number(text, 2)
    return shown if shown.startswith("-") else f"+{shown}"
