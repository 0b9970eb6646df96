"""How a handler is bound to what wakes it, where that is a service which calls the function itself."""

import pytest
from chalice.app import Blueprint, Chalice

from chalicelib.runtime import wakers
from volexswarm.agents import Function, Invoker


@pytest.mark.parametrize("invoker", list(Invoker))
def test_a_function_that_a_service_calls_gets_the_event_as_it_came_and_answers_as_it_is(monkeypatch, invoker):
    monkeypatch.setattr(wakers, "registered", lambda name: Function(name, "Adds one.", invoked_by=invoker))
    blueprint = Blueprint("chalicelib.agents.adder")

    @wakers.woken(blueprint, "add-one")
    def on_number(event):
        return {"sum": event["number"] + 1}

    app = Chalice(app_name="trial", configure_logs=False)
    app.register_blueprint(blueprint)
    assert on_number({"number": 2}, None) == {"sum": 3}
    [registered] = app.pure_lambda_functions
    assert (registered.name, registered.handler_string) == ("add-one", "chalicelib.agents.adder.on_number")


def test_a_function_that_nothing_wakes_is_refused(monkeypatch):
    monkeypatch.setattr(wakers, "registered", lambda name: Function(name, "Is never called."))
    with pytest.raises(AssertionError, match="nothing wakes idle"):
        wakers.woken(Blueprint("chalicelib.agents.idle"), "idle")
