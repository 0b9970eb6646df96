"""Deliberations under random `kill -9` of the function, as a program: DSN REDIS COUNT SEED [--calm].

One process imports everything, then forks the function again and again: each fork calls the real handler with one question
after the other, and is killed at a random moment. Prints, as JSON, how often that was, and how often the model was asked for what
it had been asked for before.
"""

from __future__ import annotations

import gc
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.fakes.transaction import START
from tests.unit.deliberation.panels import FEATURES, one_testimony, question
from volexswarm.deliberation.domain import Ask
from volexswarm.messages import Side

ROOT = Path(__file__).resolve().parents[3]
FUNCTION = "meta-deliberate"
SHORTEST, LONGEST = 0.001, 0.12
"""Seconds that a function lives: from less than its first statement to more than a whole deliberation, on an idle machine."""
STEP = 1.5
"""How much longer the next life may be after one in which nothing was asked: a busy machine is slower."""
NAMESPACE = uuid.UUID("2b1f4c7e-5a52-4f0e-9f64-3d4d0a0f4f10")


@dataclass(frozen=True)
class Report:
    """What was done. `asked` counts every call of a model, `repeated` those that repeat one."""

    deliberations: int
    kills: int
    asked: int
    repeated: int
    seconds: float


def hurt(dsn: str, redis_url: str, count: int, seed: int, *, calm: bool = False) -> Report:
    """Hold so many deliberations in a process of its own; `calm` kills nobody."""
    arguments = [dsn, redis_url, str(count), str(seed), *(["--calm"] if calm else [])]
    command = [sys.executable, "-m", "tests.integration.deliberation.crashes", *arguments]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{ROOT / 'layers'}:{ROOT / 'functions'}"}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        pytest.fail(done.stderr[-3000:])
    return Report(**json.loads(done.stdout.splitlines()[-1]))


def events(count: int, seed: int) -> list[dict[str, Any]]:
    """Questions on random markets, so that some are agreed on, some quarrelled over, some vetoed."""
    draw = random.Random(seed)
    return [_event(draw, str(uuid.uuid5(NAMESPACE, f"{seed}/{number}"))) for number in range(count)]


def _event(draw: random.Random, task_id: str) -> dict[str, Any]:
    wish = draw.choice([None, Side.BUY, Side.SELL])
    asked = question(wish, draw.choice([None, 0.2]) if wish is Side.BUY else None, task_id)
    given = [one_testimony(agent, _drawn(draw, agent, usual)) for agent, usual in FEATURES.items()]
    return {
        "step": "deliberate",
        "task_id": task_id,
        "attempt": 1,
        "question": asked.model_dump(mode="json"),
        "testimonies": [testimony.model_dump(mode="json") for testimony in given],
    }


def _drawn(draw: random.Random, agent: str, usual: Mapping[str, float]) -> dict[str, float]:
    changed: dict[str, Callable[[], float]] = {
        "trend": lambda: draw.uniform(-1, 1),
        "return_1d": lambda: draw.gauss(0, 0.03),
        "return_7d": lambda: draw.gauss(0, 0.08),
        "ma_spread": lambda: draw.gauss(0, 1),
        "macd_hist": lambda: draw.gauss(0, 0.5),
        "stance": lambda: draw.uniform(-1, 1),
        "sentiment": lambda: draw.uniform(-1, 1),
        "passed": lambda: float(draw.random() > 0.05),
    }
    return {name: changed[name]() if name in changed else value for name, value in usual.items()}


class Nursery:
    """Forks the function, kills it, and forks it again, until every question has its ruling.

    `asked` grows whenever a model was asked.
    """

    def __init__(
        self,
        questions: Sequence[dict[str, Any]],
        handler: Callable[[Any, Any], Any],
        asked: Callable[[], int],
        seed: int,
    ) -> None:
        self._questions = questions
        self._handler = handler
        self._asked = asked
        self._draw = random.Random(seed)
        self.kills = 0

    def run(self, *, calm: bool) -> None:
        done, longest = 0, LONGEST
        while done < len(self._questions):
            before = self._asked()
            done += self._life(done, None if calm else self._draw.uniform(SHORTEST, longest))
            longest = longest * STEP if self._asked() == before else max(LONGEST, longest / STEP)

    def _life(self, first: int, seconds: float | None) -> int:
        """One fork's life; how many questions it has answered."""
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            self._work(first, writer)
        os.close(writer)
        if seconds is not None:
            time.sleep(seconds)
            os.kill(pid, signal.SIGKILL)
        with os.fdopen(reader, "rb") as pipe:
            answered = len(pipe.read())
        _, status = os.waitpid(pid, 0)
        self.kills += os.WIFSIGNALED(status)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status):
            raise SystemExit("the function failed")
        return answered

    def _work(self, first: int, writer: int) -> None:
        status = 1
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            for event in self._questions[first:]:
                self._handler(event, None)
                os.write(writer, b".")
            status = 0
        finally:
            os._exit(status)


