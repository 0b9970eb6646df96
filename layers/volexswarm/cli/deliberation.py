"""`deliberation` and `replay`: what the team said, how the verdict was computed, and the same again from the tape."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click
from rich.console import RenderableType
from rich.text import Text

from volexswarm.cli.client import path_of
from volexswarm.cli.commands import Desk, command
from volexswarm.cli.figures import percent
from volexswarm.cli.output import coloured, table, words

KEY = 12
"""So much of a deliberation's id is shown: enough to name it."""


def add_to(group: click.Group) -> None:
    """Register the commands."""
    command(group, "deliberation")(_deliberation)
    command(group, "replay")(_replay)
    command(group, "calibration")(_calibration)


@click.argument("deliberation")
@click.option("--effects", is_flag=True, help="What each agent made of the verdict: the same deliberation without it.")
def _deliberation(desk: Desk, *, deliberation: str, effects: bool) -> None:
    """The transcript of a DELIBERATION: six voices, who disagreed, and the verdict's arithmetic, line by line."""
    if effects:
        desk.output.show(desk.client.get(path_of("deliberations", deliberation, "effects")), _render_effects)
    else:
        desk.output.show(desk.client.get(path_of("deliberations", deliberation)), _render_record)


def _render_record(record: Any) -> Iterable[RenderableType]:
    question = record["question"]
    wish = f", asked whether to {question['wish']}" if question["wish"] else ""
    yield Text(
        f"deliberation {record['id'][:KEY]} on {record['symbol']}{wish}, as of {question['as_of']}", style="bold"
    )
    yield Text(f"{record['model']}, prompts {record['prompt_version']}, task {record['task_id'][:8]}", style="dim")
    missing = [one for one in record["testimonies"] if one["missing"]]
    yield from (Text(f"no testimony of {one['agent']}: {one['missing']}", style="yellow") for one in missing)
    for said in record["statements"]:
        yield from _statement(said)
    if record["verdict"] is None:
        yield Text(f"no verdict yet: next is {record['phase']}", style="yellow")
        return
    yield from _verdict(record["verdict"])
    costs = record["costs"]
    yield Text(
        f"cost: {costs['calls']} calls ({costs['repeated']} repeated), {costs['tokens']} tokens, {costs['cost']:.4f} USD",
        style="dim",
    )


def _statement(said: Any) -> Iterable[Text]:
    turn = "" if said["phase"] == "blind" else f" (round {said['round']}, to {words(said['objection_to'])})"
    stance = coloured(said["stance"]) if said["stance"] else Text("abstains", style="yellow")
    size = f" {percent(said['size_frac'], signed=False)}" if said["size_frac"] else ""
    stood_in = f"{said['model']} stood in: " if said["degraded"] else ""
    note = Text(f" [{stood_in}{said['note']}]" if said["note"] else "", style="yellow" if stood_in else "dim")
    yield Text.assemble((f"\n{said['role']}{turn}: ", "bold"), stance, f"{size} {said['confidence']:.2f}", note)
    yield Text(f"  {said['rationale']}")
    if said["evidence"]:
        yield Text(f"  by {', '.join(said['evidence'])}", style="dim")


def _verdict(verdict: Any) -> Iterable[RenderableType]:
    size = f" {percent(verdict['size_frac'], signed=False)} of the equity" if verdict["size_frac"] else ""
    yield Text.assemble(
        ("\nverdict: ", "bold"), coloured(verdict["action"]), f"{size}, confidence {verdict['confidence']:.2f}"
    )
    yield Text(f"  {verdict['reason']}")
    for name in ("vetoed_by", "abstained", "dissent"):
        if verdict[name]:
            yield Text(f"  {name.replace('_', ' ')}: {', '.join(verdict[name])}", style="yellow")
    for why in verdict["degraded_why"]:
        yield Text(f"  degraded: {why}", style="yellow")
    yield table(
        ["role", "stance", "confidence", "weight", "strength", "counted"],
        [
            [
                vote["role"],
                coloured(vote["stance"] or "abstains"),
                f"{vote['confidence']:.2f}",
                f"{vote['weight']:.2f}",
                f"{vote['strength']:.3f}",
                vote["counted"],
            ]
            for vote in verdict["votes"]
        ],
        numbers="confidence weight strength",
        prose="counted",
    )
    yield table(
        ["sum", "value", "how"],
        [[line["what"], f"{line['value']:.4f}", line["how"]] for line in verdict["arithmetic"]],
        numbers="value",
        prose="sum how",
    )


def _render_effects(data: Any) -> Iterable[RenderableType]:
    yield Text.assemble(
        f"deliberation {data['deliberation_id'][:KEY]} decided to ",
        coloured(data["action"]),
        f" {percent(data['size_frac'], signed=False)}; without each of the team:",
    )
    yield table(
        ["without", "action", "size", "confidence", "it added", "decisive", "assumed"],
        [
            [
                effect["role"],
                coloured(effect["action"]),
                percent(effect["size_frac"], signed=False),
                f"{effect['confidence']:.2f}",
                percent(effect["exposure"]),
                "yes" if effect["decisive"] else "no",
                str(effect["assumed"]),
            ]
            for effect in data["effects"]
        ],
        numbers="size confidence assumed",
    )


@click.argument("task")
def _replay(desk: Desk, *, task: str) -> None:
    """Decide a TASK's deliberations again from the tape, and say whether the decisions are identical; exit code 1 if not."""
    held = desk.client.get(path_of("tasks", task, "deliberations"))["deliberations"]
    if not held:
        raise click.ClickException(f"task {task} has held no deliberation")
    again = [desk.client.post(path_of("deliberations", one["id"], "replay"), {}) for one in held]
    desk.output.show({"replays": again}, _render_replays)
    if not all(one["identical"] for one in again):
        raise SystemExit(1)


def _render_replays(data: Any) -> Iterable[Text]:
    for one in data["replays"]:
        same = (
            Text("identical, byte for byte", style="green")
            if one["identical"]
            else Text("NOT THE SAME", style="bold red")
        )
        yield Text.assemble(
            f"{one['deliberation_id'][:KEY]}: ",
            coloured(one["action"]),
            f" {percent(one['size_frac'], signed=False)}, confidence {one['confidence']:.2f}: ",
            same,
            f", {one['calls']} calls of a model",
        )


def _calibration(desk: Desk) -> None:
    """How each agent's forecasts have fared since, and what its vote weighs for it."""
    desk.output.show(desk.client.get("/calibration"), _render_calibration)


def _render_calibration(data: Any) -> Iterable[RenderableType]:
    yield table(
        ["role", "forecasts judged", "right", "Brier score", "weight"],
        [
            [
                role["role"],
                str(role["forecasts"]),
                None if role["hit_rate"] is None else percent(role["hit_rate"], signed=False),
                None if role["brier"] is None else f"{role['brier']:.3f}",
                f"{role['weight']:.2f}",
            ]
            for role in data["roles"]
        ],
        numbers="right weight",
    )
    yield Text(
        "Brier score: 0 is perfect, 0.25 is a coin. A weight moves away from 1 as forecasts are judged.", style="dim"
    )
