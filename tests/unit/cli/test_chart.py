"""The chart keeps to its size, and its ends stand where they belong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volexswarm.cli.chart import columns


@pytest.mark.parametrize(
    ("values", "lines"),
    [
        ([], []),
        # nothing moves
        ([5.0, 5.0], ["██", "██"]),
        # from the lowest level to the highest
        ([0.0, 15.0], [" █", "▁█"]),
        ([0.0, 7.0, 15.0], ["  █", "▁██"]),
        # the last of each column's share
        ([9.0, 0.0, 9.0, 15.0, 9.0, 0.0], [" █ ", "▁█▁"]),
    ],
)
def test_chart(values: list[float], lines: list[str]) -> None:
    assert columns(values, width=3, height=2) == lines


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=300), st.integers(1, 80), st.integers(1, 10))
def test_a_chart_is_never_larger_than_asked_and_its_columns_stand_on_the_ground(
    values: list[float], width: int, height: int
) -> None:
    lines = columns(values, width=width, height=height)
    assert len(lines) == height
    assert {len(line) for line in lines} == {min(width, len(values))}
    assert " " not in lines[-1]
