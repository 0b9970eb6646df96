"""What can go wrong in the local cloud, said to a person: which part, why, where its log is, what to do."""

from __future__ import annotations

from pathlib import Path


class CloudError(Exception):
    """The local cloud can't do what was asked; the message is for the user's eyes."""


class PartFailed(CloudError):
    """A part did not start, did not get healthy, or died.

    Parameters
    ----------
    part : str
        Its name, as `volexlocal status` shows it.
    reason : str
        Why, in a sentence.
    log : Path
        Where it wrote its own words.
    """

    def __init__(self, part: str, reason: str, log: Path) -> None:
        super().__init__(f"{part}: {reason} (log: {log}){_last_words(log)}")
        self.part = part
        self.reason = reason
        self.log = log


class NotHealthy(CloudError):
    """A running part does not do its work. `restart` says whether starting it afresh may help."""

    def __init__(self, reason: str, *, restart: bool = True) -> None:
        super().__init__(reason)
        self.restart = restart


class PortTaken(CloudError):
    """A port that a part needs belongs to someone else."""

    def __init__(self, part: str, port: int, holder: str) -> None:
        super().__init__(
            f"port {port}, which {part} needs, is in use by {holder}. Stop that, or move all ports: make up PORT_OFFSET=100 "
            f"(or this one alone: volexlocal up --port {part}=<number>)"
        )
        self.part = part
        self.port = port


def _last_words(log: Path, lines: int = 5) -> str:
    try:
        tail = log.read_text(errors="replace").splitlines()[-lines:]
    except OSError:
        return ""
    return "".join(f"\n    {line[:300]}" for line in tail)
