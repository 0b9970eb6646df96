"""What to try next: first far and wide, then around the best so far. The same trials always lead to the same next one."""

from __future__ import annotations

import random
from collections.abc import Sequence

from volexswarm.optimize.model import Parameters, Trial
from volexswarm.optimize.space import Space

EXPLORED = 0.6
"""The share of the runs that goes far and wide."""
_WIDEST, _NARROWEST = 0.25, 0.05
_AGAIN = 20


def best(trials: Sequence[Trial]) -> Trial | None:
    """The trial with the highest Sharpe ratio, the earliest among equals; None if none could be judged."""
    judged = [trial for trial in trials if trial.sharpe is not None]
    return max(judged, key=lambda trial: (trial.sharpe, -trial.number), default=None)


def following(space: Space, seed: str, fold: int, trials: Sequence[Trial], runs: int) -> Parameters:
    """The parameters of a fold's next trial; the first are the defaults.

    Parameters
    ----------
    trials : sequence of Trial
        The fold's trials so far.
    runs : int
        How many the fold is to have.
    """
    number = len(trials)
    if number == 0:
        return space.defaults
    rng = random.Random(f"{seed}/{fold}/{number}")  # noqa: S311 - no secret is drawn
    centre, share = best(trials), number / runs
    tried = [trial.parameters for trial in trials]
    found = space.defaults
    for _ in range(_AGAIN):
        if centre is None or share < EXPLORED:
            found = space.anywhere(rng)
        else:
            reach = _WIDEST - (_WIDEST - _NARROWEST) * (share - EXPLORED) / (1 - EXPLORED)
            found = space.near(centre.parameters, reach, rng)
        if found not in tried:
            break
    return found
