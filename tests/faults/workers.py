"""The workers: processes that feed the functions' own handlers as Lambda does, killed and forked again in milliseconds.

`python -m tests.faults.workers BOARD` imports everything once, forks the workers, and forks each one again that dies. The
environment is that of the functions.
"""
# ruff: noqa: PLC0415 - what only workers need is imported by them, not by the suite, which imports this module for its names

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from tests.faults.board import Board, Delivery, Slot
from volexswarm.agents import REALTIME_DATA, Function, functions
from volexswarm.crashpoints import arm

logger = logging.getLogger("worker")

FEED: Final = REALTIME_DATA.name
COPIES: Final = {"market-data": 2, "risk": 2, "compliance": 2, "execution-orders": 2, "execution-fills": 2}
"""Functions that run more than once, as they do on Lambda; the others once."""
TICK: Final = 3.0
"""Seconds between two calls of a scheduled function."""

WOKEN: Final = tuple(function for function in functions() if function.queue or function.schedule)
NAMES: Final = (*(function.name for function in WOKEN), FEED)

_MOST_MESSAGES = 10
_PAUSE = 0.2
_TICKED: Final = {
    "version": "0",
    "id": "tick",
    "account": "000000000000",
    "region": "us-east-1",
    "source": "aws.events",
    "detail-type": "Scheduled Event",
    "time": "2025-01-01T00:00:00Z",
    "resources": [],
    "detail": {},
}
_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG
_WARMED = ("sqs", "secretsmanager")


@dataclass(frozen=True)
class Context:
    """What a handler reads of Lambda's context: `deadline` in seconds of the monotonic clock."""

    function_name: str
    deadline: float
    aws_request_id: str = "faults"

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.deadline - time.monotonic()) * 1000))


class QueueWorker:
    """Receives, calls the handler, deletes what succeeded: as Lambda's poller does."""

    def __init__(self, function: Function, handler: Callable[[Any, Any], Any], slot: Slot) -> None:
        assert function.queue is not None
        self._function = function
        self._handler = handler
        self._slot = slot
        self._sqs: Any = boto3.client("sqs")
        self._queue = f"{os.environ['VOLEX_STACK']}-{function.queue.value}"
        self._url = ""

    def run(self) -> None:
        while True:
            try:
                self._url = self._url or self._sqs.get_queue_url(QueueName=self._queue)["QueueUrl"]
                self._poll()
            except (BotoCoreError, ClientError) as error:
                logger.warning("%s: %s", self._queue, error)
                self._url = ""
                time.sleep(_PAUSE)

    def _poll(self) -> None:
        answer = self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=min(self._function.batch_size, _MOST_MESSAGES),
            WaitTimeSeconds=2,
            AttributeNames=["All"],
        )
        if messages := answer.get("Messages"):
            self._work(messages)

    def _work(self, messages: Sequence[dict[str, Any]]) -> None:
        delivery = self._slot["delivery"]
        if delivery == Delivery.OVERLAPPING:
            self._share([message for message in messages if message["Attributes"]["ApproximateReceiveCount"] == "1"])
        records = [self._record(message) for message in messages]
        if delivery == Delivery.TWICE:
            self._slot["repeated"] += len(records)
            self._call(records[::-1])
        failed = {item["itemIdentifier"] for item in self._call(records)["batchItemFailures"]}
        done = [message for message in messages if message["MessageId"] not in failed]
        if done:
            entries = [{"Id": str(i), "ReceiptHandle": message["ReceiptHandle"]} for i, message in enumerate(done)]
            self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries)

    def _share(self, messages: Sequence[dict[str, Any]]) -> None:
        for message in messages:
            self._slot["repeated"] += 1
            self._sqs.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )

    def _call(self, records: list[dict[str, Any]]) -> Any:
        deadline = time.monotonic() + self._function.timeout
        return self._handler({"Records": records}, Context(self._function.name, deadline))

    def _record(self, message: dict[str, Any]) -> dict[str, Any]:
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"],
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{self._queue}",
            "awsRegion": "us-east-1",
        }


def keep(function: Function, handler: Callable[[Any, Any], Any]) -> None:
    """Call a scheduled function again and again; one that fails is called again at the next tick, as on Lambda."""
    while True:
        try:
            handler(_TICKED, Context(function.name, time.monotonic() + function.timeout))
        except Exception:
            logger.exception("%s failed", function.name)
        time.sleep(TICK)


