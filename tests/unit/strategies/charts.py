"""Candle windows for strategy tests, made of closes or of random walks with a seed."""

import numpy as np
import pandas as pd

START = pd.Timestamp("2026-01-05T00:00:00Z")
MINUTE = pd.Timedelta(minutes=1)


def chart(closes, spread=0.5):
    """Candles a minute apart that close there; each reaches `spread` above and below its open and close."""
    closes = np.asarray(closes, dtype=float)
    opens = np.concatenate([closes[:1], closes[:-1]])
    return pd.DataFrame(
        {
            "open": opens,
            "high": np.maximum(opens, closes) + spread,
            "low": np.minimum(opens, closes) - spread,
            "close": closes,
            "volume": np.ones(len(closes)),
        },
        index=pd.DatetimeIndex([START + i * MINUTE for i in range(len(closes))], name="opened_at"),
    )


def walk(count, seed, step=1.0, start=200.0):
    """A random walk of closes, well above zero."""
    return chart(start + np.cumsum(np.random.default_rng(seed).normal(0, step, count)))
