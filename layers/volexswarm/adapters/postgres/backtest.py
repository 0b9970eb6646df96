"""The backtests' statements."""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict
from typing import Any

from psycopg.types.json import Jsonb

from volexswarm.adapters.postgres.history import HistoryTransaction
from volexswarm.backtest.model import Backtest, ClosedTrade, Outcome

_TOLD = (
    "total_return", "annual_return", "hold_return", "sharpe", "max_drawdown", "trades", "win_rate", "profit_factor",
    "return_on_stake", "fees",
)  # fmt: skip

_INSERT = """
INSERT INTO backtests (id, requested_by, venue, symbol, timeframe, strategy, parameters, since, until, candles, policy_version,
    assumptions, figures, unfilled, trades, curve, words, made_at)
VALUES (%(id)s, %(requested_by)s, %(venue)s, %(symbol)s, %(timeframe)s, %(strategy)s, %(parameters)s, %(since)s, %(until)s,
    %(candles)s, %(policy_version)s, %(assumptions)s, %(figures)s, %(unfilled)s, %(trades)s, %(curve)s, %(words)s, %(made_at)s)
ON CONFLICT (id) DO NOTHING
"""


class BacktestTransaction(HistoryTransaction):
    """Implements `backtest.ports.BacktestTransaction`."""

    def add_backtest(self, backtest: Backtest) -> bool:
        run = backtest.run
        held = run.open_trade
        row = {
            **{
                name: getattr(backtest, name) for name in ("id", "requested_by", "venue", "symbol", "strategy", "words")
            },
            **{name: getattr(backtest, name) for name in ("since", "until", "candles", "policy_version", "made_at")},
            "timeframe": backtest.timeframe.value,
            "assumptions": list(backtest.assumptions),
            "parameters": Jsonb(dict(backtest.parameters)),
            "figures": Jsonb({name: asdict(figure) for name, figure in backtest.figures.items()}),
            "unfilled": Jsonb(dict(run.unfilled)),
            "trades": packed(
                {
                    "closed": [_trade(trade) for trade in run.trades],
                    "open": None if held is None else _plain(asdict(held)),
                }
            ),
            "curve": packed([[moment.isoformat(), value] for moment, value in zip(run.times, run.equity, strict=True)]),
        }
        return self.connection.execute(_INSERT, row).rowcount == 1

    def outcome(self, backtest_id: str) -> Outcome | None:
        row = self.connection.execute("SELECT figures, words FROM backtests WHERE id = %s", (backtest_id,)).fetchone()
        if row is None:
            return None
        return Outcome(backtest_id, {name: row["figures"][name]["value"] for name in _TOLD}, row["words"])


def packed(value: Any) -> bytes:
    """JSON, compressed: a curve has a point for every candle."""
    return zlib.compress(json.dumps(value, separators=(",", ":")).encode())


def unpacked(stored: bytes) -> Any:
    """What `packed` was given."""
    return json.loads(zlib.decompress(stored))


def _trade(trade: ClosedTrade) -> dict[str, Any]:
    return _plain(asdict(trade) | {"result": trade.result})


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    """Money as text, so that no digit is lost; times as RFC 3339."""
    return {name: value.isoformat() if hasattr(value, "isoformat") else str(value) for name, value in fields.items()}
