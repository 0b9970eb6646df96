"""Whole clouds for end-to-end tests: the same code as `make up`, in folders of their own, on free ports."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.e2e import evidence
from volexlocal.cloud import Cloud, free_ports
from volexlocal.home import CHECKOUT
from volexswarm.messages import Queue

SHARED_CACHE = CHECKOUT / ".volex" / "cache"


class Swarm:
    """A running cloud and its command line client, as a user has them."""

    def __init__(self, cloud: Cloud, folder: Path) -> None:
        self.cloud = cloud
        self.dsn = cloud.dsn
        self.exchange_url = cloud.configuration.url("exchange")
        emulator = cloud.parts.emulator.environment
        self.sqs = boto3.client(
            "sqs",
            endpoint_url=emulator["AWS_ENDPOINT_URL"],
            region_name=emulator["AWS_REGION"],
            aws_access_key_id=emulator["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=emulator["AWS_SECRET_ACCESS_KEY"],
        )
        self._environment = os.environ | {"VOLEXSWARM_URL": cloud.api_url, "XDG_CONFIG_HOME": str(folder)}
        self._environment.pop("VOLEX_HOME", None)

    def log_in(self) -> None:
        self.succeeds("login", "--password-file", str(self.cloud.home.admin_password))

    def runs(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`volexswarm WORDS…`, whatever its outcome."""
        command = [str(Path(sys.executable).parent / "volexswarm"), *words]
        return subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False, timeout=120)

    def succeeds(self, *words: str) -> str:
        """`volexswarm WORDS…`, which must succeed; what it printed."""
        done = self.runs(*words)
        assert done.returncode == 0, f"volexswarm {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def answers(self, *words: str) -> Any:
        """`volexswarm WORDS… --json`, which must succeed; what it answered."""
        return json.loads(self.succeeds(*words, "--json"))

    def queue_url(self, queue: str) -> str:
        return str(self.sqs.get_queue_url(QueueName=f"volexswarm-{queue}")["QueueUrl"])

    def messages_on_their_way(self) -> int:
        """Messages in the queues, in the hands of functions, and in the outbox."""
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        total = int(evidence.value(self.dsn, "SELECT count(*) FROM outbox WHERE published_at IS NULL"))
        for queue in Queue:
            asked = self.sqs.get_queue_attributes(QueueUrl=self.queue_url(queue), AttributeNames=list(names))
            total += sum(int(asked["Attributes"][name]) for name in names)
        return total

    def ledger(self) -> dict[str, Decimal]:
        """What our books say that the exchange holds for us."""
        return evidence.ledger_assets(self.dsn)

    def exchange(self) -> dict[str, Decimal]:
        """What the exchange says that it holds for us."""
        return evidence.exchange_assets(self.exchange_url)

    def books_are_exact(self) -> bool:
        """Both say the same, to the last digit."""
        return self.ledger() == self.exchange()


@contextlib.contextmanager
def swarms(folders: pytest.TempPathFactory) -> Iterator[Callable[..., Swarm]]:
    """A function that brings a cloud up and logs in, by `Configuration`'s fields; all are ended at the end.

    What is built once is kept for all of them.
    """
    clouds: list[Cloud] = []

    def start(**wishes: Any) -> Swarm:
        home = folders.mktemp("swarm")
        SHARED_CACHE.mkdir(parents=True, exist_ok=True)
        (home / "cache").symlink_to(SHARED_CACHE)
        cloud = Cloud(home, attached=True)
        clouds.append(cloud)
        cloud.up({"ports": free_ports(), **wishes})
        swarm = Swarm(cloud, home / "client")
        swarm.log_in()
        return swarm

    try:
        yield start
    finally:
        for cloud in clouds:
            cloud.down()


@pytest.fixture(scope="module")
def start_swarm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Swarm]]:
    """`start_swarm(speed=…, replay=…)` brings up a cloud for one module."""
    with swarms(tmp_path_factory) as start:
        yield start
