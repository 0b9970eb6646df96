"""Where a bought position is given up, and how it is left: stops on the right side only, at a bounded distance.

Pure. All prices are in quote currency per unit of base; candles are closed ones, oldest first.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from volexswarm.messages import Protection
from volexswarm.policies import percent
from volexswarm.risk.model import Bar
from volexswarm.risk.policy import RiskPolicy

ATR_PERIODS = 3
"""Wilder's average starts from a mean; after two more periods that start weighs less than 14 %."""

_PRECISION = 8  # significant digits: finer than any venue's tick


@dataclass(frozen=True)
class Stop:
    """A price at which a long position is given up, and how it was found."""

    price: Decimal
    story: str


def candles_needed(policy: RiskPolicy) -> int:
    """How many closed candles the policy's method looks at."""
    return {
        "atr": ATR_PERIODS * policy.stop_atr_periods + 1,
        "structure": policy.stop_structure_candles,
    }.get(policy.stop_method, 0)


def entry_stop(policy: RiskPolicy, price: Decimal, own: Decimal | None, candles: Sequence[Bar]) -> Stop:
    """The stop of a buy at `price` by the policy's method, kept within the policy's bounds.

    `own` is what the strategy says, if anything; it must lie below the price (the caller refuses the trade otherwise).
    """
    found, story = _by_method(policy, price, own, candles)
    nearest, farthest = price * (1 - policy.min_stop), price * (1 - policy.max_stop)
    if found > nearest:
        return Stop(_tidy(nearest), f"{story}, moved away to the least distance of {percent(policy.min_stop)}")
    if found < farthest:
        return Stop(_tidy(farthest), f"{story}, moved up to the largest distance of {percent(policy.max_stop)}")
    return Stop(found, story)


def trailing(price: Decimal, share: Decimal) -> Stop:
    """Where a trailing stop begins that follows the best price since a purchase at `price`."""
    return Stop(_tidy(price * (1 - share)), f"trailing by {percent(share)}")


def completed(wanted: Protection, policy: RiskPolicy, stop: Decimal) -> Protection:
    """What a person wants, with the stop that the loss was measured at where it names none and the policy protects."""
    if not policy.protect or wanted.stop_price is not None or wanted.trailing_share is not None:
        return wanted
    return wanted.model_copy(update={"stop_price": stop})


def protection(policy: RiskPolicy, price: Decimal, stop: Decimal) -> Protection | None:
    """How the policy wants a position bought at `price` to be left; None if it asks for nothing."""
    if not policy.protect:
        return None
    multiple = policy.take_profit_r
    return Protection(
        stop_price=stop,
        take_profit_price=None if multiple is None else _tidy(price + (price - stop) * multiple),
        trailing_share=policy.trailing_share,
        max_holding=policy.max_holding,
    )


def average_true_range(candles: Sequence[Bar], periods: int) -> Decimal | None:
    """Wilder's ATR: the mean of the first `periods` true ranges, then smoothed by 1/periods. None with too few candles."""
    ranges = [max(bar.high, before.close) - min(bar.low, before.close) for before, bar in itertools.pairwise(candles)]
    if len(ranges) < periods:
        return None
    average = sum(ranges[:periods], Decimal(0)) / periods
    for latest in ranges[periods:]:
        average += (latest - average) / periods
    return average


def _by_method(policy: RiskPolicy, price: Decimal, own: Decimal | None, candles: Sequence[Bar]) -> tuple[Decimal, str]:
    method = policy.stop_method
    if method == "strategy" and own is not None:
        return own, "the strategy's own"
    if method == "atr":
        found = average_true_range(candles, policy.stop_atr_periods)
        if found is not None and len(candles) >= candles_needed(policy):
            story = f"{policy.stop_atr_multiple:f} average true ranges of {policy.stop_atr_periods} candles"
            return _tidy(price - found * policy.stop_atr_multiple), story
    if method == "structure" and len(candles) >= policy.stop_structure_candles:
        lows = [bar.low for bar in candles[-policy.stop_structure_candles :]]
        return min(lows), f"the lowest low of {policy.stop_structure_candles} candles"
    story = {
        "strategy": "none given: {} assumed",
        "percent": "{} of the price",
        "atr": "too few candles for an average true range: {} assumed",
        "structure": "too few candles for a lowest low: {} assumed",
    }[method]
    return _tidy(price * (1 - policy.default_stop)), story.format(percent(policy.default_stop))


def _tidy(price: Decimal) -> Decimal:
    """Without the digits that a division leaves behind; a stop is always rounded to the same number of them."""
    return round(price, _PRECISION - 1 - price.adjusted()) if price else price
