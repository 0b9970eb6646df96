"""What runs the functions on the local clouds: an interpreter with AWS's runtime client and boto3, and nothing else.

AWS's own Python runtimes do not run outside AWS; a custom runtime with AWS's own client behaves the same, and keeps the
emulator's interpreter, packages and environment out of the functions. `bootstrap` and `start.py` go into the code's zip.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from uv import find_uv_bin

from layers.build import BuildError, Platform, locked

FOLDER = Path(__file__).resolve().parent
LOCK = FOLDER.parent.parent / "layers/runtime.txt"


def build(cache: Path, report: Callable[[str], None] = lambda _: None) -> Path:
    """The virtual environment `runtime-<hash>` in the cache folder, made if it is not there.

    Raises
    ------
    BuildError
        If it can't be installed.
    """
    parts = (LOCK.read_text(), Platform.here().label, sys.base_prefix)
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    folder = cache / f"runtime-{digest}"
    complete = folder / ".complete"
    with locked(cache / ".runtime.lock"):
        if complete.exists():
            return folder
        report("building the functions' runtime")
        _uv("venv", "--clear", "--no-project", "--python", str(Path(sys.executable).resolve()), str(folder))
        interpreter = str(folder / "bin/python")
        _uv(
            "pip",
            "install",
            "--compile-bytecode",
            "--require-hashes",
            "--python",
            interpreter,
            "--requirements",
            str(LOCK),
        )
        complete.touch()
    return folder


def _uv(*arguments: str) -> None:
    done = subprocess.run(
        [find_uv_bin(), *arguments, "--quiet", "--no-config"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BuildError(f"the functions' runtime could not be made: {done.stderr.strip()}")
