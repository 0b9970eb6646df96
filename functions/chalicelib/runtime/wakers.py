"""Binds a handler to what wakes it by the function's name, so that queue, batch size and schedule stand in the registry alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chalice.app import Blueprint

from volexswarm.agents import Function, functions


def registered(name: str) -> Function:
    """The registry's entry of a function; KeyError if there is none."""
    return {function.name: function for function in functions()}[name]


def woken(blueprint: Blueprint, name: str) -> Callable[[Callable[..., Any]], Any]:
    """Decorator: register the handler with the queue or the schedule that the registry names for it."""
    function = registered(name)
    if function.queue is not None:
        return blueprint.on_sqs_message(
            queue=function.queue.value,
            batch_size=function.batch_size,
            name=name,
            maximum_concurrency=function.concurrency,
        )
    assert function.schedule is not None, f"nothing wakes {name}"
    return blueprint.schedule(function.schedule, name=name)
