"""Tables of backtests, searches and discoveries in memory, over candles that a test hands in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from tests.fakes.transaction import FakeTransaction
from volexswarm.backtest.model import Backtest, Outcome
from volexswarm.discovery.model import Begun, Discovery, Expedition
from volexswarm.errors import Conflict
from volexswarm.market.timeframes import Timeframe
from volexswarm.optimize.model import Finding, Study, Trial
from volexswarm.risk.policy import RiskPolicy
from volexswarm.signals.ports import CandleRow


class FakeStudyTransaction(FakeTransaction):
    """`discovery.ports.DiscoveryTransaction` and `backtest.ports.BacktestTransaction`; `histories` by symbol and timeframe."""

    def __init__(self, histories: Mapping[tuple[str, Timeframe], pd.DataFrame], now: datetime | None) -> None:
        super().__init__()
        self.histories = dict(histories)
        self.now = now
        self.policy: RiskPolicy | None = RiskPolicy()
        self.backtests: dict[str, Backtest] = {}
        self.studies: dict[str, Study] = {}
        self.tried: dict[str, list[Trial]] = {}
        self.found: dict[str, tuple[Finding, str]] = {}
        self.expeditions: dict[str, Begun] = {}
        self.discoveries: dict[str, tuple[Discovery, str]] = {}

    def market_time(self, venue: str) -> datetime | None:
        return self.now

    def stored(self, venue: str, symbol: str, since: datetime, until: datetime) -> Mapping[Timeframe, int]:
        counts = {
            timeframe: len(self.candles(venue, symbol, timeframe, since, until))
            for of, timeframe in self.histories
            if of == symbol
        }
        return {timeframe: count for timeframe, count in counts.items() if count}

    def candles(
        self, venue: str, symbol: str, timeframe: Timeframe, since: datetime, until: datetime
    ) -> Sequence[CandleRow]:
        known = self.histories.get((symbol, timeframe))
        if known is None:
            return []
        rows: list[Any] = [
            (row[0].to_pydatetime(), *row[1:])
            for row in known.itertuples()
            if since <= row[0] <= until - timeframe.length
        ]
        return rows

    def risk_policy(self, version: int | None = None) -> tuple[int, RiskPolicy]:
        if self.policy is None:
            raise Conflict("no risk policy by which trades could be sized: none stored")
        return version or 1, self.policy

    def add_backtest(self, backtest: Backtest) -> bool:
        return self.backtests.setdefault(backtest.id, backtest) is backtest

    def study(self, search_id: str) -> Study | None:
        return self.studies.get(search_id)

    def add_study(self, study: Study) -> None:
        self.studies.setdefault(study.id, study)

    def trials(self, search_id: str) -> Sequence[Trial]:
        return sorted(self.tried.get(search_id, []), key=lambda trial: (trial.fold, trial.number))

    def add_trial(self, search_id: str, trial: Trial) -> None:
        self.tried.setdefault(search_id, []).append(trial)

    def finish(self, search_id: str, finding: Finding, words: str, at: datetime) -> None:
        self.found.setdefault(search_id, (finding, words))

    def finding(self, search_id: str) -> Finding | None:
        return self.found[search_id][0] if search_id in self.found else None

    def outcome(self, study_id: str) -> Outcome | None:
        if study_id in self.backtests:
            stored = self.backtests[study_id]
            return Outcome(study_id, {name: one.value for name, one in stored.figures.items()}, stored.words)
        return Outcome(study_id, {}, self.found[study_id][1]) if study_id in self.found else None

    def begun(self, discovery_id: str) -> Begun | None:
        return self.expeditions.get(discovery_id)

    def add_discovery(self, wanted: Expedition, begun: Begun) -> None:
        self.expeditions.setdefault(wanted.discovery_id, begun)

    def finish_discovery(self, discovery_id: str, found: Discovery, words: str, at: datetime) -> None:
        self.discoveries.setdefault(discovery_id, (found, words))

    def discovered(self, discovery_id: str) -> Outcome | None:
        return (
            Outcome(discovery_id, {}, self.discoveries[discovery_id][1]) if discovery_id in self.discoveries else None
        )
