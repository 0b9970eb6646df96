"""What a trade brings into the account, and every limit on holding so much of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from volexswarm.messages import Check
from volexswarm.risk import limits
from volexswarm.risk.exposure import Exposure
from volexswarm.risk.limits import Equity
from volexswarm.risk.model import ZERO, History, Holdings
from volexswarm.risk.policy import RiskPolicy
from volexswarm.risk.tail import Results, Tail
from volexswarm.risk.track import TrackRecord


@dataclass(frozen=True)
class Book:
    """The account at the moment of the decision.

    `results` are those of what is held and being bought, hour by hour; `cap` the most that may be exposed, where real money
    trades; `record` how the signal's strategy has fared, None where nobody asked.
    """

    holdings: Holdings
    exposure: Exposure
    equity: Equity
    history: History
    results: Results
    cap: Decimal | None
    record: TrackRecord | None

    @property
    def drawdown(self) -> Decimal:
        """The fall from the peak, as a share of it."""
        peak = max(self.equity.amount, self.history.peak or ZERO)
        return (peak - self.equity.amount) / peak


@dataclass(frozen=True)
class Intake:
    """An asset of which more is to be held: what is bought, or what a sale is paid in. Values are in the valuation currency."""

    asset: str
    policy: RiskPolicy
    book: Book

    def checks_of_exposure(self, value: Decimal) -> list[Check]:
        """The limits on what hangs on prices, with so much more of the asset."""
        policy, equity, exposure = self.policy, self.book.equity, self.book.exposure
        gross = exposure.gross + value
        checks = [
            limits.per_symbol(exposure.of([self.asset]) + value, equity, policy.max_per_symbol),
            limits.per_sector(self._in_sector + value, equity, policy.max_per_sector, self.asset, self._sector),
            self._check_of_cluster(value),
            limits.gross_exposure(gross, equity, policy.max_gross_exposure),
            limits.net_exposure(exposure.net + value, equity, policy.max_net_exposure),
            limits.leverage(gross, equity, policy.max_leverage),
        ]
        if self.book.cap is not None:
            checks.append(limits.live_cap(gross, self.book.cap, equity.currency))
        return checks

    def checks_of_swap(self, value: Decimal, given: str) -> list[Check]:
        """The limits on the asset, with so much more of it for as much of `given`: what holds both is no fuller than before."""
        policy, equity, exposure = self.policy, self.book.equity, self.book.exposure
        checks = [limits.per_symbol(exposure.of([self.asset]) + value, equity, policy.max_per_symbol)]
        if self._sector is None or policy.sectors.get(given) != self._sector:
            in_sector = self._in_sector + value
            checks.append(limits.per_sector(in_sector, equity, policy.max_per_sector, self.asset, self._sector))
        if given not in self._cluster:
            checks.append(self._check_of_cluster(value))
        return checks

    def checks_of_conduct(self) -> list[Check]:
        """The limits on how much is bought, and on buying after losses."""
        policy, equity, history = self.policy, self.book.equity, self.book.history
        starts = {
            "daily": (history.day_start, policy.max_daily_loss),
            "weekly": (history.week_start, policy.max_weekly_loss),
            "monthly": (history.month_start, policy.max_monthly_loss),
        }
        return [
            limits.open_positions(self._positions_after, policy.max_open_positions),
            limits.entries_per_day(history.entries, policy.max_entries_per_day),
            *(
                limits.period_loss(period, equity.amount if start is None else start, equity, limit)
                for period, (start, limit) in starts.items()
            ),
            limits.drawdown(self.book.drawdown, policy.hard_drawdown),
        ]

    def _check_of_cluster(self, value: Decimal) -> Check:
        policy, equity = self.policy, self.book.equity
        lacking = self._lacking
        if lacking and policy.short_history == "refuse":
            return self._unknown("per_cluster", policy.max_per_cluster)
        return limits.per_cluster(
            self.book.exposure.of(self._cluster) + value, equity, policy.max_per_cluster, self._cluster
        )

    def checks_of_tail(self, value: Decimal) -> list[Check]:
        """The limits on what a day may cost, with so much more of the asset."""
        policy, equity = self.policy, self.book.equity
        if self._lacking:
            return [
                self._unknown("value_at_risk", policy.max_var),
                self._unknown("expected_shortfall", policy.max_cvar),
            ]
        found = self._tail(value)
        return [
            limits.value_at_risk(found, equity, policy.max_var),
            limits.expected_shortfall(found, equity, policy.max_cvar),
        ]

    def _tail(self, value: Decimal) -> Tail:
        return self.book.results.tail(self._beginning, float(self.policy.var_confidence), self.asset, value)

    def _unknown(self, name: str, limit: Decimal) -> Check:
        policy = self.policy
        return limits.unknown_for_lack_of_history(
            name,
            limit,
            self.book.equity,
            self._lacking,
            policy.min_history_hours,
            skip=policy.short_history == "skip",
        )

    def rooms(self) -> dict[str, Decimal]:
        """What each limit on the account leaves for the asset, in the valuation currency; below 0 where it is exceeded."""
        policy, equity, exposure = self.policy, self.book.equity.amount, self.book.exposure
        rooms = {
            "max_per_symbol": equity * policy.max_per_symbol - exposure.of([self.asset]),
            "max_gross_exposure": equity * policy.max_gross_exposure - exposure.gross,
            "max_net_exposure": equity * policy.max_net_exposure - exposure.net,
            "max_leverage": equity * policy.max_leverage - exposure.gross,
        }
        if self._sector is not None:
            rooms["max_per_sector"] = equity * policy.max_per_sector - self._in_sector
        if len(self._cluster) > 1:
            rooms["max_per_cluster"] = equity * policy.max_per_cluster - exposure.of(self._cluster)
        if self.book.cap is not None:
            rooms["live_cap"] = self.book.cap - exposure.gross
        return rooms

    @cached_property
    def _of_note(self) -> frozenset[str]:
        """The assets whose past counts: this one, and what is held of more than dust."""
        dust = self.book.equity.amount * self.policy.dust
        return self.book.exposure.above(dust) | {self.asset}

    @cached_property
    def _beginning(self) -> int:
        """The first hour whose return all of them have."""
        return self.book.results.history.beginning(self._of_note)

    @cached_property
    def _lacking(self) -> tuple[str, ...]:
        history, least = self.book.results.history, self.policy.min_history_hours
        if history.observations - self._beginning >= least:
            return ()
        return history.lacking(self._of_note, least)

    @cached_property
    def _cluster(self) -> frozenset[str]:
        """This asset and what is held of those that move with it."""
        found = self.book.results.history.cluster(self.asset, float(self.policy.correlation_limit))
        return found & self._of_note

    @property
    def _sector(self) -> str | None:
        return self.policy.sectors.get(self.asset)

    @cached_property
    def _in_sector(self) -> Decimal:
        return ZERO if self._sector is None else self.book.exposure.of_sector(self._sector, self.policy.sectors)

    @cached_property
    def _positions_after(self) -> int:
        """Assets worth at least the least trade, and this one."""
        return len(self.book.exposure.above(self.book.equity.amount * self.policy.min_trade) | {self.asset})
