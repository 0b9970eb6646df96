"""`simexchange faults add|list|clear`: arms, lists and clears the faults of a running exchange. Prints its JSON answer."""

import argparse
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simexchange.faults import BadFault, Kind, read

TIMEOUT_SECONDS = 10
USUAL_PORT = 18090


def parser() -> argparse.ArgumentParser:
    """The options."""
    options = argparse.ArgumentParser(prog="simexchange faults", description=__doc__)
    commands = options.add_subparsers(dest="command", required=True)
    add = commands.add_parser("add", help="arm a fault")
    add.add_argument("kind", choices=[str(kind) for kind in Kind])
    add.add_argument("--count", type=int, help="how many requests or messages it strikes (1)")
    add.add_argument("--route", help='which requests, such as "POST /api/v3/order" or "WS userDataStream.*" (all)')
    add.add_argument("--stream", help="user, trades, quotes, depth or candles")
    add.add_argument("--seconds", type=float, help="how long a delay, stall, limit, ban or maintenance lasts")
    add.add_argument("--ms", type=int, help="how far the exchange's clock is off")
    add.add_argument("--status", type=int, help="HTTP status to answer")
    add.add_argument("--code", type=int, help="Binance's error code, such as -1007")
    add.add_argument("--message", help="the error's words")
    add.add_argument("--after", action="store_true", default=None, help="act first, then answer the error")
    listed = commands.add_parser("list", help="what is armed, and how often each has struck")
    clear = commands.add_parser("clear", help="forget all faults, or one")
    clear.add_argument("--id", type=int)
    for command in (add, listed, clear):
        command.add_argument("--url", help="of the exchange (the local cloud's: of VOLEX_HOME, or of this checkout)")
    return options


def exchange_url(environment: Mapping[str, str], folder: Path) -> str:
    """Where the local cloud's exchange listens, by the ports that were asked for when it was started.

    The cloud is the one in `VOLEX_HOME`, else the nearest `.volex` from the folder upward; the usual port if there is none.
    """
    homes = [Path(environment["VOLEX_HOME"])] if environment.get("VOLEX_HOME") else []
    homes += [parent / ".volex" for parent in (folder, *folder.parents)]
    for home in homes:
        try:
            wishes = json.loads((home / "config.json").read_text())
            port = int(wishes.get("ports", {}).get("exchange", USUAL_PORT + wishes.get("port_offset", 0)))
        except (OSError, ValueError, AttributeError, TypeError):
            continue  # not there, or spoilt: the next one may do
        return f"http://127.0.0.1:{port}"
    return f"http://127.0.0.1:{USUAL_PORT}"


def main(argv: list[str]) -> int:
    """Run one command. Returns the exit code: 0, or 2 with a reason on stderr."""
    arguments = vars(parser().parse_args(argv))
    exchange = arguments.pop("url") or exchange_url(os.environ, Path.cwd())
    command, url = arguments.pop("command"), f"{exchange.rstrip('/')}/admin/faults"
    given = {name: value for name, value in arguments.items() if value is not None}
    try:
        if command == "add":
            read(given)
            answer = _ask("POST", url, given)
        elif command == "clear":
            answer = _ask("DELETE", f"{url}?id={given['id']}" if given else url)
        else:
            answer = _ask("GET", url)
    except urllib.error.URLError as error:
        print(
            f"simexchange faults: {exchange} does not answer ({error.reason}): is the swarm up? --url", file=sys.stderr
        )
        return 2
    except (BadFault, OSError, ValueError) as error:
        print(f"simexchange faults: {error}", file=sys.stderr)
        return 2
    print(json.dumps(answer, indent=2))
    return 0


def _ask(method: str, url: str, body: dict[str, Any] | None = None) -> Any:
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"{url!r} is no address: write such as http://127.0.0.1:18090")
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, method=method)  # noqa: S310 - checked above
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - checked above
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise ValueError(f"{url} answers {error.code}: {error.read().decode(errors='replace')}") from error
