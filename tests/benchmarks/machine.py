"""The machine a figure was measured on, and how busy it was before: without both, a figure says little."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Machine:
    """Its shape: cores, memory, interpreter."""

    cores: int
    memory_gib: float
    python: str
    system: str

    @classmethod
    def here(cls) -> Machine:
        cores = len(os.sched_getaffinity(0))
        memory = round(psutil.virtual_memory().total / 2**30, 1)
        return cls(cores, memory, platform.python_version(), f"{platform.system()} {platform.machine()}")


@dataclass(frozen=True)
class Load:
    """What others did just before a measurement: processor time in use, in percent of all cores, and the 1-minute load."""

    busy_percent: float
    load_average: float

    @classmethod
    def now(cls) -> Load:
        """Watches the machine for a second."""
        return cls(psutil.cpu_percent(interval=1.0), round(os.getloadavg()[0], 2))
