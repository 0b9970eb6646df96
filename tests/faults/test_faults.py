"""A bounded part of the fault suite, in every test run: each crash point once, and a few faults of each other kind."""

from __future__ import annotations

import pytest

from tests.faults.catalogue import entries, unlisted
from tests.faults.site import opened
from tests.faults.suite import Result, Suite

ROUNDS = 12


@pytest.fixture(scope="module")
def result() -> Result:
    """All of it, played once."""
    with opened() as site:
        return Suite(site, ROUNDS).run([entry for entry in entries() if entry.bounded])


def test_every_crash_point_stands_in_the_catalogue() -> None:
    assert not unlisted()


@pytest.mark.timeout(600)
def test_every_fault_struck(result: Result) -> None:
    assert not result.missed


def test_no_order_and_no_fill_is_there_twice_or_lost(result: Result) -> None:
    words = [word for findings in result.findings for word in findings.words]
    assert (sum(f.duplicates for f in result.findings), sum(f.lost for f in result.findings)) == (0, 0), words


def test_the_state_after_each_fault_is_that_of_the_undisturbed_run(result: Result) -> None:
    differences = [word for findings in result.findings for word in findings.words if word.startswith("unexplained")]
    assert not differences
