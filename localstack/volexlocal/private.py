"""Files that only their owner may read, written whole or not at all."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any


def folder(path: Path) -> Path:
    """Make the folder, closed to everyone else."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    return path


def write(path: Path, text: str) -> None:
    """Replace the file in one step; mode 0600 from its first moment."""
    folder(path.parent)
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(path)


def write_json(path: Path, value: Any) -> None:
    """`write` a JSON document."""
    write(path, json.dumps(value, indent=2) + "\n")


def read_json(path: Path) -> Any | None:
    """The JSON document, None if there is no such file."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None


def password(path: Path) -> str:
    """The password kept in the file; made at the first call."""
    if not path.exists():
        write(path, secrets.token_urlsafe(24) + "\n")
    return path.read_text().strip()
