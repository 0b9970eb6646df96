"""What drives an exchange: something that knows when it acts next, and acts."""

from typing import Protocol

from simexchange.engine.exchange import Exchange


class Source(Protocol):
    """A market's outside world."""

    @property
    def next_ms(self) -> int | None:
        """Simulated time of its next action; None when there will be none."""

    def open(self, exchange: Exchange) -> None:
        """Put the first quotes on the books."""

    def step(self, exchange: Exchange) -> None:
        """Do the next action. Only called while `next_ms` is not None."""

    def settle(self, exchange: Exchange) -> None:
        """After a row of steps: do what was put off."""
