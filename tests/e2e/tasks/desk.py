"""A person at the command line, who gives tasks, watches them and has a say in them."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import boto3
import httpx

from tests.e2e.conftest import Swarm

MARKETS = ("BTC/USDT", "ETH/USDT")
SMALL = {"BTC/USDT": "0.01", "ETH/USDT": "0.3"}
"""So little of each that no person is asked, unless a person is asked about everything, and enough to be worth a trade when the
team allows half of it."""
ENDED = ("succeeded", "rejected", "failed", "canceled", "expired")
AGREEMENT, PAUSE = 420.0, 4.0
"""Seconds in which a market comes that the team likes, and between two looks: a quarter of an hour of this market."""


def occasions() -> Iterator[int]:
    """Numbers from 0, now and then, until a market that the team likes should have come."""
    end = time.monotonic() + AGREEMENT
    for number in itertools.count():
        yield number
        if time.monotonic() > end:
            return
        time.sleep(PAUSE)


class Desk:
    """The command line of a swarm, and its state machine."""

    def __init__(self, swarm: Swarm) -> None:
        self.swarm = swarm

    def submit(self, words: str) -> str:
        """Say it, and that it is meant; the task's id."""
        return str(self.swarm.answers("task", words, "--yes", "--no-wait")["task"]["id"])

    def story(self, task: str) -> Any:
        return self.swarm.answers("tasks", "show", task)

    def await_status(self, task: str, *wanted: str, seconds: float = 300) -> Any:
        """The story, once the task is in one of these statuses."""
        end = time.monotonic() + seconds
        while True:
            story = self.story(task)
            status = story["task"]["status"]
            if status in wanted:
                return story
            assert status not in ENDED, f"it is {status}: {story['task']['reason']}"
            assert time.monotonic() < end, f"still {status} after {seconds} s"
            time.sleep(1)

    def asking(self) -> Any:
        """The story of a task that asks a person: the team agrees to a small purchase sooner or later."""
        told = []
        for number in occasions():
            market = MARKETS[number % len(MARKETS)]
            task = self.submit(f"buy {SMALL[market]} {market}")
            story = self.await_status(task, "awaiting_approval", "rejected")
            if story["task"]["status"] == "awaiting_approval":
                return story
            told.append(story["task"]["reason"])
        raise AssertionError("the team agreed to no purchase:\n" + "\n".join(told))

    def decide(self, story: Any, word: str) -> None:
        self.swarm.succeeds("approvals", word, story["approval"]["id"], "--reason", "as the test wants it")

    def policy(self, policy: str, **fields: str) -> None:
        changes = [f"{name}={value}" for name, value in fields.items()]
        self.swarm.succeeds("policy", "set", policy, *changes, "--reason", "as the test wants it")

    def execution(self, story: Any) -> str:
        """How the state machine's execution of a task stands."""
        states = self._aws("stepfunctions")
        [machine] = [m for m in states.list_state_machines()["stateMachines"] if m["name"] == "volexswarm-task"]
        arn = machine["stateMachineArn"].replace(":stateMachine:", ":execution:")
        name = f"task-{story['task']['id']}-{story['task']['attempt']}"
        return str(states.describe_execution(executionArn=f"{arn}:{name}")["status"])

    @contextmanager
    def broken(self, function: str) -> Iterator[None]:
        """A function whose code can't be loaded, as long as the block lasts."""
        client, name = self._aws("lambda"), f"volexswarm-api-{function}"
        handler = client.get_function_configuration(FunctionName=name)["Handler"]
        client.update_function_configuration(FunctionName=name, Handler="chalicelib.agents.nothing.on_task")
        try:
            yield
        finally:
            client.update_function_configuration(FunctionName=name, Handler=handler)

    @contextmanager
    def calm(self) -> Iterator[None]:
        """A market that hardly moves, as long as the block lasts."""
        usual = self.swarm.cloud.configuration.speed
        with httpx.Client(base_url=self.swarm.exchange_url, timeout=10) as exchange:
            exchange.post("/admin/clock", json={"speed": 1.0}).raise_for_status()
            try:
                yield
            finally:
                exchange.post("/admin/clock", json={"speed": usual}).raise_for_status()

    def _aws(self, service: Literal["lambda", "stepfunctions"]) -> Any:
        environment = self.swarm.cloud.parts.emulator.environment
        return boto3.client(
            service,
            endpoint_url=environment["AWS_ENDPOINT_URL"],
            region_name=environment["AWS_REGION"],
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        )
