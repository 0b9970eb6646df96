"""The command line of the local cloud: `volexlocal up | down | status | logs | restart | deploy | user | model-key | clean`."""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
from pathlib import Path
from typing import IO, Any

import click
from rich.console import Console
from rich.text import Text

from volexlocal import compose, screen
from volexlocal.cloud import Cloud
from volexlocal.compose import Containers
from volexlocal.configuration import DEFAULT_PORTS, PARTS
from volexlocal.failures import CloudError, NotHealthy
from volexlocal.home import Home
from volexlocal.state import State
from volexlocal.vault_desk import KEYED, VaultDesk
from volexswarm.security.roles import Role

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


_TARGET = click.option("--target", type=click.Choice(["embedded", "compose"]), default="embedded")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def commands() -> None:
    """The whole swarm on this machine, without Docker."""


@commands.command()
@click.option(
    "--target",
    type=click.Choice(["embedded", "compose"]),
    default="embedded",
    help="Servers from wheels, or containers.",
)
@click.option("--port-offset", type=int, help="Added to every default port.")
@click.option(
    "--port",
    "ports_",
    multiple=True,
    metavar="PART=PORT",
    help="One part's port; may be repeated. Also VOLEX_PORT_<PART>.",
)
@click.option("--speed", type=float, help="Simulated seconds per second (default 60).")
@click.option("--symbols", help="Symbols of the synthetic market, comma-separated.")
@click.option("--timeframes", help="Candles to build, comma-separated (default 1m,5m,15m,1h).")
@click.option("--seed", type=int, help="Seed of the synthetic market.")
@click.option(
    "--replay", type=click.Path(path_type=Path, resolve_path=True), help="CSV of real trades or candles to trade on."
)
@click.option("--symbol", help="Symbol of the replay.")
@click.option("--balance", "balances", multiple=True, metavar="CURRENCY=AMOUNT", help="First funds; may be repeated.")
@click.option("--valuation", help="Currency that equity is counted in (default USDT).")
@click.option("--failure-rate", type=float, help="Share of messages that fail on purpose, for drills.")
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME=VALUE",
    help="Who thinks for the deliberating agents: provider, name, url, price, form, max_tokens; may be repeated.",
)
def up(target: str, ports_: tuple[str, ...], models: tuple[str, ...], **options: Any) -> None:
    """Start everything and wait until it is healthy. Harmless when it is."""
    wishes = {name: value for name, value in options.items() if value not in (None, ())}
    if chosen := _chosen_ports(ports_):
        wishes["ports"] = chosen
    if models:
        wishes["model"] = dict(_named(text) for text in models)
    if target == "compose":
        _up_in_containers(wishes)
        return
    cloud = Cloud(Home.current())
    is_first = not cloud.home.admin_password.exists()
    before = cloud.state()
    if before is not None and before.phase == "ready":
        state = cloud.up(wishes)  # the steps that it would show are those of an earlier day
        console.print("it was up already: nothing was started")
    else:
        with screen.progress(console) as watcher:
            state = cloud.up(wishes, watcher)
    _welcome(cloud, state, is_first)


@commands.command()
def down() -> None:
    """Stop all that `up` started; state is kept."""
    stopped = Cloud(Home.current()).down()
    console.print(
        "stopped; state is kept (`make up` goes on, `make clean` deletes it)" if stopped else "nothing was running"
    )


@commands.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def status(as_json: bool) -> None:
    """Health, port, uptime and memory of every part. Exit code 1 unless all is healthy."""
    state = Cloud(Home.current()).state()
    if as_json:
        whole = {"phase": "stopped"} if state is None else state.model_dump() | {"total_memory": state.total_memory}
        console.print_json(json.dumps(whole))
    elif state is None:
        console.print("not started yet: make up")
    else:
        _show(state)
    sys.exit(0 if state is not None and _is_well(state) else 1)


@commands.command()
@click.argument("part", required=False)
@click.option("--lines", "-n", default=20, help="Lines to begin with.")
@click.option("--follow/--no-follow", default=True, help="Go on with what comes.")
def logs(part: str | None, lines: int, follow: bool) -> None:
    """Show the logs of all parts, or of one."""
    folder = Home.current().log("any").parent
    files = sorted(folder.glob("*.log")) if part is None else [folder / f"{part}.log"]
    if not files or not files[0].exists():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.log"))) or "none yet: make up"
        raise CloudError(f"no log of {part or 'any part'}; there are {known}")
    _follow(files, lines, follow)


@commands.command()
@click.argument("part", type=click.Choice(PARTS))
def restart(part: str) -> None:
    """Stop one part cleanly and start it again (unseals OpenBao)."""
    Cloud(Home.current()).restart(part)
    console.print(f"{part} is up and healthy")


@commands.command()
@click.option("--target", type=click.Choice(["embedded", "compose", "aws"]), default="embedded")
def deploy(target: str) -> None:
    """Deploy the functions again after a change of code or template."""
    if target == "embedded":
        Cloud(Home.current()).provision(("deploy",), console.print)
    elif target == "compose":
        Containers(Home.current()).provision(("deploy",), console.print)
    else:
        raise CloudError("AWS needs its own parameters: python -m infra.deploy --target aws --parameter NAME=VALUE …")


@commands.group()
def user() -> None:
    """Who may log in: add, list, remove."""


