"""A line over time in characters: one column a moment, eight levels to a line of text."""

from __future__ import annotations

from collections.abc import Sequence

_LEVELS = " ▁▂▃▄▅▆▇█"


def columns(values: Sequence[float], *, width: int, height: int) -> list[str]:
    """Lines of text, the top one first, at most `width` wide: the lowest value stands one level high, the highest `height` lines.

    Of more values than columns the last of each column's share is shown.
    """
    if not values:
        return []
    width = min(width, len(values))
    shown = [values[(column + 1) * len(values) // width - 1] for column in range(width)]
    low, high = min(shown), max(shown)
    most = height * 8
    levels = [most if high == low else 1 + round((value - low) / (high - low) * (most - 1)) for value in shown]
    return ["".join(_LEVELS[max(0, min(8, level - 8 * line))] for level in levels) for line in reversed(range(height))]
