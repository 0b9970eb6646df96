"""The client between AutoGen and a model: tape, budget, time, one repetition, and an answer whatever happens.

AutoGen hands over its messages, but what is asked is the ask itself: only so does the tape's key stand for what was asked.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from autogen_core.models import ChatCompletionClient, CreateResult, LLMMessage, ModelInfo, RequestUsage

from volexswarm.deliberation.domain import (
    NOTHING_USED,
    Abstention,
    Answer,
    Ask,
    Brief,
    ModelChoice,
    Recorded,
    Silence,
    Usage,
)
from volexswarm.deliberation.models.answers import abstention
from volexswarm.deliberation.models.failures import Failure
from volexswarm.deliberation.models.prices import tokens_of
from volexswarm.deliberation.ports import Budget, Reservation, Tape
from volexswarm.deliberation.tape import tape_key

log = logging.getLogger(__name__)

POLICY: Final = "policy"
ATTEMPTS: Final = 2
PAUSE: Final = 0.5
"""Seconds before a call is repeated, if the server names none; up to twice that, so that six roles don't come back at once."""

INFO: Final[ModelInfo] = {
    "vision": False,
    "function_calling": False,
    "json_output": True,
    "structured_output": True,
    "family": "unknown",
}

FAILED: Final = frozenset({Silence.REFUSED, Silence.MALFORMED, Silence.UNKNOWN_EVIDENCE, Silence.UNREACHABLE})
"""Silences that are the model's fault: there an analyst may speak in its place."""

Speak = Callable[[str, Brief], Answer]
"""The policy analysts: a role and its brief in, its answer out; deterministic."""


@dataclass(frozen=True)
class Heard:
    """What came of one attempt: what the model wrote, how it was read, and what it took."""

    answer: Answer
    raw: str
    usage: Usage


class Model(Protocol):
    """A model that can be asked: `remote.RemoteModel`, or the analysts as `policy.PolicyModel`."""

    def estimate(self, ask: Ask) -> Usage:
        """The most that one attempt takes."""
        ...

    async def ask(self, ask: Ask, seconds: float) -> Heard | Failure:
        """One attempt, ended after `seconds`. Never raises."""
        ...


