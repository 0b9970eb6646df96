"""A model by configuration: what can't be used like this is refused in words that say what to do."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.deliberation_models import MemoryBudget, MemorySecrets, MemoryTape, ask, model_settings, speaks
from volexswarm.deliberation.domain import Silence, Usage
from volexswarm.deliberation.models.answers import Form
from volexswarm.deliberation.models.factory import ANALYSTS, ModelVoices
from volexswarm.deliberation.models.failures import Failure
from volexswarm.deliberation.models.prices import Price, tokens_of
from volexswarm.deliberation.models.remote import Opened, RemoteModel
from volexswarm.errors import InvalidInput


def voices(secrets=None, **settings):
    return ModelVoices(model_settings(**settings), secrets or MemorySecrets(), speaks())


def test_the_analysts_are_the_default_and_need_nothing():
    secrets = MemorySecrets()
    swarm = voices(secrets, model_name=None, model_price=None)
    assert swarm.choice == ANALYSTS
    tape = MemoryTape()
    asyncio.run(swarm.guarded(ask(), swarm.choice, MemoryBudget(), tape).create([]))
    (stands,) = tape.answers.values()
    assert (stands.model, stands.degraded, stands.usage) == ("policy:analysts", False, Usage(tokens=0, cost=0))
    assert not secrets.asked


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"model_provider": "azure"}, "VOLEX_MODEL_URL: expected the address of the Azure resource"),
        ({"model_provider": "openai", "model_price": None}, "VOLEX_MODEL_PRICE: expected what the model costs"),
        (
            {"model_provider": "bedrock", "model_form": "schema"},
            "VOLEX_MODEL_FORM: expected tool or json, got 'schema'",
        ),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, words):
    with pytest.raises(InvalidInput, match=words):
        voices(**settings)


def test_a_provider_whose_package_is_not_there_is_refused_with_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InvalidInput, match=r"add ollama to layers/autogen/requirements\.in"):
        voices(model_provider="ollama")


def test_what_changes_answers_is_in_the_choice_and_no_key_is():
    secrets = MemorySecrets({"models/openai": {"api_key": "sk-secret"}})
    choice = voices(secrets, model_provider="openai", model_url="http://127.0.0.1:1/v1", model_max_tokens=700).choice
    assert choice.params == {"form": "schema", "max_tokens": 700, "url": "http://127.0.0.1:1/v1"}
    assert "sk-secret" not in choice.model_dump_json()


def test_a_model_that_is_not_configured_any_more_is_not_asked():
    swarm, tape = voices(model_provider="ollama"), MemoryTape()
    other = swarm.choice.model_copy(update={"name": "another"})
    asyncio.run(swarm.guarded(ask(), other, MemoryBudget(), tape).create([]))
    (stands,) = tape.answers.values()
    assert stands.degraded
    assert "expected the configured model, ollama:a-model" in stands.note


@pytest.mark.parametrize("name", ["autogen_core.events", "openai._base_client", "anthropic", "httpx"])
def test_packages_that_log_prompts_are_quiet(name):
    logging.getLogger(name.partition(".")[0]).setLevel(logging.NOTSET)
    voices(model_name=None)
    assert not logging.getLogger(name).isEnabledFor(logging.INFO)


@pytest.mark.parametrize("text", ["", "1", "1:2:3", "a:b", "-1:2", "nan:1", "1:inf"])
def test_a_price_that_is_none_is_refused(text):
    with pytest.raises(InvalidInput, match="model_price"):
        Price.parse(text)


def test_a_price_counts_both_directions():
    assert Price.parse("2.5:10").usage(1_000_000, 100_000) == Usage(tokens=1_100_000, cost=3.5)


@given(st.text(max_size=400))
def test_the_estimate_is_above_a_token_for_two_letters(text):
    assert tokens_of(text) > len(text) // 2


async def test_a_client_that_blocks_its_thread_is_left_and_the_next_call_has_another():
    class Blocking:
        async def create(self, *_: object, **__: object) -> object:
            time.sleep(3)  # noqa: ASYNC251 -- what a client must not do
            return None

    opened = []

    def open_client():
        opened.append(Blocking())
        return Opened(opened[-1], "", {})

    model = RemoteModel(open_client, Form.JSON, Price(0, 0), 100)
    for number in (1, 2):
        came = await model.ask(ask(), 0.1)
        assert isinstance(came, Failure)
        assert came.why is Silence.UNREACHABLE
        assert len(opened) == number
