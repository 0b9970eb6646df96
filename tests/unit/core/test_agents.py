"""The registry is complete and consistent: thirteen agents, every queue answered, every function woken by one thing."""

from collections import Counter

from volexswarm.agents import AGENTS, functions
from volexswarm.messages import Queue


def test_there_are_thirteen_agents_each_once():
    names = Counter(agent.name for agent in AGENTS)
    assert len(names) == 13
    assert set(names.values()) == {1}


def test_each_queue_wakes_exactly_one_function():
    woken = Counter(function.queue for function in functions() if function.queue)
    assert woken == Counter(Queue)


def test_no_function_is_woken_by_two_things_and_names_are_unique():
    assert not [function.name for function in functions() if function.queue and function.schedule]
    assert len({function.name for function in functions()}) == len(functions())
