"""How far a result that was searched for can be trusted. Pure, float64."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist, fmean, variance

from volexswarm.optimize.model import Moments, OverfitRisk

_NORMAL = NormalDist()
_EULER = 0.5772156649015329

EFFICIENT, POOR = 0.5, 0.25
"""Of what was won in sample, so much must remain out of sample for a low, and for less than a high risk."""


def moments(returns: Sequence[float]) -> Moments | None:
    """Of returns that vary; None for fewer than three, or for such as do not."""
    if len(returns) < 3:
        return None
    mean = fmean(returns)
    second = fmean((one - mean) ** 2 for one in returns)
    if second <= 0:
        return None
    deviation = math.sqrt(second)
    return Moments(
        sharpe=mean / math.sqrt(variance(returns)),
        skewness=fmean(((one - mean) / deviation) ** 3 for one in returns),
        kurtosis=fmean(((one - mean) / deviation) ** 4 for one in returns),
        observations=len(returns),
    )


def expected_best(trials: int, spread: float) -> float:
    """The Sharpe ratio that the best of so many trials has by luck alone, when the true one of all is 0.

    E[max] ≈ √V · ((1 − γ) Φ⁻¹(1 − 1/N) + γ Φ⁻¹(1 − 1/(N e))), with γ Euler's constant.

    Parameters
    ----------
    trials : int
        N, taken for independent of each other; below 2 there was nothing to choose from: 0.
    spread : float
        √V, the standard deviation of the trials' ratios.

    References
    ----------
    Bailey and López de Prado (2014), The Deflated Sharpe Ratio, equation 1.
    """
    if trials < 2:
        return 0.0
    high = _NORMAL.inv_cdf(1 - 1 / trials)
    higher = _NORMAL.inv_cdf(1 - 1 / (trials * math.e))
    return spread * ((1 - _EULER) * high + _EULER * higher)


def deflated_sharpe(found: Moments, ratios: Sequence[float]) -> float | None:
    """The probability that a chosen series' true Sharpe ratio is above what luck gives the best of so many trials.

    Φ((SR − SR₀) √(T − 1) / √(1 − γ₃ SR + (γ₄ − 1)/4 SR²)), SR₀ by `expected_best`. None where the root is of nothing.

    Parameters
    ----------
    found : Moments
        Of the series that was chosen.
    ratios : sequence of float
        Sharpe ratios per step of all trials that it was chosen from, itself among them.

    References
    ----------
    Bailey and López de Prado (2014), The Deflated Sharpe Ratio, equation 2.
    """
    spread = math.sqrt(variance(ratios)) if len(ratios) >= 2 else 0.0
    threshold = expected_best(len(ratios), spread)
    width = 1 - found.skewness * found.sharpe + (found.kurtosis - 1) / 4 * found.sharpe**2
    if width <= 0:
        return None
    return _NORMAL.cdf((found.sharpe - threshold) * math.sqrt(found.observations - 1) / math.sqrt(width))


def efficiency(in_sample: float | None, out_of_sample: float | None) -> float | None:
    """What remains out of sample of a ratio in sample; None where there was none to lose.

    Source: Pardo (2008), The Evaluation and Optimization of Trading Strategies, walk-forward efficiency.
    """
    if in_sample is None or out_of_sample is None or in_sample <= 0:
        return None
    return out_of_sample / in_sample


def risk(found: float | None, out_of_sample: float | None) -> OverfitRisk:
    """How likely the parameters fit what was seen rather than the market, by the efficiency that was found."""
    if out_of_sample is None:
        return "unknown"
    if found is None or out_of_sample <= 0 or found < POOR:
        return "high"
    return "low" if found >= EFFICIENT else "medium"
