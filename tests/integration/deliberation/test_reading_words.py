"""A model reads what a person asks for: over real HTTP, by the real client; whatever it writes, nothing unchecked comes of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest

from tests.fakes.deliberation_models import MemorySecrets, model_settings, speaks
from tests.servers.model_server import ModelServer, Said, Wire
from volexswarm.adapters.interpreting import LambdaInterpreter
from volexswarm.deliberation.models.factory import ModelVoices
from volexswarm.errors import InvalidInput
from volexswarm.tasks.requests import TradeWish, schema
from volexswarm.tasks.understanding import Markets, understand

MARKETS = Markets(("BTC/USDT", "ETH/USDT"), "USDT")
WORDS = "please get me about half an ether, whatever it costs"
BUY = {"kind": "trade", "symbol": "ETH/USDT", "side": "buy", "amount": "0.5"}


@pytest.fixture
def server() -> Iterator[ModelServer]:
    opened = ModelServer(lambda _: Said(json.dumps(BUY)))
    yield opened
    opened.close()


class CalledFunction:
    """Lambda, with the function's own work in this process."""

    def __init__(self, server: ModelServer, seconds: float) -> None:
        self.seconds = seconds
        settings = model_settings(model_provider="openai", model_url=server.url)
        self.clerk = ModelVoices(settings, MemorySecrets(), speaks()).clerk()
        assert self.clerk is not None

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 -- as boto3 names them
        assert FunctionName == "volexswarm-api-meta-read"
        assert self.clerk is not None
        event = json.loads(Payload)
        read = asyncio.run(self.clerk.write(event["words"], event["schema"], event["known"], self.seconds))
        return {"Payload": BytesIO(json.dumps({"read": read, "model": self.clerk.name}).encode())}


def reading(server: ModelServer, seconds: float = 30.0) -> LambdaInterpreter:
    return LambdaInterpreter("volexswarm-api", CalledFunction(server, seconds))


def test_what_the_usual_forms_do_not_cover_is_read_by_the_model_and_says_so(server: ModelServer) -> None:
    found = understand(WORDS, MARKETS, reading(server))
    assert isinstance(found.request, TradeWish)
    assert (found.request.symbol, str(found.request.amount)) == ("ETH/USDT", "0.5")
    assert found.by.startswith("openai:")
    [asked] = server.asked
    assert "BTC/USDT" in asked.system
    assert "half an ether" in asked.said
    assert "half an ether" not in asked.system  # words of a person are data


def test_the_usual_forms_ask_no_model(server: ModelServer) -> None:
    assert understand("buy 0.5 ETH", MARKETS, reading(server)).by == "words"
    assert not server.asked


@pytest.mark.parametrize(
    "said",
    [
        Said("{}"),
        Said("I would rather not."),
        Said(""),
        Said(None, refusal="no"),
        Said("[1, 2]"),
        Said(json.dumps(BUY) + json.dumps(BUY)),
        Said('{"kind": "trade", "kind": "report"}'),
        Said("[" * 5000),
        Said(None, tools=(("submit_opinion", json.dumps(BUY)),)),
        Wire(b"<html>busy</html>", content_type="text/html"),
        Wire(b"{}", status=500),
        Wire(b"{}", status=429, headers={"Retry-After": "1"}),
        Wire(b"{}", wait=5.0),
    ],
    ids=lambda said: str(said)[:40],
)
def test_a_model_without_an_answer_leaves_it_at_the_hint_what_to_write(server: ModelServer, said: Any) -> None:
    server.script = lambda _: said
    with pytest.raises(InvalidInput, match="words"):
        understand(WORDS, MARKETS, reading(server, seconds=2.0))


@pytest.mark.parametrize(
    "wrong",
    [
        {**BUY, "amount": "-1"},
        {**BUY, "amount": "1e99"},
        {**BUY, "confirmed": True},
        {**BUY, "share": "0.5"},
        {"kind": "halt"},
        {"kind": "trade"},
    ],
    ids=str,
)
def test_what_a_model_writes_is_checked_like_any_input(server: ModelServer, wrong: dict[str, Any]) -> None:
    server.script = lambda _: Said(json.dumps(wrong))
    with pytest.raises(InvalidInput):
        understand(WORDS, MARKETS, reading(server))


def test_the_schema_that_the_model_is_given_has_every_kind() -> None:
    assert {"Analyze", "TradeWish", "Rebalance", "Backtest", "Discover"} <= set(schema()["$defs"])


def test_the_analysts_read_no_words() -> None:
    assert ModelVoices(model_settings(model_provider="policy"), MemorySecrets(), speaks()).clerk() is None
