"""What is done to the system. Each fault knows how to begin, when it is over, how often it really struck, and how to end."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import httpx
import psycopg
from psycopg import sql

from tests.faults.board import Delivery
from tests.faults.play import Disturbance
from tests.faults.site import Stage
from tests.faults.workers import FEED, NAMES, WOKEN
from volexlocal.servers.server import Server
from volexswarm.crashpoints import CrashPoint

_SPELLS = ("rate_limit", "ban", "maintenance", "clock_skew", "stall_sockets")


class Fault(Disturbance, ABC):
    """One fault in one round. `began_at` is when it first hurt, in seconds of the monotonic clock."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.began_at: float | None = None

    @abstractmethod
    def begin(self) -> None:
        """Prepare it, or let it happen at once."""

    @property
    @abstractmethod
    def strikes(self) -> int:
        """How often it has struck."""

    def tend(self) -> None:
        if self.began_at is None and self.strikes:
            self.began_at = time.monotonic()

    def end(self) -> None:
        """Take it away, whatever became of it."""


class Crash(Fault):
    """`kill -9` of a function's worker as it passes a crash point, `times` over; before each, `skip` passings go by."""

    def __init__(self, stage: Stage, function: str, point: CrashPoint, times: int = 1, skip: int = 0) -> None:
        super().__init__(stage)
        self._slot = stage.board[function]
        self._point, self._times, self._skip = point, times, skip
        self._waits = function in {one.name for one in WOKEN if one.schedule}
        self._before = self._slot["kills"]

    def begin(self) -> None:
        self._slot.arm(self._point, self._times, self._skip)

    @property
    def is_over(self) -> bool:
        """A scheduled function passes its points sooner or later; what a queue wakes has passed when all is at rest."""
        return not self._waits or self.strikes >= self._times

    @property
    def strikes(self) -> int:
        return self._slot["kills"] - self._before

    def end(self) -> None:
        self._slot.disarm()


class Both(Fault):
    """Two faults in one round: the second while the first heals."""

    def __init__(self, stage: Stage, first: Fault, second: Fault) -> None:
        super().__init__(stage)
        self._faults = (first, second)

    def begin(self) -> None:
        for fault in self._faults:
            fault.begin()

    def tend(self) -> None:
        super().tend()
        for fault in self._faults:
            fault.tend()

    @property
    def is_over(self) -> bool:
        return all(fault.is_over and fault.strikes for fault in self._faults)

    @property
    def strikes(self) -> int:
        return sum(fault.strikes for fault in self._faults)

    def end(self) -> None:
        for fault in self._faults:
            fault.end()


class Redelivery(Fault):
    """Every message of the round is delivered more than once, and not in order; a fault for each message."""

    def __init__(self, stage: Stage, delivery: Delivery) -> None:
        super().__init__(stage)
        self._delivery = delivery
        self._before = self._repeated

    def begin(self) -> None:
        self._set(self._delivery)

    @property
    def _repeated(self) -> int:
        return sum(self.stage.board[function.name]["repeated"] for function in WOKEN)

    @property
    def strikes(self) -> int:
        """One: the round. What was repeated is counted too, to know that anything was."""
        return int(self._repeated > self._before)

    def end(self) -> None:
        self._set(Delivery.ONCE)

    def _set(self, delivery: Delivery) -> None:
        for function in WOKEN:
            self.stage.board[function.name]["delivery"] = delivery


class Spell(Fault):
    """Something that is gone for some seconds, from `after` seconds into the round on: mostly while orders are under way."""

    def __init__(self, stage: Stage, seconds: float, after: float = 0.3) -> None:
        super().__init__(stage)
        self._seconds, self._after = seconds, after
        self._start: float | None = None
        self._healed = False

    def begin(self) -> None:
        self._start = time.monotonic()
        self.tend()

    def tend(self) -> None:
        now = time.monotonic()
        if self._start is None or self._healed:
            return
        if self.began_at is None and now >= self._start + self._after:
            self.hurt()
            self.began_at = time.monotonic()
        elif self.began_at is not None and now >= self.began_at + self._seconds:
            self.heal()
            self._healed = True

    @property
    def is_over(self) -> bool:
        return self._healed

    @property
    def strikes(self) -> int:
        return int(self.began_at is not None)

    def end(self) -> None:
        if self.began_at is not None and not self._healed:
            self.heal()
            self._healed = True

    @abstractmethod
    def hurt(self) -> None:
        """Take it away."""

    @abstractmethod
    def heal(self) -> None:
        """Bring it back."""


