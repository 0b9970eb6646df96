"""What the state machine may hand to the team."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.deliberation.panels import all_testimonies, question
from volexswarm.deliberation.domain import Limits
from volexswarm.deliberation.summons import Summons
from volexswarm.errors import InvalidInput


def event(**changes: Any) -> dict[str, Any]:
    usual = {
        "step": "deliberate",
        "task_id": "t1",
        "attempt": 1,
        "question": question().model_dump(mode="json"),
        "testimonies": [testimony.model_dump(mode="json") for testimony in all_testimonies(strategy=None)],
        "limits": {"calls": 12, "cost_usd": 0.1},
        "deadline": "2026-01-05T12:01:30Z",
    }
    return usual | changes


def test_a_steps_event_is_read_whole() -> None:
    summons = Summons.read(event())
    assert summons.question == question()
    assert [t.agent for t in summons.testimonies if t.missing] == ["strategy"]
    assert summons.limits == Limits(calls=12, cost_usd=0.1)
    assert summons.deadline is not None


def test_limits_and_deadline_may_be_left_to_the_usual() -> None:
    summons = Summons.read({k: v for k, v in event().items() if k not in ("limits", "deadline")})
    assert summons.limits == Limits()
    assert summons.deadline is None


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"question": None}, "question"),
        ({"testimonies": [{"agent": "research"}]}, "testimonies.0.symbol"),
        ({"limits": {"calls": -1}}, "limits.calls"),
        ({"limits": {"budget": 1}}, "limits.budget"),
        ({"deadline": "soon"}, "deadline"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Summons.read(event(**change))
    assert refused.value.field == named
