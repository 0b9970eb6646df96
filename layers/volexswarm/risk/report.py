"""How much of each limit the account uses at this moment, before any further trade. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from volexswarm.messages import Check
from volexswarm.risk import limits
from volexswarm.risk.breakers import Breaker
from volexswarm.risk.intake import Book
from volexswarm.risk.policy import RiskPolicy
from volexswarm.risk.tail import Tail, tail

MOST_CLUSTERED = 50
"""Of so many assets, the largest, is told how they move together: every pair of them is looked at."""


@dataclass(frozen=True)
class Line:
    """What is held or being bought of one asset, in the valuation currency and as a share of equity."""

    asset: str
    value: Decimal
    share: Decimal
    sector: str | None


@dataclass(frozen=True)
class Use:
    """A limit and how much of it is used: `used` is 1 at the limit; None where that can't be told."""

    check: Check
    used: Decimal | None


@dataclass(frozen=True)
class Report:
    """The account's risk. `tail` is None where too little is known of the past; `missing` says what can't be had and why."""

    account: str
    mode: str
    halt: str | None
    currency: str
    as_of: datetime
    policy_version: int
    equity: Decimal | None
    peak: Decimal | None
    drawdown: Decimal | None
    gross: Decimal | None
    net: Decimal | None
    lines: Sequence[Line]
    clusters: Sequence[tuple[str, ...]]
    tail: Tail | None
    uses: Sequence[Use]
    breakers: Sequence[Breaker]
    missing: Sequence[str]


def lines(book: Book, policy: RiskPolicy) -> list[Line]:
    """Exposure by asset, the largest first."""
    equity = book.equity.amount
    found = [
        Line(asset, value, round(value / equity, 6), policy.sectors.get(asset))
        for asset, value in book.exposure.values.items()
    ]
    return sorted(found, key=lambda line: (-abs(line.value), line.asset))


def clusters(book: Book, policy: RiskPolicy, assets: Sequence[str]) -> list[tuple[str, ...]]:
    """Groups of two and more of the assets that move together."""
    rest, found = list(assets[:MOST_CLUSTERED]), []
    while rest:
        members = book.results.history.cluster(rest[0], float(policy.correlation_limit)).intersection(rest)
        rest = [asset for asset in rest if asset not in members]
        if len(members) > 1:
            found.append(tuple(sorted(members)))
    return found


def present_tail(book: Book, policy: RiskPolicy) -> tuple[Tail | None, str | None]:
    """What a day may cost as things are, or why that is not known."""
    held = book.exposure.above(book.equity.amount * policy.dust)
    history = book.results.history
    beginning = history.beginning(held)
    if history.observations - beginning < policy.min_history_hours:
        lacking = ", ".join(history.lacking(held, policy.min_history_hours)[:5]) or "any market"
        return None, f"value at risk: fewer than {policy.min_history_hours} hourly returns of {lacking}"
    return tail(book.results.sums[beginning:], float(policy.var_confidence)), None


def uses(book: Book, policy: RiskPolicy, found: Tail | None) -> list[Use]:
    """Every limit on the account as a whole, and those on single assets for the largest of each kind."""
    equity, exposure, history = book.equity, book.exposure, book.history
    largest = max((abs(value) for value in exposure.values.values()), default=Decimal(0))
    starts = {
        "daily": (history.day_start, policy.max_daily_loss),
        "weekly": (history.week_start, policy.max_weekly_loss),
        "monthly": (history.month_start, policy.max_monthly_loss),
    }
    checks = [
        limits.per_symbol(largest, equity, policy.max_per_symbol),
        *(
            limits.per_sector(exposure.of_sector(sector, policy.sectors), equity, policy.max_per_sector, "", sector)
            for sector in sorted(set(policy.sectors.values()))
        ),
        limits.gross_exposure(exposure.gross, equity, policy.max_gross_exposure),
        limits.net_exposure(exposure.net, equity, policy.max_net_exposure),
        limits.leverage(exposure.gross, equity, policy.max_leverage),
        limits.open_positions(len(exposure.above(equity.amount * policy.min_trade)), policy.max_open_positions),
        limits.entries_per_day(history.entries - 1, policy.max_entries_per_day),
        *(
            limits.period_loss(period, equity.amount if start is None else start, equity, limit)
            for period, (start, limit) in starts.items()
        ),
        limits.drawdown(book.drawdown, policy.hard_drawdown),
    ]
    if found is not None:
        checks += [
            limits.value_at_risk(found, equity, policy.max_var),
            limits.expected_shortfall(found, equity, policy.max_cvar),
        ]
    if book.cap is not None:
        checks.append(limits.live_cap(exposure.gross, book.cap, equity.currency))
    return [Use(check, _used(check, policy)) for check in checks]


def _used(check: Check, policy: RiskPolicy) -> Decimal | None:
    if check.setting is None or check.measure is None:
        return None
    limit = Decimal(getattr(policy, check.setting))
    return round(check.measure / limit, 4) if limit else None
