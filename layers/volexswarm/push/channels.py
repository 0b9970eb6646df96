"""The channels: who may watch each, by what it can be filtered, and whether only the newest word on a thing counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from volexswarm.errors import require
from volexswarm.messages import CandleClosed, Channel, Event, Payload, QuotesMoved
from volexswarm.plaintext import steering
from volexswarm.push.model import Filters, Update
from volexswarm.security.roles import Permission
from volexswarm.security.tokens import Principal

EVENT: Final = "event"
"""The field that each channel can be filtered by: the update's type."""

MOST_VALUES: Final = 50
LONGEST_VALUE: Final = 100


@dataclass(frozen=True)
class Traits:
    """A channel's ways. `needs`: each of these permissions; `fields`: what filters may name beside the event's type.

    `conflated`: a client that is slow gets the newest update of each key, and misses those before.
    """

    needs: frozenset[Permission]
    fields: tuple[str, ...] = ()
    conflated: bool = False


def _traits(*needs: Permission, fields: tuple[str, ...] = (), conflated: bool = False) -> Traits:
    return Traits(frozenset(needs), fields, conflated)


TRAITS: Final[Mapping[Channel, Traits]] = {
    Channel.QUOTES: _traits(Permission.TRADE_READ, fields=("symbol", "venue"), conflated=True),
    Channel.CANDLES: _traits(Permission.TRADE_READ, fields=("symbol", "venue", "timeframe"), conflated=True),
    Channel.SIGNALS: _traits(Permission.STRATEGY_READ, fields=("symbol", "venue", "side", "strategy_id")),
    Channel.ORDERS: _traits(Permission.TRADE_READ, fields=("symbol", "venue", "account", "order_id")),
    Channel.PORTFOLIO: _traits(Permission.TRADE_READ, fields=("symbol", "venue", "account"), conflated=True),
    Channel.TASKS: _traits(Permission.AGENT_READ, fields=("task_id", "kind", "step")),
    Channel.DELIBERATIONS: _traits(Permission.AGENT_READ, fields=("task_id", "symbol", "agent")),
    Channel.AGENTS: _traits(Permission.AGENT_READ, fields=("agent",)),
    Channel.ALERTS: _traits(Permission.SYSTEM_READ, Permission.COMPLIANCE_READ),
}


def permit(channel: Channel, principal: Principal) -> None:
    """Raise Forbidden, naming the permission, unless the principal may watch the channel."""
    for permission in sorted(TRAITS[channel].needs):
        principal.demand(permission)


def checked(channel: Channel, filters: Filters) -> Filters:
    """The filters as they are kept.

    Raises
    ------
    InvalidInput
        For a field that the channel has not, or values that are too many, too long or not to be seen.
    """
    known = (EVENT, *TRAITS[channel].fields)
    for field, values in filters.items():
        require(field in known, f"filters.{field[:40]}", field[:40], f"one of {', '.join(known)}")
        legible = all(0 < len(value) <= LONGEST_VALUE and steering(value) is None for value in values)
        fits = 1 <= len(values) <= MOST_VALUES and legible
        expected = f"1 to {MOST_VALUES} values of at most {LONGEST_VALUE} visible characters"
        require(fits, f"filters.{field}", f"{len(values)} values", expected)
    return {field: tuple(sorted(set(values))) for field, values in sorted(filters.items())}


def updates_of(event: Event[Any], channel: Channel, *, simulated: bool) -> Iterator[Update]:
    """What an event is to those who watch one of its channels: one update, or one for each quote."""
    data = event.data
    if isinstance(data, QuotesMoved):
        for symbol, quote in data.quotes.items():
            about = {EVENT: "Quote", "symbol": symbol, "venue": data.venue}
            shown = {"venue": data.venue, "symbol": symbol, **quote.model_dump(mode="json")}
            yield Update("Quote", f"{data.venue}:{symbol}", event.time, about, simulated, shown)
        return
    name = type(data).__name__
    about = {EVENT: name, **_values(data, TRAITS[channel].fields)}
    yield Update(name, _key(event), event.time, about, simulated, data.model_dump(mode="json"))


def _values(data: Payload, fields: tuple[str, ...]) -> dict[str, str]:
    """The values by which it is found; a deliberation's end has its symbol in its ruling."""
    sources = (data, getattr(data, "ruling", None))
    found = {field: next((v for s in sources if (v := getattr(s, field, None)) is not None), None) for field in fields}
    return {field: str(value) for field, value in found.items() if value is not None}


def _key(event: Event[Any]) -> str:
    """What it is the newest word on: a candle corrects the one of the same interval and replaces the one before."""
    data = event.data
    if isinstance(data, CandleClosed):
        return f"{data.key}:{data.timeframe}"
    key = str(getattr(data, "key", event.subject))
    account = getattr(data, "account", None)
    return key if account is None else f"{account}:{key}"
