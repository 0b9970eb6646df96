"""Trades on candles: when they are made, at what price, and what they cost. Every table is (open, high, low, close)."""

from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.strategies.charts import MINUTE, START, walk
from volexswarm.backtest.decisions import decisions
from volexswarm.backtest.model import Assumptions, History
from volexswarm.backtest.simulation import Simulation
from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import Side
from volexswarm.risk.policy import RiskPolicy
from volexswarm.strategies.model import Decision
from volexswarm.strategies.registry import TEMPLATES, build

FREE = Assumptions(cash=Decimal(10_000), fee=Decimal(0), slippage=Decimal(0))
PLAIN = RiskPolicy(take_profit_r=None)
FLAT = (100, 100, 100, 100)


def history(*candles):
    index = pd.DatetimeIndex([START + i * MINUTE for i in range(len(candles))], name="opened_at")
    frame = pd.DataFrame(candles, columns=["open", "high", "low", "close"], index=index, dtype="float64")
    return of(frame.assign(volume=1.0))


def of(frame):
    ends = [moment.to_pydatetime() for moment in (frame.index[0], frame.index[-1] + MINUTE)]
    return History("binance", "BTC/USDT", Timeframe.M1, *ends, frame)


def wish(side=Side.BUY, stop=90.0):
    return Decision(side, 0.8, f"the rule says {side}", stop, 0.001)


def simulate(candles, wishes, policy=PLAIN, terms=FREE):
    return Simulation(history(*candles), policy, terms).run(wishes)


def test_what_is_decided_at_a_close_is_bought_at_the_next_open():
    run = simulate([FLAT, (104, 105, 103, 105), FLAT], {0: wish()})
    assert run.open_trade.entry_price == 104
    assert run.open_trade.opened_at == (START + MINUTE).to_pydatetime()
    assert run.trades == []


def test_a_wish_to_sell_closes_the_whole_position_at_the_next_open():
    run = simulate([FLAT, FLAT, (100, 112, 100, 111), (110, 110, 110, 110)], {0: wish(), 2: wish(Side.SELL)})
    (trade,) = run.trades
    assert (trade.exit_price, trade.exit_reason) == (110, "the rule says sell")
    assert trade.result == trade.amount * 10
    assert run.open_trade is None


def test_without_a_position_a_wish_to_sell_does_nothing():
    run = simulate([FLAT, FLAT], {0: wish(Side.SELL)})
    assert (run.trades, run.open_trade, set(run.equity)) == ([], None, {10_000.0})


@pytest.mark.parametrize(
    ("candle", "price"),
    [
        # opens above, dips through the stop: given up at the stop
        ((100, 101, 85, 95), 90),
        # gaps below the stop: given up at the open, never at the stop
        ((80, 95, 79, 94), 80),
        # just touches it
        ((100, 100, 90, 99), 90),
        # does not come to it
        ((100, 101, 91, 95), None),
    ],
)
def test_a_stop_is_got_at_its_price_or_worse(candle, price):
    run = simulate([FLAT, FLAT, candle], {0: wish(stop=90.0)})
    assert [(trade.exit_price, trade.exit_reason) for trade in run.trades] == (
        [] if price is None else [(price, "stop")]
    )


def test_a_take_profit_is_got_at_its_price_or_at_a_better_open():
    policy = RiskPolicy(take_profit_r=Decimal(2))  # 20 above an entry whose stop is 10 below
    inside = simulate([FLAT, FLAT, (110, 125, 109, 118)], {0: wish()}, policy)
    beyond = simulate([FLAT, FLAT, (130, 131, 128, 129)], {0: wish()}, policy)
    assert [run.trades[0].exit_price for run in (inside, beyond)] == [120, 130]
    assert inside.trades[0].exit_reason == "take-profit"


def test_where_a_candle_reaches_both_the_stop_goes_first():
    run = simulate([FLAT, FLAT, (100, 150, 80, 140)], {0: wish()}, RiskPolicy(take_profit_r=Decimal(2)))
    assert run.trades[0].exit_reason == "stop"


