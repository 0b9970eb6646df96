"""A question as the team is asked it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from volexswarm.messages import Question

AS_OF = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def question(**others: Any) -> Question:
    fields: dict[str, Any] = {
        "task_id": "7d1c4fd2-0000-5000-8000-000000000001",
        "attempt": 1,
        "venue": "binance",
        "account": "main",
        "symbol": "BTC/USDT",
        "timeframe": "5m",
        "as_of": AS_OF,
    }
    return Question.model_validate(fields | others)
