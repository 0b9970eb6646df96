"""Writes what the numbers say in sentences. The same numbers always give the same words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from volexswarm.research.model import Picture
from volexswarm.research.pictures import Nothing

CLEAR_TREND = 0.3
STORMY, CALM = 1.5, 0.67
TOGETHER = 0.7


def sentence(picture: Picture) -> str:
    """The market in one sentence."""
    return f"{picture.symbol} at {picture.price:.6g}: {direction(picture)}, {regime(picture)}"


def direction(picture: Picture) -> str:
    """Which way the price goes."""
    if picture.trend is None:
        return "too little history for a trend"
    way = "sideways" if abs(picture.trend) < CLEAR_TREND else "rising" if picture.trend > 0 else "falling"
    return f"{way} over {picture.trend_hours:.0f} hours (tau {picture.trend:+.2f})"


def regime(picture: Picture) -> str:
    """How restless the market is, by its own measure."""
    if picture.unrest is None:
        return "volatility regime unknown"
    kind = "stormy" if picture.unrest > STORMY else "calm" if picture.unrest < CALM else "as restless as usual"
    return f"{kind} (last day {picture.unrest:.2f} times its usual volatility)"


def body(pictures: Sequence[Picture | Nothing], as_of: datetime) -> str:
    """The whole report: a paragraph for each symbol, and what could not be said."""
    lines = [f"Market report as of {as_of.isoformat()} (market time)", ""]
    for picture in pictures:
        lines += (
            [picture.why[0].upper() + picture.why[1:] + "."] if isinstance(picture, Nothing) else _paragraph(picture)
        )
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def headline(pictures: Sequence[Picture | Nothing]) -> str:
    """The report in one sentence."""
    told = [sentence(picture) for picture in pictures if isinstance(picture, Picture)]
    silent = [picture.symbol for picture in pictures if isinstance(picture, Nothing)]
    left = [f"nothing known of {', '.join(silent)}"] if silent else []
    return "; ".join(told + left)


def _paragraph(picture: Picture) -> list[str]:
    lines = [f"{sentence(picture)}."]
    moves = [
        f"{value:+.2%} in {span}"
        for value, span in ((picture.return_1d, "a day"), (picture.return_7d, "seven days"))
        if value is not None
    ]
    lines.append(
        f"  Return: {', '.join(moves)}." if moves else f"  Return: unknown, {picture.hours:.1f} hours were seen."
    )
    if picture.volatility_1h is not None:
        lines.append(f"  Volatility: an hour's return deviates by {picture.volatility_1h:.2%}.")
    if picture.liquidity is not None:
        lines.append(f"  Liquidity: {picture.liquidity:,.0f} {picture.quote_currency} traded in an hour.")
    if picture.correlations:
        ranked = sorted(picture.correlations.items(), key=lambda entry: -abs(entry[1]))
        lines.append("  Moves with: " + ", ".join(_relation(other, value) for other, value in ranked) + ".")
    return lines


def _relation(other: str, value: float) -> str:
    how = "closely" if abs(value) >= TOGETHER else "loosely"
    return f"{other} {value:+.2f} ({how}{', against it' if value < 0 else ''})"
