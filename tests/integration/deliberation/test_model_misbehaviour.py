"""Whatever a model's server does, over real HTTP and through the real clients, ends in an answer or a typed abstention."""

from __future__ import annotations

import asyncio
import logging

import pytest
from pydantic import TypeAdapter

from tests.fakes.deliberation_models import MemoryBudget, MemorySecrets, MemoryTape, ask, model_settings, speaks
from tests.servers.misbehaviours import MISBEHAVIOURS, good, opinion
from tests.servers.model_server import ModelServer, Said, Wire
from volexswarm.deliberation.domain import Abstention, Answer, Opinion, Recorded, Silence
from volexswarm.deliberation.models import guarded
from volexswarm.deliberation.models.factory import ModelVoices
from volexswarm.deliberation.tape import tape_key
from volexswarm.messages import Stance

KEY = "key-of-the-test"
SLOW = {"no answer at all", "an answer drop by drop"}
ANSWER = TypeAdapter(Answer)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(guarded, "PAUSE", 0.01)
    server = ModelServer(good)
    yield server
    server.close()


def voices(server, provider="openai", **settings):
    url = server.url if provider == "openai" else server.host
    secrets = MemorySecrets({f"models/{provider}": {"api_key": KEY}})
    return ModelVoices(model_settings(model_provider=provider, model_url=url, **settings), secrets, speaks(Stance.HOLD))


def asked(voices, question, budget=None, tape=None) -> tuple[Answer, Recorded | None]:
    """The answer that AutoGen gets, and what stands on the tape."""
    tape = MemoryTape() if tape is None else tape
    client = voices.guarded(question, voices.choice, budget or MemoryBudget(), tape)
    result = asyncio.run(client.create([]))
    return ANSWER.validate_json(result.content), tape.answers.get(tape_key(question, voices.choice))


@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_a_misbehaviour_ends_in_its_typed_abstention_or_in_a_usable_answer(server, name):
    misbehaviour = MISBEHAVIOURS[name]
    server.script = misbehaviour.answer
    budget = MemoryBudget(seconds=1.0 if name in SLOW else 10.0)
    answer, stands = asked(voices(server), ask(fallback=False), budget)
    assert getattr(answer, "why", None) == misbehaviour.why
    assert stands.answer == answer
    assert not stands.degraded
    assert KEY not in stands.model_dump_json()
    assert 1 <= len(server.asked) == len(budget.held) <= 2


@pytest.mark.parametrize("name", [name for name, each in MISBEHAVIOURS.items() if each.why and name not in SLOW])
def test_where_a_model_fails_its_analyst_stands_in_and_the_tape_says_so(server, name):
    server.script = MISBEHAVIOURS[name].answer
    answer, stands = asked(voices(server), ask("signal"), MemoryBudget(seconds=10))
    assert answer.rationale == "the analyst of signal"
    assert stands.degraded
    assert stands.model == "policy:signal"
    assert stands.note.startswith(f"in place of openai:a-model: {MISBEHAVIOURS[name].why}")


@pytest.mark.parametrize(
    ("form", "name", "calls"),
    [
        ("schema", "500 by a server that knows no schemas", 1),
        ("json", "500 by a server that knows no schemas", 2),
        ("schema", "429 that speaks of schemas", 2),
    ],
)
def test_who_takes_no_schemas_is_asked_once_and_it_says_what_to_set(server, form, name, calls):
    server.script = MISBEHAVIOURS[name].answer
    answer, _ = asked(voices(server, model_form=form), ask(fallback=False))
    assert ("set the model's form to json" in answer.reason) == (calls == 1)
    assert len(server.asked) == calls