class Outage(Spell):
    """A server is stopped (or killed) and started again."""

    def __init__(self, stage: Stage, server: Server, seconds: float, after: float = 0.3, *, kill: bool = False) -> None:
        super().__init__(stage, seconds, after)
        self._server, self._kill = server, kill

    def hurt(self) -> None:
        if self._kill:
            self._server.kill()
        else:
            self._server.stop()

    def heal(self) -> None:
        self._server.start()


class LostQueues(Outage):
    """The queue service is killed with all that it held; the queues are made again, and what was not answered is sent again."""

    def heal(self) -> None:
        super().heal()
        self.stage.restore_queues()


class Silence(Spell):
    """A server accepts connections and says nothing. It is woken by a process of its own, so that it sleeps on in no case."""

    def __init__(self, stage: Stage, server: Server, seconds: float, after: float = 0.3) -> None:
        super().__init__(stage, seconds, after)
        identity = server.identity
        assert identity is not None
        self._spell = f"kill -STOP {identity.pid}; sleep {seconds}; kill -CONT {identity.pid}"
        self._keeper: subprocess.Popen[bytes] | None = None

    def hurt(self) -> None:
        self._keeper = subprocess.Popen(["sh", "-c", self._spell], start_new_session=True)

    def heal(self) -> None:
        assert self._keeper is not None
        self._keeper.wait()


class Sealed(Spell):
    """Vault is sealed by its operator."""

    def hurt(self) -> None:
        self.stage.site.openbao.seal()

    def heal(self) -> None:
        self.stage.site.openbao.unseal()
        self.stage.site.openbao.wait()


class ReadOnly(Spell):
    """The database takes no writes: a full disk, or a server that has become a replica."""

    def hurt(self) -> None:
        self._set("on")

    def heal(self) -> None:
        self._set("off")

    def _set(self, value: str) -> None:
        name = sql.Identifier(self.stage.stack)
        with psycopg.connect(self.stage.site.postgres.superuser_dsn, autocommit=True) as connection:
            statement = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = {}")
            connection.execute(statement.format(name, sql.SQL("on") if value == "on" else sql.SQL("off")))
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (self.stage.stack,)
            )


class Killing(Spell):
    """`kill -9` of these workers, all at the same moment, wherever they are."""

    def __init__(self, stage: Stage, names: Sequence[str], after: float = 0.3) -> None:
        super().__init__(stage, 0.0, after)
        self._names = names
        self._before = self._kills

    @property
    def _kills(self) -> int:
        return sum(self.stage.board[name]["kills"] for name in NAMES)

    @property
    def strikes(self) -> int:
        return self._kills - self._before

    @property
    def is_over(self) -> bool:
        return super().is_over and self.strikes > 0

    def hurt(self) -> None:
        for name in self._names:
            os.kill(self.stage.board[name]["pid"], signal.SIGKILL)

    def heal(self) -> None:
        """Their parent forks them again."""


def feed_killed(stage: Stage) -> Killing:
    """The account's feed dies."""
    return Killing(stage, (FEED,))


def all_killed(stage: Stage) -> Killing:
    """One worker of every function dies, and the feed."""
    return Killing(stage, NAMES)


class AtExchange(Fault):
    """Faults of the simulated exchange's own; `specs` as `POST /admin/faults` takes them."""

    def __init__(self, stage: Stage, *specs: dict[str, Any]) -> None:
        super().__init__(stage)
        self._http = httpx.Client(base_url=stage.exchange.url, timeout=10)
        self._specs = specs
        self._struck = 0

    def begin(self) -> None:
        for spec in self._specs:
            answer = self._http.post("/admin/faults", json=spec)
            assert answer.is_success, answer.text

    def tend(self) -> None:
        self._look()
        super().tend()

    @property
    def is_over(self) -> bool:
        listed = self._look()
        return all(not fault["active"] for fault in listed if fault["kind"] in _SPELLS and fault["struck"])

    @property
    def strikes(self) -> int:
        return self._struck

    def _look(self) -> list[dict[str, Any]]:
        answer = self._http.get("/admin/faults").raise_for_status().json()
        listed: list[dict[str, Any]] = answer["faults"] if isinstance(answer, dict) else answer
        # a spell is one fault, however many requests it strikes
        self._struck = sum(min(int(fault["struck"]), int(fault.get("count", 1))) for fault in listed)
        return listed

    def end(self) -> None:
        self._look()
        self._http.delete("/admin/faults").raise_for_status()
        self._http.close()
