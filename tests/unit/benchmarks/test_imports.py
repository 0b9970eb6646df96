"""What the benchmark of cold starts wires is there, for every function."""

import inspect

import pytest

from chalicelib.runtime import wiring
from tests.benchmarks.imports import WIRED
from volexswarm.agents import functions


def test_every_function_is_measured() -> None:
    assert set(WIRED) == {function.name for function in functions()}


@pytest.mark.parametrize("name", sorted({name for names in WIRED.values() for name in names}))
def test_what_a_function_wires_can_be_made_by_its_name_alone(name: str) -> None:
    made = getattr(wiring, name)
    required = [p for p in inspect.signature(made).parameters.values() if p.default is p.empty]
    assert required == []
