"""News, strategies and reports in memory, with the agents that keep them and a reader that shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.fakes.news import FakeNewsTransaction
from tests.fakes.playbook import FakePlaybookTransaction
from tests.fakes.transaction import FakeStore, FixedClock
from volexswarm.errors import NotFound
from volexswarm.messages import Side, StrategyStatus
from volexswarm.news.agent import NewsAgent
from volexswarm.news.scoring import crypto_scorer
from volexswarm.playbook.agent import StrategyAgent
from volexswarm.playbook.lifecycle import WAYS
from volexswarm.playbook.model import Strategy as Kept
from volexswarm.views.research import MarketReport, NewsItem, Record, StatusChange, Strategy, StrategyDetail
from volexswarm.views.shape import Page

STRATEGY_ID = "binance-btc-usdt-5m-ma_cross"
REPORT_ID = "4e904700-0000-5000-8000-000000000001"


class Learnt:
    """What research, news and strategies have to show; one active strategy, and one report."""

    def __init__(self, clock: FixedClock, market: datetime) -> None:
        self.clock = clock
        self.market = market
        self.news_state = FakeNewsTransaction()
        self.news_state.complete_to = market
        kept = Kept(STRATEGY_ID, "ma_cross", "binance", "BTC/USDT", "5m", {"fast": 10}, StrategyStatus.ACTIVE)
        self.playbook = FakePlaybookTransaction(kept)
        self.news_agent = NewsAgent(
            store=FakeStore(self.news_state),
            scorer=crypto_scorer(),
            clock=clock,
            venue="binance",
            symbols=("BTC/USDT", "ETH/USDT"),
        )
        self.strategy_agent = StrategyAgent(FakeStore(self.playbook), clock)

    def news(self, symbol: str | None, limit: int, cursor: str | None) -> Page[NewsItem]:
        shown = [
            NewsItem(**vars(item) | {"source": item.origin, "symbols": list(item.symbols)})
            for item in self.news_state.kept.values()
            if symbol is None or not item.symbols or symbol in item.symbols
        ]
        return Page(items=shown[:limit], next=None)

    def strategies(self, symbol: str | None, status: Any, limit: int, cursor: str | None) -> Page[Strategy]:
        found = [
            self._view(one)
            for one in self.playbook.strategies.values()
            if symbol in (None, one.symbol) and status in (None, one.status)
        ]
        return Page(items=found[:limit], next=None)

    def strategy(self, strategy_id: str) -> StrategyDetail:
        if strategy_id not in self.playbook.strategies:
            raise NotFound("strategy", strategy_id)
        kept = self.playbook.strategies[strategy_id]
        change = StatusChange(
            before=StrategyStatus.TESTING,
            after=StrategyStatus.ACTIVE,
            actor="ann",
            reason="it has been tested",
            at=self.clock.now(),
        )
        return StrategyDetail(
            strategy=self._view(kept),
            record=Record(trades=12, win_rate=0.5, expectancy=0.0021, profit_factor=1.4),
            changes=[change],
            next=list(WAYS[kept.status]),
        )

    def reports(self, symbol: str | None, limit: int, cursor: str | None) -> Page[MarketReport]:
        return Page(items=[self.report(REPORT_ID)], next=None)

    def report(self, report_id: str) -> MarketReport:
        if report_id != REPORT_ID:
            raise NotFound("report", report_id)
        return MarketReport(
            id=REPORT_ID,
            venue="binance",
            symbols=["BTC/USDT"],
            as_of=self.market,
            words="BTC/USDT at 60000: rising over 24 hours (tau +0.42)",
            body="Market report\n\nBTC/USDT at 60000: rising over 24 hours (tau +0.42).\n",
            pictures={"BTC/USDT": {"price": 60_000.0}},
            requested_by="7a5c0000",
            written_at=self.clock.now(),
        )

    def _view(self, kept: Kept) -> Strategy:
        return Strategy(
            **vars(kept),
            last_side=Side.BUY,
            last_signal_at=self.market,
            created_at=self.clock.now(),
            updated_at=self.clock.now(),
        )
