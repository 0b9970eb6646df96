"""The playbook's tables in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from tests.fakes.transaction import FakeTransaction
from volexswarm.errors import NotFound
from volexswarm.messages import StrategyStatus
from volexswarm.playbook.model import Saying, Strategy


class FakePlaybookTransaction(FakeTransaction):
    """`playbook.ports.PlaybookTransaction` in memory; `trades` are (strategy, when it was closed, its result)."""

    def __init__(self, *strategies: Strategy) -> None:
        super().__init__()
        self.strategies = {strategy.id: strategy for strategy in strategies}
        self.said: list[Saying] = []
        self.trades: list[tuple[str, datetime, float]] = []

    def strategy_to_change(self, strategy_id: str) -> Strategy:
        if strategy_id not in self.strategies:
            raise NotFound("strategy", strategy_id)
        return self.strategies[strategy_id]

    def add_strategy(self, strategy: Strategy, at: datetime) -> bool:
        return self.strategies.setdefault(strategy.id, strategy) is strategy

    def save_status(self, strategy_id: str, status: StrategyStatus, at: datetime) -> None:
        self.strategies[strategy_id] = replace(self.strategies[strategy_id], status=status)

    def active_on(self, venue: str, symbol: str) -> Sequence[Strategy]:
        return [
            strategy
            for _, strategy in sorted(self.strategies.items())
            if strategy.symbol == symbol and strategy.status is StrategyStatus.ACTIVE
        ]

    def sayings(self, strategy_ids: Sequence[str], until: datetime) -> Mapping[str, Saying]:
        known = sorted((one for one in self.said if one.as_of <= until), key=lambda one: one.as_of)
        return {saying.strategy_id: saying for saying in known if saying.strategy_id in strategy_ids}

    def results(
        self, venue: str, account: str, symbol: str, strategy_ids: Sequence[str], until: datetime | None, limit: int
    ) -> Sequence[float]:
        known = [t for t in self.trades if t[0] in strategy_ids and (until is None or t[1] <= until)]
        return [result for _, _, result in sorted(known, key=lambda trade: trade[1], reverse=True)[:limit]]
