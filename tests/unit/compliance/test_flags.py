"""The life of a flag: one for each matter and day, escalated, cleared by whom and why, and each step told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.fakes.transaction import START
from tests.unit.compliance.desk import Desk
from volexswarm.compliance.policy import CompliancePolicy
from volexswarm.errors import Conflict, InvalidInput, NotFound
from volexswarm.messages import FlagChanged
from volexswarm.policies import StoredPolicy


def watching() -> Desk:
    return Desk(CompliancePolicy(watched_symbols=("BTC/USDT",), flag_escalation_hours=2))


def raised(desk: Desk) -> str:
    desk.buy()
    (flag_id,) = desk.state.flags
    return flag_id


def told(desk: Desk) -> list[tuple[str | None, str, str, str]]:
    return [(flag.before, flag.after, flag.actor, flag.reason) for flag in desk.state.of(FlagChanged)][1:]


def test_a_matter_is_one_flag_a_day_with_a_count():
    desk = watching()
    for hours in (0, 1, 2, 12):
        desk.buy(as_of=START + timedelta(hours=hours))
    days = {str(flag.day): flag.count for flag in desk.state.flags.values()}
    assert days == {"2026-01-05": 3, "2026-01-06": 1}
    assert [flag.after for flag in desk.state.of(FlagChanged)] == ["open", "open"]


def test_a_repeated_proposal_raises_no_second_count():
    desk = watching()
    proposal = desk.proposal()
    desk.agent.review(proposal)
    desk.agent.review(proposal)
    assert [flag.count for flag in desk.state.flags.values()] == [1]


def test_a_flag_is_escalated_and_cleared_by_whom_and_why():
    desk = watching()
    flag_id = raised(desk)
    assert desk.flag_desk.escalate(flag_id, actor="ann", reason="too often").state == "escalated"
    cleared = desk.flag_desk.clear(flag_id, actor="bob", reason="it was a test")
    assert (cleared.state, cleared.escalated_by, cleared.cleared_by) == ("cleared", "ann", "bob")
    assert cleared.cleared_at == desk.clock.now()
    assert told(desk) == [("open", "escalated", "ann", "too often"), ("escalated", "cleared", "bob", "it was a test")]


def test_an_open_flag_is_cleared_without_escalation():
    desk = watching()
    desk.flag_desk.clear(raised(desk), actor="bob", reason="known")
    assert told(desk) == [("open", "cleared", "bob", "known")]


def test_what_is_cleared_stays_so_and_still_counts():
    desk = watching()
    flag_id = raised(desk)
    desk.flag_desk.clear(flag_id, actor="bob", reason="known")
    desk.buy()
    assert (desk.state.flags[flag_id].state, desk.state.flags[flag_id].count) == ("cleared", 2)


@pytest.mark.parametrize("step", ["escalate", "clear"])
def test_each_step_is_taken_once_with_a_reason_on_a_flag_there_is(step):
    desk = watching()
    flag_id = raised(desk)
    take = getattr(desk.flag_desk, step)
    with pytest.raises(InvalidInput):
        take(flag_id, actor="ann", reason=" ")
    with pytest.raises(NotFound):
        take("another", actor="ann", reason="x")
    take(flag_id, actor="ann", reason="x")
    with pytest.raises(Conflict):
        take(flag_id, actor="ann", reason="x")
    assert len(told(desk)) == 1


def test_a_cleared_flag_is_not_escalated():
    desk = watching()
    flag_id = raised(desk)
    desk.flag_desk.clear(flag_id, actor="ann", reason="x")
    with pytest.raises(Conflict):
        desk.flag_desk.escalate(flag_id, actor="ann", reason="x")


@pytest.mark.parametrize("broken", [False, True])
def test_what_nobody_answers_is_escalated_by_time(broken):
    desk = watching()
    raised(desk)
    hours = 2
    if broken:  # a broken policy leaves no flag unseen: the default of 24 hours counts
        desk.state.policy, hours = StoredPolicy(2, {"max_trades_per_hour": "many"}), 24
    desk.clock.advance(timedelta(hours=hours))
    assert desk.flag_desk.escalate_unanswered() == 0
    desk.clock.advance(timedelta(seconds=1))
    assert desk.flag_desk.escalate_unanswered() == 1
    assert desk.flag_desk.escalate_unanswered() == 0
    assert told(desk) == [("open", "escalated", "compliance", f"nobody has answered it for {hours} hours")]
