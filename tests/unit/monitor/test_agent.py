"""The monitor: counts once, looks at every part, shares a long backlog out."""

from dataclasses import dataclass

import pytest

from tests.fakes.monitor import FakeMonitorTransaction, FakeOutbox
from tests.fakes.transaction import START, FakeStore, FixedClock
from volexswarm.errors import Unavailable
from volexswarm.messages import AccountOpened, Event
from volexswarm.monitor.agent import MESSAGES_LIVE, SWEEP_LIMIT, SWEEPS, MonitorAgent


@dataclass
class FixedProbe:
    part: str
    answer: tuple[bool, str] | Exception

    def measure(self):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def monitor(*probes, backlog=0):
    state, outbox = FakeMonitorTransaction(), FakeOutbox(backlog)
    return MonitorAgent(store=FakeStore(state), outbox=outbox, probes=probes, clock=FixedClock()), state, outbox


def event(identity="1"):
    data = AccountOpened(venue="binance", account="main", balances={}, as_of=START)
    return Event.root(data, source="portfolio", subject="binance", identity=identity, time=START)


def test_an_event_is_counted_once_however_often_it_comes():
    agent, state, _ = monitor()
    for one in (event(), event(), event("2")):
        agent.record(one)
    assert state.activity == {("portfolio", "volexswarm.AccountOpened"): 2}


def test_every_part_is_recorded_also_when_one_cannot_be_asked():
    agent, state, _ = monitor(
        FixedProbe("database", (True, "answers")),
        FixedProbe("vault", Unavailable("vault", "it is sealed")),
        FixedProbe("queues", (False, "ticks 20000")),
    )
    agent.check_health()
    assert state.health == {
        "database": (True, "answers", START),
        "vault": (False, "vault is unavailable: it is sealed", START),
        "queues": (False, "ticks 20000", START),
    }


def test_what_changed_is_told_once_and_what_was_well_from_the_first_is_no_news():
    vault = FixedProbe("vault", (True, "unsealed"))
    agent, state, _ = monitor(vault, FixedProbe("queues", (False, "ticks 20000")))
    agent.check_health()
    agent.check_health()
    assert [(e.data.part, e.data.before, e.data.after) for e in state.published] == [("queues", None, False)]
    vault.answer = (False, "sealed")
    agent.check_health()
    vault.answer = (True, "unsealed")
    agent.check_health()
    assert [(e.data.part, e.data.before, e.data.after) for e in state.published[1:]] == [
        ("vault", True, False),
        ("vault", False, True),
    ]


def test_a_mistake_in_a_probe_is_not_taken_for_a_part_that_is_down():
    agent, _, _ = monitor(FixedProbe("queues", KeyError("typo")))
    with pytest.raises(KeyError):
        agent.check_health()


@pytest.mark.parametrize(
    ("backlog", "sent", "sweeps"),
    [
        (0, 0, 1),
        (3, 3, 1),
        (SWEEP_LIMIT, SWEEP_LIMIT, 2),
        (SWEEP_LIMIT * SWEEPS * 2, SWEEP_LIMIT * SWEEPS, SWEEPS),
    ],
)
def test_the_outbox_is_emptied_in_bounded_steps(backlog, sent, sweeps):
    agent, _, outbox = monitor(backlog=backlog)
    assert agent.republish() == sent
    assert outbox.sweeps == sweeps


def test_pruning_forgets_only_what_cannot_come_again():
    agent, state, outbox = monitor()
    agent.prune()
    assert outbox.pruned
    assert state.forgotten_before == START - MESSAGES_LIVE