async def feed_account() -> None:
    """The part of `realtime-data` that speaks of the account; the market's part is the suite's, step by step."""
    from volexswarm.adapters.binance_venue import BinanceVenue
    from volexswarm.adapters.postgres.database import Database
    from volexswarm.adapters.postgres.realtime import PostgresFeedStore
    from volexswarm.adapters.redis_pushes import RedisAudience
    from volexswarm.adapters.redis_quotes import RedisQuoteBoard, client
    from volexswarm.adapters.sqs import SqsSender
    from volexswarm.adapters.vault import open_vault
    from volexswarm.clock import SystemClock
    from volexswarm.realtime.feeds import Feeds, Surroundings
    from volexswarm.realtime.settings import RealtimeSettings

    settings = RealtimeSettings.from_environment()
    vault = open_vault(settings, FEED)
    dsn, keys = vault.read("databases/main")["dsn"], vault.read(f"api_keys/{settings.venue}")
    venue = BinanceVenue(settings.exchange_url, settings.mode, settings.account, keys)
    await venue.prepare(settings.symbols)
    outside = Surroundings(
        venue,
        PostgresFeedStore(Database(lambda: dsn)),
        SqsSender(settings.stack),
        RedisQuoteBoard(client(settings.redis_url)),
        SystemClock(),
        random.Random(),
        RedisAudience(client(settings.redis_url)),
    )
    feeds = Feeds(settings, "account", {}, outside)
    await asyncio.gather(feeds.reports.run(), feeds.commands.run(), feeds.account.run())


def _feed() -> None:
    """The process ends when a part is away, and is started again: that is what its supervisor does."""
    try:
        asyncio.run(feed_account())
    except Exception:
        logger.exception("the feed ended")
        time.sleep(_PAUSE)


@cache
def _handlers() -> dict[str, Callable[[Any, Any], Any]]:
    """Every agent's handlers by their functions' names, as Chalice made them."""
    from chalice.app import Chalice

    from chalicelib import agents

    app = Chalice(app_name="volexswarm", configure_logs=False)
    for blueprint in agents.blueprints():
        app.register_blueprint(blueprint)
    return dict(app.handler_map)


def _live(name: str, board: Board) -> None:
    """Be one worker, in a process just forked."""
    slot = board[name]
    slot["pid"] = os.getpid()
    os.environ["AWS_LAMBDA_FUNCTION_NAME"] = name
    arm(slot.strike)
    if name == FEED:
        _feed()
        return
    function = next(function for function in WOKEN if function.name == name)
    handler = _handlers()[name]
    if function.queue is None:
        keep(function, handler)
    else:
        QueueWorker(function, handler, slot).run()


class Nursery:
    """Forks the workers, and each again that dies."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._names: dict[int, str] = {}

    def run(self) -> None:
        for name in NAMES:
            for _ in range(COPIES.get(name, 1)):
                self._fork(name)
        while True:
            pid, status = os.wait()
            name = self._names.pop(pid)
            if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
                self._board[name]["kills"] += 1
            self._fork(name)

    def _fork(self, name: str) -> None:
        parent = os.getpid()
        pid = os.fork()
        if pid:
            self._names[pid] = name
            return
        status = 1
        try:
            ctypes.CDLL(None).prctl(_DEATH_SIGNAL, int(signal.SIGKILL))
            if os.getppid() == parent:
                _live(name, self._board)
                status = 0
        finally:
            os._exit(status)


def _warm() -> None:
    """Import what handlers import on first use, and read AWS's models: a fork has them for nothing."""
    import ccxt.binance
    import ccxt.pro  # noqa: F401

    import volexswarm.strategies.registry  # noqa: F401
    from volexswarm.adapters.postgres import compliance, execution, market, monitor, push, risk, signals, tasks  # noqa: F401
    from volexswarm.compliance import agent as _compliance  # noqa: F401
    from volexswarm.execution import agent as _execution  # noqa: F401
    from volexswarm.portfolio import agent as _portfolio  # noqa: F401
    from volexswarm.push import broadcaster as _broadcaster  # noqa: F401
    from volexswarm.risk import agent as _risk  # noqa: F401
    from volexswarm.signals import agent as _signal  # noqa: F401

    _handlers()
    for service in _WARMED:
        boto3.client(service)


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(process)d %(name)s %(message)s")
    _warm()
    gc.freeze()
    Nursery(Board(Path(sys.argv[1]), NAMES)).run()


if __name__ == "__main__":
    main()
