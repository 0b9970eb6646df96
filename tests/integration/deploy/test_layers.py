"""The layers as built: within Lambda's limits, importable in a function's own interpreter, and compiled."""

import json
import subprocess
from pathlib import Path

import pytest

from infra import runtime
from infra.packaging import packaged
from layers.build import LAYERS, MAX_UNZIPPED, VENUES, Platform, build
from volexswarm.agents import functions

ROOT = Path(__file__).resolve().parents[3]
CACHE = ROOT / ".volex/cache"
IMPORTS = {
    "base": [
        "aws_lambda_powertools.metrics",
        "cryptography.fernet",
        "hvac",
        "jwt",
        "psycopg_pool",
        "pydantic",
        "redis",
    ],
    "analytics": ["numpy", "pandas", "ta"],
    "exchange": ["ccxt"],
    "autogen": ["autogen_agentchat.agents", "autogen_ext.models.openai"],
}


@pytest.fixture(scope="module")
def layers():
    return {name: build(name, Platform.here(), CACHE / "layers") for name in LAYERS}


@pytest.fixture(scope="module")
def interpreter():
    return runtime.build(CACHE) / "bin/python"


def run(interpreter, folders, program):
    """Run a program as a function would run: isolated, with these layers only."""
    prelude = f"import sys; sys.path[:0] = {[str(folder) for folder in folders]!r}\n"
    done = subprocess.run(
        [str(interpreter), "-I", "-c", prelude + program], env={}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_function_is_within_lambdas_limit(layers):
    with packaged() as app:
        code = sum(file.stat().st_size for file in app.code.rglob("*") if file.is_file())
    for function in functions():
        total = code + sum(layers[layer.value].size for layer in function.layers)
        assert total <= MAX_UNZIPPED, f"{function.name}: {total >> 20} MiB"


def test_all_four_layers_together_are_within_lambdas_limit(layers):
    assert sum(layer.size for layer in layers.values()) <= MAX_UNZIPPED


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_imports_with_the_base_layer_alone_and_from_compiled_files(layers, interpreter, name):
    folders = [layers["base"].path, layers[name].path]
    program = f"import importlib, json; ms = [importlib.import_module(n) for n in {IMPORTS[name]!r}]\n"
    program += "print(json.dumps([[m.__file__, m.__cached__] for m in ms]))"
    for file, cached in json.loads(run(interpreter, folders, program)):
        assert Path(file).is_relative_to(layers[name].path)
        flags = Path(cached).read_bytes()[4]
        assert flags == 1  # checked by hash, never: what a zip, which keeps no times, needs


def test_the_exchange_layer_has_the_named_venues_and_they_work(layers, interpreter):
    program = f"import ccxt; print(sorted(ccxt.exchanges), [getattr(ccxt, v)().id for v in {VENUES!r}])"
    out = run(interpreter, [layers["base"].path, layers["exchange"].path], program)
    assert out.strip() == f"{sorted(VENUES)} {list(VENUES)}"


def test_a_built_layer_is_not_built_again(layers):
    said = []
    for name, layer in layers.items():
        assert build(name, Platform.here(), CACHE / "layers", said.append) == layer
    assert said == []
