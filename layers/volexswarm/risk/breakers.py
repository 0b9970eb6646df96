"""Circuit breakers: when something is wrong buying stops, cools down, and is tried again with one small trade. Pure.

    closed ──tripped──▶ open ──cooldown over──▶ half_open ──probe filled──▶ closed
                          ▲                        │
                          └──tripped, probe failed─┘   with twice the cooldown

A probe of which nothing is known after one more cooldown proves nothing, and makes room for another. Time is market time: where
the simulated market runs faster, so do the cooldowns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Literal

State = Literal["closed", "open", "half_open"]


class Kind(StrEnum):
    """What a breaker watches; its limit is the policy's field `breaker_<kind>`."""

    PRICE_MOVE = "price_move"
    VOLATILITY = "volatility"
    SPREAD = "spread"
    STALE_DATA = "stale_data"
    EXCHANGE_ERRORS = "exchange_errors"
    DISAGREEMENT = "disagreement"

    @property
    def setting(self) -> str:
        return f"breaker_{self.value}"


class Outcome(StrEnum):
    """What became of a probe."""

    OUTSTANDING = "outstanding"
    FILLED = "filled"
    FAILED = "failed"
    VOID = "void"  # it never came to the exchange, or was taken back: it proves nothing


@dataclass(frozen=True)
class Probe:
    """A trade that tries whether all is well again: what became of it, and when it was proposed."""

    outcome: Outcome
    as_of: datetime


@dataclass(frozen=True)
class Breaker:
    """One breaker of one scope: a symbol, or `account` for all of them.

    `since` when it came into its state; `until` when its cooldown is over; `cooldown` how long the present one is, or the last
    one was; `probe_id` the proposal that tries whether all is well again.
    """

    kind: Kind
    scope: str
    state: State
    reason: str
    since: datetime
    until: datetime | None = None
    cooldown: timedelta = timedelta(0)
    probe_id: str | None = None

    @property
    def id(self) -> str:
        """Its name in an address: `price-move-btc-usdt`."""
        return f"{self.kind}-{self.scope}".replace("/", "-").replace("_", "-").lower()


@dataclass(frozen=True)
class Finding:
    """What a breaker sees at the moment; `measure` in the unit of its limit, None where it can't be told."""

    kind: Kind
    scope: str
    limit: Decimal | None
    measure: Decimal | None
    words: str
    tripped: bool


@dataclass(frozen=True)
class Cooldowns:
    """How long a breaker stays open: at first, and at most."""

    first: timedelta
    longest: timedelta


def fresh(finding: Finding, as_of: datetime) -> Breaker:
    """The breaker of a scope that never had one."""
    return Breaker(finding.kind, finding.scope, "closed", "", as_of)


def advance(breaker: Breaker, finding: Finding, probe: Probe | None, cooldowns: Cooldowns, as_of: datetime) -> Breaker:
    """The breaker after a look at the market at this moment; the same one if nothing has changed. `probe` is None without one."""
    breaker = under(breaker, finding.limit, as_of)
    if breaker.state == "closed":
        return _opened(breaker, finding.words, cooldowns.first, as_of) if finding.tripped else breaker
    if breaker.state == "open":
        return _cooled(breaker, finding, as_of)
    if finding.tripped:
        return _reopened(breaker, finding.words, cooldowns, as_of)
    return breaker if probe is None else _probed(breaker, probe, cooldowns, as_of)


def under(breaker: Breaker, limit: Decimal | None, as_of: datetime) -> Breaker:
    """The breaker under the limit that its policy sets. None switches it off: then it is closed, whatever it was."""
    if limit is not None or breaker.state == "closed":
        return breaker
    return closed(breaker, "switched off by the policy", as_of)


def closed(breaker: Breaker, reason: str, as_of: datetime) -> Breaker:
    """The breaker after all is well again, or a person says so."""
    return Breaker(breaker.kind, breaker.scope, "closed", reason, as_of)


def probing(breaker: Breaker, proposal_id: str) -> Breaker:
    """A half-open breaker whose probe is on its way."""
    return replace(breaker, probe_id=proposal_id)


def _probed(breaker: Breaker, probe: Probe, cooldowns: Cooldowns, as_of: datetime) -> Breaker:
    match probe.outcome:
        case Outcome.FILLED:
            return closed(breaker, "the probe was filled", as_of)
        case Outcome.FAILED:
            return _reopened(breaker, "the probe was not filled", cooldowns, as_of)
        case Outcome.OUTSTANDING if as_of < probe.as_of + breaker.cooldown:
            return breaker
        case Outcome.OUTSTANDING | Outcome.VOID:
            return replace(breaker, probe_id=None)


def _opened(breaker: Breaker, reason: str, cooldown: timedelta, as_of: datetime) -> Breaker:
    return replace(
        breaker, state="open", reason=reason, since=as_of, until=as_of + cooldown, cooldown=cooldown, probe_id=None
    )


def _cooled(breaker: Breaker, finding: Finding, as_of: datetime) -> Breaker:
    """Half open after the cooldown; where it is as bad as before, it cools for as long again."""
    if breaker.until is not None and as_of < breaker.until:
        return breaker
    if finding.tripped:
        return replace(breaker, until=as_of + breaker.cooldown, reason=finding.words)
    return replace(breaker, state="half_open", since=as_of, until=None, reason="the cooldown is over")


def _reopened(breaker: Breaker, reason: str, cooldowns: Cooldowns, as_of: datetime) -> Breaker:
    doubled = max(cooldowns.first, min(2 * breaker.cooldown, cooldowns.longest))
    return _opened(breaker, reason, doubled, as_of)
