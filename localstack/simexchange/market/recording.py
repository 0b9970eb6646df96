"""Reads recorded markets from CSV: trades (`timestamp,id,side,price,amount`) or candles (`timestamp,open,high,low,close,volume`).

Trades keep their ids, times, prices and amounts. A candle becomes four trades through its open, extremes and close.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from statistics import mode

from simexchange.engine.orders import Trade
from simexchange.engine.units import DECIMALS, parse

TRADE_COLUMNS = ["timestamp", "id", "side", "price", "amount"]
TRADES_PER_CANDLE = 4
CANDLE_COLUMNS = ["timestamp", "open", "high", "low", "close", "volume"]


class BadRecording(ValueError):
    """The file cannot be replayed; the message names the line and says what is wrong."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recorded market: its trades in order, the decimals seen in it, and the fingerprint of its file."""

    trades: list[Trade]
    price_decimals: int
    quantity_decimals: int
    fingerprint: str


def read(path: Path) -> Recording:
    """Read a CSV of trades or candles.

    Raises
    ------
    BadRecording
        If the file is missing, empty, has other columns, a bad number, or ids or times that do not grow.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadRecording(f"cannot read {path}: {error.strerror}") from error
    rows = csv.reader(content.decode().splitlines())
    header = next(rows, [])
    if header == TRADE_COLUMNS:
        trades = [_trade(path, number, row) for number, row in enumerate(rows, start=2)]
    elif header == CANDLE_COLUMNS:
        trades = list(_trades_of_candles(path, list(enumerate(rows, start=2))))
    else:
        raise BadRecording(
            f"{path}: columns are {','.join(header) or 'none'}; "
            f"expected {','.join(TRADE_COLUMNS)} or {','.join(CANDLE_COLUMNS)}"
        )
    _check_order(path, trades)
    return Recording(
        trades,
        max(_decimals(trade.price) for trade in trades),
        max(_decimals(trade.quantity) for trade in trades),
        sha256(content).hexdigest(),
    )


def _trade(path: Path, number: int, row: list[str]) -> Trade:
    try:
        time_ms, trade_id, side, price, amount = row
        trade = Trade(int(trade_id), int(time_ms), parse(price), parse(amount), {"sell": True, "buy": False}[side])
    except (ValueError, KeyError) as error:
        raise BadRecording(f"{path} line {number}: {','.join(row)!r} is not a trade: {error}") from error
    if trade.price <= 0 or trade.quantity <= 0:
        raise BadRecording(f"{path} line {number}: price and amount must be above 0")
    return trade


def _trades_of_candles(path: Path, rows: list[tuple[int, list[str]]]) -> Iterator[Trade]:
    bars = [_bar(path, number, row) for number, row in rows]
    times = [bar[0] for bar in bars]
    width = mode(later - earlier for earlier, later in pairwise(times)) if len(times) > 1 else 60_000
    trade_id = 0
    for time_ms, opened, high, low, close, volume in bars:
        prices = [opened, low, high, close] if close >= opened else [opened, high, low, close]
        # The close takes what does not divide by four, so that the volumes add up exactly.
        parts = [volume // 4] * 3 + [volume - volume // 4 * 3] if volume else []
        for quarter, quantity in enumerate(parts):
            trade_id += 1
            falling = quarter > 0 and prices[quarter] < prices[quarter - 1]
            yield Trade(trade_id, time_ms + quarter * width // 4, prices[quarter], quantity, falling)


def _bar(path: Path, number: int, row: list[str]) -> tuple[int, int, int, int, int, int]:
    try:
        time_ms, opened, high, low, close, volume = row
        bar = (int(time_ms), parse(opened), parse(high), parse(low), parse(close), parse(volume))
    except ValueError as error:
        raise BadRecording(f"{path} line {number}: {','.join(row)!r} is not a candle: {error}") from error
    if not 0 < bar[3] <= min(bar[1], bar[4]) <= max(bar[1], bar[4]) <= bar[2]:
        raise BadRecording(f"{path} line {number}: needs 0 < low <= open and close <= high")
    if bar[5] < 0 or 0 < bar[5] < TRADES_PER_CANDLE:
        raise BadRecording(f"{path} line {number}: volume must be 0 or at least 0.00000004")
    return bar


def _check_order(path: Path, trades: list[Trade]) -> None:
    if not trades:
        raise BadRecording(f"{path} holds no trades")
    for number, (before, after) in enumerate(pairwise(trades), start=3):
        if after.id <= before.id or after.time_ms < before.time_ms:
            raise BadRecording(
                f"{path}: trade {after.id} (about line {number}) does not follow trade {before.id}; sort the file by id"
            )


def _decimals(units: int) -> int:
    decimals = DECIMALS
    while decimals and units % 10 == 0:
        units //= 10
        decimals -= 1
    return decimals
