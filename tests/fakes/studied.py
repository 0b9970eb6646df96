"""One study of each kind, as the API shows them."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from volexswarm.errors import NotFound
from volexswarm.views import studies as views
from volexswarm.views.shape import Page

BACKTEST_ID = "bac47e57-0000-5000-8000-000000000001"
OPTIMIZATION_ID = "0b71312e-0000-5000-8000-000000000001"
DISCOVERY_ID = "d15c07e4-0000-5000-8000-000000000001"
DRAFT_ID = "binance-btc-usdt-5m-rsi-0b71312e"


class Studied:
    """`views.ports.StudyReader` over what the constructor makes; `market` is the end of every period."""

    def __init__(self, now: datetime, market: datetime) -> None:
        since = market - timedelta(days=30)
        label: dict[str, Any] = {
            "requested_by": "7a5c0000-0000-5000-8000-000000000001",
            "venue": "binance",
            "mode": "simulated",
            "simulated": True,
        }
        span: dict[str, Any] = {"since": since, "until": market, "candles": 8_640}
        place: dict[str, Any] = {"symbol": "BTC/USDT", "timeframe": "5m", "strategy": "rsi"}
        self.of_backtest = views.BacktestDetail(
            backtest=views.Backtest(
                id=BACKTEST_ID,
                parameters={"period": 14},
                figures={
                    "total_return": views.StudyFigure(value=-0.0123, reason=None),
                    "sharpe": views.StudyFigure(value=None, reason="the returns do not vary"),
                    "max_drawdown": views.StudyFigure(value=0.02, reason=None),
                    "trades": views.StudyFigure(value=1.0, reason=None),
                },
                words="rsi on BTC/USDT over 8640 candles of 5m: -1.23% of the equity after costs",
                made_at=now,
                **label,
                **place,
                **span,
            ),
            policy_version=2,
            assumptions=["Each side costs a fee of 0.1 % of its value."],
            unfilled={"a position was held already": 3},
            trades=[
                views.SupposedTrade(
                    opened_at=since,
                    closed_at=market,
                    amount=Decimal("0.002"),
                    entry_price=Decimal(50_000),
                    exit_price=Decimal(49_000),
                    cost=Decimal("100.1"),
                    proceeds=Decimal("97.9"),
                    fees=Decimal("0.2"),
                    result=Decimal("-2.2"),
                    entry_reason="RSI 14 rose back over 30",
                    exit_reason="stop",
                )
            ],
            open_trade=None,
            curve=[views.CurvePoint(at=since, equity=10_000), views.CurvePoint(at=market, equity=9_877)],
        )
        good = views.Fared(sharpe=2.0, reason=None, total_return=0.03, trades=9)
        poor = views.Fared(sharpe=0.4, reason=None, total_return=0.004, trades=6)
        self.of_optimization = views.OptimizationDetail(
            optimization=views.Optimization(
                id=OPTIMIZATION_ID,
                discovery_id=DISCOVERY_ID,
                budget_runs=15,
                runs=15,
                status="done",
                result=views.Finding(
                    folds=[
                        views.FoldFinding(
                            since=since, split=market - timedelta(days=10), until=market, trials=15, best={"period": 9},
                            in_sample=good, out_of_sample=poor, default=poor,
                        )
                    ],
                    trials=15, unjudged=4, proposal={"period": 9}, out_of_sample_return=0.004, out_of_sample_trades=6,
                    default_return=0.004, in_sample_sharpe=2.0, out_of_sample_sharpe=0.4, efficiency=0.2,
                    overfit_risk="high", deflated_sharpe=0.61, cut_short=False, warnings=["some of it was luck"],
                ),
                words="15 runs of rsi on BTC/USDT: risk of overfitting high",
                started_at=now,
                finished_at=now,
                **label,
                **place,
                **span,
            ),
            trials=[
                views.SearchTrial(
                    fold=2, number=1, parameters={"period": 9}, sharpe=2.0, reason=None, total_return=0.03, trades=9
                ),
                views.SearchTrial(
                    fold=2, number=2, parameters={"period": 30}, sharpe=None, reason="0 closed trades: at least 5 are needed",
                    total_return=0.0, trades=0,
                ),
            ],
        )  # fmt: skip
        self.of_discovery = views.Discovery(
            id=DISCOVERY_ID,
            symbols=["BTC/USDT"],
            days=30,
            until=market,
            status="done",
            result=views.Discovered(
                candidates=[
                    views.Candidate(
                        template="rsi", symbol="BTC/USDT", timeframe="5m", optimization_id=OPTIMIZATION_ID,
                        parameters={"period": 9}, out_of_sample_return=0.004, sharpe=0.4, trades=6, trials=15,
                        overfit_risk="high", deflated_sharpe=0.55, draft=DRAFT_ID,
                    )
                ],
                left_out={"macd on BTC/USDT, candles of 5m": "too few candles"},
                trials=15,
                warnings=["No candidate is convincing by that measure."],
            ),
            words=f"15 parameter sets tried at 1 places: drafted {DRAFT_ID}",
            started_at=now,
            finished_at=now,
            **label,
        )  # fmt: skip

    def backtests(self, symbol: str | None, limit: int, cursor: str | None) -> Page[views.Backtest]:
        return Page(items=[self.of_backtest.backtest][:limit] if symbol in (None, "BTC/USDT") else [], next=None)

    def backtest(self, backtest_id: str) -> views.BacktestDetail:
        _known("backtest", backtest_id, BACKTEST_ID)
        return self.of_backtest

    def optimizations(self, symbol: str | None, limit: int, cursor: str | None) -> Page[views.Optimization]:
        return Page(items=[self.of_optimization.optimization][:limit], next=None)

    def optimization(self, optimization_id: str) -> views.OptimizationDetail:
        _known("optimization", optimization_id, OPTIMIZATION_ID)
        return self.of_optimization

    def discoveries(self, symbol: str | None, limit: int, cursor: str | None) -> Page[views.Discovery]:
        return Page(items=[self.of_discovery][:limit], next=None)

    def discovery(self, discovery_id: str) -> views.Discovery:
        _known("discovery", discovery_id, DISCOVERY_ID)
        return self.of_discovery


def _known(kind: str, asked: str, known: str) -> None:
    if not known.startswith(asked):
        raise NotFound(kind, asked)
