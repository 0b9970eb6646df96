"""Who is heard after the blind round, and who never is."""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.unit.deliberation.panels import SILENT, answers, panel_of, panels, says, weights
from volexswarm.deliberation.challenge import Pair, disagreement, next_pair
from volexswarm.deliberation.domain import Answer

NEWS = "news-sentiment"


@pytest.mark.parametrize(
    ("said", "measure"),
    [
        ({"research": says("buy"), "signal": says("buy")}, 0.0),
        ({"research": says("buy", 0.5), "signal": says("sell", 0.5)}, 1.0),
        ({"research": says("buy", 0.5), "signal": says("hold", 0.5)}, 0.5),
        # nobody is sure of anything
        ({}, 0.0),
        # what news says is no disagreement of the team
        ({"research": says("buy"), "news_sentiment": says("sell", 1.0)}, 0.0),
    ],
)
def test_disagreement_measures_how_far_the_untainted_are_from_one_mind(said: dict[str, Answer], measure: float) -> None:
    assert disagreement(panel_of(**said), {}) == pytest.approx(measure)


def test_the_strongest_dissenter_disputes_the_strongest_of_the_lead() -> None:
    panel = panel_of(
        research=says("buy", 0.5), signal=says("buy", 0.7), strategy=says("sell", 0.9), risk=says("hold", 0.2)
    )
    assert next_pair(panel, {}, 0.5) == Pair("strategy", "signal")


def test_a_dissenter_chooses_whom_it_disputes_among_those_of_the_lead() -> None:
    panel = panel_of(
        research=says("buy", 0.5),
        signal=says("buy", 0.7),
        strategy=says("sell", 0.9, to="research"),
        risk=says("hold", 0.2),
    )
    assert next_pair(panel, {}, 0.5) == Pair("strategy", "research")
    # not a gate, though it named one
    assert next_pair(panel | {"strategy": says("sell", 0.9, to="risk")}, {}, 0.5) == Pair("strategy", "signal")


def test_a_gate_may_dispute_and_is_not_argued_with() -> None:
    panel = panel_of(research=says("buy", 0.5), signal=says("buy", 0.2), compliance=says("hold", 0.8))
    assert next_pair(panel, {}, 0.4) is None  # waiting leads, and only a gate stands for it
    assert next_pair(panel | {"strategy": says("buy", 0.5)}, {}, 0.4) == Pair("compliance", "research")


@pytest.mark.parametrize("word", [says("veto"), SILENT])
def test_nothing_is_argued_where_a_gate_has_ended_the_matter(word: Answer) -> None:
    panel = panel_of(research=says("buy"), signal=says("sell"), risk=word)
    assert next_pair(panel, {}, 0.0) is None


def test_a_gate_without_a_seat_ends_nothing() -> None:
    panel = panel_of(research=says("buy", 0.6), signal=says("sell", 0.5))
    del panel["risk"]
    assert next_pair(panel, {}, 0.5) is None
    assert next_pair(panel, {}, 0.5, absent={"risk"}) == Pair("signal", "research")


def test_a_weight_makes_another_the_strongest() -> None:
    panel = panel_of(research=says("buy", 0.6), signal=says("buy", 0.5), strategy=says("sell", 0.9))
    assert next_pair(panel, {"signal": 1.5}, 0.5) == Pair("strategy", "signal")


@given(panel=panels(), word=answers, weights=weights)
def test_news_starts_no_argument_ends_none_and_is_in_none(
    panel: dict[str, Answer], word: Answer, weights: dict[str, float]
) -> None:
    pair = next_pair(panel, weights, 0.5)
    assert next_pair(panel | {NEWS: word}, weights, 0.5) == pair
    assert pair is None or NEWS not in (pair.challenger, pair.target)


@given(panel=panels(), weights=weights)
def test_disagreement_is_between_none_and_whole(panel: dict[str, Answer], weights: dict[str, float]) -> None:
    assert 0 <= disagreement(panel, weights) <= 1 + 1e-9
