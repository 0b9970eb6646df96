"""Keeps what users own across restarts and `kill -9`: every change of orders, fills, transfers and balances is one appended line.

A line is handed to the operating system before its order is acknowledged, so the death of the process loses nothing that anyone
was told. A line cut short by that death was never acknowledged and is dropped on the way back.
"""

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from simexchange.engine.accounts import Transfer
from simexchange.engine.exchange import Happened
from simexchange.engine.orders import Fill, Order, OrderType, Side, Status, TimeInForce

COMPACT_ABOVE_BYTES = 8_000_000


@dataclass(slots=True)
class Kept:
    """What the journal remembers."""

    orders: dict[int, Order] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    balances: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict)
    now_ms: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever stored."""
        return not self.balances


class CorruptJournal(Exception):
    """The journal cannot be read; the message says where it is and what to do."""


class Journal:
    """An append-only file of users' state.

    Parameters
    ----------
    path : Path
        The file; it is made when missing. Only one process may hold it.

    Raises
    ------
    CorruptJournal
        If a line other than the last cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.kept = _read(path)
        if path.exists() and path.stat().st_size > COMPACT_ABOVE_BYTES:
            _compact(path, self.kept)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def append(self, happened: Happened, now_ms: int) -> None:
        """Store what happened to users; nothing when nothing did. Returns when the operating system has it."""
        if happened.orders or happened.fills or happened.balances:
            _write_all(self._file, _line(now_ms, happened))

    def close(self) -> None:
        """Let the file go."""
        os.close(self._file)


def _line(now_ms: int, changes: Happened | Kept) -> bytes:
    record = {
        "t": now_ms,
        "orders": [asdict(order) for order in changes.orders.values()],
        "fills": [asdict(fill) for fill in changes.fills],
        "transfers": [asdict(transfer) for transfer in changes.transfers],
        "balances": changes.balances,
    }
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def _read(path: Path) -> Kept:
    kept = Kept()
    if not path.exists():
        return kept
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)
    for number, line in enumerate(content[:whole].splitlines(), start=1):
        try:
            _apply(kept, orjson.loads(line))
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise CorruptJournal(
                f"{path} line {number} cannot be read ({error}); restore the file, or start with another --data-dir"
            ) from error
    return kept


def _apply(kept: Kept, record: dict[str, Any]) -> None:
    kept.now_ms = max(kept.now_ms, record["t"])
    for stored in record["orders"]:
        order = _order(stored)
        kept.orders[order.id] = order
    kept.fills.extend(Fill(**stored) for stored in record["fills"])
    kept.transfers.extend(Transfer(**stored) for stored in record.get("transfers", []))  # older files have none
    for account, assets in record["balances"].items():
        kept.balances.setdefault(account, {}).update(
            {asset: (free, locked) for asset, (free, locked) in assets.items()}
        )


def _order(stored: dict[str, Any]) -> Order:
    return Order(
        **{
            **stored,
            "side": Side(stored["side"]),
            "type": OrderType(stored["type"]),
            "time_in_force": TimeInForce(stored["time_in_force"]),
            "status": Status(stored["status"]),
        }
    )


def _compact(path: Path, kept: Kept) -> None:
    """Rewrite the file as one line that says the same."""
    fresh = path.with_suffix(".new")
    with fresh.open("wb") as file:
        file.write(_line(kept.now_ms, kept))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
