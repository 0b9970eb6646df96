"""The strategy agent: the ways of a strategy's life, and what strategies at work say and have earned."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest

from tests.fakes.playbook import FakePlaybookTransaction
from tests.fakes.questions import AS_OF, question
from tests.fakes.transaction import FakeStore, FixedClock
from volexswarm.errors import Conflict, InvalidInput, NotFound
from volexswarm.messages import Side, StrategyChanged, StrategyStatus
from volexswarm.playbook.agent import StrategyAgent
from volexswarm.playbook.model import Saying, Strategy
from volexswarm.playbook.record import track_record

WAYS = {
    ("draft", "testing"), ("draft", "archived"), ("testing", "active"), ("testing", "archived"), ("active", "paused"),
    ("paused", "active"), ("paused", "archived"),
}  # fmt: skip


def strategy(key="rsi-btc", status="active", timeframe="5m", **others) -> Strategy:
    fields = {"template": "rsi", "venue": "binance", "symbol": "BTC/USDT", "parameters": {}} | others
    return Strategy(id=key, timeframe=timeframe, status=StrategyStatus(status), **fields)


def desk(*strategies: Strategy) -> tuple[StrategyAgent, FakePlaybookTransaction]:
    state = FakePlaybookTransaction(*strategies)
    return StrategyAgent(FakeStore(state), FixedClock()), state


@pytest.mark.parametrize(("before", "after"), list(product(StrategyStatus, StrategyStatus)))
def test_a_strategy_goes_the_ways_of_its_life_and_no_other(before, after):
    agent, state = desk(strategy(status=before))
    if (before, after) in WAYS:
        assert agent.change_status("rsi-btc", after, actor="ann", reason="looked at it").status is after
        (told,) = state.of(StrategyChanged)
        assert (told.before, told.after, told.actor, told.reason) == (before, after, "ann", "looked at it")
    else:
        with pytest.raises(Conflict, match=f"strategy rsi-btc is {before}"):
            agent.change_status("rsi-btc", after, actor="ann", reason="looked at it")
        assert state.strategies["rsi-btc"].status is before
        assert state.published == []


def test_what_can_not_run_is_not_let_to_trade():
    agent, state = desk(strategy(status="testing", parameters={"period": 500}))
    with pytest.raises(InvalidInput, match=r"parameters\.period"):
        agent.change_status("rsi-btc", StrategyStatus.ACTIVE, actor="ann", reason="why not")
    assert state.strategies["rsi-btc"].status is StrategyStatus.TESTING


def test_each_turn_is_an_event_of_its_own():
    agent, state = desk(strategy(status="paused"))
    for after in ("active", "paused", "active"):
        agent._clock.advance(timedelta(seconds=1))
        agent.change_status("rsi-btc", StrategyStatus(after), actor="ann", reason="back and forth")
    assert len({event.id for event in state.published}) == 3


def test_an_unknown_strategy_and_a_missing_reason_are_refused():
    agent, _ = desk()
    with pytest.raises(NotFound):
        agent.change_status("nobody", StrategyStatus.PAUSED, actor="ann", reason="why")
    with pytest.raises(InvalidInput, match="reason"):
        agent.change_status("nobody", StrategyStatus.PAUSED, actor="ann", reason=" ")


def say(state, key, side, confidence=1.0, candles=1, minutes=5):
    state.said.append(Saying(key, Side(side), confidence, AS_OF - candles * timedelta(minutes=minutes)))


def test_strategies_say_together_what_they_said_last():
    agent, state = desk(strategy("a"), strategy("b"), strategy("c"), strategy("d", status="paused"))
    say(state, "a", "sell", candles=9)
    say(state, "a", "buy", 0.8)
    say(state, "b", "sell", 0.5)
    say(state, "d", "sell")
    said = agent.testify(question())
    assert said.features == {"active": 3.0, "stance": pytest.approx((0.8 - 0.5) / 3, rel=1e-5)}
    texts = {evidence.id: evidence.text for evidence in said.evidence}
    assert texts["strategy:stance"] == "1 want to buy, 1 to sell, 1 say nothing"
    assert set(texts) == {"strategy:active", "strategy:stance", "strategy:signal:a", "strategy:signal:b"}


@pytest.mark.parametrize(("timeframe", "candles", "stance"), [("5m", 20, 1.0), ("5m", 21, 0.0), ("1h", 21, 1.0)])
def test_a_word_stands_for_twenty_candles_of_its_own(timeframe, candles, stance):
    agent, state = desk(strategy("a", timeframe=timeframe))
    say(state, "a", "buy", candles=candles)
    assert agent.testify(question()).features["stance"] == stance


def test_nothing_later_than_the_question_is_looked_at():
    agent, state = desk(strategy("a"))
    say(state, "a", "buy", candles=-1)
    state.trades.append(("a", AS_OF + timedelta(minutes=1), 0.5))
    assert agent.testify(question()).features == {"active": 1.0, "stance": 0.0}


def test_the_record_is_of_closed_trades_of_the_strategies_at_work():
    agent, state = desk(strategy("a"), strategy("b", status="paused"))
    state.trades += [("a", AS_OF, 0.02), ("a", AS_OF, -0.01), ("a", AS_OF, 0.01), ("b", AS_OF, -0.9)]
    features = agent.testify(question()).features
    assert features["trades"] == 3
    assert features["win_rate"] == pytest.approx(2 / 3, rel=1e-5)
    assert features["expectancy"] == pytest.approx(0.02 / 3, rel=1e-5)
    assert features["profit_factor"] == pytest.approx(3.0)


def test_who_has_never_lost_has_no_profit_factor():
    assert track_record([0.1]).profit_factor is None
    assert track_record([]) is None
    assert track_record([0.0]).win_rate == 0


def test_that_no_strategy_is_active_is_known_and_nothing_else():
    agent, _ = desk(strategy("a", status="paused"))
    said = agent.testify(question())
    assert (said.missing, said.features) == (None, {"active": 0.0})
    assert [one.text for one in said.evidence] == ["no strategy is active on BTC/USDT"]


def test_it_is_small_however_many_there_are():
    agent, state = desk(*(strategy(f"binance-btc-usdt-5m-strategy-{number:03}") for number in range(100)))
    for key in state.strategies:
        say(state, key, "buy")
    said = agent.testify(question())
    assert said.features["stance"] == 1.0
    assert len(said.model_dump_json()) < 8_192
