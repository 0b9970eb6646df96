"""What a new system starts with: policies in force, and every template strategy at work on every symbol.

Only what nobody has decided yet is seeded: a policy that has a version, or a symbol that has any strategy, stays as it is. So
it may run at every start.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence

import psycopg
from psycopg.types.json import Jsonb
from pydantic import BaseModel

from volexswarm.compliance.policy import CompliancePolicy
from volexswarm.control.modes import paper_account
from volexswarm.errors import InvalidInput
from volexswarm.market.timeframes import Timeframe
from volexswarm.risk.policy import RiskPolicy
from volexswarm.strategies.parameters import PARAMETERS
from volexswarm.tasks.policy import TasksPolicy

DEFAULT_TIMEFRAMES = ("1m", "5m")
AUTHOR = "seed"
LOCK = 0x73656564  # one seeding at a time: looking what is there and adding the rest must not interleave


def seed(
    dsn: str,
    venue: str,
    symbols: Sequence[str],
    timeframes: Sequence[str] = DEFAULT_TIMEFRAMES,
    *,
    mode: str = "simulated",
    account: str = "main",
) -> list[str]:
    """Add the defaults that are missing, all or none of them.

    Parameters
    ----------
    dsn : str
        libpq connection string of a migrated database.
    venue : str
        As ccxt names it.
    symbols, timeframes : sequences of str
        Each symbol without a strategy gets each template at each timeframe, active, with default parameters.
    mode, account : str
        With what money, in whose books trading begins. Where the venue is live it begins on paper: real money needs an
        administrator's word and a cap.

    Returns
    -------
    list of str
        What was added: `policy risk`, `strategy binance-btc-usdt-1m-rsi`, …

    Raises
    ------
    InvalidInput
        If a timeframe is unknown.
    """
    for timeframe in timeframes:
        if timeframe not in tuple(Timeframe):
            raise InvalidInput("timeframes", timeframe, f"some of {', '.join(Timeframe)}")
    with psycopg.connect(dsn) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        return [
            *_add_mode(connection, venue, mode, account),
            *_add_policy(connection, "risk", RiskPolicy()),
            *_add_policy(connection, "compliance", CompliancePolicy(allowed_venues=(venue,))),
            *_add_policy(connection, "tasks", TasksPolicy()),
            *(name for symbol in symbols for name in _add_strategies(connection, venue, symbol, timeframes)),
        ]


def _add_mode(connection: psycopg.Connection, venue: str, mode: str, account: str) -> Iterator[str]:
    begins, books = ("paper", paper_account(account)) if mode == "live" else (mode, account)
    added = connection.execute(
        "INSERT INTO trading_modes (venue, account, mode, switched_by, reason) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        (venue, books, begins, AUTHOR, "where every system begins"),
    )
    if added.rowcount:
        yield f"mode {begins}"


def _add_policy(connection: psycopg.Connection, name: str, policy: BaseModel) -> Iterator[str]:
    added = connection.execute(
        "INSERT INTO policies (name, version, body, activated_by)"
        " SELECT %(name)s, 1, %(body)s, %(author)s WHERE NOT EXISTS (SELECT FROM policies WHERE name = %(name)s)",
        {"name": name, "body": Jsonb(policy.model_dump(mode="json")), "author": AUTHOR},
    )
    if added.rowcount:
        yield f"policy {name}"


def _add_strategies(
    connection: psycopg.Connection, venue: str, symbol: str, timeframes: Sequence[str]
) -> Iterator[str]:
    query = "SELECT FROM strategies WHERE venue = %s AND symbol = %s LIMIT 1"
    if connection.execute(query, (venue, symbol)).fetchone() is not None:
        return
    for timeframe in timeframes:
        for template, parameters in PARAMETERS.items():
            key = f"{venue}-{symbol.replace('/', '-').lower()}-{timeframe}-{template}"
            connection.execute(
                "INSERT INTO strategies (id, template, venue, symbol, timeframe, parameters, status)"
                " VALUES (%s, %s, %s, %s, %s, %s, 'active')",
                (key, template, venue, symbol, timeframe, Jsonb(parameters().model_dump(mode="json"))),
            )
            yield f"strategy {key}"


def main() -> int:
    """`python -m infra.seed DSN VENUE SYMBOL...`"""
    parser = argparse.ArgumentParser(description="Add default policies and strategies where there are none.")
    parser.add_argument("dsn", help="libpq connection string")
    parser.add_argument("venue", help="as ccxt names it")
    parser.add_argument("symbols", nargs="+", help="for example BTC/USDT")
    parser.add_argument("--timeframes", nargs="+", default=DEFAULT_TIMEFRAMES, choices=tuple(Timeframe))
    arguments = parser.parse_args()
    try:
        added = seed(arguments.dsn, arguments.venue, arguments.symbols, arguments.timeframes)
    except psycopg.OperationalError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(f"added {name}" for name in added) or "nothing to add")
    return 0


if __name__ == "__main__":
    sys.exit(main())
