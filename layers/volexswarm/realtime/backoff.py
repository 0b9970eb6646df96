"""Growing pauses between attempts, spread at random so that many processes do not come back at the same instant."""

from __future__ import annotations

import asyncio
from random import Random


class Backoff:
    """Doubles from `first` to `longest` seconds; each pause lies between half of that and all of it."""

    def __init__(self, random: Random, first: float = 0.2, longest: float = 5.0) -> None:
        self._random = random
        self._first = first
        self._longest = longest
        self._pause = first

    def reset(self) -> None:
        """It worked: the next failure starts with the shortest pause."""
        self._pause = self._first

    def next(self) -> float:
        """Seconds to wait now."""
        pause = self._pause
        self._pause = min(2 * pause, self._longest)
        return pause * self._random.uniform(0.5, 1.0)

    async def sleep(self) -> None:
        """Wait, longer each time until `reset`."""
        await asyncio.sleep(self.next())
