"""People watching through the real gateway: functions, database, Redis, Vault and queue are real, and so are the clients."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import aiohttp
import httpx
import psutil
import psycopg
import pytest
import redis

from infra.deploy import Outputs, settings_parameters
from tests.conftest import VaultServer
from tests.integration.deploy.conftest import STACK, Trial
from volexlocal.servers.emulator import Emulator
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.outbox import Relay
from volexswarm.adapters.postgres.store import PostgresStore, PostgresTransaction
from volexswarm.adapters.rate_limit import Bucket
from volexswarm.adapters.redis_pushes import PACE
from volexswarm.adapters.sqs import SqsSender, client
from volexswarm.messages import Event, OrderChanged, OrderState, Quote, QuotesMoved, encode
from volexswarm.settings import Settings

PATIENCE = 30


class Watcher:
    """A real client: `ask` says something and gives the answer, `next` what comes by itself."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self._waiting: list[dict[str, Any]] = []

    async def next(self) -> dict[str, Any]:
        while not self._waiting:
            frame = await self.socket.receive(PATIENCE)
            assert frame.type is aiohttp.WSMsgType.TEXT, frame
            message = json.loads(frame.data)
            self._waiting += message if isinstance(message, list) else [message]
        return self._waiting.pop(0)

    async def ask(self, action: str, **fields: Any) -> dict[str, Any]:
        await self.socket.send_str(json.dumps({"action": action, **fields}))
        return await self.next()


class Live:
    """A deployed stack with a WebSocket API, and a way to let things happen in it."""

    def __init__(self, outputs: Outputs, emulator: Emulator, dsn: str, password: str) -> None:
        self.dsn = dsn
        self.api = outputs.api_url
        host = emulator.url.removeprefix("http")
        self.address = f"ws{host}/_aws/execute-api/{outputs.values['WebSocketId']}/live"
        self.database = Database(lambda: dsn)
        self.sender = SqsSender(STACK)
        self.store = PostgresStore(self.database, PostgresTransaction, Relay(self.database, self.sender))
        answer = httpx.post(f"{self.api}/login", json={"username": "admin", "password": password}, timeout=30)
        self.token = answer.json()["data"]["token"]
        self._count = 0

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def ticket(self) -> str:
        answer = httpx.post(f"{self.api}/ws/ticket", headers=self.bearer, timeout=30)
        return str(answer.json()["data"]["ticket"])

    def order(self, symbol: str = "BTC/USDT") -> int:
        """An order changes; answers how manieth that is."""
        self._count += 1
        now = datetime.now(UTC)
        data = OrderChanged(
            venue="binance", symbol=symbol, account="main", order_id="o", client_order_id="c", exchange_order_id=None,
            before=None, after=OrderState.ACCEPTED, filled=Decimal(self._count), cause="test", as_of=now,
        )  # fmt: skip
        with self.store.transaction() as tx:
            tx.publish(Event.root(data, source="execution", subject="x", identity=str(self._count), time=now))
        return self._count

    def quote(self, bid: int) -> None:
        now = datetime.now(UTC)
        quote = Quote(bid=Decimal(bid), ask=Decimal(bid + 1), as_of=now, received_at=now)
        data = QuotesMoved(venue="binance", quotes={"BTC/USDT": quote})
        event = Event.root(data, source="realtime-data", subject="binance", identity=str(bid), time=now)
        self.sender.send("pushes.fifo", [(event.id, data.group, encode(event))])

    def is_told(self) -> bool:
        """Whether the queue holds nothing, and nothing of it is being worked on."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = client().get_queue_attributes(QueueUrl=self.sender.url("pushes.fifo"), AttributeNames=names)
        return set(answer["Attributes"].values()) == {"0"}

    def newest(self) -> str:
        """The connection that was made last."""
        with psycopg.connect(self.dsn) as connection:
            row = connection.execute("SELECT id FROM push_connections ORDER BY connected_at DESC").fetchone()
        assert row is not None
        return str(row[0])

    def connections(self) -> int:
        with psycopg.connect(self.dsn) as connection:
            row = connection.execute("SELECT count(*) FROM push_connections").fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture
def live(
    trial: Trial, aws: Emulator, real_parts: Settings, vault_server: VaultServer, database_dsn: str
) -> Iterator[Live]:
    settings = real_parts.model_copy(update={"symbols": ("BTC/USDT", "ETH/USDT")})
    live = Live(trial.deploy(**settings_parameters(settings)), aws, database_dsn, vault_server.admin_password)
    yield live
    live.database.close()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def until(holds: Any) -> None:
    """Wait for something that is true sooner or later."""
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.1)


async def kill(*functions: str) -> None:
    """End the functions' processes as the machine might, and wait for their end."""
    ended = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            own = process.environ().get("AWS_LAMBDA_FUNCTION_NAME", "").removeprefix(f"{STACK}-api-")
            if {process.name(), own} & set(functions):  # forked ones show the environment of what they are forks of
                process.send_signal(signal.SIGKILL)
                ended.append(process)
    assert len(ended) >= len(functions)
    await until(lambda: not any(map(_is_running, ended)))


