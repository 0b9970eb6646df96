"""A team for unit tests that keeps to the tape's rules without AutoGen: policies speak, or what a test scripts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tests.fakes.deliberation import FakeDeliberationTransaction
from tests.fakes.transaction import FakeStore, FixedClock
from volexswarm.deliberation.coordinator import EnhancedAgentCoordinator
from volexswarm.deliberation.domain import Abstention, Answer, Ask, ModelChoice, Recorded, Usage
from volexswarm.deliberation.ledger import Ledger
from volexswarm.deliberation.policies import speak
from volexswarm.deliberation.tape import tape_key

CHOICE = ModelChoice(provider="openai", name="scripted", params={"temperature": 0.0})

TAKEN = Usage(tokens=100, cost=0.001)

Script = Callable[[Ask], Answer]


def by_policy(ask: Ask) -> Answer:
    return speak(ask.role, ask.brief)


class ScriptedTeam:
    """Implements `ports.Team` as a guarded client would have it: tape, budget, call, settle, record."""

    def __init__(self, script: Script, choice: ModelChoice, ledger: Ledger, calls: list[Ask], usage: Usage) -> None:
        self._script = script
        self._choice = choice
        self._ledger = ledger
        self._calls = calls
        self._usage = usage

    def blind(self, asks: Sequence[Ask]) -> Mapping[str, Answer]:
        return {ask.role: self._answer(ask) for ask in asks}

    def turn(self, ask: Ask, listener: str) -> Answer:
        return self._answer(ask)

    def _answer(self, ask: Ask) -> Answer:
        key = tape_key(ask, self._choice)
        known = self._ledger.recall(key)
        if known is not None:
            return known.answer
        room = self._ledger.reserve(key, ask.role, self._usage)
        if isinstance(room, Abstention):
            if not room.why.is_outcome:
                return room
            return self._ledger.record(key, Recorded(role=ask.role, answer=room, model=self._choice.words)).answer
        self._calls.append(ask)
        answer = self._script(ask)
        self._ledger.settle(room, self._usage)
        recorded = Recorded(role=ask.role, answer=answer, model=self._choice.words, usage=self._usage)
        return self._ledger.record(key, recorded).answer


class Stage:
    """A coordinator on fakes: what it called stands in `calls`, what it stored in `tx`."""

    def __init__(self, script: Script = by_policy, usage: Usage = TAKEN) -> None:
        self.tx = FakeDeliberationTransaction()
        self.store = FakeStore(self.tx)
        self.clock = FixedClock()
        self.calls: list[Ask] = []
        self.script = script
        self.usage = usage

    def coordinator(self) -> EnhancedAgentCoordinator:
        """A fresh one, as after a crash."""
        return EnhancedAgentCoordinator(self.store, self.clock, self._team, CHOICE)

    def _team(self, choice: ModelChoice, ledger: Ledger) -> ScriptedTeam:
        return ScriptedTeam(self.script, choice, ledger, self.calls, self.usage)
