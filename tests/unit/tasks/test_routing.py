"""Who is asked: by what it can, how much it has to do and how it did; and who is asked in any case."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volexswarm.agents import AGENTS
from volexswarm.messages import TaskKind
from volexswarm.tasks.policy import TasksPolicy
from volexswarm.tasks.ports import TrackRecord
from volexswarm.tasks.routing import ALWAYS, VOICES, weights

POLICY = TasksPolicy()


def test_every_voice_is_an_agents():
    names = {agent.name for agent in AGENTS} | {"portfolio"}
    assert set(VOICES) <= names


def test_who_has_no_record_is_trusted():
    assert all(weight.asked for weight in weights(TaskKind.TRADE, {}, POLICY).values())


def test_one_failure_is_no_verdict_and_many_are():
    records = {"research": TrackRecord(0, 1, 0), "signal-voice": TrackRecord(40, 500, 0)}
    found = weights(TaskKind.TRADE, records, TasksPolicy(min_weight=0.6))
    assert found["research"].asked
    assert not found["signal"].asked


@pytest.mark.parametrize("agent", sorted(ALWAYS))
def test_without_risk_compliance_and_portfolio_nothing_is_decided(agent):
    swamped = {function: TrackRecord(1000, 1000, 0) for function in VOICES.values()}
    found = weights(TaskKind.REBALANCE, swamped, TasksPolicy(min_weight=1), {agent: 0.0})
    assert found[agent].asked
    assert not found["research"].asked


def test_what_an_agent_can_not_contribute_to_it_is_not_asked():
    asked = {agent for agent, weight in weights(TaskKind.RESEARCH, {}, POLICY).items() if weight.asked}
    assert asked == {"research", "news-sentiment"}
    assert not any(weight.asked for weight in weights(TaskKind.BACKTEST, {}, POLICY).values())


@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(0, 1000), st.floats(0, 1))
def test_a_weight_is_between_0_and_1_and_falls_with_load_and_failures(at_work, ended, answered, calibration):
    answered = min(answered, ended)
    record = TrackRecord(at_work, ended, answered)
    worse = TrackRecord(at_work + 1, ended + 1, answered)
    one, other = (
        weights(TaskKind.TRADE, {"research": each}, POLICY, {"research": calibration})["research"]
        for each in (record, worse)
    )
    assert 0 <= other.weight <= one.weight <= 1
