"""`python -m tests.faults [WORD …]`: the whole catalogue, or the faults whose names hold one of the words.

The exit code is 1 if anything is off.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from datetime import UTC, datetime

from rich.console import Console

from tests.faults import report
from tests.faults.catalogue import entries, unlisted
from tests.faults.site import opened
from tests.faults.suite import ROUNDS, Suite

LEAST_FAULTS = 500
LEAST_ORDERS = 2_000


def main() -> int:
    """Run it; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults", description="Hurt the system and check what is left."
    )
    parser.add_argument("words", nargs="*", metavar="WORD", help="only faults whose names hold one of these")
    parser.add_argument("--once", action="store_true", help="each fault once, however often the suite has it")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"rounds of a chapter ({ROUNDS})")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs and say where it is")
    arguments = parser.parse_args()
    if missing := unlisted():
        sys.stderr.write(f"no row of the catalogue names {', '.join(sorted(missing))}\n")
        return 1
    chosen = [entry for entry in entries() if _is_named(f"{entry.kind} {entry.name}", arguments.words)]
    wanted = [entry for entry in chosen for _ in range(1 if arguments.once else entry.often)]
    if not wanted:
        parser.error("no fault has such a name")
    signal.signal(signal.SIGTERM, _stop)  # so that everything is cleaned up
    logging.getLogger("psycopg").setLevel(logging.CRITICAL)  # it tells of each outage that we make
    whole = not arguments.words and not arguments.once
    console = Console(stderr=True, highlight=False, markup=False)
    with opened(keep=arguments.keep) as site:
        if arguments.keep:
            console.print(f"logs: {site.home}")
        suite = Suite(site, arguments.rounds, lambda line: console.print(f"{datetime.now(UTC):%H:%M:%S} {line}"))
        result = suite.run(wanted, *((LEAST_ORDERS, LEAST_FAULTS) if whole else ()))
    report.show(result)
    return int(not result.is_clean)


def _is_named(name: str, words: list[str]) -> bool:
    return not words or any(word in name for word in words)


def _stop(*_: object) -> None:
    sys.exit(143)


if __name__ == "__main__":
    sys.exit(main())
