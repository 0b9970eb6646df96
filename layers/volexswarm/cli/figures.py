"""Figures for the eye: money to the cent, shares as percent. What rounds to nothing has no sign."""

from __future__ import annotations

from decimal import Decimal

from volexswarm.cli.output import NONE, number

_PLACES = 2
_MOST_PLACES = 8


def money(text: str | None) -> str:
    """An amount of money to two places."""
    # a zero of either sign plus zero is a zero without one
    return NONE if text is None else number(str(round(Decimal(text), _PLACES) + 0), _PLACES)


def percent(share: float, *, signed: bool = True) -> str:
    """A share as percent: to two places, and what is too small for them to its first two digits."""
    value = Decimal(str(share)) * 100
    places = min(max(_PLACES, 1 - value.adjusted()), _MOST_PLACES) if value else _PLACES
    value = round(value, places)
    return f"{value or abs(value):{'+' if signed and value else ''},.{places}f}%"


def ratio(value: float) -> str:
    """A plain number to two places."""
    return f"{round(Decimal(str(value)), _PLACES) + 0:,.{_PLACES}f}"
