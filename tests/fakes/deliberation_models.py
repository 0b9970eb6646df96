"""A budget and a tape in memory, and asks, for tests of the models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from volexswarm.deliberation.domain import Abstention, Answer, Ask, Brief, Opinion, Recorded, Silence, Usage
from volexswarm.deliberation.ports import Reservation
from volexswarm.errors import NotFound
from volexswarm.messages import Question, Stance
from volexswarm.settings import Settings


@dataclass
class MemoryBudget:
    """Room for so many calls and tokens, and for so much money; `seconds` are left, whatever the time."""

    calls: int = 100
    tokens: int = 10**9
    cost: float = 1e9
    seconds: float = 30.0
    held: dict[int, Usage] = field(default_factory=dict)

    @property
    def spent(self) -> Usage:
        return Usage(tokens=sum(u.tokens for u in self.held.values()), cost=sum(u.cost for u in self.held.values()))

    def reserve(self, key: str, role: str, usage: Usage) -> Reservation | Abstention:
        if not self.seconds:
            return Abstention(why=Silence.DEADLINE, reason="the time is up")
        spent = self.spent
        beyond = spent.tokens + usage.tokens > self.tokens or spent.cost + usage.cost > self.cost
        if beyond or len(self.held) >= self.calls:
            return Abstention(why=Silence.BUDGET, reason="no room")
        number = len(self.held)
        self.held[number] = usage
        return Reservation(number, usage.tokens, usage.cost)

    def settle(self, reservation: Reservation, usage: Usage) -> None:
        self.held[reservation.number] = usage

    def seconds_left(self) -> float:
        return self.seconds


@dataclass
class MemoryTape:
    """`sealed`: a replay, in which what is not there is not asked for. `broken`: nothing can be stored."""

    answers: dict[str, Recorded] = field(default_factory=dict)
    sealed: bool = False
    broken: bool = False

    def recall(self, key: str) -> Recorded | None:
        if key in self.answers or not self.sealed:
            return self.answers.get(key)
        return Recorded(role="", answer=Abstention(why=Silence.UNTAPED, reason="not on the tape"), model="")

    def record(self, key: str, recorded: Recorded) -> Recorded:
        if self.broken:
            answer = Abstention(why=Silence.UNRECORDED, reason="no store")
            return recorded.model_copy(update={"answer": answer})
        return self.answers.setdefault(key, recorded)


AT = datetime(2026, 1, 5, 12, tzinfo=UTC)


def ask(role: str = "signal", *, text: str = "What do you think?", fallback: bool = True, evidence: str = "") -> Ask:
    """A question to a role; `evidence` are the ids that it may cite, with spaces between."""
    question = Question(
        task_id="T1", attempt=1, venue="binance", account="main", symbol="BTC/USDT", timeframe="1m", as_of=AT
    )
    return Ask(
        deliberation_id="d" * 64,
        role=role,
        phase="blind",
        round=0,
        prompt_version="1",
        system=f"You are the {role} specialist.",
        text=text,
        evidence=tuple(evidence.split()),
        brief=Brief(question=question, testimonies=()),
        fallback=fallback,
    )


def speaks(stance: Stance = Stance.HOLD) -> Callable[[str, Brief], Answer]:
    """An analyst who always says the same."""
    return lambda role, brief: Opinion(stance=stance, confidence=0.3, size_frac=0.0, rationale=f"the analyst of {role}")


@dataclass
class MemorySecrets:
    """Secrets by path; `asked` which were read."""

    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def read(self, path: str) -> dict[str, str]:
        self.asked.append(path)
        if path not in self.secrets:
            raise NotFound("secret", path)
        return self.secrets[path]

    def assert_unsealed(self) -> None:
        """It always is."""


def model_settings(**changed: Any) -> Settings:
    """Settings of a process that asks a model."""
    needed = {
        "target": "embedded",
        "symbols": "BTC/USDT",
        "timeframes": "1m",
        "redis_url": "redis://127.0.0.1:1/0",
        "vault_url": "http://127.0.0.1:1",
        "model_name": "a-model",
        "model_price": "2.5:10",
    }
    return Settings.model_validate(needed | changed)
