"""Risk's statements on a real database: candles, closed trades, voices, answers that never came, breakers and their probes."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.fakes.transaction import START
from tests.integration.decisions.test_decisions_postgres import Desk
from volexswarm.adapters.postgres.risk import RiskTransaction
from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import Side
from volexswarm.risk.breakers import Breaker, Kind, Outcome, Probe
from volexswarm.risk.model import Bar, Surroundings
from volexswarm.risk.policy import RiskPolicy

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
KEYS = ("binance", "main")
BREAKER = Breaker(
    kind=Kind.SPREAD,
    scope="BTC/USDT",
    state="half_open",
    reason="the cooldown is over",
    since=START,
    cooldown=timedelta(minutes=5),
)


@pytest.fixture
def desk(database_dsn: str) -> Iterator[Desk]:
    desk = Desk(database_dsn)
    yield desk
    desk.close()


def asked(desk: Desk, question: str, *arguments: Any) -> Any:
    with desk.database.connection() as connection:
        return getattr(RiskTransaction(connection), question)(*arguments)


def candle(desk: Desk, opened: timedelta, close: int, timeframe: str = "1m", *, closed: bool = True) -> None:
    desk.run(
        "INSERT INTO candles VALUES ('binance', 'BTC/USDT', %s, %s, %s, %s, %s, %s, 1, 1, 1, 1, %s)",
        timeframe, START + opened, close, close + 1, close - 1, close, closed,
    )  # fmt: skip


def test_bars_are_the_last_closed_candles_that_had_ended(desk: Desk) -> None:
    for minute in range(-5, 0):
        candle(desk, minute * MINUTE, 100 + minute)
    candle(desk, timedelta(0), 200)  # not over yet at START
    candle(desk, -6 * MINUTE, 300, closed=False)
    candle(desk, -MINUTE, 400, "5m")
    bars = asked(desk, "bars", "binance", "BTC/USDT", Timeframe.M1, START, 3)
    assert bars == [Bar(Decimal(close + 1), Decimal(close - 1), Decimal(close)) for close in (97, 98, 99)]
    recent = asked(desk, "bars", "binance", "BTC/USDT", Timeframe.M1, START, 9, START - 2 * MINUTE)
    assert [bar.close for bar in recent] == [98, 99]


def test_hourly_closes_are_the_last_of_each_hour_and_empty_hours_are_none(desk: Desk) -> None:
    candle(desk, -3 * HOUR, 10)
    candle(desk, -2 * HOUR - MINUTE, 11)  # the last of its hour
    candle(desk, -MINUTE, 13)
    candle(desk, timedelta(0), 99)
    closes = asked(desk, "hourly_closes", "binance", ["BTC/USDT", "ETH/USDT"], Timeframe.M1, START, 4)
    assert closes == {"BTC/USDT": [None, 11.0, None, 13.0], "ETH/USDT": [None] * 4}


def closed_trade(desk: Desk, strategy: str, cost: int, proceeds: int, days: int) -> None:
    """One purchase by the strategy, sold in two parts so many days after START."""
    order, entry = str(uuid.uuid4()), str(uuid.uuid4())
    at = START + timedelta(days=days)
    desk.run(
        "INSERT INTO orders (id, strategy_id, client_order_id, venue, account, symbol, side, order_type, amount, reference_price,"
        " state, as_of, intended_at, updated_at, correlation_id)"
        " VALUES (%s, %s, %s, 'binance', 'main', 'BTC/USDT', 'buy', 'market', 1, 1, 'filled', %s, %s, %s, %s)",
        order, strategy, order, at, at, at, order,
    )  # fmt: skip
    desk.run(
        "INSERT INTO fills VALUES ('binance', 'main', 'BTC/USDT', %s, %s, 'x', 'buy', 1, 1, 0, 'USDT', false, 0, %s, %s, %s)",
        entry, order, at, at, order,
    )  # fmt: skip
    for part in (1, 2):
        desk.run(
            "INSERT INTO closings (venue, account, symbol, entry_id, exit_id, opened_at, closed_at, amount, cost, proceeds, fees)"
            " VALUES ('binance', 'main', 'BTC/USDT', %s, %s, %s, %s, 0.5, %s, %s, 0)",
            entry, f"{entry}-{part}", at, at, Decimal(cost) / 2, Decimal(proceeds) / 2,
        )  # fmt: skip


def test_closed_trades_are_the_strategys_own_purchases_each_counted_once_the_newest_first(desk: Desk) -> None:
    closed_trade(desk, "rsi", 100, 110, 1)
    closed_trade(desk, "rsi", 200, 190, 2)
    closed_trade(desk, "macd", 100, 500, 3)
    assert asked(desk, "closed_trades", *KEYS, "rsi", 10) == [Decimal("-0.05"), Decimal("0.1")]
    assert asked(desk, "closed_trades", *KEYS, "rsi", 1) == [Decimal("-0.05")]
    assert asked(desk, "closed_trades", *KEYS, "nobody", 10) == []


@pytest.mark.parametrize(
    ("side", "currency", "known"), [("entry", "BNB", False), ("exit", "BNB", False), ("exit", "BTC", True)]
)
def test_nobody_says_what_a_trade_came_to_that_paid_a_fee_without_a_price(
    desk: Desk, side: str, currency: str, known: bool
) -> None:
    closed_trade(desk, "rsi", 100, 110, 1)
    which = "entry_id" if side == "entry" else "exit_id"
    desk.run(
        "INSERT INTO fills SELECT venue, account, symbol, exit_id, NULL, 'y', 'sell', 0.5, 1, 0, 'USDT', false, 0,"
        " closed_at, closed_at, gen_random_uuid() FROM closings"
    )
    desk.run(
        f"UPDATE fills SET fee = 0.01, fee_currency = %s WHERE trade_id = (SELECT max({which}) FROM closings)", currency
    )
    assert asked(desk, "closed_trades", *KEYS, "rsi", 10) == [Decimal("0.1") if known else None]


def voice(
    desk: Desk, strategy: str, side: str, minutes: int, symbol: str = "BTC/USDT", amount: str | None = None
) -> None:
    desk.run(
        "INSERT INTO signals (id, strategy_id, strategy, venue, symbol, side, confidence, price, amount, as_of, reason,"
        " indicators, raised_at, correlation_id)"
        " VALUES (gen_random_uuid(), %s, 's', 'binance', %s, %s, 1, 1, %s, %s, '', '{}', now(),"
        " gen_random_uuid())",
        strategy, symbol, side, amount, START + minutes * MINUTE,
    )  # fmt: skip


def test_voices_are_what_each_strategy_wanted_last_within_the_window(desk: Desk) -> None:
    voice(desk, "a", "sell", -3)
    voice(desk, "a", "buy", -1)
    voice(desk, "b", "sell", -2)
    voice(desk, "c", "sell", -9)
    voice(desk, "d", "sell", -1, "ETH/USDT")
    voice(desk, "manual", "sell", -1, amount="1")
    found = asked(desk, "surroundings", *KEYS, "BTC/USDT", START - 5 * MINUTE, START)
    assert found == Surroundings({"a": Side.BUY, "b": Side.SELL}, 0)


def test_orders_without_an_answer_are_counted_once_each_as_long_as_they_are_recent(desk: Desk) -> None:
    desk.risk.assess(desk.signal(amount="0.1"))
    desk.risk.assess(desk.signal(amount="0.1"))
    for proposal, minutes in zip(desk.proposals(), (1, 20), strict=True):
        order = desk.order(proposal, "accepted")
        for position, after in enumerate(["submitted", "unknown", "accepted", "unknown"]):
            desk.run(
                "INSERT INTO order_transitions VALUES (%s, %s, NULL, %s, '', %s)",
                order, position, after, START - minutes * MINUTE,
            )  # fmt: skip
    assert asked(desk, "surroundings", *KEYS, "BTC/USDT", START, START - 10 * MINUTE).exchange_errors == 1
    assert asked(desk, "surroundings", *KEYS, "BTC/USDT", START, START - 30 * MINUTE).exchange_errors == 2


def probed(desk: Desk) -> Outcome | None:
    probe = probe_of(desk)
    return None if probe is None else probe.outcome


def probe_of(desk: Desk) -> Probe | None:
    ((breaker, probe),) = asked(desk, "breakers", *KEYS, START - HOUR)
    assert breaker.kind is Kind.SPREAD
    return probe


def test_a_breaker_is_read_as_it_was_stored_and_stored_again(desk: Desk) -> None:
    asked(desk, "save_breaker", *KEYS, BREAKER, START)
    assert asked(desk, "breakers", *KEYS, START) == [(BREAKER, None)]
    shut = Breaker(Kind.SPREAD, "BTC/USDT", "closed", "all is well", START)
    asked(desk, "save_breaker", *KEYS, shut, START)
    assert asked(desk, "breakers", *KEYS, START) == [(shut, None)]
    assert asked(desk, "breakers", "binance", "main-paper", START) == []


@pytest.mark.parametrize(
    ("state", "filled", "outcome"),
    [
        ("submitted", "0", Outcome.OUTSTANDING),
        ("unknown", "0", Outcome.OUTSTANDING),
        ("partially_filled", "0.01", Outcome.FILLED),
        ("filled", "0.1", Outcome.FILLED),
        ("canceled", "0.01", Outcome.FILLED),
        ("canceled", "0", Outcome.VOID),
        ("rejected", "0", Outcome.FAILED),
        ("expired", "0", Outcome.FAILED),
    ],
)
def test_what_became_of_a_probe_is_its_orders_word(desk: Desk, state: str, filled: str, outcome: Outcome) -> None:
    desk.risk.assess(desk.signal(amount="0.1"))
    (proposal,) = desk.proposals()
    asked(desk, "save_breaker", *KEYS, _probing(proposal.id), START)
    assert probed(desk) is Outcome.OUTSTANDING
    desk.order(proposal, state, filled)
    assert probed(desk) is outcome


def test_a_probe_that_was_refused_or_whose_message_died_is_void(desk: Desk) -> None:
    desk.risk.assess(desk.signal(amount="0.1"))
    (proposal,) = desk.proposals()
    asked(desk, "save_breaker", *KEYS, _probing(proposal.id), START)
    desk.run("UPDATE proposals SET proposed_at = proposed_at - interval '61 minutes'")
    assert probed(desk) is Outcome.VOID
    desk.run("UPDATE proposals SET proposed_at = now(), state = 'refused'")
    assert probed(desk) is Outcome.VOID


def test_a_probe_is_as_old_as_its_proposal(desk: Desk) -> None:
    desk.risk.assess(desk.signal(amount="0.1"))
    (proposal,) = desk.proposals()
    asked(desk, "save_breaker", *KEYS, _probing(proposal.id), START)
    assert probe_of(desk) == Probe(Outcome.OUTSTANDING, proposal.data.as_of)


def _probing(proposal_id: str) -> Breaker:
    return Breaker(**BREAKER.__dict__ | {"probe_id": proposal_id})


def test_a_breaker_that_trips_is_stored_and_told_with_the_refusal(desk: Desk) -> None:
    desk.activate("risk", RiskPolicy(max_per_symbol=Decimal("0.40"), breaker_exchange_errors=1))
    desk.risk.assess(desk.signal(amount="0.1"))
    order = desk.order(desk.proposals()[0], "unknown")
    desk.run("INSERT INTO order_transitions VALUES (%s, 1, NULL, 'unknown', '', %s)", order, START)
    desk.risk.assess(desk.signal(amount="0.1"))
    assert len(desk.proposals()) == 2  # one is at the limit, not beyond it
    desk.run('UPDATE policies SET body = body || \'{"breaker_exchange_errors": null, "breaker_stale_data": 1}\'')
    desk.clock.advance(timedelta(seconds=2))
    desk.risk.assess(desk.signal(amount="0.1"))
    assert desk.refusals()["risk"] == ["breaker_stale_data"]
    (row,) = desk.rows("SELECT kind, scope, state, until - since AS cooldown FROM breakers")
    assert row == {"kind": "stale_data", "scope": "BTC/USDT", "state": "open", "cooldown": timedelta(minutes=5)}
    (event,) = desk.rows("SELECT data FROM events WHERE type = 'volexswarm.BreakerChanged'")
    assert (event["data"]["before"], event["data"]["after"]) == ("closed", "open")


def test_the_market_is_as_far_as_its_watermarks(desk: Desk) -> None:
    assert asked(desk, "market_time", "binance") is None
    desk.run("INSERT INTO watermarks (venue, symbol, complete_to) VALUES ('binance', 'BTC/USDT', %s)", START)
    desk.run("INSERT INTO watermarks (venue, symbol, complete_to) VALUES ('binance', 'ETH/USDT', %s)", START - MINUTE)
    assert asked(desk, "market_time", "binance") == START
