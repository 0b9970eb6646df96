"""Memory that the suite shares with its workers: who shall die where, how messages are delivered, and what really happened.

It lies in a mapped file, so that what a worker wrote is there after `kill -9`, and arming needs no word to anybody.
"""

from __future__ import annotations

import mmap
import os
import signal
import struct
from enum import IntEnum
from pathlib import Path

from volexswarm.crashpoints import CrashPoint

_FIELDS = ("point", "skip", "every", "left", "kills", "delivery", "repeated", "pid")
_SLOT = struct.Struct(f"{len(_FIELDS)}q")
_CELL = struct.Struct("q")
_POINTS = tuple(CrashPoint)
_NOWHERE = -1


class Delivery(IntEnum):
    """How a worker gets its messages: `TWICE` handles each batch again in the opposite order, as a queue may that delivers at
    least once; `OVERLAPPING` lets another worker have it at the same time.
    """

    ONCE = 0
    TWICE = 1
    OVERLAPPING = 2


class Slot:
    """What is noted about one function. Both sides read and write it, each its own fields."""

    def __init__(self, memory: mmap.mmap, offset: int) -> None:
        self._memory = memory
        self._offset = offset

    def __getitem__(self, field: str) -> int:
        return int(_CELL.unpack_from(self._memory, self._place(field))[0])

    def __setitem__(self, field: str, value: int) -> None:
        _CELL.pack_into(self._memory, self._place(field), value)

    def _place(self, field: str) -> int:
        return self._offset + _FIELDS.index(field) * _CELL.size

    # the suite's side

    def arm(self, point: CrashPoint, strikes: int = 1, skip: int = 0) -> None:
        """Let a worker of this function die when it passes the point for the `skip`+1st time, `strikes` times over."""
        self["skip"] = self["every"] = skip
        self["left"] = strikes
        self["point"] = _POINTS.index(point)

    def disarm(self) -> None:
        self["point"], self["left"] = _NOWHERE, 0

    # the workers' side

    def strike(self, point: CrashPoint) -> None:
        """Die here, if that was asked for."""
        if self["point"] != _POINTS.index(point) or self["left"] <= 0:
            return
        if self["skip"] > 0:
            self["skip"] -= 1
            return
        self["skip"] = self["every"]
        self["left"] -= 1
        os.kill(os.getpid(), signal.SIGKILL)


class Board:
    """A slot for each function.

    Parameters
    ----------
    path : Path
        The mapped file; made when missing.
    names : tuple of str
        The functions, the same for all who open it.
    """

    def __init__(self, path: Path, names: tuple[str, ...]) -> None:
        size = len(names) * _SLOT.size
        fresh = not path.exists()
        with path.open("w+b" if fresh else "r+b") as file:
            if fresh:
                file.write(_SLOT.pack(_NOWHERE, *[0] * (len(_FIELDS) - 1)) * len(names))
                file.flush()
            self._memory = mmap.mmap(file.fileno(), size)
        self._slots = {name: Slot(self._memory, index * _SLOT.size) for index, name in enumerate(names)}

    def __getitem__(self, name: str) -> Slot:
        return self._slots[name]

    def calm(self) -> None:
        """Nobody shall die, and every message comes once."""
        for slot in self._slots.values():
            slot.disarm()
            slot["delivery"] = Delivery.ONCE
