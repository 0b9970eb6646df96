"""Resolves every dependency into lock files with hashes: one for the whole project, one per layer that agrees with it.

`requirements.txt` is what developers, tests and the local cloud install; `layers/<name>/requirements.txt` goes into a layer,
`layers/runtime.txt` stands for what AWS's own Python runtime brings, `infra/realtime/requirements.txt` and
`localstack/simexchange/requirements.txt` into the containers.
No index address is written, so that the files hold wherever packages come from.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from uv import find_uv_bin

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ("base", "analytics", "exchange", "autogen")
EXCHANGE = "localstack/simexchange/requirements"
COMPILE = (
    find_uv_bin(), "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes",
    "--no-emit-index-url", "--no-emit-find-links", "--custom-compile-command", "make lock",
)  # fmt: skip


def compile_lock(output: str, *sources: str, constraint: str | None = None) -> None:
    """Write one lock file; with a constraint it takes the versions chosen there."""
    constrained = ("--constraint", constraint) if constraint else ()
    command = (*COMPILE, *sources, *constrained, "--output-file", output)
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def main() -> int:
    """Write all lock files."""
    inputs = [f"layers/{layer}/requirements.in" for layer in LAYERS]
    extras = [word for extra in ("realtime", "local", "deploy") for word in ("--extra", extra)]
    whole = "requirements.txt"
    compile_lock(whole, "pyproject.toml", *extras, "--group", "pyproject.toml:dev", *inputs, "layers/runtime.in")
    for layer in LAYERS:
        compile_lock(f"layers/{layer}/requirements.txt", f"layers/{layer}/requirements.in", constraint=whole)
    compile_lock("layers/runtime.txt", "layers/runtime.in", constraint=whole)
    compile_lock("infra/realtime/requirements.txt", "pyproject.toml", "--extra", "realtime", constraint=whole)
    compile_lock(f"{EXCHANGE}.txt", f"{EXCHANGE}.in", constraint=whole)
    return 0


if __name__ == "__main__":
    sys.exit(main())