def _is_running(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.mark.timeout(300)
async def test_clients_watch_leave_come_back_and_miss_nothing(
    live: Live, session: aiohttp.ClientSession, redis_url: str
) -> None:
    # who shows nothing good stays outside
    for address, headers in [
        (live.address, {}),
        (live.address, {"Authorization": "Bearer forged"}),
        (f"{live.address}?token={live.token}", {}),
        (f"{live.address}?ticket=guessed", {}),
    ]:
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(address, headers=headers)

    # three ways in
    ann = Watcher(await session.ws_connect(live.address, headers=live.bearer))
    protocols = ("volexswarm.v1", f"bearer.{live.token}")
    bob = Watcher(await session.ws_connect(live.address, protocols=protocols))
    assert bob.socket.protocol == "volexswarm.v1"
    ticket = live.ticket()
    eve = Watcher(await session.ws_connect(f"{live.address}?ticket={ticket}"))
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await session.ws_connect(f"{live.address}?ticket={ticket}")
    assert live.connections() == 3

    # a snapshot, then numbered updates, by filter
    begun = await ann.ask("subscribe", channel="orders", id="1")
    assert (begun["type"], begun["id"], begun["number"], begun["snapshot"]) == ("subscribed", "1", 0, {"items": []})
    await bob.ask("subscribe", channel="orders", filters={"symbol": ["ETH/USDT"]})
    await eve.ask("subscribe", channel="orders")
    live.order()
    live.order("ETH/USDT")
    seen = [await ann.next(), await ann.next()]
    assert [(u["number"], u["after"], u["data"]["filled"]) for u in seen] == [(1, 0, "1"), (2, 1, "2")]
    assert {u["simulated"] for u in seen} == {True}
    assert [(u["number"], u["after"]) for u in [await bob.next()]] == [(2, 0)]

    # functions end and come back: nobody notices
    await until(live.is_told)
    await kill("meta-broadcast", "meta-websocket")
    live.order()
    assert (await ann.next())["number"] == 3
    assert (await ann.ask("ping", id="p"))["type"] == "pong"

    # one leaves; another's connection breaks without a word; both are forgotten
    await ann.socket.close()
    await until(lambda: live.connections() == 2)
    assert [(await eve.next())["number"] for _ in range(3)] == [1, 2, 3]
    eve.socket._response.connection.transport.abort()  # type: ignore[union-attr]
    live.order()
    await until(lambda: live.connections() == 1)

    # what was missed comes on resuming
    ann = Watcher(await session.ws_connect(live.address, headers=live.bearer))
    resumed = await ann.ask("resume", channel="orders", epoch=begun["epoch"], number=3)
    assert resumed["type"] == "resumed"
    assert (await ann.next())["number"] == 4

    # a Redis that forgot everything: all begin again
    with redis.Redis.from_url(redis_url) as memory:
        memory.flushall()
    live.order()
    for watcher in (ann, bob):
        reset = await watcher.next()
        assert (reset["type"], reset["epoch"] == begun["epoch"]) == ("reset", False)
    live.order("ETH/USDT")
    assert (await bob.next())["data"]["filled"] == "6"

    # commands are the API's own
    refused = await bob.ask("command", command="trade", body={"symbol": "BTC/USDT"}, key="a-key-of-mine", id="c")
    assert (refused["type"], refused["code"], refused["id"]) == ("error", "invalid_input", "c")
    halted = await bob.ask("command", command="halt", body={"reason": "the market is broken"})
    assert halted["data"]["halt"]["reason"] == "the market is broken"


HOSTILE = [
    "",
    "{",
    "[]",
    "null",
    '"subscribe"',
    '{"action":"$connect"}',
    '{"action":"$disconnect"}',
    '{"action":"subscribe"}',
    '{"action":"subscribe","channel":"secrets"}',
    '{"action":"subscribe","channel":"orders","filters":{"symbol":"; DROP TABLE push_connections"}}',
    '{"action":"subscribe","channel":"orders","filters":{"symbol":["; DROP TABLE push_connections"]}}',
    '{"action":"resume","channel":"orders","epoch":"x","number":1e400}',
    '{"action":"auth","token":"forged"}',
    '{"action":"command","command":"../../etc/passwd"}',
    '{"action":"command","command":"order.cancel","parameters":{"order":"%00"},"body":{"reason":"why not"}}',
    "[" * 8000,
    '{"action":"ping","id":"' + "x" * 20_000 + '"}',
    "\x00\x01\x02",
]


@pytest.mark.timeout(300)
async def test_hostile_clients_get_errors_and_nobody_else_suffers(
    live: Live, session: aiohttp.ClientSession, redis_url: str
) -> None:
    watcher = Watcher(await session.ws_connect(live.address, headers=live.bearer))
    await watcher.ask("subscribe", channel="quotes")
    rude = Watcher(await session.ws_connect(live.address, headers=live.bearer))
    for text in HOSTILE:
        await rude.socket.send_str(text)
        answer = await rude.next()
        assert answer["type"] == "error", (text[:80], answer)
        assert answer["code"] != "internal_error"
    await rude.socket.send_bytes(b"\xff\xfe\x00binary")
    assert (await rude.next())["type"] == "error"
    assert (await rude.ask("ping"))["type"] == "pong"

    # one that has used up its actions is sent away
    with redis.Redis.from_url(redis_url, decode_responses=True) as memory:
        Bucket(memory, f"push:{live.newest()}", PACE).drain(timedelta(minutes=5))
    assert (await rude.ask("ping"))["code"] == "too_many_actions"
    assert (await rude.socket.receive(PATIENCE)).type is not aiohttp.WSMsgType.TEXT
    assert rude.socket.closed

    # the others see what happens all the while
    async def market() -> None:
        for bid in range(100, 200):
            live.quote(bid)  # one that comes late is dropped: the next is there already
            await asyncio.sleep(0.5)

    moving = asyncio.create_task(market())
    assert (await watcher.next())["data"]["symbol"] == "BTC/USDT"
    moving.cancel()
    await until(lambda: live.connections() == 1)