@user.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True, help="What they may do.")
@click.option(
    "--password-file", type=click.File(), help="Their password, or - for standard input; else one is made and shown."
)
@_TARGET
def add_user(name: str, role: str, password_file: IO[str] | None, target: str) -> None:
    """Let somebody log in."""
    password = secrets.token_urlsafe(18) if password_file is None else password_file.read().strip()
    name = _vault(target).add_user(name, Role(role), password)
    shown = "" if password_file else f", password [bold]{password}[/]  (shown this once)"
    console.print(f"user [bold]{name}[/], {role}{shown}")


@user.command("list")
@_TARGET
def list_users(target: str) -> None:
    """Everybody who may log in, with their roles."""
    for name, role in sorted(_vault(target).roles().items()):
        console.print(f"{name:<20} {role or 'no role'}")


@user.command("remove")
@click.argument("name")
@_TARGET
def remove_user(name: str, target: str) -> None:
    """Let somebody log in no more; a token they hold is good to its end, an hour at most."""
    _vault(target).remove_user(name)
    console.print(f"{name} can't log in any more")


@commands.command("model-key")
@click.argument("provider", type=click.Choice(KEYED))
@click.option("--key-file", type=click.File(), help="A file with it, or - for standard input; else it is asked for.")
@_TARGET
def model_key(provider: str, key_file: IO[str] | None, target: str) -> None:
    """Keep the API key that a language model of PROVIDER is asked with."""
    vault = _vault(target)
    key = click.prompt(f"API key of {provider}", hide_input=True) if key_file is None else key_file.read()
    vault.keep_model_key(provider, key)
    console.print(f"the key of {provider} is kept. Functions that have asked before take it after make down, make up")


def _vault(target: str) -> VaultDesk:
    cloud = Cloud(Home.current()) if target == "embedded" else Containers(Home.current())
    try:
        return cloud.vault
    except NotHealthy as problem:
        raise CloudError(f"there is no Vault yet: make up ({problem})") from problem


@commands.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def clean(yes: bool) -> None:
    """Stop everything and delete all local state: ledger, orders, secrets, logs."""
    cloud = Cloud(Home.current())
    if not cloud.home.root.exists():
        console.print("there is nothing to delete")
        return
    if not yes:
        click.confirm(f"Delete the ledger, orders, secrets and logs in {cloud.home.root} for good?", abort=True)
    cloud.clean()
    console.print("deleted")


def _named(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise CloudError(f"--model: expected NAME=VALUE, got {text!r}")
    return name, value


def _chosen_ports(given: tuple[str, ...]) -> dict[str, int]:
    chosen = {part: os.environ.get(f"VOLEX_PORT_{part.replace('-', '_').upper()}") for part in DEFAULT_PORTS}
    texts = [f"{part}={port}" for part, port in chosen.items() if port] + list(given)
    result = {}
    for text in texts:
        part, _, port = text.partition("=")
        if part not in DEFAULT_PORTS or not port.isdigit():
            raise CloudError(f"--port: expected PART=NUMBER with one of {', '.join(DEFAULT_PORTS)}, got {text!r}")
        result[part] = int(port)
    return result


def _welcome(cloud: Cloud, state: State, is_first: bool) -> None:
    console.print()
    console.print(
        f"The swarm is up: [bold]{cloud.api_url}/api[/]  (simulated money, {state.total_memory / 2**20:.0f} MiB)"
    )
    console.print(f"  pages      {cloud.api_url}/api/tasks/page · {cloud.api_url}/api/control/page")
    console.print(f"  WebSocket  {cloud.socket_url}")
    console.print(f"  exchange   {cloud.configuration.url('exchange')}/admin/status")
    console.print(f"  feed       {cloud.configuration.url('realtime-data')}/metrics")
    console.print()
    if is_first:
        console.print(f"  user [bold]admin[/], password [bold]{cloud.admin_password}[/]  (shown this once)")
    console.print(f"  log in     volexswarm login --password-file {cloud.home.admin_password}")
    console.print("  then       volexswarm status · volexswarm orders · volexswarm explain ORDER")
    console.print("  stop       make down")


def _up_in_containers(wishes: dict[str, Any]) -> None:
    containers = Containers(Home.current())
    url = containers.up(wishes, console.print)
    console.print(f"The swarm is up: {url}  (simulated money)")
    console.print(f"  log in     volexswarm login --password-file {containers.admin_password_file}")
    console.print(f"  stop       docker compose --file {compose.FILE} down")


def _show(state: State) -> None:
    console.print(f"{state.phase}  {state.error}".rstrip())
    console.print(screen.table(state))
    for part in state.parts:
        if part.detail:
            console.print(f"{part.name}: {part.detail} (log: {part.log})")


def _is_well(state: State) -> bool:
    return state.phase == "ready" and all(part.health == "healthy" for part in state.parts)


def _follow(files: list[Path], lines: int, follow: bool) -> None:
    width = max(len(file.stem) for file in files)
    streams = []
    for file in files:
        stream = file.open(errors="replace")
        _print_lines(file.stem.ljust(width), stream.read().splitlines()[-lines:])
        streams.append((file.stem.ljust(width), stream))
    while follow:
        for name, stream in streams:
            _print_lines(name, stream.read().splitlines())
        time.sleep(0.3)


def _print_lines(name: str, lines: list[str]) -> None:
    for line in lines:
        console.print(Text.assemble((f"{name} ", "cyan"), line))


def main() -> None:
    """Entry point: errors become words and an exit code."""
    try:
        commands(standalone_mode=True)
    except CloudError as error:
        errors.print(Text(str(error), style="red"))
        sys.exit(1)
    except KeyboardInterrupt:
        errors.print("\ninterrupted; what was started goes on: `volexlocal status`, `make down`")
        sys.exit(130)


if __name__ == "__main__":
    main()
