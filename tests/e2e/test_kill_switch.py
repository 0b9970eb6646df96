"""The kill switch on a whole swarm that trades: nothing new at the exchange, also after a restart, until it is lifted."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import ccxt
import httpx
import pytest

from tests.e2e import evidence
from tests.e2e.conftest import Swarm
from volexswarm.adapters.venues import connection

pytestmark = pytest.mark.timeout(1200)

SYMBOLS = ("BTC/USDT", "ETH/USDT")
TRADERS = 2


class Exchange:
    """The exchange itself, asked past the swarm."""

    def __init__(self, swarm: Swarm) -> None:
        self._client: Any = ccxt.binance(
            {**connection("binance", swarm.exchange_url, "simulated"), **swarm.cloud.parts.exchange.credentials}
        )

    def orders(self) -> set[str]:
        """Every order that it ever took."""
        found = (order for symbol in SYMBOLS for order in self._client.fetch_orders(symbol, limit=1000))
        return {order["clientOrderId"] for order in found}

    def standing(self) -> set[str]:
        found = (order for symbol in SYMBOLS for order in self._client.fetch_open_orders(symbol))
        return {order["clientOrderId"] for order in found}


class Traders:
    """People who ask for trades as fast as the API takes them, as long as the block lasts."""

    def __init__(self, swarm: Swarm) -> None:
        self._http = httpx.Client(base_url=f"{swarm.cloud.api_url}/api", timeout=30)
        credentials = {"username": "admin", "password": swarm.cloud.admin_password}
        token = self._http.post("/login", json=credentials).raise_for_status().json()["data"]["token"]
        self._http.headers["Authorization"] = f"Bearer {token}"
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(TRADERS)
        self.statuses: list[int] = []

    def __enter__(self) -> Traders:
        self._work = [self._pool.submit(self._trade) for _ in range(TRADERS)]
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for work in self._work:
            work.result(60)
        self._pool.shutdown()
        self._http.close()

    def _trade(self) -> None:
        wish = {"symbol": "BTC/USDT", "side": "buy", "amount": "0.001", "type": "market"}
        while not self._stop.is_set():
            with suppress(httpx.TimeoutException):  # a busy machine; what became of the wish is seen elsewhere
                answer = self._http.post("/trade", json=wish, headers={"Idempotency-Key": uuid.uuid4().hex})
                self.statuses.append(answer.status_code)


def test_a_halt_stops_everything_survives_a_restart_and_is_lifted(
    start_swarm: Callable[..., Swarm], capsys: pytest.CaptureFixture[str]
) -> None:
    swarm = start_swarm(speed=60, symbols=",".join(SYMBOLS))
    exchange = Exchange(swarm)
    evidence.wait_until("it trades by itself", lambda: sent_by_strategies(swarm) >= 2, 300)
    stands_open(swarm)
    assert exchange.standing()
    assert_page(swarm)

    with Traders(swarm) as traders:
        evidence.wait_until("people's orders go out", lambda: sent_by_people(swarm) >= 5, 240)
        called = time.monotonic()
        halt = swarm.answers("halt", "--reason", "the drill of the day")["halt"]
        answered = time.monotonic()
        halted_at = datetime.fromisoformat(halt["halted_at"])
        time.sleep(5)
    assert 409 in traders.statuses  # refused at once, in words
    evidence.wait_until("the halt is settled", lambda: control(swarm)["halt"]["settled_at"] is not None, 180)
    settled = control(swarm)["halt"]
    assert exchange.standing() == set()
    at_settling = exchange.orders()
    ((claimed,),) = evidence.rows(swarm.dsn, "SELECT array_agg(client_order_id) FROM orders WHERE sent_at IS NOT NULL")
    ((last_claim,),) = evidence.rows(swarm.dsn, "SELECT max(sent_at) FROM orders")
    assert last_claim <= halted_at
    assert at_settling <= set(claimed)
    evidence.wait_until("risk refuses by name", lambda: refused_by_name(swarm, halted_at), 180)
    assert exchange.orders() == at_settling
    status = swarm.succeeds("status")
    assert status.strip().startswith("TRADING IS HALTED by admin: the drill of the day")

    swarm.cloud.down()
    swarm.cloud.up()
    swarm.log_in()
    again = datetime.now(UTC)
    assert control(swarm)["halt"]["id"] == halt["id"]
    refused = swarm.runs("trade", "BUY", "BTC/USDT", "0.001")
    assert refused.returncode == 1
    evidence.wait_until("risk refuses by name again", lambda: refused_by_name(swarm, again), 300)
    exchange = Exchange(swarm)
    assert exchange.orders() == at_settling

    swarm.succeeds("resume", "--reason", "the drill is over")
    evidence.wait_until("trades go on", lambda: len(exchange.orders()) > len(at_settling), 300)
    evidence.wait_until("the books are exact", swarm.books_are_exact, 180)
    with capsys.disabled():
        print(  # noqa: T201 - a measurement, for whoever runs it
            f"\nkill switch on the embedded cloud: answered {answered - called:.2f} s after the call by CLI, last order sent"
            f" {(halted_at - last_claim).total_seconds():.2f} s before the halt, {settled['canceled']} orders canceled,"
            f" settled {(datetime.fromisoformat(settled['settled_at']) - halted_at).total_seconds():.1f} s after it"
        )


def assert_page(swarm: Swarm) -> None:
    """The control page comes through the gateway as a page, with its rules for browsers."""
    page = httpx.get(f"{swarm.cloud.api_url}/api/control/page", timeout=30)
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'sha256-")
    assert "STOP ALL TRADING" in page.text


def control(swarm: Swarm) -> Any:
    return swarm.answers("control")


def sent_by_strategies(swarm: Swarm) -> int:
    query = "SELECT count(*) FROM orders WHERE sent_at IS NOT NULL AND strategy_id <> 'manual'"
    return int(evidence.value(swarm.dsn, query))


def sent_by_people(swarm: Swarm) -> int:
    query = "SELECT count(*) FROM orders WHERE sent_at IS NOT NULL AND strategy_id = 'manual'"
    return int(evidence.value(swarm.dsn, query))


def stands_open(swarm: Swarm) -> None:
    """A person's limit order below the market, which the exchange keeps."""
    price = Decimal(evidence.value(swarm.dsn, "SELECT price FROM trades WHERE symbol = 'BTC/USDT' LIMIT 1"))
    swarm.succeeds("trade", "BUY", "BTC/USDT", "0.001", "--limit", f"{price * Decimal('0.9'):.2f}")
    query = "SELECT count(*) FROM orders WHERE order_type = 'limit' AND state = 'accepted'"
    evidence.wait_until("a limit order stands", lambda: evidence.value(swarm.dsn, query) > 0, 60)


def refused_by_name(swarm: Swarm, since: datetime) -> bool:
    query = (
        "SELECT count(*) FROM decisions, jsonb_array_elements(checks) AS c WHERE stage = 'risk' AND NOT approved"
        " AND c->>'name' = 'kill_switch' AND NOT (c->>'passed')::boolean AND decided_at > %s"
    )
    return bool(evidence.value(swarm.dsn, query, since))
