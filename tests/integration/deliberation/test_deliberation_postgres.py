"""Deliberation's statements on a real database: conditional checkpoints, the tape, calls, forecasts and what came of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.fakes.transaction import START, FixedClock
from tests.unit.deliberation.panels import all_testimonies, question, says
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.deliberation import DeliberationTransaction
from volexswarm.adapters.postgres.outbox import Relay
from volexswarm.adapters.postgres.store import PostgresStore
from volexswarm.deliberation.calibration import DueForecast, Forecast, Judgement, TrackRecord
from volexswarm.deliberation.domain import (
    Configuration,
    Deliberation,
    Limits,
    ModelChoice,
    Recorded,
    Snapshot,
    Turn,
    Usage,
    identity,
)
from volexswarm.deliberation.judgement import Calibration
from volexswarm.deliberation.ports import Spent
from volexswarm.deliberation.proceedings import decide

HOUR = timedelta(hours=1)
ANSWER = Recorded(role="signal", answer=says("buy"), model="openai:gpt", usage=Usage(tokens=90, cost=0.002))


class NoSender:
    """Takes every message."""

    def send(self, queue: str, messages: list[tuple[str, str | None, str]]) -> set[str]:
        return {message[0] for message in messages}


@pytest.fixture
def database(database_dsn: str) -> Iterator[Database]:
    database = Database(lambda: database_dsn, max_size=2)
    yield database
    database.close()


@pytest.fixture
def store(database: Database) -> PostgresStore[DeliberationTransaction]:
    return PostgresStore(database, DeliberationTransaction, Relay(database, NoSender()))


def deliberation(task: str = "t1") -> Deliberation:
    facts = Snapshot(question=question(task=task), testimonies=all_testimonies())
    model = ModelChoice(provider="openai", name="gpt", params={"temperature": 0.0, "max_tokens": 1500, "strict": True})
    rules = Configuration(limits=Limits(cost_usd=1e-7), weights={"signal": 1.234567}, model=model, prompt_version="1")
    return Deliberation(id=identity(facts, rules), snapshot=facts, configuration=rules)


TURN = Turn(phase="blind", round=0, role="signal", key="k", recorded=ANSWER)


def test_a_deliberation_comes_back_as_it_was_frozen(store: PostgresStore[DeliberationTransaction]) -> None:
    frozen = deliberation()
    with store.transaction() as tx:
        assert tx.begin(frozen, START)
    with store.transaction() as tx:
        found = tx.find("t1", 1, "BTC/USDT")
        assert found == frozen
        assert found is not None
        assert identity(found.snapshot, found.configuration) == frozen.id
        assert tx.load(frozen.id) == frozen
        assert tx.find("t1", 2, "BTC/USDT") is None
        assert not tx.begin(frozen, START)


def test_a_checkpoint_replaces_only_the_one_before_it(store: PostgresStore[DeliberationTransaction]) -> None:
    frozen = deliberation()
    first = frozen.checkpoint.following(turns=(TURN,))
    second = first.following(decision=decide(frozen.model_copy(update={"checkpoint": first})))
    with store.transaction() as tx:
        tx.begin(frozen, START)
        assert tx.advance(frozen.id, first, START)
    with store.transaction() as tx:
        assert not tx.advance(frozen.id, first, START)
        assert tx.advance(frozen.id, second, START)
        stored = tx.load(frozen.id)
        assert stored is not None
        assert stored.checkpoint == second


def test_what_stands_on_the_tape_stays(store: PostgresStore[DeliberationTransaction]) -> None:
    frozen = deliberation()
    other = ANSWER.model_copy(update={"answer": says("sell")})
    with store.transaction() as tx:
        tx.begin(frozen, START)
        assert tx.record(frozen.id, "k", ANSWER, START) == ANSWER
    with store.transaction() as tx:
        assert tx.record(frozen.id, "k", other, START) == ANSWER
        assert tx.answers(frozen.id) == {"k": ANSWER}


def test_calls_count_by_what_they_took_and_until_then_by_what_was_held(
    store: PostgresStore[DeliberationTransaction],
) -> None:
    frozen = deliberation()
    with store.transaction() as tx:
        tx.begin(frozen, START)
        assert tx.spent(frozen.id) == Spent(0, 0, 0.0)
        first = tx.reserve(frozen.id, "k", "signal", Usage(tokens=500, cost=0.01), START)
        tx.reserve(frozen.id, "k", "signal", Usage(tokens=500, cost=0.01), START)
        tx.settle({first: Usage(tokens=90, cost=0.002)}, START)
        tx.settle({}, START)
        spent = tx.spent(frozen.id)
    assert (spent.calls, spent.tokens, spent.repeated) == (2, 590, 1)
    assert spent.cost == pytest.approx(0.012)


def candle(database: Database, opened: timedelta, close: int) -> None:
    with database.connection() as connection:
        connection.execute(
            "INSERT INTO candles VALUES ('binance', 'BTC/USDT', '1h', %s, %s, %s, %s, %s, 1, 1, 1, 1, true)",
            (START + opened, close, close, close, close),
        )


def known_to(database: Database, after: timedelta) -> None:
    with database.connection() as connection:
        connection.execute(
            "INSERT INTO watermarks (venue, symbol, complete_to) VALUES ('binance', 'BTC/USDT', %s)"
            " ON CONFLICT (venue, symbol) DO UPDATE SET complete_to = EXCLUDED.complete_to",
            (START + after,),
        )


def test_forecasts_are_judged_by_the_prices_of_their_moments(
    store: PostgresStore[DeliberationTransaction], database: Database
) -> None:
    frozen = deliberation()
    candle(database, -HOUR, 100)  # ends when the question was asked
    candle(database, timedelta(0), 90)
    candle(database, 11 * HOUR, 110)  # ends at the horizon
    candle(database, 12 * HOUR, 50)
    with store.transaction() as tx:
        tx.begin(frozen, START)
        said = [Forecast("signal", 0.9, "openai:gpt"), Forecast("research", 0.2, "policy:research")]
        tx.record_forecasts(frozen, said, START + 12 * HOUR)
    calibration = Calibration(store, FixedClock())
    assert calibration.settle() == 0  # nothing is known of the market
    known_to(database, 12 * HOUR)
    assert calibration.settle() == 0  # the last candle may not be closed
    known_to(database, 13 * HOUR)
    with store.transaction() as tx:
        assert tx.forecasts_due(1) == [DueForecast(frozen.id, "research", 0.2, Decimal(100), Decimal(110))]
    assert calibration.settle() == 2
    assert calibration.settle() == 0
    with store.transaction() as tx:
        records = tx.track_records()
    assert records == {
        "signal": TrackRecord(forecasts=1, hits=1, brier=pytest.approx(0.01)),
        "research": TrackRecord(forecasts=1, hits=0, brier=pytest.approx(0.64)),
    }


def test_a_forecast_without_candles_is_laid_aside_unjudged(
    store: PostgresStore[DeliberationTransaction], database: Database
) -> None:
    frozen = deliberation()
    candle(database, -20 * HOUR, 100)  # of long before
    known_to(database, 40 * HOUR)
    with store.transaction() as tx:
        tx.begin(frozen, START)
        tx.record_forecasts(frozen, [Forecast("signal", 0.9, "openai:gpt")], START + 12 * HOUR)
    assert Calibration(store, FixedClock()).settle() == 1
    assert Calibration(store, FixedClock()).settle() == 0
    with store.transaction() as tx:
        assert tx.track_records() == {}


def test_a_judgement_is_made_once(store: PostgresStore[DeliberationTransaction]) -> None:
    frozen = deliberation()
    due = DueForecast(frozen.id, "signal", 0.9, Decimal(1), Decimal(2))
    with store.transaction() as tx:
        tx.begin(frozen, START)
        tx.record_forecasts(frozen, [Forecast("signal", 0.9, "m")], START)
        tx.judge(due, Judgement(True, 0.01), START)
        tx.judge(due, Judgement(False, 0.81), START)
        assert tx.track_records()["signal"].hits == 1
