"""The policy time machine: what a policy would have decided about everything that has been decided, and what that would have
been worth.

Each past decision is asked again by its own checks: where a check stored what it had measured, the proposed limit is held
against that; rules that are no limits are run again by whoever knows them; everything else stays as it was decided.

What it can't know, it does not say. Effects are of the first order: a trade that is stopped is taken out alone, though without
it other trades would have had other sizes, other counts and other prices. What would have been allowed was never traded, so it
has no result. A limit that no check has measured can't be asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

from volexswarm.rulebook import changes as change
from volexswarm.rulebook.ports import Body

MAX_EXAMPLES = 20

Effect = Literal["refused", "allowed"]

FIRST_ORDER = (
    "first order effects only: each stopped trade is taken out alone; sizes, counts, prices and balances of the others stay as"
    " they were"
)
NEVER_TRADED = "what would have been allowed was never traded: it has no result"
EXITS = "a stopped sell keeps its position: its result is not counted"


@dataclass(frozen=True)
class Decided:
    """A past decision. `checks` as stored; `again` the outcome of the rules that were run again, by check name."""

    signal_id: str
    symbol: str
    side: str
    strategy_id: str
    as_of: datetime
    approved: bool
    checks: Sequence[Mapping[str, Any]]
    order_ids: tuple[str, ...] = ()
    again: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """What the orders of a trade have made: P&L in quote currency net of fees, by first-in-first-out closings.

    What is still held is valued at the last price; None without one.
    """

    currency: str
    realised: Decimal
    unrealised: Decimal | None


@dataclass(frozen=True)
class Otherwise:
    """A decision that the proposed policy would have made otherwise, and the checks that make the difference."""

    decided: Decided
    effect: Effect
    checks: tuple[str, ...]


@dataclass
class Worth:
    """Results of stopped trades in one quote currency: `lost` below zero and `won` above, each summed; `open` is the part of them
    that is not realised; `unvalued` counts trades without a price for what they still hold.
    """

    lost: Decimal = Decimal(0)
    won: Decimal = Decimal(0)
    open: Decimal = Decimal(0)
    unvalued: int = 0

    @property
    def saved(self) -> Decimal:
        """What the policy would have kept (or cost, below zero), to the first order."""
        return -(self.lost + self.won)

    def add(self, result: Result) -> None:
        self.unvalued += result.unrealised is None
        total = result.realised + (result.unrealised or 0)
        self.open += result.unrealised or 0
        if total < 0:
            self.lost += total
        else:
            self.won += total


@dataclass
class Tally:
    """Decisions that would have been otherwise, under one heading."""

    refused: int = 0
    allowed: int = 0
    money: dict[str, Worth] = field(default_factory=dict)

    def add(self, effect: Effect, results: Sequence[Result]) -> None:
        if effect == "refused":
            self.refused += 1
        else:
            self.allowed += 1
        for result in results:
            self.money.setdefault(result.currency, Worth()).add(result)


class TimeMachine:
    """Asks past decisions again under a proposed policy.

    Parameters
    ----------
    in_force, proposed : Body
        Policies in full.
    run_again : iterable of str
        Settings whose rules are run again instead of being compared.
    """

    def __init__(self, in_force: Body, proposed: Body, run_again: Iterable[str] = ()) -> None:
        self._limits = {name: _number(value) for name, value in change.leaves(proposed)}
        self._mappings = {name for name, value in proposed.items() if isinstance(value, Mapping)}
        self._changed = [name for name in change.differences(in_force, proposed)]
        self._run_again = set(run_again)
        self._measured: set[str] = set()
        self.asked = 0
        self.kept: dict[str, int] = {}
        """How often a check that can't be asked again was kept as it was decided, by its name."""

    def ask(self, decided: Decided) -> Otherwise | None:
        """The decision as it would have been; None if it stays the same."""
        self.asked += 1
        outcomes = {check["name"]: (bool(check["passed"]), self._again(decided, check)) for check in decided.checks}
        for name, passed in decided.again.items():  # a rule that was not there yet when this was decided
            outcomes.setdefault(name, (True, passed))
        approved = bool(outcomes) and all(now for _, now in outcomes.values())
        if approved == decided.approved:
            return None
        checks = tuple(name for name, (before, now) in outcomes.items() if before is not now and now is approved)
        return Otherwise(decided, "allowed" if approved else "refused", checks)

    def _again(self, decided: Decided, check: Mapping[str, Any]) -> bool:
        name, setting, passed = check["name"], check.get("setting"), bool(check["passed"])
        if name in decided.again:
            return decided.again[name]
        if setting is None or check.get("measure") is None:
            self.kept[name] = self.kept.get(name, 0) + 1
            return passed
        self._measured.add(setting)
        if setting not in self._limits and setting.partition(".")[0] in self._mappings:
            return False  # an entry that is not set (any more) allows nothing
        limit = self._limits.get(setting)
        if limit is None:
            self.kept[name] = self.kept.get(name, 0) + 1
            return passed
        return _holds(Decimal(str(check["measure"])), str(check["bound"]), limit)

    @property
    def not_asked(self) -> list[str]:
        """Changed settings that no past decision could be asked about."""
        return [
            name
            for name in self._changed
            if name not in self._measured and name.partition(".")[0] not in self._run_again
        ]


@dataclass
class Effects:
    """All decisions that would have been otherwise, summed up. A decision counts under each check that makes the difference."""

    total: Tally = field(default_factory=Tally)
    by_check: dict[str, Tally] = field(default_factory=dict)
    by_symbol: dict[str, Tally] = field(default_factory=dict)
    by_strategy: dict[str, Tally] = field(default_factory=dict)
    by_day: dict[str, Tally] = field(default_factory=dict)
    exits_stopped: int = 0
    examples: list[tuple[Otherwise, Result | None]] = field(default_factory=list)

    def add(self, otherwise: Otherwise, result: Result | None) -> None:
        """Count one in. `result` of its orders: None if nothing was traded, or it was a way out of a position."""
        decided = otherwise.decided
        self.exits_stopped += otherwise.effect == "refused" and decided.side == "sell"
        results = [result] if result else []
        for heading, name in (
            *((self.by_check, check) for check in otherwise.checks),
            (self.by_symbol, decided.symbol),
            (self.by_strategy, decided.strategy_id),
            (self.by_day, decided.as_of.astimezone(UTC).date().isoformat()),
        ):
            heading.setdefault(name, Tally()).add(otherwise.effect, results)
        self.total.add(otherwise.effect, results)
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append((otherwise, result))

    @property
    def caveats(self) -> list[str]:
        """What these numbers do not say."""
        found = [FIRST_ORDER] if self.total.refused else []
        if self.total.allowed:
            found.append(NEVER_TRADED)
        if self.exits_stopped:
            found.append(EXITS)
        return found


def _number(value: Any) -> Decimal | None:
    """A limit, if this is one: policies store money as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return Decimal(str(value))
    except ArithmeticError:
        return None


def _holds(measure: Decimal, bound: str, limit: Decimal) -> bool:
    if bound == "below":
        return measure < limit
    return measure <= limit if bound == "at_most" else measure >= limit
