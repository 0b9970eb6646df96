"""How knowledge is put together: what is not known is not there, and it never grows beyond what travels."""

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.questions import question
from volexswarm.testimony import MOST_BYTES, Findings


def test_a_feature_comes_with_its_evidence():
    found = Findings("signal", question())
    found.know("rsi_14", 71.23456789, "RSI 14 is 71.2")
    said = found.testimony("nothing")
    assert said.features == {"rsi_14": 71.2346}
    (evidence,) = said.evidence
    assert (evidence.id, evidence.value, evidence.tainted) == ("signal:rsi_14", 71.2346, False)


@pytest.mark.parametrize("value", [None, nan, inf])
def test_what_is_no_number_is_not_known(value):
    found = Findings("signal", question())
    found.know("rsi_14", value, "RSI")
    assert found.testimony("nothing is known").missing == "nothing is known"


def test_who_knows_no_feature_is_missing_whatever_it_shows():
    found = Findings("signal", question())
    found.show("raised", "1", "a signal")
    said = found.testimony("no candles")
    assert (said.missing, said.evidence) == ("no candles", ())


@given(st.lists(st.text(max_size=400), max_size=80))
def test_a_testimony_never_grows_beyond_what_travels(texts):
    found = Findings("news-sentiment", question())
    found.know("items", len(texts), "so many")
    for number, text in enumerate(texts):
        found.show("item", str(number), text, tainted=True)
    said = found.testimony("nothing")
    assert len(said.evidence) <= 40
    assert len(said.model_dump_json().encode()) <= MOST_BYTES + 1_000
