"""Binds a handler to what wakes it by the function's name, so that queue, batch size and schedule stand in the registry alone."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from chalice.app import Blueprint

from chalicelib.runtime import wiring
from volexswarm.agents import registered


def woken(blueprint: Blueprint, name: str) -> Callable[[Callable[..., Any]], Any]:
    """Decorator: register the handler with the queue, the schedule or the service that the registry names for it.

    A handler that a service calls gets the event as it came, a dict, and its answer goes back as it is.
    """
    function = registered(name)
    if function.queue is not None:
        return blueprint.on_sqs_message(
            queue=function.queue.value,
            batch_size=function.batch_size,
            name=name,
            maximum_concurrency=function.concurrency,
        )
    if function.schedule is not None:
        return blueprint.schedule(function.schedule, name=name)
    assert function.invoked_by is not None, f"nothing wakes {name}"
    return lambda handler: blueprint.lambda_function(name=name)(_without_context(handler))


def _without_context(handler: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    """For Chalice, whose plain functions take Lambda's context too; it finds the handler again by its name.

    The time that the context gives is what `wiring.call_time` counts.
    """

    @functools.wraps(handler)
    def call(event: Any, context: Any) -> Any:
        wiring.call_time().begin(SimpleNamespace(context=context))
        return handler(event)

    return call
