"""Builds the third-party layers: installs each lock, trims what never runs, precompiles, and keeps the result by its hash.

Lambda allows five layers and 250 MiB unzipped per function; untrimmed, all four would not fit. Precompiled modules import three
to five times faster, and Lambda's disk is read-only, so nothing would compile them later.
"""

from __future__ import annotations

import argparse
import compileall
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from py_compile import PycInvalidationMode

from uv import find_uv_bin

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ("base", "analytics", "exchange", "autogen")
MAX_UNZIPPED = 250 * 2**20

# ccxt lists them for its asynchronous half, which functions do not use
UNUSED = {
    "exchange": frozenset(
        {
            "aiohappyeyeballs",
            "aiohttp",
            "aiohttp-fast-zlib",
            "aiosignal",
            "attrs",
            "frozenlist",
            "multidict",
            "propcache",
        }
        | {"uvloop", "winloop", "yarl", "zlib-ng"}
    )
}
VENUES = ("binance", "bitget", "bybit", "coinbase", "gate", "kraken", "kucoin", "okx")
"""The exchanges whose code goes into the exchange layer; ccxt's package imports every one that is there."""


class BuildError(Exception):
    """A layer can't be built; the message says which and why."""


@dataclass(frozen=True)
class Platform:
    """What a layer must run on: `python` as `3.11`; `tag` as uv names platforms, None for this machine."""

    python: str
    tag: str | None = None

    @classmethod
    def here(cls) -> Platform:
        """This machine and this interpreter, for the local clouds."""
        return cls(f"{sys.version_info.major}.{sys.version_info.minor}")

    @property
    def label(self) -> str:
        return f"{self.python}/{self.tag or sysconfig.get_platform()}"


AWS = Platform("3.13", "x86_64-manylinux_2_28")
"""Lambda's python3.13 on Amazon Linux 2023 (glibc 2.34); older runtimes' glibc is too old for numpy's and pandas' wheels."""


@dataclass(frozen=True)
class Layer:
    """A built layer: `folder` holds `python/`, as Lambda wants it; `size` in bytes, unzipped."""

    name: str
    digest: str
    folder: Path

    @property
    def path(self) -> Path:
        """What goes on the import path."""
        return self.folder / "python"

    @property
    def size(self) -> int:
        return sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())

    def zip(self) -> Path:
        """The layer as a zip, written beside the folder once."""
        target = self.folder.with_suffix(".zip")
        if not target.exists():
            write_zip(self.folder, target)
        return target


def build(name: str, platform: Platform, cache: Path, report: Callable[[str], None] = lambda _: None) -> Layer:
    """Build one layer, or take it from the cache.

    Parameters
    ----------
    name : str
        One of LAYERS.
    platform : Platform
        What it must run on.
    cache : Path
        Folder of built layers; `<name>-<hash>` each, where the hash covers lock, platform and this file.
    report : callable
        Told when a layer is really built.

    Raises
    ------
    BuildError
        If it can't be installed, or grows over Lambda's limit.
    """
    requirements = _requirements(name)
    digest = _digest(requirements, platform)
    layer = Layer(name, digest, cache / f"{name}-{digest}")
    with locked(cache / f".{name}.lock"):
        if layer.folder.exists():
            return layer
        report(f"building layer {name}")
        with tempfile.TemporaryDirectory(dir=cache, prefix=f".{name}-") as scratch:
            made = Layer(name, digest, Path(scratch) / "layer")
            install(requirements, platform, made.path)
            trim(made.path)
            if name == "exchange":
                keep_venues(made.path, VENUES)
            precompile(made.path, "/opt/python", platform)
            if made.size > MAX_UNZIPPED:
                raise BuildError(f"layer {name} has {made.size >> 20} MiB unzipped; Lambda takes {MAX_UNZIPPED >> 20}")
            made.folder.rename(layer.folder)
    return layer


def _requirements(name: str) -> str:
    """The layer's lock without what it shares with the base layer, which every function has, and without what never runs."""
    shared = set(_blocks((ROOT / "layers/base/requirements.txt").read_text())) if name != "base" else set()
    left_out = shared | UNUSED.get(name, frozenset())
    blocks = _blocks((ROOT / "layers" / name / "requirements.txt").read_text())
    return "".join(text for package, text in blocks.items() if package not in left_out)


def _blocks(lock: str) -> dict[str, str]:
    """A lock file cut into its requirements, by package; one that differs by Python version stays together."""
    blocks: dict[str, str] = {}
    package = ""
    for line in lock.splitlines(keepends=True):
        if start := re.match(r"([a-z0-9][a-z0-9._-]*)(\[[^]]*\])?==", line):
            package = start[1]
        if package and not line.lstrip().startswith("#"):
            blocks[package] = blocks.get(package, "") + line
    return blocks


def packages(name: str) -> frozenset[str]:
    """Names of the packages that go into a layer."""
    return frozenset(_blocks(_requirements(name)))


