"""Holds trades against a price watch: whether one of them is what it waits for, and how far the market has come in its favour.

A trade that arrives late is held against what was known when it was printed, never against a better price that came after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from volexswarm.clock import from_ms, to_ms
from volexswarm.ports import PriceWatch, Reached


def look(watch: PriceWatch, times: Sequence[int], prices: Sequence[Decimal]) -> tuple[PriceWatch, Reached | None]:
    """Show trades to a watch.

    Parameters
    ----------
    times, prices
        Exchange time in Unix ms and price of each trade, in the order in which they were printed.

    Returns
    -------
    The watch with what it has seen, and the first trade at which it is done; None if it goes on waiting.
    """
    if not prices or not _may_matter(watch, prices):
        return watch, None
    start = to_ms(watch.as_of)
    due = None if watch.due_at is None else to_ms(watch.due_at)
    best, best_at = watch.extreme, start if watch.extreme_at is None else to_ms(watch.extreme_at)
    for moment, price in zip(times, prices, strict=True):
        if moment <= start:
            continue
        if _is_beyond(watch, price) or (due is not None and moment >= due):
            return _having_seen(watch, best, best_at), Reached(price, from_ms(moment))
        if watch.trail_share is None:
            continue
        if best is None or price > best:
            best, best_at = price, moment
        elif moment >= best_at and price <= best * (1 - watch.trail_share):
            return _having_seen(watch, best, best_at), Reached(price, from_ms(moment))
    return _having_seen(watch, best, best_at), None


def _may_matter(watch: PriceWatch, prices: Sequence[Decimal]) -> bool:
    """Spares the walk through a batch for a watch that waits for a price that none of it comes near."""
    if watch.trail_share is not None or watch.due_at is not None:
        return True
    return _is_beyond(watch, min(prices)) or _is_beyond(watch, max(prices))


def _is_beyond(watch: PriceWatch, price: Decimal) -> bool:
    return (watch.below is not None and price <= watch.below) or (watch.above is not None and price >= watch.above)


def _having_seen(watch: PriceWatch, best: Decimal | None, best_at: int) -> PriceWatch:
    if best is None or best == watch.extreme:
        return watch
    return replace(watch, extreme=best, extreme_at=from_ms(best_at))
