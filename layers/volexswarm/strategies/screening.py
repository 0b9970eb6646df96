"""Where in a long history a rule could speak, found for all windows at once.

A window's indicator is computed here as weights on its closes, and not as the rule does it: nothing is decided by it. What is
within rounding of a crossing counts as one, and the rule itself is asked there.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

Floats = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]

# a thousand times what the rules take for rounding noise themselves
_NEAR = 1e-6


def ends(values: Floats, length: int, back: int = 0) -> Floats:
    """The value `back` places before the end of each window of `length`."""
    return values[length - 1 - back : len(values) - back]


def crosses(before: Floats, after: Floats, scale: Floats) -> Marks:
    """Where a line goes from one side of zero to the other, or is as good as on it; `scale` is what it is made of."""
    near = _NEAR * np.abs(scale)
    rises = (before <= near) & (after >= -near)
    falls = (before >= -near) & (after <= near)
    found: Marks = rises | falls | ~np.isfinite(before) | ~np.isfinite(after)
    return found


def averages(closes: Floats, period: int) -> Floats:
    """Mean of the last `period` closes at each of them; NaN before."""
    found = np.full(len(closes), np.nan)
    found[period - 1 :] = sliding_window_view(closes, period).mean(axis=1)
    return found


def deviations(closes: Floats, period: int) -> Floats:
    """Standard deviation (of the population) of the last `period` closes at each of them; NaN before."""
    found = np.full(len(closes), np.nan)
    found[period - 1 :] = sliding_window_view(closes, period).std(axis=1)
    return found


def weighed(closes: Floats, weights: Floats, length: int, back: int = 0) -> Floats:
    """For each window of `length`: the sum of its first closes times the weights; the last weight is `back` before its end."""
    assert len(weights) == length - back, "one weight for each close"
    return sliding_window_view(closes, len(weights))[: len(closes) - length + 1] @ weights


def smoothing(length: int, alpha: float) -> Floats:
    """At each place of a window, the weights of its values in an exponential average that begins with the first of them.

    Row i holds the weights at place i.
    """
    rows = np.zeros((length, length))
    rows[0, 0] = 1.0
    for place in range(1, length):
        rows[place] = (1 - alpha) * rows[place - 1]
        rows[place, place] += alpha
    return rows
