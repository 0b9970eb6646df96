"""A small recorded day for replays: trades as an exchange printed them, and candles aggregated from them another way."""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

FIRST_ID = 13_519_807
START_MS = 1_570_752_011_620


class Row(NamedTuple):
    """One line of the CSV."""

    timestamp: int
    id: int
    side: str
    price: Decimal
    amount: Decimal


def make(count: int, seed: int = 11) -> list[Row]:
    """Trades with bursts in one millisecond, quiet minutes without any, and prices of many digits."""
    rng = random.Random(seed)
    now, price, rows = START_MS, Decimal("0.00141342"), []
    for number in range(count):
        now += rng.choice([0, 0, 3, 250, 4_000, 20_000, 200_000 if rng.random() < 0.1 else 900])
        price = max(Decimal("0.00100000"), price + rng.randint(-40, 40) * Decimal("0.00000001"))
        amount = Decimal(rng.randint(1, 5000)) / rng.choice([1, 10, 1000])
        rows.append(Row(now, FIRST_ID + number, rng.choice(["buy", "sell"]), price, amount))
    return rows


def write(rows: list[Row], path: Path) -> Path:
    """As a CSV file with a header line."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(Row._fields)
        writer.writerows((r.timestamp, r.id, r.side, format(r.price, "f"), format(r.amount, "f")) for r in rows)
    return path


def read(path: Path) -> list[Row]:
    """A CSV of trades."""
    with path.open(newline="") as file:
        return [
            Row(int(r["timestamp"]), int(r["id"]), r["side"], Decimal(r["price"]), Decimal(r["amount"]))
            for r in csv.DictReader(file)
        ]


Candle = tuple[Decimal, Decimal, Decimal, Decimal, Decimal]


def candles(rows: list[Row], minutes: int) -> dict[int, Candle]:
    """Open, high, low, close, volume by opening time in ms: plainly, minute by minute, from all trades at once."""
    width = minutes * 60_000
    by_opening: dict[int, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.id):
        by_opening[row.timestamp // width * width].append(row)
    return {
        opening: (
            trades[0].price,
            max(trade.price for trade in trades),
            min(trade.price for trade in trades),
            trades[-1].price,
            sum((trade.amount for trade in trades), Decimal(0)),
        )
        for opening, trades in by_opening.items()
    }


def read_candles(path: Path) -> dict[int, Candle]:
    """Open, high, low, close, volume by opening time in ms, from a CSV of candles."""
    with path.open(newline="") as file:
        return {
            int(r["timestamp"]): tuple(Decimal(r[name]) for name in ("open", "high", "low", "close", "volume"))  # type: ignore[misc]
            for r in csv.DictReader(file)
        }
