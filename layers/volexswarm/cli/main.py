"""`volexswarm`: the swarm from the command line. Exit codes: 1 refused, 2 wrong usage, 3 no answer."""

from __future__ import annotations

import click

from volexswarm.cli import (
    account,
    books,
    compliance,
    control,
    deliberation,
    performance,
    policies,
    protections,
    reconciliation,
    research,
    risk,
    studies,
    swarm,
    tasks,
    trading,
    watch,
)
from volexswarm.cli.address import api_url
from volexswarm.cli.commands import Desk
from volexswarm.cli.sessions import Sessions


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--url", envvar="VOLEXSWARM_URL", help="Address of the API; by default the local cloud's.")
@click.option("--json", "as_json", is_flag=True, help="Print the API's data as JSON.")
@click.version_option(package_name="volexswarm")
@click.pass_context
def main(context: click.Context, url: str | None, as_json: bool) -> None:
    """Watch the swarm, ask it to trade, and have every order explained."""
    if context.obj is None:
        context.obj = Desk(api_url(url), Sessions.of_user())
    context.obj.as_json = context.obj.as_json or as_json


for commands in (
    account,
    swarm,
    control,
    books,
    performance,
    trading,
    tasks,
    deliberation,
    protections,
    reconciliation,
    risk,
    compliance,
    policies,
    research,
    studies,
    watch,
):
    commands.add_to(main)
