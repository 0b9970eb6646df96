"""What the supervisor knows, written for others to read: each part's health, each step of the bring-up."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from volexlocal.processes import Identity

Health = Literal["waiting", "starting", "healthy", "unhealthy", "restarting", "stopped"]
Progress = Literal["waiting", "running", "done", "failed"]
Phase = Literal["starting", "ready", "failed", "stopping", "stopped"]


class PartState(BaseModel):
    """One part. `pid`, `started` and `birth` are its process's identity; `memory` in bytes, with all its children."""

    name: str
    port: int
    health: Health = "waiting"
    detail: str = ""
    pid: int | None = None
    started: float | None = None
    birth: str = ""
    restarts: int = 0
    memory: int = 0
    log: str = ""

    @property
    def identity(self) -> Identity | None:
        return None if self.pid is None or self.started is None else Identity(self.pid, self.started, self.birth)

    def show(self, identity: Identity | None) -> None:
        """Tell which process it is now; None for no process."""
        self.pid = None if identity is None else identity.pid
        self.started = None if identity is None else identity.started
        self.birth = "" if identity is None else identity.birth


class Step(BaseModel):
    """One step of the bring-up."""

    name: str
    title: str
    progress: Progress = "waiting"
    detail: str = ""
    seconds: float = 0.0


class State(BaseModel):
    """The whole cloud, as the supervisor last saw it. `pid`, `started` and `birth` are the supervisor's identity."""

    phase: Phase = "starting"
    pid: int
    started: float
    birth: str = ""
    error: str = ""
    memory: int = 0
    steps: list[Step] = []
    parts: list[PartState] = []

    @property
    def supervisor(self) -> Identity:
        return Identity(self.pid, self.started, self.birth)

    @property
    def is_supervised(self) -> bool:
        """Whether the supervisor that wrote this still lives."""
        return self.supervisor.process() is not None

    @property
    def total_memory(self) -> int:
        """Bytes, of all parts and the supervisor."""
        return self.memory + sum(part.memory for part in self.parts)

    def part(self, name: str) -> PartState:
        """Raises KeyError if there is no such part."""
        for part in self.parts:
            if part.name == name:
                return part
        raise KeyError(name)

    def step(self, name: str) -> Step:
        """Raises KeyError if there is no such step."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)

    def write(self, path: Path) -> None:
        """Replace the file in one step."""
        new = path.with_suffix(".new")
        new.write_text(self.model_dump_json(indent=1))
        new.replace(path)


def read(path: Path) -> State | None:
    """What was last written; None if nothing ever was."""
    try:
        return State.model_validate_json(path.read_text())
    except FileNotFoundError:
        return None
