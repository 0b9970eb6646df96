"""Opens the client of a provider. Each package is imported when its provider is used, and only then.

Every client is told not to repeat calls by itself: a repetition is a call, and has to be reserved like one. None follows a
redirect, so that a key goes where it was meant to go, and none reads an answer longer than `MOST`. Ollama's client can't be
told so; it repeats nothing, and has no key.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import warnings
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from autogen_core.models import ChatCompletionClient

from volexswarm.deliberation.models.answers import SCHEMA, Form
from volexswarm.deliberation.models.failures import Unreadable
from volexswarm.deliberation.models.remote import CALL_SECONDS
from volexswarm.errors import InvalidInput

MOST: Final = 2**20
"""Bytes of the longest answer that is read from a connection."""

AZURE_API: Final = "2024-10-21"
KEYLESS: Final = "none"
"""What is sent as the key where there is none, so that no package looks for one in the environment."""

_TALKATIVE: Final = (
    "autogen_core", "autogen_ext", "openai", "anthropic", "httpx", "httpx2", "httpcore", "httpcore2",
)  # fmt: skip


_HARMLESS: Final = ("Resolved model mismatch", "Finish reason mismatch")
"""Warnings about an alias that answers by its real name, and about servers that say `stop` after a tool call."""


@dataclass(frozen=True)
class Target:
    """Which model, where, and with what: `url` None for the provider's own address; `params` as in `ModelChoice`."""

    name: str
    url: str | None
    key: str
    params: Mapping[str, str | int | float | bool]

    @property
    def longest(self) -> int:
        return int(self.params["max_tokens"])


@dataclass(frozen=True)
class Provider:
    """`package` it needs; `keyed`: "must" have a key in Vault, "may", or "never"; `paid`: its price has to be known.

    `schema` is how it is held to a JSON schema, None if it can't be.
    """

    package: str
    schema: Mapping[str, Any] | None
    keyed: Literal["must", "may", "never"]
    paid: bool
    open: Callable[[Target], ChatCompletionClient]

    @property
    def forms(self) -> tuple[Form, ...]:
        """How it may be made to answer, the surest first."""
        return tuple(Form) if self.schema is not None else (Form.TOOL, Form.JSON)

    def require_package(self, name: str) -> None:
        """Raises InvalidInput, which says what to install."""
        if importlib.util.find_spec(self.package) is None:
            raise InvalidInput(
                "VOLEX_MODEL_PROVIDER",
                name,
                f"a provider whose package is there: add {self.package} to layers/autogen/requirements.in and `make lock`",
            )


def be_quiet() -> None:
    """Keep prompts and headers out of the logs: its clients' events hold whole prompts at INFO, clients' requests at DEBUG."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    for known in _HARMLESS:
        warnings.filterwarnings("ignore", message=known)


def _openai(target: Target) -> ChatCompletionClient:
    sdk, autogen = importlib.import_module("openai"), importlib.import_module("autogen_ext.models.openai")
    client = sdk.AsyncOpenAI(
        api_key=target.key or KEYLESS,
        base_url=target.url or "https://api.openai.com/v1",
        **_manners(sdk, "httpx2"),
    )
    # OpenAI's own models count hidden reasoning under another name, and refuse a temperature
    own = target.url is None
    limits = {"max_completion_tokens": target.longest} if own else {"max_tokens": target.longest, "temperature": 0}
    return _like_openai(autogen, client, target, limits)


def _azure(target: Target) -> ChatCompletionClient:
    sdk, autogen = importlib.import_module("openai"), importlib.import_module("autogen_ext.models.openai")
    client = sdk.AsyncAzureOpenAI(
        api_key=target.key,
        azure_endpoint=target.url,
        azure_deployment=target.name,
        api_version=AZURE_API,
        **_manners(sdk, "httpx2"),
    )
    return _like_openai(autogen, client, target, {"max_completion_tokens": target.longest})


def _like_openai(autogen: Any, client: Any, target: Target, limits: Mapping[str, int]) -> ChatCompletionClient:
    made: ChatCompletionClient = autogen.BaseOpenAIChatCompletionClient(
        client,
        create_args={"model": target.name, **limits},
        model_info=_CAN,
        include_name_in_message=False,
    )
    return made


def _anthropic(target: Target) -> ChatCompletionClient:
    sdk = importlib.import_module("anthropic")
    return _claude(
        sdk.AsyncAnthropic(
            api_key=target.key, base_url=target.url or "https://api.anthropic.com", **_manners(sdk, "httpx")
        ),
        target,
    )


def _bedrock(target: Target) -> ChatCompletionClient:
    # by the function's own identity and region, as boto3 finds them
    sdk = importlib.import_module("anthropic")
    return _claude(sdk.AsyncAnthropicBedrock(base_url=target.url, **_manners(sdk, "httpx")), target)


def _claude(client: Any, target: Target) -> ChatCompletionClient:
    autogen = importlib.import_module("autogen_ext.models.anthropic")
    made: ChatCompletionClient = autogen.BaseAnthropicChatCompletionClient(
        client,
        create_args={"model": target.name, "max_tokens": target.longest, "temperature": 0},
        model_info=_CAN,
    )
    return made


def _ollama(target: Target) -> ChatCompletionClient:
    autogen = importlib.import_module("autogen_ext.models.ollama")
    made: ChatCompletionClient = autogen.OllamaChatCompletionClient(
        model=target.name,
        host=target.url or "http://127.0.0.1:11434",
        options={"temperature": 0, "seed": 0, "num_predict": target.longest},
        model_info=_CAN,
    )
    return made


def _manners(sdk: Any, transport: str) -> dict[str, Any]:
    """No repetitions, no redirects, no endless answers."""
    return {
        "max_retries": 0,
        "timeout": CALL_SECONDS,
        "default_headers": {"Accept-Encoding": "identity"},
        "http_client": sdk.DefaultAsyncHttpxClient(
            follow_redirects=False, event_hooks={"response": [_bounding(importlib.import_module(transport))]}
        ),
    }


def _bounding(transport: Any) -> Callable[[Any], Any]:
    """A hook that lets `MOST` bytes of an answer through. Packed answers are refused: they could unpack to anything."""

    class Bounded(transport.AsyncByteStream):  # type: ignore[misc]
        def __init__(self, stream: Any) -> None:
            self._stream = stream

        async def __aiter__(self) -> AsyncIterator[bytes]:
            read = 0
            async for piece in self._stream:
                read += len(piece)
                if read > MOST:
                    raise Unreadable(f"an answer of more than {MOST} bytes")
                yield piece

        async def aclose(self) -> None:
            await self._stream.aclose()

    async def bound(response: Any) -> None:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise Unreadable("a packed answer, which was not asked for")
        response.stream = Bounded(response.stream)

    return bound


_CAN: Final = {
    "vision": False,
    "function_calling": True,
    "json_output": True,
    "structured_output": True,
    "family": "unknown",
}

_STRICT: Final = {
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "opinion", "strict": True, "schema": SCHEMA},
    }
}

PROVIDERS: Final[Mapping[str, Provider]] = {
    "openai": Provider("openai", _STRICT, "may", True, _openai),
    "azure": Provider("openai", _STRICT, "must", True, _azure),
    "anthropic": Provider("anthropic", None, "must", True, _anthropic),
    "bedrock": Provider("anthropic", None, "never", True, _bedrock),
    "ollama": Provider("ollama", {"format": SCHEMA}, "never", False, _ollama),
}
