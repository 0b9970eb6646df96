"""How long an event takes to people who watch: from its commit to each client, through queue, function and WebSocket API.

Clients and the one who publishes are this process, on the same clock; the clients connect at the local cloud's own address.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import aiohttp
import boto3
import httpx
import psycopg

from tests.benchmarks import clouds
from tests.benchmarks.figure import Figure, spread
from volexlocal.cloud import Cloud
from volexlocal.provision import STACK
from volexlocal.servers.emulator import CREDENTIALS, REGION
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.outbox import Relay
from volexswarm.adapters.postgres.store import PostgresStore, PostgresTransaction
from volexswarm.adapters.sqs import SqsSender
from volexswarm.messages import Event, OrderChanged, OrderState
from volexswarm.security.roles import Role

AUDIENCES = (1, 50, 500)
EVENTS = 20
PAUSE = 1.5
CLIENTS_PER_USER = 20
PASSWORD = "only for this measurement"
PATIENCE = 60.0


def run(audiences: Sequence[int] = AUDIENCES, events: int = EVENTS) -> Iterator[Figure]:
    """Let so many events happen before audiences of these sizes."""
    with clouds.running(symbols="BTC/USDT", speed=1.0) as cloud:
        tokens = _tokens(cloud, -(-max(audiences) // CLIENTS_PER_USER))
        publisher = _Publisher(cloud)
        try:
            for size in audiences:
                first, each = asyncio.run(_measured(cloud, tokens, publisher, size, events))
                yield from spread(f"event committed → client, {size} clients", each)
                yield from spread(f"event committed → last of {size} clients", first)
                _await_departure(cloud)
        finally:
            publisher.close()


def _tokens(cloud: Cloud, users: int) -> list[str]:
    found = []
    for number in range(users):
        name = f"watcher-{number}"
        cloud.vault.add_user(name, Role.VIEWER, PASSWORD)
        answer = httpx.post(f"{cloud.api_url}/api/login", json={"username": name, "password": PASSWORD}, timeout=30)
        found.append(answer.raise_for_status().json()["data"]["token"])
    return found


def _await_departure(cloud: Cloud) -> None:
    """The audience before must not count against its users, nor keep the functions busy."""
    end = time.monotonic() + PATIENCE
    with psycopg.connect(cloud.dsn, autocommit=True) as database:
        while database.execute("SELECT EXISTS (SELECT FROM push_connections)").fetchone() == (True,):
            if time.monotonic() > end:
                raise TimeoutError("clients that have left are still counted")
            time.sleep(0.2)


class _Publisher:
    """Publishes as the functions do: into the outbox, and to the queues after the commit."""

    def __init__(self, cloud: Cloud) -> None:
        emulator = cloud.parts.emulator.url
        self._database = Database(lambda: cloud.dsn)
        sqs = boto3.client(
            "sqs",
            endpoint_url=emulator,
            region_name=REGION,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )
        relay = Relay(self._database, SqsSender(STACK, sqs))
        self._store = PostgresStore(self._database, PostgresTransaction, relay)
        self._count = 0

    def happen(self) -> tuple[str, float]:
        """An event's name, and the moment of its commit."""
        self._count += 1
        name, now = f"measured {self._count}", datetime.now(UTC)
        data = OrderChanged(
            venue="binance", symbol="BTC/USDT", account="main", order_id="o", client_order_id="c",
            exchange_order_id=None, before=None, after=OrderState.ACCEPTED, filled=Decimal(1), cause=name, as_of=now,
        )  # fmt: skip
        event = Event.root(data, source="benchmark", subject=data.key, identity=f"{now.isoformat()} {name}", time=now)
        with self._store.transaction() as tx:
            tx.publish(event)
            committing = time.perf_counter()
        return name, committing

    def close(self) -> None:
        self._database.close()


async def _measured(
    cloud: Cloud, tokens: Sequence[str], publisher: _Publisher, size: int, events: int
) -> tuple[list[float], list[float]]:
    """Milliseconds from each commit to the last client, and to each of them."""
    heard: defaultdict[str, list[float]] = defaultdict(list)
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        for number in range(size):
            await _join(cloud, session, stack, tokens[number // CLIENTS_PER_USER], heard)
        committed = {}
        for _ in range(events):
            name, moment = await asyncio.to_thread(publisher.happen)
            committed[name] = moment
            await asyncio.sleep(PAUSE)
        async with asyncio.timeout(PATIENCE):
            while any(len(heard[name]) < size for name in committed):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    waits = {name: [round((moment - committed[name]) * 1000, 1) for moment in heard[name]] for name in committed}
    return [max(each) for each in waits.values()], [wait for each in waits.values() for wait in each]


async def _join(
    cloud: Cloud,
    session: aiohttp.ClientSession,
    stack: AsyncExitStack,
    token: str,
    heard: defaultdict[str, list[float]],
) -> None:
    """Connect a client that notes when it hears of each order."""
    socket = await session.ws_connect(cloud.socket_url, headers={"Authorization": f"Bearer {token}"}, max_msg_size=0)
    await socket.send_json({"action": "subscribe", "channel": "orders"})
    begun: Any = await socket.receive_json(timeout=PATIENCE)
    assert begun["type"] == "subscribed", begun

    async def listen() -> None:
        async for frame in socket:
            moment = time.perf_counter()
            message = json.loads(frame.data)
            for update in message if isinstance(message, list) else [message]:
                heard[update["data"]["cause"]].append(moment)

    listening = asyncio.create_task(listen())
    stack.push_async_callback(socket.close)
    stack.callback(listening.cancel)
