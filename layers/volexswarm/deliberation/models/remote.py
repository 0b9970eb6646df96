"""A model behind a network: one attempt at an answer, in a thread of its own, that ends when its time is up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from autogen_core.models import ChatCompletionClient, CreateResult, LLMMessage, SystemMessage, UserMessage
from autogen_core.tools import ParametersSchema, ToolSchema

from volexswarm.deliberation.domain import Ask, Silence, Usage
from volexswarm.deliberation.models.answers import (
    SCHEMA,
    TOOL,
    Form,
    abstention,
    read_calls,
    read_text,
    storable,
)
from volexswarm.deliberation.models.failures import Failure, failure_of, takes_no_schema
from volexswarm.deliberation.models.guarded import Heard
from volexswarm.deliberation.models.lane import Lane
from volexswarm.deliberation.models.prices import Price, tokens_of

CALL_SECONDS: Final = 45.0
"""The longest that one attempt may take, whatever time the deliberation has left."""

FORM_TOKENS: Final = 400
"""What the form of an opinion takes besides the prompt."""

_SUBMIT: Final[ToolSchema] = {
    "name": TOOL,
    "description": "Submit your opinion. Call it exactly once.",
    "parameters": cast(ParametersSchema, SCHEMA),
    "strict": True,
}


@dataclass(frozen=True)
class Opened:
    """A provider's client, ready to be asked.

    `key` must not be seen in anything that is kept of its answers; `schema` is how it is held to a JSON schema.
    """

    client: ChatCompletionClient
    key: str
    schema: Mapping[str, Any]


NO_SCHEMA: Final = "the server takes no answer by schema: set the model's form to json"


class RemoteModel:
    """Implements `guarded.Model`.

    Parameters
    ----------
    open_client : callable
        Makes the client; called at the first question, in the thread that asks it.
    form : Form
        How the provider is made to answer in form.
    price : Price
        What the budget counts with.
    max_tokens : int
        The longest answer that the client asks for, hidden reasoning included.
    """

    def __init__(self, open_client: Callable[[], Opened], form: Form, price: Price, max_tokens: int) -> None:
        self._open = open_client
        self._form = form
        self._price = price
        self._max_tokens = max_tokens
        self._lane: Lane[Opened] | None = None
        self._key = ""

    def estimate(self, ask: Ask) -> Usage:
        return self._price.usage(tokens_of(_system(ask, self._form) + ask.text) + FORM_TOKENS, self._max_tokens)

    async def ask(self, ask: Ask, seconds: float) -> Heard | Failure:
        patience = min(seconds, CALL_SECONDS)
        lane = self._lane = self._lane or Lane(self._opened)
        try:
            result = await lane.call(lambda opened: _question(opened, ask, self._form), patience)
        except Exception as error:  # whatever a server or its client does is an outcome
            if isinstance(error, TimeoutError) and self._lane is lane and await lane.is_blocked():
                self._lane = None
                lane.leave()
            failure = failure_of(error, patience)
            if self._form is Form.SCHEMA and takes_no_schema(error):  # asked again it says the same
                failure = replace(failure, again=False, reason=f"{NO_SCHEMA}; {failure.reason}")
            return replace(failure, reason=self._without_key(failure.reason))
        return self._heard(result, ask)

    def _opened(self) -> Opened:
        opened = self._open()
        self._key = opened.key
        return opened

    def _heard(self, result: CreateResult, ask: Ask) -> Heard:
        if isinstance(result.content, str):
            raw = self._without_key(result.content)
            answer = read_text(raw, ask.evidence)
        else:
            calls = [(call.name, self._without_key(call.arguments)) for call in result.content]
            raw = "\n".join(f"{name}({arguments})" for name, arguments in calls)
            answer = read_calls(calls, ask.evidence)
        if result.finish_reason == "content_filter":
            answer = abstention(Silence.REFUSED, "the provider's filter kept the answer back")
        return Heard(answer, storable(raw), self._usage(result, ask, raw))

    def _usage(self, result: CreateResult, ask: Ask, raw: str) -> Usage:
        """As the server counts; as we do where it does not."""
        sent, answered = result.usage.prompt_tokens or 0, result.usage.completion_tokens or 0
        if sent <= 0 or answered < 0:
            sent, answered = len(ask.system + ask.text) // 3, len(raw) // 3
        return self._price.usage(sent, answered)

    def _without_key(self, text: str) -> str:
        """A server knows the key that it was called with, and may say it again."""
        return text.replace(self._key, "[key]") if self._key else text


async def _question(opened: Opened, ask: Ask, form: Form) -> CreateResult:
    messages: list[LLMMessage] = [
        SystemMessage(content=_system(ask, form)),
        UserMessage(content=ask.text, source="desk"),
    ]
    if form is Form.SCHEMA:
        return await opened.client.create(messages, extra_create_args=opened.schema)
    if form is Form.TOOL:
        return await opened.client.create(messages, tools=[_SUBMIT], tool_choice="required")
    return await opened.client.create(messages, json_output=True)


def _system(ask: Ask, form: Form) -> str:
    return f"{ask.system}\nGive your answer by calling {TOOL} once." if form is Form.TOOL else ask.system
