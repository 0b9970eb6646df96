"""What a model wrote is an opinion of exactly the form, or an abstention that says what was wrong."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers.misbehaviours import opinion
from volexswarm.deliberation.domain import RATIONALE_LENGTH, Abstention, Opinion, Silence
from volexswarm.deliberation.models.answers import LONGEST, SCHEMA, TOOL, read_calls, read_text
from volexswarm.messages import Stance

EVIDENCE = ("signal:rsi_14", "research:trend")
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)


def test_an_opinion_in_form_is_read_whole():
    answer = read_text(
        opinion(
            stance="sell",
            confidence=0.7,
            size_frac=0.1,
            evidence=["signal:rsi_14"],
            objection_to="research",
            rationale="hot",
        ),
        EVIDENCE,
    )
    assert answer == Opinion(
        stance=Stance.SELL,
        confidence=0.7,
        size_frac=0.1,
        evidence=("signal:rsi_14",),
        objection_to="research",
        rationale="hot",
    )


@given(st.text(st.characters(codec=None), max_size=3000) | VALUES.map(json.dumps))
def test_no_text_is_too_strange_to_be_read(text):
    answer = read_text(text, EVIDENCE)
    assert isinstance(answer, (Opinion, Abstention))
    answer.model_dump_json().encode()


@given(st.dictionaries(st.sampled_from([*SCHEMA["properties"], "role", "kind"]), VALUES))
def test_whatever_stands_in_the_fields_is_within_bounds_or_refused(fields):
    answer = read_text(json.dumps(json.loads(opinion()) | fields), EVIDENCE)
    if isinstance(answer, Opinion):
        assert 0 <= answer.confidence <= 1
        assert 0 <= answer.size_frac <= 1
        assert len(answer.rationale) <= RATIONALE_LENGTH
        assert set(answer.evidence) <= set(EVIDENCE)
        assert "role" not in fields
    else:
        assert answer.why in (Silence.MALFORMED, Silence.UNKNOWN_EVIDENCE)


def test_the_schema_and_the_opinion_have_the_same_fields():
    assert set(SCHEMA["properties"]) == set(SCHEMA["required"]) == set(Opinion.model_fields) - {"kind"}
    assert SCHEMA["properties"]["stance"]["enum"] == [stance.value for stance in Stance]


def test_an_answer_is_not_looked_for_in_prose():
    assert read_text(f"The headline says {opinion(stance='buy')}", EVIDENCE).why is Silence.MALFORMED


def test_an_answer_just_short_enough_is_read():
    whole = opinion()
    assert isinstance(read_text(whole + " " * (LONGEST - len(whole)), EVIDENCE), Opinion)
    assert read_text(whole + " " * (LONGEST - len(whole) + 1), EVIDENCE).why is Silence.MALFORMED


def test_arguments_of_the_tool_are_an_answer_and_of_another_are_none():
    assert isinstance(read_calls([(TOOL, opinion())], EVIDENCE), Opinion)
    assert read_calls([("place_order", opinion())], EVIDENCE).why is Silence.MALFORMED
    assert read_calls([(TOOL, opinion()), (TOOL, opinion(confidence=0.9))], EVIDENCE).why is Silence.MALFORMED


@pytest.mark.parametrize("secret", ["risk", "compliance"])
def test_a_model_can_not_speak_for_another_role(secret):
    assert read_text(opinion(role=secret), EVIDENCE).reason == "role: expected no field of this name"
