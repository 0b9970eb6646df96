"""Runs orders through execution in this one process, as its function is wired: `python -m tests.benchmarks.execution COUNT`.

Prints JSON for the benchmark `orders`, which starts the servers and gives it the function's environment.
"""

from __future__ import annotations

import json
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import psycopg

from chalicelib.runtime import wiring
from volexswarm.clock import from_ms
from volexswarm.messages import Event, OrderApproved, OrderState, OrderType, Side

VENUE, ACCOUNT, SYMBOL = "binance", "main", "BTC/USDT"
AMOUNT = Decimal("0.001")

_PROPOSAL = """
INSERT INTO proposals (id, signal_id, strategy_id, venue, account, symbol, side, order_type, amount, reference_price, sizing,
    state, as_of, proposed_at, correlation_id)
VALUES (%(proposal_id)s, %(signal_id)s, 'bench', %(venue)s, %(account)s, %(symbol)s, %(side)s, %(order_type)s, %(amount)s,
    %(reference_price)s, 'bench', 'approved', %(as_of)s, now(), %(signal_id)s)
"""


def main() -> None:
    """See the module."""
    _open_books()
    sys.stdout.write(json.dumps(_orders(int(sys.argv[1]))) + "\n")


def _exchange(path: str, **body: Any) -> Any:
    url = f"{wiring.settings().exchange_url}{path}"
    return (httpx.post(url, json=body, timeout=60) if body else httpx.get(url, timeout=10)).raise_for_status().json()


def _open_books() -> None:
    _exchange("/admin/clock", paused=False)
    wiring.portfolio_agent(ACCOUNT).open_account()
    _exchange("/admin/clock", paused=True)


def _dsn() -> str:
    return str(wiring.vault().read("databases/main")["dsn"])


def _commands(count: int) -> Iterator[Event[OrderApproved]]:
    now = datetime.now(UTC)
    as_of = from_ms(_exchange("/admin/clock")["simulatedTime"])
    price = Decimal(_exchange(f"/api/v3/ticker/price?symbol={SYMBOL.replace('/', '')}")["price"])
    for number in range(count):
        proposal, side = str(uuid.uuid4()), (Side.BUY, Side.SELL)[number % 2]
        order = OrderApproved(
            venue=VENUE,
            symbol=SYMBOL,
            account=ACCOUNT,
            signal_id=str(uuid.uuid4()),
            strategy_id="bench",
            side=side,
            order_type=OrderType.MARKET,
            amount=AMOUNT,
            reference_price=price,
            as_of=as_of,
            proposal_id=proposal,
        )
        yield Event.root(order, source="compliance", subject=order.key, identity=proposal, time=now)


def _orders(count: int) -> dict[str, float]:
    """Seconds for `count` market orders, one after the other: intent, gate, gateway, exchange, fills, ledger, events sent."""
    commands = list(_commands(count))
    with psycopg.connect(_dsn()) as database:
        for command in commands:
            values = command.data.model_dump()
            database.execute(_PROPOSAL, values | {"side": command.data.side.value, "order_type": "market"})
    agent = wiring.execution_agent()
    began = time.perf_counter()
    for command in commands:
        agent.execute(command)
    seconds = time.perf_counter() - began
    with psycopg.connect(_dsn()) as database:
        row = database.execute("SELECT count(*) FROM orders WHERE state = %s", (OrderState.FILLED.value,)).fetchone()
    assert row is not None
    return {"seconds": seconds, "filled": float(row[0])}


if __name__ == "__main__":
    main()
