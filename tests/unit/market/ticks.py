"""Trades and tick batches written the way a trader would: `12:00:05 id 7 at 101 × 2`."""

from datetime import UTC, datetime
from decimal import Decimal

from volexswarm.clock import to_ms
from volexswarm.messages import Columns, Event, TickBatch

VENUE, SYMBOL = "binance", "BTC/USDT"


def at(clock):
    """`"12:00:05"` or `"12:00:05.250"` on the day of the tests."""
    return datetime.fromisoformat(f"2026-01-05T{clock}+00:00").astimezone(UTC)


def trade(trade_id, clock, price, amount="1"):
    """As `candles.fold` takes it."""
    return (trade_id, to_ms(at(clock)), Decimal(price), Decimal(amount))


def batch(sequence, trades=(), through=None, session="s", symbol=SYMBOL):
    """A batch of one symbol; `through` is the watermark."""
    columns = Columns(
        ids=[t[0] for t in trades],
        times=[t[1] for t in trades],
        prices=[t[2] for t in trades],
        amounts=[t[3] for t in trades],
        sides="b" * len(trades),
    )
    data = TickBatch(
        venue=VENUE,
        session=session,
        sequence=sequence,
        trades={symbol: columns} if trades else {},
        watermarks={symbol: at(through)} if through else {},
    )
    identity = f"{session}:{sequence}"
    return Event.root(data, source="realtime-data", subject=VENUE, identity=identity, time=at("12:00:00"))
