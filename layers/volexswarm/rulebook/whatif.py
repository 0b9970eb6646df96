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
ONE = Decimal(1)

Effect = Literal["refused", "reduced", "allowed"]

FIRST_ORDER = (
    "first order effects only: each stopped trade is taken out alone; sizes, counts, prices and balances of all others stay as"
    " they were"
)
SMALLER = (
    "a trade that risk sized itself would have been smaller by a tighter limit: the part that is cut off is counted"
)
NEVER_TRADED = (
    "what would have been allowed was never traded: it has no result, and later checks may not have been made"
)
EXITS = "a stopped sell keeps its position: its result is not counted"


@dataclass(frozen=True)
class Decided:
    """A past decision. `checks` as stored; `then` the policy in full that it was made by, None if that was no valid one.

    `sized`: the size was risk's own, so that a tighter limit would have made it smaller. `again`: outcomes of the rules that were
    run again, by check name.
    """

    signal_id: str
    symbol: str
    side: str
    strategy_id: str
    as_of: datetime
    approved: bool
    checks: Sequence[Mapping[str, Any]]
    then: Body | None
    sized: bool = False
    again: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Budgets:
    """Limits that a size is cut down to.

    `of_trade` bound the trade itself; `of_whole` what is held with it; `least` (a lower limit) names the check that measures the
    trade's own share of equity, and below which it is not made.
    """

    of_trade: frozenset[str] = frozenset()
    of_whole: frozenset[str] = frozenset()
    least: str | None = None

    @property
    def all(self) -> frozenset[str]:
        return self.of_trade | self.of_whole


@dataclass(frozen=True)
class Result:
    """What the orders of a trade have made: P&L in quote currency net of fees in base and quote, first in, first out.

    What is still held is valued at the last price; None without one. `order_ids` are those orders.
    """

    currency: str
    realised: Decimal
    unrealised: Decimal | None
    order_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Otherwise:
    """A decision that the proposed policy would have made otherwise, and the checks that make the difference.

    `part` of the trade that would not have been made: 1 if it was refused, 0 if it is newly allowed.
    """

    decided: Decided
    effect: Effect
    checks: tuple[str, ...]
    part: Decimal


@dataclass
class Worth:
    """Results of what would not have been traded, in one quote currency.

    `lost` (below zero) sums the losing trades, `won` the winning ones; `unrealised` is the part of both that is still open;
    `unvalued` counts trades without a price for what they still hold.
    """

    lost: Decimal = Decimal(0)
    won: Decimal = Decimal(0)
    unrealised: Decimal = Decimal(0)
    unvalued: int = 0

    @property
    def effect(self) -> Decimal:
        """What the policy would have added to the result: losses avoided less profits missed."""
        return -(self.lost + self.won)

    def add(self, result: Result, part: Decimal) -> None:
        self.unvalued += result.unrealised is None
        unrealised = (result.unrealised or Decimal(0)) * part
        total = result.realised * part + unrealised
        self.unrealised += unrealised
        if total < 0:
            self.lost += total
        else:
            self.won += total


@dataclass
class Tally:
    """How many decisions would have been otherwise under one heading, and what those not made were worth."""

    refused: int = 0
    reduced: int = 0
    allowed: int = 0
    worth: dict[str, Worth] = field(default_factory=dict)

    def add(self, otherwise: Otherwise, result: Result | None) -> None:
        setattr(self, otherwise.effect, getattr(self, otherwise.effect) + 1)
        if result is not None:
            self.worth.setdefault(result.currency, Worth()).add(result, otherwise.part)


