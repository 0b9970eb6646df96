"""Whole deliberations with models that misbehave at random: always a ruling, never above the budget, and exactly replayed."""

from __future__ import annotations

import random

import pytest

from tests.fakes.deliberation import FakeDeliberationTransaction
from tests.fakes.deliberation_models import MemorySecrets, model_settings
from tests.fakes.transaction import FakeStore, FixedClock
from tests.servers.misbehaviours import MISBEHAVIOURS, good
from tests.servers.model_server import Asked, ModelServer, Said, Wire
from tests.unit.deliberation.panels import all_testimonies, question
from volexswarm.deliberation.autogen_runner import AutoGenTeam
from volexswarm.deliberation.coordinator import EnhancedAgentCoordinator
from volexswarm.deliberation.desk import DESK
from volexswarm.deliberation.domain import Decision, Deliberation, Limits, Silence
from volexswarm.deliberation.ledger import Recording
from volexswarm.deliberation.models import guarded
from volexswarm.deliberation.models.factory import ModelVoices
from volexswarm.deliberation.policies import speak
from volexswarm.deliberation.proceedings import proceed

SLOW = {"no answer at all", "an answer drop by drop"}
QUICK = sorted(set(MISBEHAVIOURS) - SLOW)
ENDLESS = Limits(tokens=10**7, cost_usd=1000)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(guarded, "PAUSE", 0.01)
    server = ModelServer(good)
    yield server
    server.close()


def at_random(seed: int, share: float = 0.7):
    """A script in which `share` of the calls go wrong, each in a way of its own."""
    chance = random.Random(seed)

    def script(asked: Asked) -> Said | Wire:
        if chance.random() < share:
            return MISBEHAVIOURS[chance.choice(QUICK)].answer(asked)
        return good(asked, stance=chance.choice(["buy", "sell", "hold", "veto"]), confidence=chance.random())

    return script


def deliberated(voices: ModelVoices, limits: Limits) -> tuple[FakeDeliberationTransaction, Deliberation]:
    tx = FakeDeliberationTransaction()
    coordinator = EnhancedAgentCoordinator(
        FakeStore(tx), FixedClock(), lambda choice, ledger: AutoGenTeam(voices, choice, ledger, ledger), voices.choice
    )
    coordinator.deliberate(question(), all_testimonies(), limits)
    (deliberation,) = tx.deliberations.values()
    return tx, deliberation


def replayed(voices: ModelVoices, tx: FakeDeliberationTransaction, deliberation: Deliberation) -> Decision:
    """The deliberation once more, through AutoGen, from its tape alone."""
    tape = Recording(tx.answers(deliberation.id))
    team = AutoGenTeam(voices, deliberation.configuration.model, tape, tape)
    again = Deliberation(id=deliberation.id, snapshot=deliberation.snapshot, configuration=deliberation.configuration)
    while not isinstance(came := proceed(again, team, tape), Decision):
        again = again.model_copy(update={"checkpoint": again.checkpoint.following(turns=came)})
    return came


def remote(server: ModelServer) -> ModelVoices:
    return ModelVoices(model_settings(model_provider="openai", model_url=server.url), MemorySecrets(), speak)


@pytest.mark.parametrize("seed", range(12))
def test_models_that_fail_at_random_end_in_a_ruling_within_the_budget_that_the_tape_gives_again(server, seed):
    chance = random.Random(seed)
    limits = Limits(
        calls=chance.randint(0, 16), tokens=chance.randint(0, 60_000), cost_usd=round(chance.uniform(0, 0.4), 3)
    )
    server.script = at_random(seed)
    voices = remote(server)
    tx, deliberation = deliberated(voices, limits)
    spent, made = tx.spent(deliberation.id), len(server.asked)
    assert made == spent.calls <= limits.calls
    assert spent.tokens <= limits.tokens
    assert spent.cost <= limits.cost_usd + 1e-9
    decision = deliberation.checkpoint.decision
    assert len(decision.votes) == len(DESK)
    assert replayed(voices, tx, deliberation).model_dump_json() == decision.model_dump_json()
    assert len(server.asked) == made


def test_a_server_that_only_fails_leaves_the_analysts_verdict_and_says_that_it_is_degraded(server):
    server.script = MISBEHAVIOURS["503"].answer
    _, failed = deliberated(remote(server), ENDLESS)
    _, own = deliberated(ModelVoices(model_settings(model_name=None), MemorySecrets(), speak), ENDLESS)
    fields = {"action", "size_frac", "confidence", "votes", "arithmetic"}
    decision, expected = failed.checkpoint.decision, own.checkpoint.decision
    assert decision.model_dump(include=fields) == expected.model_dump(include=fields)
    assert (decision.degraded, expected.degraded) == (True, False)
    assert len(decision.degraded_why) >= len(DESK)
    assert all("in place of openai:a-model: unreachable, HTTP 503" in why for why in decision.degraded_why)


def test_without_any_budget_risk_and_compliance_are_silent_and_nothing_is_traded(server):
    _, deliberation = deliberated(remote(server), Limits(calls=0))
    decision = deliberation.checkpoint.decision
    assert decision.action == "hold"
    assert decision.vetoed_by == ("risk", "compliance")
    assert {turn.recorded.answer.why for turn in deliberation.checkpoint.turns} == {Silence.BUDGET}
    assert not server.asked
