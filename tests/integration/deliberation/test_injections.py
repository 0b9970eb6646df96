"""Headlines that try to be instructions change no vote, and the verdict only towards caution: with the analysts, and with a model
that obeys every one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache

import pytest

from tests.fakes.deliberation import FakeDeliberationTransaction
from tests.fakes.deliberation_models import MemorySecrets, model_settings
from tests.fakes.news import FakeNewsTransaction
from tests.fakes.transaction import START, FakeStore, FixedClock
from tests.servers.injections import INJECTIONS
from tests.servers.misbehaviours import good
from tests.servers.model_server import Asked, ModelServer, Said, Wire
from tests.unit.deliberation.panels import all_testimonies, one_testimony, question
from volexswarm.deliberation.autogen_runner import AutoGenTeam
from volexswarm.deliberation.coordinator import EnhancedAgentCoordinator
from volexswarm.deliberation.desk import ROLES
from volexswarm.deliberation.domain import Answer, Decision, Deliberation, Limits
from volexswarm.deliberation.fencing import cleaned
from volexswarm.deliberation.models.factory import ModelVoices
from volexswarm.deliberation.policies import speak
from volexswarm.deliberation.proceedings import decide
from volexswarm.messages import Testimony
from volexswarm.news.agent import NewsAgent
from volexswarm.news.model import Draft
from volexswarm.news.scoring import crypto_scorer

NEWS = "news-sentiment"
QUIET = "Bitcoin steady in quiet trading"

OTHERS: Mapping[str, Mapping[str, Mapping[str, object]]] = {
    "all for buying": {
        "research": {"stance": "buy", "size_frac": 0.05},
        "signal": {"stance": "buy", "size_frac": 0.04},
        "strategy": {"stance": "buy", "size_frac": 0.05},
        "risk": {"stance": "buy", "confidence": 0.2},
        "compliance": {"stance": "buy", "confidence": 0.2},
    },
    "a quarrel": {
        "research": {"stance": "buy", "confidence": 0.7, "size_frac": 0.05},
        "signal": {"stance": "buy", "confidence": 0.5, "size_frac": 0.04},
        "strategy": {"stance": "sell", "confidence": 0.6, "size_frac": 0.03},
    },
    "one voice short of a purchase": {"research": {"stance": "buy", "confidence": 0.9, "size_frac": 0.05}},
    "a veto": {
        "research": {"stance": "buy", "size_frac": 0.05},
        "signal": {"stance": "buy", "size_frac": 0.05},
        "risk": {"stance": "veto"},
    },
}
"""What the other roles' models say, by role; who is not named holds."""


@pytest.fixture(scope="module")
def server():
    server = ModelServer(good)
    yield server
    server.close()


def deliberated(voices: ModelVoices, testimonies: tuple[Testimony, ...]) -> Deliberation:
    """A whole deliberation with AutoGen, as it stands in the store afterwards."""
    tx, limits = FakeDeliberationTransaction(), Limits(tokens=10**6, cost_usd=100)
    coordinator = EnhancedAgentCoordinator(
        FakeStore(tx), FixedClock(), lambda choice, ledger: AutoGenTeam(voices, choice, ledger, ledger), voices.choice
    )
    coordinator.deliberate(question(), testimonies, limits)
    (deliberation,) = tx.deliberations.values()
    return deliberation


def said(deliberation: Deliberation) -> dict[tuple[str, int, str], Answer]:
    """What everybody but news said, by phase, round and role."""
    turns = deliberation.checkpoint.turns
    return {(turn.phase, turn.round, turn.role): turn.recorded.answer for turn in turns if turn.role != NEWS}


def assert_only_more_cautious(deliberation: Deliberation, before: Decision) -> None:
    after = deliberation.checkpoint.decision
    assert after is not None
    assert after.action in (before.action, "hold")
    assert after.size_frac <= before.size_frac
    assert after.confidence <= before.confidence
    assert set(before.vetoed_by) <= set(after.vetoed_by)


def with_news(*headlines: str) -> tuple[Testimony, ...]:
    """Everybody's testimony, that of news made by the news agent from these headlines."""
    tx = FakeNewsTransaction()
    tx.complete_to = START
    agent = NewsAgent(store=FakeStore(tx), scorer=scorer(), clock=FixedClock(), venue="binance", symbols=("BTC/USDT",))
    for number, headline in enumerate(headlines):
        draft = Draft("a feed", headline, START - timedelta(minutes=1 + number), symbols=("BTC/USDT",))
        agent.take(draft, submitted_by="a tester")
    return (*(testimony for testimony in all_testimonies() if testimony.agent != NEWS), agent.testify(question()))


scorer = cache(crypto_scorer)


@cache
def undisturbed(server: ModelServer, panel: str) -> Deliberation:
    """The panel's deliberation with a model that obeys nobody."""
    return with_model(server, panel, QUIET, obeyed=None)


def with_model(
    server: ModelServer, panel: str, headline: str, obeyed: Callable[[Asked], Said | Wire] | None
) -> Deliberation:
    """A deliberation whose roles are models: those of the panel, and news that does what `obeyed` says."""

    def script(asked: Asked) -> Said | Wire:
        role = role_of(asked)
        return obeyed(asked) if obeyed and role == NEWS else good(asked, **OTHERS[panel].get(role, {}))

    server.script = script
    server.asked.clear()
    news = one_testimony(NEWS, {"sentiment": 0.3, "items": 2}, headline)
    others = [testimony for testimony in all_testimonies() if testimony.agent != NEWS]
    return deliberated(voices(server), (*others, news))


@cache
def voices(server: ModelServer) -> ModelVoices:
    settings = model_settings(model_provider="openai", model_url=server.url, model_price="0:0")
    return ModelVoices(settings, MemorySecrets(), speak)


def role_of(asked: Asked) -> str:
    """You are the … specialist."""
    return asked.system.split()[3]


@pytest.mark.parametrize("kind", INJECTIONS)
def test_an_injected_headline_moves_the_analysts_only_to_caution(kind):
    analysts = ModelVoices(model_settings(model_name=None), MemorySecrets(), speak)
    injected = deliberated(analysts, with_news(QUIET, INJECTIONS[kind].headline))
    assert said(injected) == said(deliberated(analysts, with_news(QUIET)))
    assert_only_more_cautious(injected, decide(injected, absent={NEWS}))


@pytest.mark.parametrize("panel", OTHERS)
@pytest.mark.parametrize("kind", INJECTIONS)
def test_a_news_model_that_obeys_a_headline_moves_nobody_else_and_the_verdict_only_to_caution(server, kind, panel):
    injection = INJECTIONS[kind]
    before = undisturbed(server, panel)
    injected = with_model(server, panel, injection.headline, injection.obeyed)

    assert said(injected) == said(before)
    assert_only_more_cautious(injected, decide(before, absent={NEWS}))
    words = cleaned(injection.headline)
    assert {role_of(asked) for asked in server.asked} == set(ROLES)
    for asked in server.asked:
        assert words not in (asked.system if role_of(asked) == NEWS else asked.system + asked.said)


def test_there_are_at_least_thirty_kinds():
    assert len(INJECTIONS) >= 30
    assert len({injection.headline for injection in INJECTIONS.values()}) == len(INJECTIONS)
