"""What a benchmark finds: figures with their units, and the aim of those that have one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured number. `at_least` or `at_most` is its aim, if it has one."""

    name: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def aim(self) -> str:
        """The aim in a few characters; empty if there is none."""
        if self.at_least is not None:
            return f"≥ {self.at_least:,.0f}"
        return "" if self.at_most is None else f"≤ {self.at_most:,.0f}"

    @property
    def is_met(self) -> bool | None:
        """Whether the aim is reached; None without one."""
        if self.at_least is not None:
            return self.value >= self.at_least
        return None if self.at_most is None else self.value <= self.at_most


def spread(name: str, milliseconds: Sequence[float], unit: str = "ms") -> list[Figure]:
    """Median, 95th percentile and number of samples. `unit` says whose milliseconds: the clock's, or the processor's.

    Raises
    ------
    ValueError
        If there is no sample.
    """
    if not milliseconds:
        raise ValueError(f"{name}: nothing was measured")
    ordered = sorted(milliseconds)
    return [
        Figure(f"{name}, p50", _quantile(ordered, 0.50), unit),
        Figure(f"{name}, p95", _quantile(ordered, 0.95), unit),
        Figure(f"{name}, samples", len(ordered), ""),
    ]


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Nearest rank: a value that was really measured."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
