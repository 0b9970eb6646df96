"""Tokens between calls: one per API address, in a file that only its owner can read."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Sessions:
    """The sessions file. Writing replaces it as a whole, so a crash leaves the old one."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def of_user(cls, environment: Mapping[str, str] | None = None) -> Sessions:
        """The file in the user's configuration folder (XDG)."""
        environment = os.environ if environment is None else environment
        home = environment.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
        return cls(Path(home) / "volexswarm" / "sessions.json")

    def token(self, url: str) -> str | None:
        """The token for this address, if there is one."""
        session = self._read().get(url)
        return session.get("token") if isinstance(session, dict) else None

    def put(self, url: str, session: Mapping[str, Any]) -> None:
        """Keep what a login gave."""
        self._write({**self._read(), url: dict(session)})

    def remove(self, url: str) -> bool:
        """Forget the session; False if there was none."""
        sessions = self._read()
        found = sessions.pop(url, None) is not None
        if found:
            self._write(sessions)
        return found

    def _read(self) -> dict[str, Any]:
        try:
            sessions = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}  # none yet, or spoilt: one has to log in again, which mends it
        return sessions if isinstance(sessions, dict) else {}

    def _write(self, sessions: Mapping[str, Any]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(sessions, file, indent=2)
        fresh.replace(self._path)
