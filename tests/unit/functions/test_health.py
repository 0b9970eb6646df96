"""A function that is asked how it is tries what it depends on, whatever wakes it otherwise, and does no work."""

from dataclasses import dataclass

import pytest
from chalice.app import Chalice

from chalicelib import agents
from chalicelib.runtime import health, runs, wiring
from volexswarm.agents import functions
from volexswarm.errors import InvalidInput, Unavailable


@dataclass
class Tried:
    part: str
    answer: tuple[bool, str] | Exception

    def measure(self):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def probes(monkeypatch):
    found = [Tried("database", (True, "answers in 1 ms"))]
    monkeypatch.setattr(wiring, "dependencies", lambda name: found)
    return found


def handlers():
    app = Chalice(app_name="trial", configure_logs=False)
    for blueprint in agents.blueprints():
        app.register_blueprint(blueprint)
    return dict(app.handler_map)


@pytest.mark.parametrize("name", sorted(handlers()))
def test_every_agents_function_answers_the_question(probes, name):
    told = handlers()[name](dict(health.QUESTION), None)
    assert (told["function"], told["healthy"]) == (name, True)
    assert told["parts"][0]["detail"] == "answers in 1 ms"


def test_there_is_a_handler_for_every_function_of_an_agent():
    assert {f.name for f in functions()} - {"api-handler", "authorizer"} <= set(handlers())


@pytest.mark.parametrize("error", [Unavailable("vault", "sealed"), InvalidInput("VOLEX_TARGET", None, "a target")])
def test_a_part_that_is_away_is_an_answer(probes, error):
    probes.append(Tried("vault", error))
    told = health.answer("risk")
    assert told["healthy"] is False
    assert [part["healthy"] for part in told["parts"]] == [True, False]
    assert str(error) == told["parts"][1]["detail"]


def test_a_mistake_in_a_probe_is_no_health(probes):
    probes.append(Tried("queues", KeyError("typo")))
    with pytest.raises(KeyError):
        health.answer("risk")


def test_nothing_else_is_taken_for_the_question():
    assert not any(
        health.is_asked(event)
        for event in ({}, {"Records": []}, {"health": "true"}, {"detail": {"health": True}}, None)
    )


def test_what_a_function_depends_on_follows_from_the_registry(monkeypatch):
    for part in ("database", "vault"):
        monkeypatch.setattr(wiring, part, lambda: None)
    monkeypatch.setattr(wiring, "exchange", lambda account: None)
    environment = {"TARGET": "embedded", "SYMBOLS": "BTC/USDT", "TIMEFRAMES": "1m"}
    environment |= {"REDIS_URL": "redis://127.0.0.1:1", "VAULT_URL": "http://127.0.0.1:1"}
    for name, value in environment.items():
        monkeypatch.setenv(f"VOLEX_{name}", value)
    wiring.settings.cache_clear()
    parts = {
        name: [probe.part for probe in wiring.dependencies(name)]
        for name in ("risk", "execution-orders", "execution-fills")
    }
    wiring.settings.cache_clear()
    assert parts["risk"] == ["database", "redis", "vault", "queues"]
    assert parts["execution-orders"] == ["database", "redis", "vault", "queues", "exchange"]
    assert parts["execution-fills"] == parts["risk"]  # it books what others heard, and may read no key


def test_the_version_is_the_codes_archive(monkeypatch):
    monkeypatch.setenv(runs.VERSION, "code/3f2a.zip")
    assert runs.version() == "3f2a"
    monkeypatch.delenv(runs.VERSION)
    assert runs.version() == "unknown"


def test_a_call_is_noted_with_what_it_failed_by_and_never_fails_by_being_noted(monkeypatch):
    noted = []

    class Log:
        def note(self, run):
            noted.append(run)
            raise Unavailable("cache", "gone")

    monkeypatch.setattr(wiring, "run_log", Log)
    runs.note("risk", 12.0, KeyError("bid"), 3, 1)
    [run] = noted
    assert (run.function, run.failure, run.messages, run.returned) == ("risk", "KeyError: 'bid'", 3, 1)
