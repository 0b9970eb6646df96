"""What every command shares: the address, the client, `--json`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click
import httpx

from volexswarm.cli.client import ApiClient
from volexswarm.cli.output import Output
from volexswarm.cli.sessions import Sessions

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


def capitals(symbol: str) -> str:
    """Click type: a symbol as the API knows it; which there are is for the API to say."""
    return symbol.upper()


@dataclass
class Desk:
    """What a command works with. `transport` is the network unless a test puts its own."""

    url: str
    sessions: Sessions
    as_json: bool = False
    transport: httpx.BaseTransport | None = None

    @property
    def client(self) -> ApiClient:
        """The API as the user who is logged in there."""
        return ApiClient(self.url, self.sessions.token(self.url), self.transport)

    @property
    def output(self) -> Output:
        return Output(as_json=self.as_json)


def command(group: click.Group, name: str) -> Callable[[CommandT], CommandT]:
    """Decorator: a command of the group that takes the Desk first and knows `--json`, also after its name."""

    def register(function: CommandT) -> CommandT:
        @functools.wraps(function)
        def run(desk: Desk, /, *, as_json: bool, **options: Any) -> Any:
            desk.as_json = desk.as_json or as_json
            return function(desk, **options)

        with_json = click.option("--json", "as_json", is_flag=True, help="Print the API's data as JSON.")
        group.command(name)(with_json(click.pass_obj(run)))
        return function

    return register
