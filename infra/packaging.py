"""Packages the Chalice app: the functions and the API as Chalice sees them, and the code's zip, built from a clean copy.

Chalice packs whatever lies about (old byte code, what a symlink leads to) and caches by name; a copy of exactly what the
functions need makes the zip depend on the sources alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import runtime
from layers.build import Platform, precompile, write_zip

ROOT = Path(__file__).resolve().parent.parent
STAGE = "api"
LEFT_OUT = ("cli", "realtime")
"""Parts of the domain package that no function runs."""

LINES_SHOWN = 12


class PackagingError(Exception):
    """Chalice could not package the app; the message holds what it said."""


@dataclass(frozen=True)
class App:
    """The packaged app: Chalice's own template, and the folder of the code as it goes into the zip."""

    template: dict[str, Any]
    code: Path


@contextmanager
def packaged() -> Iterator[App]:
    """Package the app in a temporary folder, which is gone after the block.

    Raises
    ------
    PackagingError
        If Chalice fails, for example because a module can't be imported.
    """
    with tempfile.TemporaryDirectory(prefix="volexswarm-package-") as scratch:
        project, out, code = (Path(scratch) / part for part in ("project", "out", "code"))
        _copy_sources(project)
        _chalice(project, out)
        with zipfile.ZipFile(out / "deployment.zip") as archive:
            archive.extractall(code)
        yield App(json.loads((out / "sam.json").read_text()), code)


def _copy_sources(project: Path) -> None:
    clutter = shutil.ignore_patterns("__pycache__", "deployments", "deployed", "vendor")
    shutil.copytree(ROOT / "functions", project, ignore=clutter)
    shutil.copytree(
        ROOT / "layers/volexswarm",
        project / "vendor/volexswarm",
        ignore=shutil.ignore_patterns("__pycache__", *LEFT_OUT),
    )


def _chalice(project: Path, out: Path) -> None:
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.environ.get("HOME", "/"),
        "AWS_DEFAULT_REGION": "us-east-1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(project / "vendor"),  # before the editable install: what is packaged is what is imported
    }
    program = "import sys; from chalice.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "--project-dir", str(project), "package", "--stage", STAGE, str(out)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode or not (out / "sam.json").exists():
        said = (done.stderr or done.stdout).strip().splitlines()
        raise PackagingError("\n".join(["chalice could not package the app:", *said[-LINES_SHOWN:]]))


def write_code(app: App, platform: Platform, folder: Path, *, with_bootstrap: bool) -> Path:
    """Write the code's zip as `<hash of its content>.zip`, precompiled, with the bootstrap of a custom runtime if wanted."""
    if with_bootstrap:
        shutil.copy2(runtime.FOLDER / "bootstrap", app.code / "bootstrap")
        for name in ("start", "nursery"):
            shutil.copyfile(runtime.FOLDER / f"{name}.py", app.code / f"volex_{name}.py")
    precompile(app.code, "/var/task", platform)
    folder.mkdir(parents=True, exist_ok=True)
    scratch = folder / "code.zip"
    write_zip(app.code, scratch)
    target = folder / f"{hashlib.sha256(scratch.read_bytes()).hexdigest()[:32]}.zip"
    scratch.rename(target)
    return target
