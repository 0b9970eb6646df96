"""The registry is complete and consistent: thirteen agents, every queue answered, every function woken by one thing."""

from collections import Counter

from volexswarm.agents import AGENTS, API_FUNCTION, AUTHORIZER_FUNCTION, TOLD, functions
from volexswarm.messages import Queue


def test_there_are_thirteen_agents_each_once():
    names = Counter(agent.name for agent in AGENTS)
    assert len(names) == 13
    assert set(names.values()) == {1}


def test_each_queue_wakes_exactly_one_function():
    woken = Counter(function.queue for function in functions() if function.queue)
    assert woken == Counter(Queue)


def test_each_function_is_woken_by_one_thing_but_the_apis_by_http():
    ways = {function.name: [function.queue, function.schedule, function.invoked_by] for function in functions()}
    woken_by = {name: sum(way is not None for way in each) for name, each in ways.items()}
    http = {API_FUNCTION.name, AUTHORIZER_FUNCTION.name}
    assert {name for name, count in woken_by.items() if count == 0} == http
    assert {count for name, count in woken_by.items() if name not in http} == {1}


def test_names_are_unique():
    assert len({function.name for function in functions()}) == len(functions())


def test_whoever_publishes_tells_the_monitor_and_those_who_watch():
    publishing = [function for function in functions() if set(function.sends) & set(TOLD)]
    assert publishing
    assert [function.name for function in publishing if not set(TOLD) <= set(function.sends)] == []