class Guarded(ChatCompletionClient):
    """Answers one ask, and never raises.

    Parameters
    ----------
    ask, choice : Ask, ModelChoice
        What is asked, of which model.
    model : callable
        Gives the model; not called while the tape has the answer.
    budget, tape : Budget, Tape
        Asked in the loop of whoever asks.
    speak : callable
        The policy analysts, who stand in where the model fails and the ask allows it. Where they find nothing to judge the model
        is not asked.
    pause : callable
        Waits so many seconds.
    spread : callable
        A random number from 0 to 1 for the pause before a repetition.
    """

    component_type = "model"

    def __init__(
        self,
        ask: Ask,
        choice: ModelChoice,
        model: Callable[[], Model],
        budget: Budget,
        tape: Tape,
        speak: Speak,
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        spread: Callable[[], float] = random.random,
    ) -> None:
        self._ask = ask
        self._choice = choice
        self._model = model
        self._budget = budget
        self._tape = tape
        self._speak = speak
        self._pause = pause
        self._spread = spread
        self._used = RequestUsage(prompt_tokens=0, completion_tokens=0)

    async def create(self, messages: Sequence[LLMMessage], **_: Any) -> CreateResult:  # noqa: ARG002
        """The answer to the ask, as the JSON of an `Answer`; the messages are not looked at."""
        key = tape_key(self._ask, self._choice)
        stands = self._tape.recall(key)
        cached = stands is not None
        if stands is None:
            stands = self._stored(key, await self._asked(key))
            self._used = _tokens(stands.usage)
        content = stands.answer.model_dump_json()
        return CreateResult(finish_reason="stop", content=content, usage=_tokens(stands.usage), cached=cached)

    async def create_stream(self, messages: Sequence[LLMMessage], **_: Any) -> AsyncGenerator[str | CreateResult, None]:
        """The same answer, in one piece: no half opinion is of use to anybody."""
        yield await self.create(messages)

    async def close(self) -> None:
        """Nothing is open here: the model outlives the ask."""

    def actual_usage(self) -> RequestUsage:
        return self._used

    def total_usage(self) -> RequestUsage:
        return self._used

    def count_tokens(self, messages: Sequence[LLMMessage], **_: Any) -> int:  # noqa: ARG002
        """The estimate that the budget goes by; what AutoGen's clients use would download its data."""
        return tokens_of(self._ask.system + self._ask.text)

    def remaining_tokens(self, messages: Sequence[LLMMessage], **_: Any) -> int:
        """The window is never the limit: asks are capped, and the budget ends before."""
        return self.count_tokens(messages)

    @property
    def capabilities(self) -> ModelInfo:
        return INFO

    @property
    def model_info(self) -> ModelInfo:
        return INFO

    def _stored(self, key: str, recorded: Recorded) -> Recorded:
        answer = recorded.answer
        if isinstance(answer, Abstention) and not answer.why.is_outcome:
            return recorded
        return self._tape.record(key, recorded)

    async def _asked(self, key: str) -> Recorded:
        """What the model says, or what is said in its place, after at most `ATTEMPTS` calls."""
        if (idle := self._idle()) is not None:
            return idle
        try:
            model = self._model()
        except Exception as error:
            log.exception("model.unavailable", extra={"model": self._choice.words})
            return self._replaced(abstention(Silence.UNREACHABLE, f"no model: {error}"), NOTHING_USED)
        most, used = model.estimate(self._ask), NOTHING_USED
        for attempt in range(1, ATTEMPTS + 1):
            room = self._budget.reserve(key, self._ask.role, most)
            if isinstance(room, Abstention):
                return self._recorded(room, used)
            came = await model.ask(self._ask, self._budget.seconds_left())
            used = _sum(used, self._settled(room, came, most))
            if isinstance(came, Heard):
                return self._judged(came, used)
            failure = came
            log.warning("model.failed", extra={"model": self._choice.words, "role": self._ask.role, "why": came.reason})
            if attempt == ATTEMPTS or not came.again or not await self._waited(came.after):
                break
        return self._replaced(abstention(failure.why, failure.reason), used)

    def _idle(self) -> Recorded | None:
        """What a role says that has nothing to judge: a model would be paid for other words, or make something up."""
        if self._choice.provider == POLICY:
            return None
        try:
            answer = self._speak(self._ask.role, self._ask.brief)
        except Exception:  # it would not have stood in either; whether that matters shows when it is asked to
            return None
        if not isinstance(answer, Abstention) or answer.why is not Silence.NOTHING:
            return None
        note = f"nothing to judge: {self._choice.words} was not asked"
        return Recorded(role=self._ask.role, answer=answer, model=f"{POLICY}:{self._ask.role}", note=note)

    def _settled(self, room: Reservation, came: Heard | Failure, most: Usage) -> Usage:
        """What the attempt took. One that broke off may be charged in full: its reservation stays."""
        if isinstance(came, Failure) and came.charged:
            return most
        used = came.usage if isinstance(came, Heard) else NOTHING_USED
        # a provider that counts more than it was sent and allowed to answer is not believed
        believed = Usage(tokens=min(used.tokens, most.tokens), cost=min(used.cost, most.cost))
        self._budget.settle(room, believed)
        return believed

    async def _waited(self, after: float) -> bool:
        """Pause before a repetition; False, at once, if that took more than half of the time that is left."""
        seconds = max(after, PAUSE * (1 + self._spread()))
        if seconds > self._budget.seconds_left() / 2:
            return False
        await self._pause(seconds)
        return True

    def _judged(self, heard: Heard, used: Usage) -> Recorded:
        if isinstance(heard.answer, Abstention) and heard.answer.why in FAILED:
            return self._replaced(heard.answer, used, heard.raw)
        return self._recorded(heard.answer, used, heard.raw)

    def _recorded(self, answer: Answer, used: Usage, raw: str = "") -> Recorded:
        return Recorded(role=self._ask.role, answer=answer, model=self._choice.words, raw=raw, usage=used)

    def _replaced(self, silence: Abstention, used: Usage, raw: str = "") -> Recorded:
        """The analyst's answer in the model's place, where the ask allows it."""
        if not self._ask.fallback:
            return self._recorded(silence, used, raw)
        return Recorded(
            role=self._ask.role,
            answer=spoken(self._speak, self._ask),
            model=f"{POLICY}:{self._ask.role}",
            degraded=True,
            note=f"in place of {self._choice.words}: {silence.why}, {silence.reason}",
            raw=raw,
            usage=used,
        )


def spoken(speak: Speak, ask: Ask) -> Answer:
    """The analyst's answer; one that fails abstains, and of risk or compliance that is a veto."""
    try:
        return speak(ask.role, ask.brief)
    except Exception as error:
        log.exception("analyst.failed", extra={"role": ask.role})
        return abstention(Silence.MALFORMED, f"the analyst of {ask.role} failed: {error}")


def _tokens(usage: Usage) -> RequestUsage:
    return RequestUsage(prompt_tokens=0, completion_tokens=usage.tokens)


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(tokens=one.tokens + other.tokens, cost=one.cost + other.cost)
