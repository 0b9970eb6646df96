"""Runs roles as AutoGen agents: the only module that knows AutoGen's agents and teams.

AutoGen is given one turn at a time. Its own ends, budgets, selections and saved states are not used: each failed when tried
(a team's time-out came late, counters were not saved, a warm team leaked the last debate). So every ask has a fresh agent, every
turn a fresh team of `max_turns=1` whose speaker is named by us, and all of it runs on one event loop that lives as long as the
process, because a model's connections belong to the loop that opened them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.base import TaskResult
from autogen_agentchat.messages import BaseChatMessage, TextMessage
from autogen_agentchat.teams import SelectorGroupChat
from pydantic import TypeAdapter

from volexswarm.deliberation.domain import Answer, Ask, ModelChoice
from volexswarm.deliberation.ports import Budget, Tape, Voices

# it logs whole prompts as events, and each message of its runtime
for _chatty in ("autogen_core", "autogen_core.events", "autogen_agentchat", "autogen_agentchat.events"):
    logging.getLogger(_chatty).setLevel(logging.WARNING)

ResultT = TypeVar("ResultT")

_ANSWER: TypeAdapter[Answer] = TypeAdapter(Answer)


class AutoGenTeam:
    """Implements `ports.Team`.

    Parameters
    ----------
    voices : Voices
        Gives the guarded client of each ask.
    choice : ModelChoice
        The model that speaks.
    """

    def __init__(self, voices: Voices, choice: ModelChoice, budget: Budget, tape: Tape) -> None:
        self._voices = voices
        self._choice = choice
        self._budget = budget
        self._tape = tape

    def blind(self, asks: Sequence[Ask]) -> Mapping[str, Answer]:
        return _run(self._blind(asks))

    def turn(self, ask: Ask, listener: str) -> Answer:
        return _run(self._turn(ask, listener))

    async def _blind(self, asks: Sequence[Ask]) -> Mapping[str, Answer]:
        results = await asyncio.gather(*(self._agent(ask).run(task=ask.text) for ask in asks))
        return {role: answer for result in results for role, answer in _answers(result).items()}

    async def _turn(self, ask: Ask, listener: str) -> Answer:
        speaker = self._agent(ask)
        client = self._voices.guarded(ask, self._choice, self._budget, self._tape)
        team = SelectorGroupChat(
            [speaker, AssistantAgent(_identifier(listener), model_client=client)],
            model_client=client,  # a team must have one; who speaks is named, so it is never asked
            selector_func=lambda _: _identifier(ask.role),
            max_turns=1,
            emit_team_events=False,
        )
        return _answers(await team.run(task=ask.text))[ask.role]

    def _agent(self, ask: Ask) -> AssistantAgent:
        client = self._voices.guarded(ask, self._choice, self._budget, self._tape)
        return AssistantAgent(_identifier(ask.role), model_client=client, system_message=ask.system)


def _answers(result: TaskResult) -> dict[str, Answer]:
    """Who said what: by the message's source, whatever the text claims."""
    said = [message for message in result.messages if isinstance(message, BaseChatMessage) and message.source != "user"]
    return {_role(m.source): _ANSWER.validate_json(m.content) for m in said if isinstance(m, TextMessage)}


def _identifier(role: str) -> str:
    """AutoGen's agents are named as Python names things."""
    return role.replace("-", "_")


def _role(identifier: str) -> str:
    return identifier.replace("_", "-")


@cache
def _loop() -> asyncio.Runner:
    return asyncio.Runner()


def _run(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    return _loop().run(work)
