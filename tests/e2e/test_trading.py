"""The whole system at work on a synthetic market: it trades by itself, explains itself, and keeps exact books."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import psycopg
import pytest

from tests.e2e import evidence
from tests.e2e.conftest import Swarm
from volexswarm.clock import to_ms
from volexswarm.messages import Columns, Event, ExecutionReported, Queue, TickBatch, encode

pytestmark = pytest.mark.timeout(900)

CHAIN = {Queue.TICKS, Queue.CANDLES, Queue.SIGNALS, Queue.PROPOSALS, Queue.ORDERS, Queue.FILLS}


@pytest.fixture(scope="module")
def swarm(start_swarm: Callable[..., Swarm]) -> Swarm:
    """A swarm that has traded: at least three orders are filled."""
    swarm = start_swarm(speed=240, symbols="BTC/USDT,ETH/USDT")
    evidence.wait_until("three orders are filled", lambda: filled(swarm) >= 3, 300)
    return swarm


def filled(swarm: Swarm) -> int:
    return int(evidence.value(swarm.dsn, "SELECT count(*) FROM orders WHERE state = 'filled'"))


@pytest.fixture
def still(swarm: Swarm) -> Iterator[Swarm]:
    """The same swarm while no prices come in and everything on its way has arrived."""
    pause(swarm, True)
    evidence.wait_until("the last trades are stored", lambda: newest_stored(swarm) == newest_printed(swarm), 60)
    evidence.wait_until("nothing moves any more", lambda: stands_still(swarm), 180)
    yield swarm
    pause(swarm, False)


def stands_still(swarm: Swarm) -> bool:
    """Nothing is on its way, and nothing changes for longer than the feed takes to tell that a minute is complete."""
    before = evidence.contents(swarm.dsn)
    time.sleep(5)
    return swarm.messages_on_their_way() == 0 and evidence.changes(before, evidence.contents(swarm.dsn)) == {}


def newest_printed(swarm: Swarm) -> dict[str, int]:
    """By symbol as the exchange writes it, without the slash."""
    status = httpx.get(f"{swarm.exchange_url}/admin/status", timeout=10).raise_for_status().json()
    return dict(status["lastTradeIds"])


def newest_stored(swarm: Swarm) -> dict[str, int]:
    query = "SELECT replace(symbol, '/', ''), max(trade_id) FROM trades GROUP BY symbol"
    return dict(evidence.rows(swarm.dsn, query))


def pause(swarm: Swarm, paused: bool) -> None:
    httpx.post(f"{swarm.exchange_url}/admin/clock", json={"paused": paused}, timeout=10).raise_for_status()


def test_it_trades_by_itself_and_every_part_is_healthy(swarm: Swarm) -> None:
    status = swarm.answers("status")
    assert status["simulated"] is True
    assert {part["health"] for part in status["parts"]} == {"healthy"}
    manual = evidence.value(swarm.dsn, "SELECT count(*) FROM signals WHERE requested_by IS NOT NULL")
    assert manual == 0


def test_an_order_is_explained_from_tick_to_ledger(swarm: Swarm) -> None:
    order = next(order for order in swarm.answers("orders")["items"] if order["state"] == "filled")
    story = swarm.answers("explain", order["id"])
    assert story["missing"] == []
    assert story["tape"]["count"] == story["candle"]["trade_count"] > 0
    decisions = [story["signal"]["risk"], story["signal"]["compliance"]]
    assert all(check["passed"] for decision in decisions for check in decision["checks"])
    assert story["transitions"][0]["after"] == "intended"
    assert sum(Decimal(fill["amount"]) for fill in story["fills"]) == Decimal(order["filled"])
    assert len(story["ledger"]) == len(story["fills"])
    assert order["id"][:8] in swarm.succeeds("explain", order["id"])


def test_the_books_equal_the_exchange_to_the_last_digit(still: Swarm) -> None:
    assert still.ledger() == still.exchange()


def test_every_message_of_the_chain_delivered_again_changes_nothing(still: Swarm) -> None:
    before = evidence.contents(still.dsn)
    sent = redeliver(still)
    assert set(sent) == CHAIN
    evidence.wait_until("the repeats are answered", lambda: still.messages_on_their_way() == 0, 240)
    assert evidence.changes(before, evidence.contents(still.dsn)) == {}
    assert still.ledger() == still.exchange()


def redeliver(swarm: Swarm) -> dict[str, int]:
    """Send everything that the outbox and the feed have sent to agents once more; how many by queue."""
    query = "SELECT DISTINCT ON (event_id, queue) queue, group_key, body FROM outbox WHERE queue NOT IN ('events', 'pushes.fifo')"
    sent: dict[str, int] = {}
    for queue, group, body in [*evidence.rows(swarm.dsn, query), ticks(swarm), *reports(swarm)]:
        fifo = {} if group is None else {"MessageGroupId": group, "MessageDeduplicationId": uuid.uuid4().hex}
        swarm.sqs.send_message(QueueUrl=swarm.queue_url(queue), MessageBody=body, **fifo)
        sent[queue] = sent.get(queue, 0) + 1
    return sent


def ticks(swarm: Swarm) -> tuple[str, None, str]:
    """The newest trades in a batch of another session: the feed, too, keeps no copy."""
    query = (
        "SELECT symbol, trade_id, traded_at, price, amount, side FROM trades WHERE symbol = 'BTC/USDT'"
        " ORDER BY trade_id DESC LIMIT 2000"
    )
    newest = evidence.rows(swarm.dsn, query)[::-1]
    _, ids, times, prices, amounts, sides = zip(*newest, strict=True)
    columns = Columns(
        ids=list(ids),
        times=[to_ms(time) for time in times],
        prices=list(prices),
        amounts=list(amounts),
        sides="".join(sides),
    )
    data = TickBatch(venue="binance", session=uuid.uuid4().hex, sequence=0, trades={"BTC/USDT": columns}, watermarks={})
    event = Event.root(data, source="realtime-data", subject="binance", identity=data.session, time=datetime.now(UTC))
    return (Queue.TICKS, None, encode(event))


def reports(swarm: Swarm) -> list[tuple[str, str | None, str]]:
    """What the exchange reported of each fill, rebuilt from the books: the feed keeps no copy."""
    query = (
        "SELECT f.venue, f.account, f.symbol, o.client_order_id, f.exchange_order_id, f.side, o.state, o.filled,"
        " f.trade_id, f.price, f.amount, f.fee, f.fee_currency, f.is_maker, f.as_of"
        " FROM fills f JOIN orders o ON o.id = f.order_id"
    )
    names = (
        "venue", "account", "symbol", "client_order_id", "exchange_order_id", "side", "state", "filled", "trade_id", "price",
        "amount", "fee", "fee_currency", "is_maker", "as_of",
    )  # fmt: skip
    found: list[tuple[str, str | None, str]] = []
    for row in evidence.rows(swarm.dsn, query):
        data = ExecutionReported(**dict(zip(names, row, strict=True)))
        event = Event.root(
            data, source="realtime-data", subject=data.key, identity=f"again/{uuid.uuid4()}", time=datetime.now(UTC)
        )
        found.append((Queue.FILLS, data.group, encode(event)))
    return found


def test_a_trade_over_a_limit_is_refused_by_name(swarm: Swarm) -> None:
    done = swarm.runs("trade", "BUY", "BTC/USDT", "50", "--wait")
    assert done.returncode == 1
    assert "per_symbol" in done.stdout + done.stderr
    assert "50" not in {order["amount"] for order in swarm.answers("orders")["items"]}


def test_a_sealed_vault_stops_orders_says_why_and_keeps_them_until_it_is_open(swarm: Swarm) -> None:
    swarm.succeeds("trade", "BUY", "BTC/USDT", "0.001", "--wait")  # everything on the way is warm
    with sealed_vault(swarm):
        taken = swarm.answers("trade", "BUY", "BTC/USDT", "0.001")["signal_id"]
        # the order itself, or one before it: those of one symbol go out in their order
        evidence.wait_until("an order waits for the vault", lambda: any(map(is_sealed, reasons_to_wait(swarm))), 120)
        assert order_state(swarm, taken) in ("none yet", "intended")
    evidence.wait_until("it is filled", lambda: order_state(swarm, taken) == "filled", 240)


def test_a_database_that_is_away_stops_everything_and_nothing_is_lost(swarm: Swarm) -> None:
    before = swarm.answers("trade", "BUY", "ETH/USDT", "0.01")["signal_id"]
    with refusing_database(swarm):
        time.sleep(1)  # what was on its way to the exchange has arrived
        sent = evidence.orders_at(
            swarm.exchange_url
        )  # a stop that stands there may be filled: it is there for such hours
        doubtful = swarm.runs("trade", "BUY", "ETH/USDT", "0.01")
        time.sleep(3)
        assert evidence.orders_at(swarm.exchange_url) == sent
    assert doubtful.returncode == 3
    for words in ("database", "repeat it with --key"):
        assert words in doubtful.stdout + doubtful.stderr
    evidence.wait_until("the earlier trade is filled", lambda: order_state(swarm, before) == "filled", 240)
    evidence.wait_until("the books are exact", swarm.books_are_exact, 120)


def test_an_emulator_that_dies_takes_nothing_with_it(swarm: Swarm) -> None:
    before = filled(swarm)
    swarm.cloud.kill("emulator")
    evidence.wait_until("it trades again", lambda: filled(swarm) > before + 1, 300)
    evidence.wait_until("no trade is missing", lambda: holes(swarm) == 0, 120)
    evidence.wait_until("the books are exact", swarm.books_are_exact, 120)
    left = "SELECT count(*) FROM proposals WHERE state = 'proposed' AND proposed_at < now() - interval '2 minutes'"
    evidence.wait_until("no proposal is forgotten", lambda: evidence.value(swarm.dsn, left) == 0, 240)


def holes(swarm: Swarm) -> int:
    query = "SELECT max(trade_id) - min(trade_id) + 1 - count(*) FROM trades GROUP BY symbol"
    return sum(missing for (missing,) in evidence.rows(swarm.dsn, query))


@contextlib.contextmanager
def sealed_vault(swarm: Swarm) -> Iterator[None]:
    swarm.cloud.parts.openbao.seal()
    try:
        yield
    finally:
        swarm.cloud.parts.openbao.unseal()


@contextlib.contextmanager
def refusing_database(swarm: Swarm) -> Iterator[None]:
    """The server lives and lets nobody in: an outage that the supervisor does not mend by itself."""
    database = swarm.cloud.parts.postgres
    name = psycopg.conninfo.conninfo_to_dict(database.dsn)["dbname"]
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        try:
            yield
        finally:
            connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())


def order_by_signal(swarm: Swarm, signal_id: str) -> list[tuple[Any, ...]]:
    return evidence.rows(swarm.dsn, "SELECT state, exchange_order_id FROM orders WHERE signal_id = %s", signal_id)


def order_state(swarm: Swarm, signal_id: str) -> str:
    found = order_by_signal(swarm, signal_id)
    return found[0][0] if found else "none yet"


def reasons_to_wait(swarm: Swarm) -> list[str]:
    query = "SELECT reason FROM orders WHERE state = 'intended' AND symbol = 'BTC/USDT' AND reason IS NOT NULL"
    return [reason for (reason,) in evidence.rows(swarm.dsn, query)]


def is_sealed(reason: str) -> bool:
    return "vault" in reason and "sealed" in reason
