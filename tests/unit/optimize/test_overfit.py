"""What luck explains of a found result: against published numbers, and against draws of pure luck."""

import math
import random
from statistics import fmean

import pytest

from volexswarm.optimize import overfit
from volexswarm.optimize.model import Moments


def test_the_deflated_ratio_is_that_of_the_paper():
    # Bailey and López de Prado (2014): a year's SR of 2.5 by 1250 daily returns, skewness -3, kurtosis 10, 100 independent
    # trials of variance 1/2 (of a year): SR0 = 0.1132 a day, DSR = 0.9004
    threshold = overfit.expected_best(100, math.sqrt(0.5 / 250))
    assert threshold == pytest.approx(0.1132, abs=5e-5)
    spread = math.sqrt(0.5 / 250)
    # a hundred ratios with exactly that variance
    ratios = [spread * math.sqrt(99 / 100) * side for side in (1, -1) for _ in range(50)]
    found = overfit.deflated_sharpe(Moments(2.5 / math.sqrt(250), -3.0, 10.0, 1250), ratios)
    assert found == pytest.approx(0.9004, abs=5e-4)


def test_the_best_of_many_lucky_ones_is_as_good_as_expected():
    rng = random.Random(4)
    best = fmean(max(rng.gauss(0, 1) for _ in range(50)) for _ in range(2_000))
    assert overfit.expected_best(50, 1.0) == pytest.approx(best, abs=0.05)


def test_a_single_trial_is_not_deflated():
    assert overfit.expected_best(1, 0.5) == 0


def test_more_trials_make_the_same_result_less_convincing():
    found = Moments(0.1, 0.0, 3.0, 500)
    few, many = [0.1, -0.1], [0.1, -0.1] * 50
    assert overfit.deflated_sharpe(found, many) < overfit.deflated_sharpe(found, few)


def test_moments_of_returns_that_do_not_vary_are_none():
    assert overfit.moments([0.01] * 10) is None
    assert overfit.moments([0.01, -0.01]) is None


def test_moments_are_those_of_the_sample():
    found = overfit.moments([0.0, 0.0, 0.0, 1.0])
    assert found.sharpe == pytest.approx(0.25 / 0.5)
    assert found.skewness == pytest.approx(2 / math.sqrt(3))
    assert found.kurtosis == pytest.approx(7 / 3)


@pytest.mark.parametrize(
    ("inside", "outside", "risk"),
    [
        (2.0, 1.5, "low"),
        (2.0, 0.6, "medium"),
        (2.0, 0.2, "high"),
        (2.0, -1.0, "high"),
        (None, 1.0, "high"),
        (2.0, None, "unknown"),
    ],
)
def test_the_risk_is_what_is_lost_on_unseen_candles(inside, outside, risk):
    assert overfit.risk(overfit.efficiency(inside, outside), outside) == risk