class TimeMachine:
    """Asks past decisions again under a proposed policy.

    Parameters
    ----------
    in_force, proposed : Body
        Policies in full.
    budgets : Budgets
        The limits that sizes are cut down to.
    run_again : iterable of str
        Settings whose rules are run again instead of being compared.
    """

    def __init__(
        self, in_force: Body, proposed: Body, budgets: Budgets | None = None, run_again: Iterable[str] = ()
    ) -> None:
        self._proposed = dict(change.leaves(proposed))
        self._mappings = {name for name, value in proposed.items() if isinstance(value, Mapping)}
        self._changed = list(change.differences(in_force, proposed))
        self._budgets = budgets or Budgets()
        self._run_again = set(run_again)
        self._measured: set[str] = set()
        self._leaves: dict[int, dict[str, Any]] = {}
        self.asked = 0
        self.kept: dict[str, int] = {}
        """How often a check that can't be asked again was kept as it was decided, by its name."""

    @property
    def not_asked(self) -> list[str]:
        """Changed settings that no past decision could be asked about."""
        return [name for name in self._changed if name not in self._measured and name not in self._run_again]

    def ask(self, decided: Decided) -> Otherwise | None:
        """The decision as it would have been; None if it stays the same."""
        self.asked += 1
        before = {check["name"]: bool(check["passed"]) for check in decided.checks}
        after = {check["name"]: self._again(decided, check) for check in decided.checks}
        # a rule that was not there yet when this was decided stopped nothing
        before = {**dict.fromkeys(decided.again, True), **before}
        after = {**decided.again, **after}
        approved = bool(after) and all(after.values())
        if approved == decided.approved:
            return None
        checks = tuple(name for name in after if before[name] is not after[name] and after[name] is approved)
        if approved:
            return Otherwise(decided, "allowed", checks, Decimal(0))
        part = self._cut(decided, after)
        return Otherwise(decided, "refused" if part == ONE else "reduced", checks, part)

    def _again(self, decided: Decided, check: Mapping[str, Any]) -> bool:
        name, setting, passed = check["name"], check.get("setting"), bool(check["passed"])
        if name in decided.again:
            return decided.again[name]
        if setting is None or check.get("measure") is None:
            self.kept[name] = self.kept.get(name, 0) + 1
            return passed
        self._measured.add(setting)
        if self._same(decided, setting):
            return passed  # also where the stored measure is rounded to just the other side of the limit
        if setting in self._proposed:
            limit = self._proposed[setting]
            return limit is None or _holds(_decimal(check["measure"]), str(check["bound"]), _decimal(limit))
        if setting.partition(".")[0] in self._mappings:
            return False  # an entry that is not set (any more) allows nothing
        self.kept[name] = self.kept.get(name, 0) + 1
        return passed

    def _same(self, decided: Decided, setting: str) -> bool:
        """Whether the setting was what is proposed."""
        if decided.then is None:
            return False
        then = self._leaves.get(id(decided.then))
        if then is None:
            then = self._leaves[id(decided.then)] = dict(change.leaves(decided.then))
        both = setting in then and setting in self._proposed
        return both and change.equal(then[setting], self._proposed[setting])

    def _cut(self, decided: Decided, after: Mapping[str, bool]) -> Decimal:
        """Which part of the trade would not have been made."""
        measured = {c["setting"]: c for c in decided.checks if c.get("measure") is not None}
        measures = {setting: _decimal(check["measure"]) for setting, check in measured.items()}
        failed = [check for check in decided.checks if not after[check["name"]]]
        names = {check.get("setting") for check in failed}
        counted = measures.get(self._budgets.least or "", Decimal(0))
        own = counted * _scale(measured.get(self._budgets.least or "", {}))
        if not decided.sized or not names <= self._budgets.all or len(failed) < list(after.values()).count(False):
            return ONE
        left = min(self._left(str(name), measures[str(name)], own) for name in names)
        least = self._proposed.get(self._budgets.least or "")
        # what made the trade smaller made the least one smaller, too: as it was measured it is held against the limit
        too_small = left <= 0 or (counted > 0 and least is not None and counted * left < _decimal(least))
        return ONE if too_small else ONE - left

    def _left(self, setting: str, measure: Decimal, own: Decimal) -> Decimal:
        """The part of the trade that fits into this limit; 0 if `own`, its real share of equity, is not known."""
        limit = _decimal(self._proposed[setting])
        if setting in self._budgets.of_trade:
            return limit / measure
        return ONE - (measure - limit) / own if own > 0 else Decimal(0)


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
        self.exits_stopped += otherwise.effect != "allowed" and decided.side == "sell"
        for heading, name in (
            *((self.by_check, check) for check in otherwise.checks),
            (self.by_symbol, decided.symbol),
            (self.by_strategy, decided.strategy_id),
            (self.by_day, decided.as_of.astimezone(UTC).date().isoformat()),
        ):
            heading.setdefault(name, Tally()).add(otherwise, result)
        self.total.add(otherwise, result)
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append((otherwise, result))

    @property
    def caveats(self) -> list[str]:
        """What these numbers do not say."""
        said = {
            FIRST_ORDER: self.total.refused + self.total.reduced,
            SMALLER: self.total.reduced,
            NEVER_TRADED: self.total.allowed,
            EXITS: self.exits_stopped,
        }
        return [caveat for caveat, count in said.items() if count]


def _decimal(value: Any) -> Decimal:
    """A number as JSON has it: policies store money as text."""
    return Decimal(str(value))


def _scale(check: Mapping[str, Any]) -> Decimal:
    """By what a trade was made smaller; 1 where nothing did, and of decisions from before that was stored."""
    return _decimal(check.get("scale") or ONE)


def _holds(measure: Decimal, bound: str, limit: Decimal) -> bool:
    if bound == "below":
        return measure < limit
    return measure <= limit if bound == "at_most" else measure >= limit
