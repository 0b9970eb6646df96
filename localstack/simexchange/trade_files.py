"""Keeps the public trades on disk, so that after any death ids go on where they stopped and gaps can still be filled.

One file per market, five 64-bit numbers per trade. Trades are on file before anyone is told of them.
"""

import os
from array import array
from pathlib import Path

from simexchange.engine.orders import Trade
from simexchange.engine.tape import COLUMNS

ROW_BYTES = COLUMNS * 8


class TradeFile:
    """The last trades of one market: at least `keep`, at most twice as many."""

    def __init__(self, path: Path, keep: int = 200_000) -> None:
        self._path = path
        self._keep = keep
        size = path.stat().st_size if path.exists() else 0
        if size % ROW_BYTES:
            os.truncate(path, size - size % ROW_BYTES)  # a row cut short was never published
        self._rows = size // ROW_BYTES
        self._file = self._open()

    def read(self) -> "array[int]":
        """The stored rows as one flat array."""
        rows = array("q")
        rows.frombytes(self._path.read_bytes()[-self._keep * ROW_BYTES :])
        return rows

    def append(self, trades: list[Trade]) -> None:
        """Store trades; returns when the operating system has them."""
        rows = array("q", [value for trade in trades for value in trade])
        view = memoryview(rows.tobytes())
        while view:
            view = view[os.write(self._file, view) :]
        self._rows += len(trades)
        if self._rows > 2 * self._keep:
            self._trim()

    def close(self) -> None:
        """Let the file go."""
        os.close(self._file)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def _trim(self) -> None:
        kept = self.read()
        fresh = self._path.with_suffix(".new")
        fresh.write_bytes(kept.tobytes())
        os.close(self._file)
        fresh.replace(self._path)
        self._file = self._open()
        self._rows = len(kept) // COLUMNS
