"""Sizes never exceed the budget they come from, whatever the numbers."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volexswarm.errors import InvalidInput
from volexswarm.risk import sizing
from volexswarm.risk.track import TrackRecord, track_record

money = st.decimals(min_value=0, max_value=10**9, places=8, allow_nan=False, allow_infinity=False)
price = st.decimals(min_value="0.00000001", max_value=10**6, places=8, allow_nan=False, allow_infinity=False)
share = st.decimals(min_value="0.001", max_value=1, places=3, allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("equity", "risk", "stop_distance", "amount"),
    [
        # 2 % of 10,000 is 200: a stop 50 away pays for 4 units
        ("10000", "0.02", "50", "4"),
        # a stop 3 away does not divide evenly: rounded down
        ("10000", "0.02", "3", "66.66666666"),
        ("0", "0.02", "50", "0"),
        # what is lost already is never bet
        ("-5", "0.02", "50", "0"),
    ],
)
def test_fixed_fraction_loses_the_share_at_the_stop(equity, risk, stop_distance, amount):
    found = sizing.fixed_fraction(Decimal(equity), Decimal(risk), Decimal(stop_distance))
    assert sizing.tightest({"only": found}) == ("only", Decimal(amount))


@pytest.mark.parametrize(
    ("equity", "target", "volatility", "at", "amount"),
    [
        # 1 % of 10,000 is 100; a unit of 1,000 moves by 2 %, that is 20: 5 units
        ("10000", "0.01", "0.02", "1000", "5"),
        # calmer: more
        ("10000", "0.01", "0.01", "1000", "10"),
    ],
)
def test_volatility_target_moves_the_share_in_a_typical_candle(equity, target, volatility, at, amount):
    assert sizing.volatility_target(Decimal(equity), Decimal(target), Decimal(volatility), Decimal(at)) == Decimal(
        amount
    )


@given(equity=money, risk=share, stop_distance=price)
def test_the_loss_at_the_stop_never_exceeds_the_share(equity, risk, stop_distance):
    _, amount = sizing.tightest({"only": sizing.fixed_fraction(equity, risk, stop_distance)})
    assert amount * stop_distance <= equity * risk
    assert amount >= 0


@given(room=st.decimals(min_value=-(10**6), max_value=10**9, places=8), at=price)
def test_what_is_affordable_fits_into_the_room(room, at):
    _, amount = sizing.tightest({"only": sizing.affordable(room, at)})
    assert 0 <= amount * at <= max(Decimal(0), room)


@given(least=money, at=price)
def test_the_smallest_amount_is_worth_at_least_the_least(least, at):
    amount = sizing.smallest(least, at)
    assert amount * at >= least
    assert (amount - sizing.STEP) * at < least or amount == sizing.STEP


def test_the_tightest_budget_is_named():
    assert sizing.tightest({"cash": Decimal(3), "max_trade": Decimal(2), "risk_per_trade": Decimal(5)}) == (
        "max_trade",
        Decimal(2),
    )


@pytest.mark.parametrize("wrong", [Decimal(0), Decimal(-1)])
def test_a_stop_without_distance_is_refused(wrong):
    with pytest.raises(InvalidInput, match="stop_distance"):
        sizing.fixed_fraction(Decimal(100), Decimal("0.02"), wrong)


@pytest.mark.parametrize(
    ("win_rate", "payoff", "share"),
    [
        # an even chance to win twice what is lost: f = (2 × 0.5 − 0.5) / 2 = 0.25, a quarter of it is 6.25 %
        ("0.5", "2", "0.0625"),
        # f = 0.6 − 0.4 = 0.2
        ("0.6", "1", "0.05"),
        # the cap holds: f = 0.9 − 0.1 / 3
        ("0.9", "3", "0.10"),
        ("1", "1", "0.10"),
        # no edge, none at all, and nothing ever won: nothing is bet
        ("0.5", "1", "0"),
        ("0.3", "1.5", "0"),
        ("0", "100", "0"),
        ("0.5", "0", "0"),
    ],
)
def test_kelly_bets_by_the_edge_and_nothing_without_one(win_rate, payoff, share):
    found = sizing.fractional_kelly(Decimal(win_rate), Decimal(payoff), Decimal("0.25"), Decimal("0.10"))
    assert found == Decimal(share)


rates = st.decimals(min_value=0, max_value=1, places=4)
payoffs = st.decimals(min_value=0, max_value=100, places=4)


@given(rate=rates, better=rates, payoff=payoffs, fraction=rates, cap=rates)
def test_kelly_is_bounded_and_never_falls_with_the_win_rate(rate, better, payoff, fraction, cap):
    low, high = sorted([rate, better])
    less = sizing.fractional_kelly(low, payoff, fraction, cap)
    more = sizing.fractional_kelly(high, payoff, fraction, cap)
    assert 0 <= less <= more <= cap
    assert sizing.fractional_kelly(Decimal(0), payoff, fraction, cap) == 0


@given(rate=rates, payoff=payoffs, more=payoffs)
def test_kelly_never_falls_with_the_payoff(rate, payoff, more):
    low, high = sorted([payoff, more])
    quarter, cap = Decimal("0.25"), Decimal("0.10")
    assert sizing.fractional_kelly(rate, low, quarter, cap) <= sizing.fractional_kelly(rate, high, quarter, cap)


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("win_rate", ("1.1", "1", "0.25", "0.1")),
        ("win_rate", ("-0.1", "1", "0.25", "0.1")),
        ("payoff", ("0.5", "-1", "0.25", "0.1")),
        ("fraction", ("0.5", "1", "2", "0.1")),
        ("cap", ("0.5", "1", "0.25", "-1")),
    ],
)
def test_kelly_refuses_what_is_no_probability(field, arguments):
    with pytest.raises(InvalidInput, match=field):
        sizing.fractional_kelly(*map(Decimal, arguments))


@pytest.mark.parametrize(
    ("results", "trades", "rate", "payoff"),
    [
        # wins of 4 % and 2 %, a loss of 1 %: three times as much; what made nothing is no win
        (["0.04", "-0.01", "0.02", "0"], 4, "0.5", "3"),
        (["-0.01", "-0.03"], 2, "0", "0"),
        (["0.01"], 1, "1", None),
        ([], 0, "0", None),
    ],
)
def test_the_track_record_tells_the_odds(results, trades, rate, payoff):
    expected = TrackRecord(trades, Decimal(rate), None if payoff is None else Decimal(payoff))
    assert track_record([Decimal(result) for result in results]) == expected


def test_trades_whose_result_nobody_knows_are_counted_apart():
    assert track_record([None, Decimal("0.02"), None, Decimal("-0.01")]) == TrackRecord(
        2, Decimal("0.5"), Decimal(2), 2
    )


@given(equity=money, more=money, risk=share, stop_distance=price)
def test_a_richer_account_never_buys_less(equity, more, risk, stop_distance):
    small, large = sorted([equity, more])
    assert sizing.fixed_fraction(small, risk, stop_distance) <= sizing.fixed_fraction(large, risk, stop_distance)
