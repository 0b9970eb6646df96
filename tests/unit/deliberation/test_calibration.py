"""How forecasts are judged, and what a vote weighs for its record."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.deliberation import FakeDeliberationTransaction
from tests.fakes.transaction import FakeStore, FixedClock
from tests.unit.deliberation.panels import says
from volexswarm.deliberation.calibration import (
    LEAST_WEIGHT,
    MOST_WEIGHT,
    DueForecast,
    Judgement,
    TrackRecord,
    judged,
    probability_of_rise,
    weight,
)
from volexswarm.deliberation.judgement import Calibration


@pytest.mark.parametrize(
    ("stance", "confidence", "rise"),
    [
        ("buy", 1.0, 1.0),
        ("buy", 0.5, 0.75),
        ("sell", 0.5, 0.25),
        ("hold", 0.9, None),
        ("veto", 1.0, None),
        ("buy", 0.0, None),
    ],
)
def test_a_stance_foretells_a_rise_by_its_confidence(stance: str, confidence: float, rise: float | None) -> None:
    assert probability_of_rise(says(stance, confidence)) == rise


@pytest.mark.parametrize(
    ("probability", "before", "after", "judgement"),
    [
        (0.9, 100, 101, Judgement(True, pytest.approx(0.01))),
        (0.9, 100, 99, Judgement(False, pytest.approx(0.81))),
        (0.2, 100, 99, Judgement(True, pytest.approx(0.04))),
        (0.2, 100, 101, Judgement(False, pytest.approx(0.64))),
        # the price has not moved: nobody was right or wrong
        (0.9, 100, 100, None),
        (0.9, None, 100, None),
        (0.9, 100, None, None),
    ],
)
def test_a_forecast_is_judged_by_what_came(
    probability: float, before: int | None, after: int | None, judgement: Judgement | None
) -> None:
    prices = [None if price is None else Decimal(price) for price in (before, after)]
    assert judged(DueForecast("d", "signal", probability, prices[0], prices[1])) == judgement


@pytest.mark.parametrize(
    ("record", "weighs"),
    [
        # nothing is known
        (TrackRecord(0, 0, 0.0), 1.0),
        # as good as guessing
        (TrackRecord(500, 250, 0.25), 1.0),
        # one lucky forecast is hardly a record
        (TrackRecord(1, 1, 0.0), 1 + 1 / 21),
        # always right, and long so
        (TrackRecord(2000, 2000, 0.0), MOST_WEIGHT),
        # sure and wrong
        (TrackRecord(2000, 0, 1.0), LEAST_WEIGHT),
    ],
)
def test_a_record_moves_the_weight_within_bounds(record: TrackRecord, weighs: float) -> None:
    assert weight(record) == pytest.approx(weighs, abs=1e-6)


@given(forecasts=st.integers(0, 10_000), brier=st.floats(0, 1))
def test_no_record_weighs_beyond_the_bounds(forecasts: int, brier: float) -> None:
    assert LEAST_WEIGHT <= weight(TrackRecord(forecasts, 0, brier)) <= MOST_WEIGHT


def test_the_chore_judges_each_that_is_due() -> None:
    tx = FakeDeliberationTransaction()
    tx.due = [
        DueForecast("d", "signal", 0.9, Decimal(1), Decimal(2)),
        DueForecast("d", "research", 0.9, None, Decimal(2)),
    ]
    assert Calibration(FakeStore(tx), FixedClock()).settle() == 2
    assert tx.judgements[("d", "research")] is None
    assert tx.judgements[("d", "signal")] == Judgement(True, pytest.approx(0.01))