def test_a_trailing_stop_follows_only_candles_that_have_closed():
    policy = RiskPolicy(take_profit_r=None, trailing_share=Decimal("0.05"))
    rising = [FLAT, FLAT, (100, 200, 100, 200)]
    assert simulate(rising, {0: wish()}, policy).trades == []
    run = simulate([*rising, (200, 200, 185, 188)], {0: wish()}, policy)
    assert (run.trades[0].exit_price, run.trades[0].exit_reason) == (190, "trailing stop")


def test_a_position_ends_when_it_was_held_long_enough():
    policy = RiskPolicy(take_profit_r=None, max_holding=120)
    run = simulate([FLAT] * 5, {0: wish()}, policy)
    assert run.trades[0].closed_at == (START + 3 * MINUTE).to_pydatetime()


def test_both_sides_cost_their_fee_and_slippage():
    terms = Assumptions(cash=Decimal(10_000), fee=Decimal("0.01"), slippage=Decimal("0.10"))
    run = simulate([FLAT] * 4, {0: wish(), 2: wish(Side.SELL)}, terms=terms)
    (trade,) = run.trades
    assert (trade.entry_price, trade.exit_price) == (Decimal("110.0"), Decimal("90.0"))
    assert trade.fees == run.fees == trade.amount * (Decimal("1.1") + Decimal("0.9"))
    assert run.equity[-1] == pytest.approx(float(10_000 + trade.result))


def test_sizes_are_those_of_the_risk_policy():
    by_cap = simulate([FLAT, FLAT], {0: wish(stop=90.0)})  # 1 % of the equity is below what a loss of 2 % would allow
    by_stop = simulate(
        [FLAT, FLAT], {0: wish(stop=90.0)}, RiskPolicy(max_trade=Decimal(1), volatility_target=Decimal(1))
    )
    assert (by_cap.open_trade.amount, by_stop.open_trade.amount) == (1, 20)


def test_what_is_not_worth_its_fees_is_not_bought_and_counted():
    run = simulate([FLAT, FLAT], {0: wish()}, RiskPolicy(risk_per_trade=Decimal("0.00005")))
    assert run.open_trade is None
    assert run.unfilled == {"not worth its fees by risk_per_trade": 1}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), sides=st.dictionaries(st.integers(0, 59), st.sampled_from(Side), max_size=30))
def test_no_money_comes_from_nowhere(seed, sides):
    frame = walk(60, seed)
    stops = {place: wish(side, float(frame["close"].iloc[place]) * 0.97) for place, side in sides.items()}
    run = Simulation(of(frame), RiskPolicy(max_trade=Decimal(1)), Assumptions()).run(stops)
    held = run.open_trade
    worth = Decimal(10_000) + sum((trade.result for trade in run.trades), Decimal(0))
    if held is not None:
        worth += held.amount * Decimal(str(frame["close"].iloc[-1])) - held.cost
    assert run.equity[-1] == pytest.approx(float(worth), rel=1e-12)
    assert all(value > 0 for value in run.equity)
    assert all(trade.opened_at <= trade.closed_at for trade in run.trades)


@pytest.mark.parametrize("template", TEMPLATES)
@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), cut=st.integers(100, 139))
def test_cutting_the_future_off_changes_nothing_before(template, seed, cut):
    strategy, whole = build(template, {}, Timeframe.M1), walk(140, seed)
    part = whole.iloc[:cut]
    known, early = decisions(strategy, whole, 0, len(whole)), decisions(strategy, part, 0, cut)
    assert early == {place: one for place, one in known.items() if place < cut}
    later = Simulation(of(whole), PLAIN, Assumptions()).run(known)
    assert Simulation(of(part), PLAIN, Assumptions()).run(early).equity == later.equity[:cut]


@pytest.mark.parametrize("template", TEMPLATES)
def test_history_is_decided_as_a_live_window_is(template):
    strategy, candles = build(template, {}, Timeframe.M1), walk(300, seed=11)
    found = decisions(strategy, candles, 150, 300)
    assert found
    for place, decision in found.items():
        assert strategy.decide(candles.iloc[place + 1 - strategy.warm_up : place + 1]) == decision