def _environment(redis_url: str) -> None:
    os.environ.update(
        AWS_LAMBDA_FUNCTION_NAME=f"volexswarm-api-{FUNCTION}",
        AWS_DEFAULT_REGION="us-east-1",
        VOLEX_TARGET="embedded",
        VOLEX_SYMBOLS="BTC/USDT",
        VOLEX_TIMEFRAMES="1h",
        VOLEX_REDIS_URL=redis_url,
        VOLEX_VAULT_URL="http://127.0.0.1:1",
        VOLEX_LOG_LEVEL="ERROR",
    )


class _Taken:
    """A queue service that takes every message."""

    def send(self, queue: str, messages: Sequence[tuple[str, str | None, str]]) -> set[str]:
        return {message[0] for message in messages}


def _prepare(dsn: str, tally: int) -> Callable[[Any, Any], Any]:
    """The function's handler, on the database of the test, with a model that leaves a mark outside of it when asked."""
    from chalice.app import Chalice  # noqa: PLC0415 - after the environment is set, as on Lambda

    from chalicelib.agents import deliberation  # noqa: PLC0415
    from chalicelib.runtime import wiring  # noqa: PLC0415
    from volexswarm.adapters.postgres.database import Database  # noqa: PLC0415
    from volexswarm.deliberation.models.policy import PolicyModel  # noqa: PLC0415

    answer = PolicyModel.ask

    def counted(self: PolicyModel, ask: Ask, seconds: float) -> Any:
        os.write(tally, f"{ask.deliberation_id}/{ask.role}/{ask.phase}/{ask.round}\n".encode())
        return answer(self, ask, seconds)

    database = Database(lambda: dsn)
    wiring.database = lambda: database  # type: ignore[assignment]
    wiring.sender = _Taken  # type: ignore[assignment]
    PolicyModel.ask = counted  # type: ignore[method-assign]
    for made in (wiring.coordinator, wiring.step_record, wiring.run_log):
        made()  # imports what the first call would; nothing is opened
    app = Chalice(app_name="volexswarm", configure_logs=False)
    app.register_blueprint(deliberation.blueprint)
    handler: Callable[[Any, Any], Any] = app.handler_map[FUNCTION]
    return handler


def _add_tasks(dsn: str, questions: Sequence[dict[str, Any]]) -> None:
    with psycopg.connect(dsn) as connection:
        connection.cursor().executemany(
            "INSERT INTO tasks (id, kind, priority, rank, status, attempt, request, symbols, understood, requested_by,"
            " idempotency_key, reason, created_at) VALUES (%(id)s::uuid, 'trade', 'medium', 2, 'running', 1, '{}', '{BTC/USDT}',"
            " '', 'test', %(id)s::text, 'test', %(at)s)",
            [{"id": event["task_id"], "at": START} for event in questions],
        )


def main() -> None:
    dsn, redis_url, count, seed = sys.argv[1:5]
    questions = events(int(count), int(seed))
    _environment(redis_url)
    _add_tasks(dsn, questions)
    with tempfile.TemporaryFile() as tally:
        handler = _prepare(dsn, tally.fileno())
        nursery = Nursery(questions, handler, lambda: os.fstat(tally.fileno()).st_size, int(seed))
        gc.freeze()
        began = time.perf_counter()
        nursery.run(calm="--calm" in sys.argv)
        seconds = time.perf_counter() - began
        tally.seek(0)
        asked = tally.read().decode().splitlines()
    report = Report(len(questions), nursery.kills, len(asked), len(asked) - len(set(asked)), round(seconds, 2))
    sys.stdout.write(json.dumps(asdict(report)) + "\n")


if __name__ == "__main__":
    main()
