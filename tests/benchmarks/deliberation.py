"""How long the team takes to deliberate when policy analysts speak: the first time in a new process, then warm, and per turn.

The records lie in PostgreSQL; a turn's own cost is measured without it, and without a model: what AutoGen and the guard take.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from infra.migrate import migrate
from tests.benchmarks.figure import Figure, spread
from tests.unit.deliberation.panels import all_testimonies, question
from volexlocal import ports
from volexlocal.home import CHECKOUT
from volexlocal.servers.postgres import Postgres
from volexlocal.servers.server import Place
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.deliberation import DeliberationTransaction
from volexswarm.adapters.postgres.outbox import Relay
from volexswarm.adapters.postgres.store import PostgresStore
from volexswarm.clock import SystemClock
from volexswarm.deliberation.autogen_runner import AutoGenTeam
from volexswarm.deliberation.coordinator import EnhancedAgentCoordinator
from volexswarm.deliberation.desk import DESK, ROLES
from volexswarm.deliberation.domain import (
    Ask,
    Configuration,
    Deliberation,
    Limits,
    ModelChoice,
    Objection,
    Opinion,
    Recorded,
    Snapshot,
    Usage,
)
from volexswarm.deliberation.models.guarded import Guarded
from volexswarm.deliberation.models.policy import PolicyModel
from volexswarm.deliberation.policies import speak
from volexswarm.deliberation.ports import Budget, Reservation, Tape
from volexswarm.deliberation.prompts import ask_of
from volexswarm.messages import Stance

TIMES = 50
COLD = 3
CHOICE = ModelChoice(provider="policy", name="analysts")

_COLD = """
import json, sys, time
began = time.perf_counter()
from tests.benchmarks import deliberation
imported = time.perf_counter()
deliberation.deliberate(sys.argv[1], sys.argv[2], quarrel=False)
print(json.dumps([(imported - began) * 1000, (time.perf_counter() - began) * 1000]))
"""


class Analysts:
    """Guarded policy analysts."""

    choice = CHOICE

    def guarded(self, ask: Ask, choice: ModelChoice, budget: Budget, tape: Tape) -> Guarded:
        return Guarded(ask, choice, lambda: PolicyModel(speak), budget, tape, speak)


class Unbounded:
    """Budget and tape that cost nothing."""

    def reserve(self, key: str, role: str, usage: Usage) -> Reservation:
        return Reservation(0, usage.tokens, usage.cost)

    def settle(self, reservation: Reservation, usage: Usage) -> None:
        return None

    def seconds_left(self) -> float:
        return 60.0

    def recall(self, key: str) -> Recorded | None:
        return None

    def record(self, key: str, recorded: Recorded) -> Recorded:
        return recorded


class NoSender:
    """A queue service that takes every message."""

    def send(self, queue: str, messages: Sequence[tuple[str, str | None, str]]) -> set[str]:
        return {message[0] for message in messages}


def run() -> Iterator[Figure]:
    """Cold, warm with and without a quarrel, and what one turn costs by itself."""
    with tempfile.TemporaryDirectory(prefix="volex-bench-") as folder:
        home = Path(folder)
        place = Place(ports.free_ports(1)[0], home / "postgres", home / "postgres.log")
        server = Postgres(place, secrets=home / "secrets")
        server.start()
        try:
            migrate(server.dsn)
            yield from _measured(server.dsn)
        finally:
            server.stop()


def deliberate(dsn: str, task: str, *, quarrel: bool) -> None:
    """One deliberation from its question to its ruling."""
    database = Database(lambda: dsn)
    _deliberate(database, task, quarrel=quarrel)
    database.close()


def _deliberate(database: Database, task: str, *, quarrel: bool) -> None:
    coordinator = EnhancedAgentCoordinator(
        store=PostgresStore(database, DeliberationTransaction, Relay(database, NoSender())),
        clock=SystemClock(),
        team=lambda choice, ledger: AutoGenTeam(Analysts(), choice, ledger, ledger),
        choice=CHOICE,
    )
    strategy = {"stance": -1.0 if quarrel else 0.6}
    coordinator.deliberate(question(task=task), all_testimonies(strategy=strategy), Limits())


def _measured(dsn: str) -> Iterator[Figure]:
    cold = [_cold(dsn, f"cold{number}") for number in range(COLD)]
    yield Figure("cold: imports, median", sorted(imports for imports, _ in cold)[COLD // 2], "ms")
    yield Figure("cold: imports and first deliberation, median", sorted(whole for _, whole in cold)[COLD // 2], "ms")
    database = Database(lambda: dsn)
    for name, quarrel in (("agreed, 6 turns", False), ("challenged, 8 turns or more", True)):
        _deliberate(database, f"warm-up {name}", quarrel=quarrel)
        taken = []
        for number in range(TIMES):
            began = time.perf_counter()
            _deliberate(database, f"{name} {number}", quarrel=quarrel)
            taken.append(round((time.perf_counter() - began) * 1000, 1))
        yield from spread(f"warm deliberation, {name}", taken)
    database.close()
    yield from _turns()


def _cold(dsn: str, task: str) -> tuple[float, float]:
    environment = {"PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'layers'}"}
    command = [sys.executable, "-c", _COLD, dsn, task]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    imports, whole = json.loads(done.stdout)
    return round(imports, 1), round(whole, 1)


def _turns() -> Iterator[Figure]:
    """What AutoGen and the guard take around an answer that is there at once."""
    facts = Snapshot(question=question(), testimonies=all_testimonies())
    rules = Configuration(limits=Limits(), model=CHOICE, prompt_version="1")
    frozen = Deliberation(id="0" * 64, snapshot=facts, configuration=rules)
    free = Unbounded()
    team = AutoGenTeam(Analysts(), CHOICE, free, free)
    asks = [ask_of(frozen, role, "blind") for role in DESK]
    said = Opinion(stance=Stance.BUY, confidence=0.5, size_frac=0.05, rationale="because")
    challenge = ask_of(frozen, ROLES["strategy"], "challenge", 1, said, Objection(role="signal", opinion=said))
    blind = [round(_timed(lambda: team.blind(asks)) / len(asks), 2) for _ in range(TIMES)]
    turns = [_timed(lambda: team.turn(challenge, "signal")) for _ in range(TIMES)]
    yield from spread("overhead of a turn in the blind round", blind)
    yield from spread("overhead of a challenge's turn", turns)


def _timed(work: Callable[[], object]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    work()
    return round((time.perf_counter() - began) * 1000, 2)
