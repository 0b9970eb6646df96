"""`login`, `logout`, `whoami`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from volexswarm.cli.commands import Desk, command
from volexswarm.cli.output import when


def add_to(group: click.Group) -> None:
    """Register the commands."""
    command(group, "login")(_login)
    command(group, "logout")(_logout)
    command(group, "whoami")(_whoami)


@click.option("--username", "-u", default="admin", show_default=True, help="A user of Vault.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read the password from a file; for the local cloud, the one that `make up` names.",
)
def _login(desk: Desk, *, username: str, password_stdin: bool, password_file: Path | None) -> None:
    """Log in for one hour. The token is kept in your configuration folder, readable by you alone."""
    whose = f"{username} at {desk.url}"
    password = _password(whose, from_stdin=password_stdin, file=password_file)
    session = desk.client.post("/login", {"username": username, "password": password})
    desk.sessions.put(desk.url, session)
    shown = {name: value for name, value in session.items() if name not in ("token", "token_type")}
    desk.output.show(
        shown,
        lambda data: [
            Text(f"{data['username']} ({data['role']}) is logged in at {desk.url} until {when(data['expires_at'])} UTC")
        ],
    )


def _password(whose: str, *, from_stdin: bool, file: Path | None) -> str:
    if from_stdin and file:
        raise click.UsageError("give --password-stdin or --password-file, not both")
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif file:
        try:
            password = file.read_text().strip()
        except OSError as error:
            raise click.UsageError(f"{file} can't be read: {error.strerror}") from error
    else:
        password = click.prompt(f"Password of {whose}", hide_input=True, err=True)
    if not password:
        raise click.UsageError("the password is empty")
    return password


def _logout(desk: Desk) -> None:
    """Forget the token of this address."""
    gone = desk.sessions.remove(desk.url)
    desk.output.show(
        {"logged_out": gone}, lambda _: [Text(f"logged out of {desk.url}" if gone else f"not logged in at {desk.url}")]
    )


def _whoami(desk: Desk) -> None:
    """Who you are, what you may do, and for how long."""

    def render(data: Any) -> list[Text]:
        return [
            Text(f"{data['username']} ({data['role']}) at {desk.url} until {when(data['expires_at'])} UTC"),
            Text(f"may: {', '.join(data['permissions'])}"),
        ]

    desk.output.show(desk.client.get("/whoami"), render)
