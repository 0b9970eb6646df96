"""Starting, recognising and stopping operating system processes that never outlive their parent.

A process id alone is no identity, for the system gives it out again: a process is known by its id and the moment it started.
Where the system tells that moment by a clock that nobody sets (Linux), by that clock: the time of day is stepped by NTP, or when
a laptop wakes.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

LOG_LIMIT = 20 * 1024 * 1024  # a longer log is set aside when its part starts again

_BOOT = Path("/proc/sys/kernel/random/boot_id")  # Linux alone has it
_START_TICKS = 22 - 3  # `starttime` is field 22 of /proc/PID/stat, the first one after the name field 3
_SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Command:
    """What to run: `arguments`, the whole `environment` (nothing is inherited), and the signal it gets when its parent dies."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    death_signal: signal.Signals = signal.SIGTERM
    sets_own_death_signal: bool = False  # a program that changes its user must set it after that: the kernel clears it


@dataclass(frozen=True)
class Identity:
    """One process, told apart from any later one with the same id.

    `started` is its start in seconds since 1970, by the clock of that moment; `birth` the start as no step of the clock
    changes it, empty where the system does not tell it.
    """

    pid: int
    started: float
    birth: str = ""

    def process(self) -> psutil.Process | None:
        """The living process, or None when it is gone."""
        try:
            process = psutil.Process(self.pid)
            alive = self._is(process) and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return process if alive else None

    def _is(self, process: psutil.Process) -> bool:
        if self.birth:
            return _birth(process.pid) == self.birth
        return abs(process.create_time() - self.started) < 0.05


def clean_environment(extra: Mapping[str, str] | None = None, *, home: Path | None = None) -> dict[str, str]:
    """An environment with nothing of the user's in it but the path, plus `extra`."""
    environment = {"PATH": os.defpath, "LANG": "C.UTF-8", "TZ": "UTC", "PYTHONUNBUFFERED": "1"}
    if home is not None:
        environment["HOME"] = str(home)
    return environment | dict(extra or {})


def spawn(command: Command, log: Path) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, its output appended to `log`.

    Call it from the main thread: the death signal is bound to the thread that starts the process.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))
    with log.open("ab") as output:
        return subprocess.Popen(
            command.arguments,
            env=dict(command.environment),
            cwd=command.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=None if command.sets_own_death_signal else die_with_parent(command.death_signal),  # noqa: PLW1509
        )


def die_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    """What a new process must do first to get the signal when its parent dies; None where the system has no such thing."""
    if _LIBC is None:
        return None
    libc, parent = _LIBC, os.getpid()

    def prepare() -> None:
        libc.prctl(_SET_DEATH_SIGNAL, int(death_signal))
        if os.getppid() != parent:  # it died before the signal was set
            os._exit(1)

    return prepare


def identify(pid: int) -> Identity | None:
    """The identity of a running process, None if there is none with this id."""
    try:
        return Identity(pid, psutil.Process(pid).create_time(), _birth(pid))
    except psutil.NoSuchProcess:
        return None


def _birth(pid: int) -> str:
    """Which boot the process belongs to, and its start in ticks since that boot; empty where the system does not tell.

    Raises
    ------
    psutil.NoSuchProcess
        If there is no process with this id.
    """
    if not _BOOT.exists():
        return ""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError) as error:
        raise psutil.NoSuchProcess(pid) from error
    after_name = stat.rpartition(")")[2].split()  # the name, in brackets, may hold blanks and brackets of its own
    return f"{_BOOT.read_text().strip()} {after_name[_START_TICKS]}"


def family(identity: Identity) -> list[psutil.Process]:
    """The process and all its descendants that live now."""
    process = identity.process()
    if process is None:
        return []
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def memory(identity: Identity) -> int:
    """Bytes that the process and its descendants hold. Pages they share are counted once, where the kernel tells (PSS)."""
    return sum(_memory(process) for process in family(identity))


def own_memory(identity: Identity) -> int:
    """Bytes that the process itself holds, without its descendants."""
    process = identity.process()
    return 0 if process is None else _memory(process)


def _memory(process: psutil.Process) -> int:
    try:
        usage = process.memory_full_info()
        return int(getattr(usage, "pss", usage.uss))
    except psutil.NoSuchProcess:
        return 0
    except psutil.AccessDenied:
        return int(process.memory_info().rss)


def stop(identity: Identity, stop_signal: signal.Signals, grace: float) -> None:
    """Ask the process to stop, wait `grace` seconds, then kill what is left of it and its descendants."""
    members = family(identity)
    if members:
        _send(members[:1], stop_signal)
        _, alive = psutil.wait_procs(members[:1], timeout=grace)
        kill(alive)
    kill(members[1:])


def kill(processes: Iterable[psutil.Process]) -> None:
    """Kill at once, and wait until they are gone."""
    remaining = [process for process in processes if process.is_running()]
    _send(remaining, signal.SIGKILL)
    psutil.wait_procs(remaining, timeout=5)


def _send(processes: Iterable[psutil.Process], what: signal.Signals) -> None:
    for process in processes:
        try:
            process.send_signal(what)
        except psutil.NoSuchProcess:
            continue
