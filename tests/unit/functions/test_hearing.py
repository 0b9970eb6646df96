"""Voices as functions: a question in, a testimony out, and what is no question is refused by name."""

import json
from types import SimpleNamespace

import pytest

from chalicelib.agents import compliance, execution, news, research, risk, signal, strategy
from chalicelib.runtime import hearing, wiring
from tests.fakes.api import SETTINGS
from tests.fakes.questions import question
from volexswarm.errors import InvalidInput
from volexswarm.messages import Testimony
from volexswarm.testimony import Findings

VOICES = {
    "research_agent": research.on_task,
    "news_agent": news.on_task,
    "strategy_agent": strategy.on_task,
    "signal_voice": signal.on_task,
    "risk_voice": risk.on_task,
    "compliance_voice": compliance.on_task,
    "portfolio_voice": execution.on_task,
}


def event(step="gather.research", **others):
    asked = question()
    return {
        "step": step,
        "task_id": asked.task_id,
        "attempt": 1,
        "question": asked.model_dump(mode="json"),
    } | others


@pytest.fixture(autouse=True)
def unrecorded(monkeypatch):
    record = SimpleNamespace(begin=lambda *_, **__: SimpleNamespace(answer=None), end=lambda *_: None)
    monkeypatch.setattr(wiring, "step_record", lambda: record)


@pytest.mark.parametrize("name", sorted(VOICES))
def test_a_voice_answers_with_a_testimony_that_can_be_read_again(monkeypatch, name):
    def testify(asked):
        found = Findings("some-agent", asked)
        found.know("hours", 3.0, "so long")
        return found.testimony("nothing")

    monkeypatch.setattr(wiring, name, lambda: SimpleNamespace(testify=testify))
    answer = VOICES[name](event(), None)
    read = Testimony.model_validate_json(json.dumps(answer))
    assert (read.symbol, read.as_of, read.features) == ("BTC/USDT", question().as_of, {"hours": 3.0})


@pytest.mark.parametrize(
    ("asked", "field"),
    [(None, "question"), ({}, r"question\.task_id"), (event()["question"] | {"attempt": 0}, r"question\.attempt")],
)
def test_what_is_no_question_is_refused_by_its_field(asked, field):
    with pytest.raises(InvalidInput, match=field):
        hearing.testimony(event(question=asked), lambda _: pytest.fail("nobody is asked"))


def test_research_writes_the_report_that_a_job_asks_for(monkeypatch):
    asked = []

    def write(wanted):
        asked.append(wanted)
        return SimpleNamespace(id="r", symbols=("BTC/USDT",), as_of=question().as_of, words="BTC/USDT at 100: rising")

    monkeypatch.setattr(wiring, "research_agent", lambda: SimpleNamespace(write=write))
    monkeypatch.setattr(wiring, "settings", lambda: SETTINGS)
    answer = research.on_task(event("job.research", request={"kind": "research", "symbols": ["BTC/USDT"]}), None)
    assert (answer["id"], answer["words"]) == ("r", "BTC/USDT at 100: rising")
    assert (asked[0].venue, asked[0].symbols, asked[0].attempt) == ("binance", ("BTC/USDT",), 1)
    json.dumps(answer)
