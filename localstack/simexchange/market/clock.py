"""The exchange's clock: it runs `speed` times as fast as the real one, can be paused, and never runs backwards."""

from collections.abc import Callable


class Clock:
    """Simulated time in milliseconds.

    Parameters
    ----------
    start_ms : int
        Simulated time at the start.
    speed : float
        Simulated seconds per real second, above 0.
    monotonic : callable
        Real seconds, such as time.monotonic.
    paused : bool
        Start standing still.
    """

    def __init__(self, start_ms: int, speed: float, monotonic: Callable[[], float], *, paused: bool = False) -> None:
        if speed <= 0:
            raise ValueError(f"speed must be above 0, got {speed}")
        self._monotonic = monotonic
        self._anchor_ms = start_ms
        self._anchor = monotonic()
        self.speed = speed
        self.paused = paused

    def now_ms(self) -> int:
        """Simulated time now."""
        if self.paused:
            return self._anchor_ms
        return self._anchor_ms + int((self._monotonic() - self._anchor) * 1000 * self.speed)

    def rebase(self, now_ms: int) -> None:
        """Go on from this time: what could not be simulated in time is not caught up with."""
        self._anchor_ms, self._anchor = now_ms, self._monotonic()

    def set_speed(self, speed: float) -> None:
        """Run faster or slower from now on."""
        if speed <= 0:
            raise ValueError(f"speed must be above 0, got {speed}")
        self.rebase(self.now_ms())
        self.speed = speed

    def pause(self) -> None:
        """Stand still."""
        self.rebase(self.now_ms())
        self.paused = True

    def step(self, ms: int) -> None:
        """Let the standing clock go on by so much."""
        self.rebase(self._anchor_ms + ms)

    def resume(self) -> None:
        """Go on from where it stood still."""
        if self.paused:
            self.rebase(self._anchor_ms)
            self.paused = False
