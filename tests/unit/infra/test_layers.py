"""Layers: one version of each package, no package twice, and trimming that keeps what runs."""

import re
import zipfile
from pathlib import Path

import pytest

from layers import build
from layers.build import LAYERS, Layer, keep_venues, packages, precompile, trim, write_zip
from volexswarm import agents

ROOT = Path(__file__).resolve().parents[3]
PINS = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^]]*\])?==([^ ;\\]+)(.*?)\\?$", re.MULTILINE)


def pins(lock):
    return {(name, version) for name, version, _ in PINS.findall((ROOT / lock).read_text())}


def test_the_registry_and_the_builder_know_the_same_layers():
    assert [layer.value for layer in agents.Layer] == list(LAYERS)


def test_no_function_has_more_than_five_layers_and_all_have_the_base():
    for function in agents.functions():
        assert len(function.layers) <= 5
        assert function.layers[0] is agents.Layer.BASE


@pytest.mark.parametrize("lock", [*(f"layers/{name}/requirements.txt" for name in LAYERS), "layers/runtime.txt"])
def test_every_lock_agrees_with_the_projects_and_has_hashes(lock):
    assert pins(lock) <= pins("requirements.txt")
    text = (ROOT / lock).read_text()
    assert len(PINS.findall(text)) <= text.count("--hash=sha256:")


def test_no_package_is_in_two_layers():
    seen = {}
    for name in LAYERS:
        for package in packages(name):
            assert seen.setdefault(package, name) == name
    assert seen["pydantic"] == "base"
    assert seen["ccxt"] == "exchange"


def test_trimming_keeps_what_programs_read_at_run_time(tmp_path):
    kept = ["pack/__init__.py", "pack/data.json", "pack-1.dist-info/METADATA", "pack-1.dist-info/entry_points.txt"]
    kept += ["pack-1.dist-info/licenses/LICENSE", "pack/docs/bcdoc.py"]
    dropped = ["bin/tool", "pack/tests/test_it.py", "pack/core.pyi", "pack/core.c", "pack-1.dist-info/RECORD"]
    for name in kept + dropped:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    trim(tmp_path)
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()) == sorted(kept)


def a_ccxt(folder, *venues):
    (folder / "ccxt/abstract").mkdir(parents=True)
    (folder / "ccxt/pro").mkdir()
    lines = ["from ccxt.base.exchange import Exchange\n"]
    lines += [f"from ccxt.{venue} import {venue}    # noqa: F401\n" for venue in venues]
    lines += ["exchanges = [\n", *(f"    '{venue}',\n" for venue in venues), "]\n"]
    (folder / "ccxt/__init__.py").write_text("".join(lines))
    for venue in venues:
        (folder / f"ccxt/{venue}.py").write_text("")
        (folder / f"ccxt/abstract/{venue}.py").write_text("")


def test_only_the_named_venues_stay(tmp_path):
    a_ccxt(tmp_path, "binance", "binanceus", "kraken")
    keep_venues(tmp_path, ("binance",))
    listing = (tmp_path / "ccxt/__init__.py").read_text()
    assert "from ccxt.binance import binance " in listing
    assert "binanceus" not in listing
    assert "kraken" not in listing
    assert sorted(p.name for p in (tmp_path / "ccxt").glob("*.py")) == ["__init__.py", "binance.py"]
    assert not (tmp_path / "ccxt/pro").exists()


def test_a_venue_that_ccxt_does_not_have_stops_the_build(tmp_path):
    a_ccxt(tmp_path, "binance")
    with pytest.raises(build.BuildError, match="ccxt has no okx"):
        keep_venues(tmp_path, ("okx",))


def test_the_same_content_gives_the_same_zip_and_scripts_stay_executable(tmp_path):
    folder = tmp_path / "code"
    (folder / "pack").mkdir(parents=True)
    (folder / "pack/module.py").write_text("x = 1\n")
    (folder / "bootstrap").write_text("#!/bin/sh\n")
    (folder / "bootstrap").chmod(0o755)
    precompile(folder, "/var/task", build.Platform.here())
    write_zip(folder, tmp_path / "one.zip")
    (folder / "pack/module.py").touch()
    write_zip(folder, tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert archive.getinfo("bootstrap").external_attr >> 16 & 0o111
        assert [name for name in archive.namelist() if name.endswith(".pyc")]


def test_a_layers_size_counts_every_file(tmp_path):
    (tmp_path / "python").mkdir()
    (tmp_path / "python/a.py").write_bytes(b"12345")
    assert Layer("base", "x", tmp_path).size == 5
