"""The backtest agent: what it stores and tells, once for an attempt, and what it refuses."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.studies import FakeStudyTransaction
from tests.fakes.transaction import FakeStore, FixedClock
from tests.unit.strategies.charts import walk
from volexswarm.backtest.agent import BacktestAgent
from volexswarm.backtest.history import preferred
from volexswarm.backtest.model import Commission
from volexswarm.errors import Conflict, InvalidInput, Unavailable
from volexswarm.market.timeframes import Timeframe

CANDLES = walk(700, seed=5)
END = (CANDLES.index[-1] + timedelta(minutes=1)).to_pydatetime()
WANTED = Commission("t1", 1, "binance", "ma_cross", "BTC/USDT", Timeframe.M1, 1, {"fast": 5})


@pytest.fixture
def state():
    return FakeStudyTransaction({("BTC/USDT", Timeframe.M1): CANDLES}, END)


@pytest.fixture
def agent(state):
    return BacktestAgent(FakeStore(state), FixedClock())


def test_a_backtest_is_kept_with_all_that_explains_it(agent, state):
    told = agent.backtest(WANTED)
    kept = state.backtests[told.id]
    assert kept.parameters == {"fast": 5, "slow": 20, "atr_period": 14, "stop_atr": 2.0}
    assert (kept.candles, kept.timeframe, kept.policy_version) == (700, Timeframe.M1, 1)
    assert len(kept.run.equity) == 700 - 42  # what the strategy needs to warm up is no part of the run
    assert kept.figures["trades"].value == len(kept.run.trades) > 0
    assert kept.figures["total_return"].value == pytest.approx(kept.run.equity[-1] / kept.run.equity[0] - 1)
    assert any("fee of 0.1" in sentence for sentence in kept.assumptions)
    assert "ma_cross on BTC/USDT over 700 candles of 1m" in told.words


def test_the_same_attempt_is_told_what_is_stored_even_if_the_market_went_on(agent, state):
    first = agent.backtest(WANTED)
    state.now = END + timedelta(minutes=300)
    assert agent.backtest(WANTED) == first
    assert agent.backtest(replace(WANTED, attempt=2)).id != first.id


def test_what_the_data_cannot_carry_is_unknown_and_says_why(agent, state):
    told = agent.backtest(WANTED)
    assert told.summary["annual_return"] is None
    assert "at least 30 days" in state.backtests[told.id].figures["annual_return"].reason


def test_too_few_candles_are_refused_with_what_there_is(agent, state):
    state.histories = {("BTC/USDT", Timeframe.M1): CANDLES.iloc[:60]}
    with pytest.raises(
        InvalidInput, match="at least 143 closed candles of 1m of BTC/USDT in 1 days; stored are 60 of 1m"
    ):
        agent.backtest(WANTED)
    with pytest.raises(InvalidInput, match="stored are none"):
        agent.backtest(replace(WANTED, symbol="ETH/USDT"))


def test_a_wrong_parameter_is_refused_by_name(agent):
    with pytest.raises(InvalidInput, match=r"parameters\.fast"):
        agent.backtest(replace(WANTED, parameters={"fast": 1}))


def test_before_anything_was_heard_of_the_market_it_is_tried_again(agent, state):
    state.now = None
    with pytest.raises(Unavailable, match="nothing was heard of binance"):
        agent.backtest(WANTED)


def test_without_a_risk_policy_nothing_can_be_sized(agent, state):
    state.policy = None
    with pytest.raises(Conflict, match="no risk policy"):
        agent.backtest(WANTED)


@pytest.mark.parametrize(
    ("counts", "chosen"),
    [
        ({Timeframe.M1: 5_000, Timeframe.M5: 1_000, Timeframe.H1: 80}, Timeframe.M5),  # the longest with enough
        ({Timeframe.M1: 300, Timeframe.M5: 60}, Timeframe.M1),  # none has enough: the one with most
        ({Timeframe.M1: 90_000, Timeframe.M5: 400}, Timeframe.M5),  # too many can't be gone through
        ({}, None),
    ],
)
def test_the_timeframe_that_nobody_named_is_the_longest_with_enough_candles(counts, chosen):
    assert preferred(counts, 50_000) is chosen