def _digest(requirements: str, platform: Platform) -> str:
    parts = (requirements, platform.label, Path(__file__).read_text())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def install(requirements: str, platform: Platform, target: Path) -> None:
    """Install a lock into a folder; wheels only, but for what has none and is pure Python."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as lock:
        lock.write(requirements)
        lock.flush()
        # copies, not links into uv's cache: trimming changes files in place
        command = [find_uv_bin(), "pip", "install", "--quiet", "--no-config", "--link-mode", "copy", "--no-deps"]
        command += ["--require-hashes", "--target", str(target), "--requirements", lock.name]
        command += ["--python", sys.executable, "--python-version", platform.python]
        if platform.tag is not None:
            command += ["--python-platform", platform.tag]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(f"uv could not install a layer: {done.stderr.strip()}")


def trim(folder: Path) -> None:
    """Remove what never runs: tests, stubs, sources, scripts, symbols. Metadata that programs read stays, licences too."""
    shutil.rmtree(folder / "bin", ignore_errors=True)
    for tests in [path for path in folder.rglob("tests") if path.is_dir()]:
        shutil.rmtree(tests, ignore_errors=True)
    # auditwheel moved the sections of these packages' libraries: strip would leave files that the loader refuses
    patched = {name for libs in folder.glob("*.libs") for name in (libs.name, libs.name.removesuffix(".libs"))}
    for file in [path for path in folder.rglob("*") if path.is_file()]:
        if file.suffix in {".pyi", ".pyx", ".pxd", ".c", ".h", ".cpp", ".hpp", ".a", ".lib"} or _is_clutter(file):
            file.unlink()
        elif ".so" in file.suffixes and file.relative_to(folder).parts[0] not in patched and shutil.which("strip"):
            # a library for another machine, or one that strip does not know, stays as it is
            subprocess.run(["strip", "--strip-unneeded", str(file)], capture_output=True, check=False)


def _is_clutter(file: Path) -> bool:
    """Installer's records in `*.dist-info`; METADATA and entry points are read at run time."""
    inside = file.parent.name.endswith(".dist-info")
    return inside and file.name not in {"METADATA", "entry_points.txt"} and not file.name.upper().startswith("LICEN")


def keep_venues(folder: Path, venues: tuple[str, ...]) -> None:
    """Leave only some of ccxt's exchanges, and of those only the synchronous half: its package imports all that it lists.

    Raises
    ------
    BuildError
        If ccxt's package looks different from what this knows.
    """
    package = folder / "ccxt"
    listing = package / "__init__.py"
    source = listing.read_text()
    known = re.findall(r"^from ccxt\.(\w+) import \1\b", source, re.MULTILINE)
    if missing := set(venues) - set(known):
        raise BuildError(f"ccxt has no {', '.join(sorted(missing))}: adapt VENUES in layers/build.py")
    dropped = set(known) - set(venues)
    for venue in dropped:
        source = re.sub(rf"^from ccxt\.{venue} import .*\n", "", source, flags=re.MULTILINE)
        source = re.sub(rf"^    '{venue}',\n", "", source, flags=re.MULTILINE)
        (package / f"{venue}.py").unlink()
        (package / "abstract" / f"{venue}.py").unlink(missing_ok=True)
    listing.write_text(source)
    for half in ("async_support", "pro"):
        shutil.rmtree(package / half, ignore_errors=True)


def precompile(folder: Path, shown_as: str, platform: Platform) -> None:
    """Compile every module; tracebacks show paths under `shown_as`. Unchecked, because zips do not keep times.

    For a Python other than this one, that one compiles if the machine has it; else the layer imports more slowly, no more.
    """
    if platform.python == Platform.here().python:
        compileall.compile_dir(
            folder,
            quiet=2,
            stripdir=str(folder),
            prependdir=shown_as,
            invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
        )
        return
    if other := _interpreter(platform.python):
        command = [other, "-m", "compileall", "-qq", "--invalidation-mode", "unchecked-hash"]
        subprocess.run([*command, "-s", str(folder), "-p", shown_as, str(folder)], capture_output=True, check=False)


def _interpreter(python: str) -> str | None:
    """An interpreter of that version, if the machine has one."""
    command = [find_uv_bin(), "python", "find", "--no-config", "--no-python-downloads", python]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def write_zip(folder: Path, target: Path) -> None:
    """Zip a folder; the same content gives the same bytes. Executable files stay executable."""
    scratch = target.with_name(f".{os.getpid()}-{target.name}")
    with zipfile.ZipFile(scratch, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(str(file.relative_to(folder)))
            entry.external_attr = (0o755 if os.access(file, os.X_OK) else 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, file.read_bytes())
    scratch.rename(target)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One builder at a time, also across processes; the lock goes with the process that holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def main() -> int:
    """`python layers/build.py [LAYER …] [--target embedded|aws]`: build layers and say how large they are."""
    parser = argparse.ArgumentParser(description="Build the third-party layers.")
    parser.add_argument("layers", nargs="*", default=LAYERS, metavar="LAYER", help=f"of {', '.join(LAYERS)} (all)")
    parser.add_argument("--target", choices=("embedded", "aws"), default="embedded")
    parser.add_argument("--cache", type=Path, default=ROOT / ".volex/cache/layers")
    arguments = parser.parse_args()
    platform = AWS if arguments.target == "aws" else Platform.here()
    try:
        for name in arguments.layers:
            layer = build(name, platform, arguments.cache, print)
            print(f"{name:10} {layer.size / 2**20:6.1f} MiB  {layer.folder}")
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