@pytest.mark.parametrize("provider", ["openai", "azure", "anthropic", "ollama", "bedrock"])
def test_every_provider_is_asked_in_its_own_protocol(server, provider, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "of-the-test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    server.script = lambda request: good(request, stance="buy", evidence=["signal:rsi_14"])
    answer, stands = asked(voices(server, provider), ask("signal", evidence="signal:rsi_14", fallback=False))
    assert isinstance(answer, Opinion), answer
    assert answer.stance is Stance.BUY
    assert stands.model == f"{provider}:a-model"
    assert stands.usage.tokens == 960
    assert "You are the signal specialist." in server.asked[0].system
    assert "What do you think?" in server.asked[0].said


@pytest.mark.parametrize("form", ["schema", "tool", "json"])
def test_a_compatible_server_is_asked_in_the_form_that_it_knows(server, form):
    answer, _ = asked(voices(server, model_form=form), ask(fallback=False))
    assert isinstance(answer, Opinion), answer
    request = server.asked[0]
    assert (request.schema is not None, bool(request.tools)) == (form == "schema", form == "tool")
    assert request.body["max_tokens"] == 1500


def test_a_server_that_recovers_is_asked_once_more_and_both_calls_are_reserved(server):
    answers = iter([Wire(b"{}", status=500), Said(text=opinion(stance="sell"))])
    server.script = lambda request: next(answers)
    budget = MemoryBudget()
    answer, stands = asked(voices(server), ask(), budget)
    assert answer.stance is Stance.SELL
    assert not stands.degraded
    assert len(budget.held) == 2
    assert budget.spent == stands.usage  # the call that failed with 500 took nothing


def test_no_call_is_made_without_room_for_it(server):
    answer, stands = asked(voices(server), ask(), MemoryBudget(tokens=500))
    assert answer.why is Silence.BUDGET
    assert stands.answer == answer
    assert not server.asked


def test_a_second_ask_is_answered_from_the_tape(server):
    tape, swarm = MemoryTape(), voices(server)
    first, _ = asked(swarm, ask(), tape=tape)
    second, _ = asked(swarm, ask(), tape=tape)
    assert first == second
    assert len(server.asked) == 1


def test_a_replay_reads_no_key_and_opens_nothing(server):
    secrets = MemorySecrets()
    swarm = ModelVoices(model_settings(model_provider="openai", model_url=server.url), secrets, speaks())
    answer, _ = asked(swarm, ask(), tape=MemoryTape(sealed=True))
    assert answer.why is Silence.UNTAPED
    assert not server.asked
    assert not secrets.asked


def test_a_client_survives_the_loops_of_those_who_ask(server):
    swarm = voices(server)
    for text in ("one", "two", "three"):  # each in an event loop of its own
        answer, _ = asked(swarm, ask(text=text, fallback=False))
        assert isinstance(answer, Opinion), answer
    assert len(server.asked) == 3


def test_six_roles_are_asked_at_once(server):
    swarm, budget, tape = voices(server), MemoryBudget(), MemoryTape()
    roles = ("research", "news-sentiment", "signal", "strategy", "risk", "compliance")

    async def all_of_them():
        clients = [swarm.guarded(ask(role), swarm.choice, budget, tape) for role in roles]
        return await asyncio.gather(*(client.create([]) for client in clients))

    assert len(asyncio.run(all_of_them())) == len(tape.answers) == len(server.asked) == 6
    assert {recorded.role for recorded in tape.answers.values()} == set(roles)


def test_prompts_and_keys_stay_out_of_the_logs(server, caplog):
    caplog.set_level(logging.DEBUG)
    swarm = voices(server)
    caplog.set_level(logging.DEBUG, logger="volexswarm")
    asked(swarm, ask(text="the words of the prompt"))
    server.script = MISBEHAVIOURS["401"].answer
    asked(swarm, ask(text="the words of the prompt", role="risk"))
    logged = "\n".join(str(record.__dict__) for record in caplog.records)
    assert "model.failed" in logged
    assert "the words of the prompt" not in logged
    assert KEY not in logged


def test_a_key_that_the_server_says_again_is_not_kept(server):
    server.script = lambda request: Said(text=opinion(rationale=f"you called with {KEY}"))
    answer, stands = asked(voices(server), ask())
    assert answer.rationale == "you called with [key]"
    assert KEY not in stands.raw


def test_without_a_key_in_vault_the_analyst_speaks_and_the_note_says_what_is_missing(server):
    swarm = ModelVoices(model_settings(model_provider="anthropic", model_url=server.host), MemorySecrets(), speaks())
    answer, stands = asked(swarm, ask())
    assert isinstance(answer, Opinion)
    assert "models/anthropic" in stands.note
    assert not server.asked


def test_an_answer_that_can_not_be_stored_is_no_outcome(server):
    answer, _ = asked(voices(server), ask(), tape=MemoryTape(broken=True))
    assert isinstance(answer, Abstention)
    assert answer.why is Silence.UNRECORDED
