"""A moment as people say it: a time, or so long before the market's present."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import click

from volexswarm.cli.client import ApiClient

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def before(client: ApiClient, text: str) -> str:
    """The moment as the API takes it: `7d` is counted back from how far the market's trades have come."""
    return (_market_time(client) - span).isoformat() if (span := _span(text)) else moment(text)


def ago(text: str) -> str:
    """As `before`, counted back from now."""
    return (datetime.now(UTC) - span).isoformat() if (span := _span(text)) else moment(text)


def ahead(text: str) -> str:
    """As `before`, counted from now into the future."""
    return (datetime.now(UTC) + span).isoformat() if (span := _span(text)) else moment(text)


def moment(text: str) -> str:
    """A time in RFC 3339; a day alone begins at midnight UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.UsageError(f"{text!r} is no time: write 7d, 12h, 2026-01-05 or 2026-01-05T12:00:00Z") from error
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).isoformat()


def _span(text: str) -> timedelta | None:
    match = re.fullmatch(r"(\d{1,4})([mhdw])", text)
    return timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None


def _market_time(client: ApiClient) -> datetime:
    feeds = client.get("/status")["feeds"]
    if not feeds:
        raise click.ClickException("the market's time is not known yet: give a time, as 2026-01-05T12:00:00Z")
    return max(datetime.fromisoformat(feed["complete_to"]) for feed in feeds)
