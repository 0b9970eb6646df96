"""Corrections of ministack's Step Functions: what a machine relies on at AWS when something fails, is missing or is stopped.

Made for ministack 1.5.33, as `volexlocal.emulator`; each has a test that fails as soon as the original behaves well without it.
"""

from __future__ import annotations

import threading
from contextvars import ContextVar
from typing import Any

from ministack.services import stepfunctions

_UNCATCHABLE = "States.Runtime"

_callback = threading.local()
_execution: ContextVar[dict[str, Any] | None] = ContextVar("execution", default=None)


class _CalledInVain(Exception):
    """Carries a function's failure past the original's own handler, which drops it."""

    def __init__(self, failure: Exception) -> None:
        super().__init__(failure)
        self.failure = failure


def fail_where_a_path_leads_nowhere() -> None:
    """It reads a path that leads nowhere as null; at AWS the execution fails, and no Retry and no Catch takes that."""
    resolve, matches, evaluate = stepfunctions._resolve_path, stepfunctions._error_matches, stepfunctions._evaluate_rule

    def strictly(path: str, data: Any) -> Any:
        value = resolve(path, data)
        if value is None and not leads_somewhere(path, data):
            raise stepfunctions._ExecutionError(_UNCATCHABLE, f"The path {path} could not be found in the input")
        return value

    def catchable(names: list[str], error: str) -> bool:
        return error != _UNCATCHABLE and bool(matches(names, error))

    def evaluated(rule: dict[str, Any], data: Any, context: dict[str, Any] | None = None) -> bool:
        if "IsPresent" not in rule:
            return bool(evaluate(rule, data, context))
        variable = str(rule["Variable"])
        of_context = variable.startswith("$$.")
        present = leads_somewhere(variable[1:] if of_context else variable, context if of_context else data)
        return present == bool(rule["IsPresent"])

    stepfunctions._resolve_path = strictly
    stepfunctions._error_matches = catchable
    stepfunctions._evaluate_rule = evaluated


def leads_somewhere(path: str, data: Any) -> bool:
    """Whether a JSONPath finds a value, null included. One with a wildcard always does, were it an empty list."""
    for kind, key in stepfunctions._parse_jsonpath_tokens(path) or ():
        if kind == "wildcard":
            return True
        here = (kind == "field" and isinstance(data, dict) and key in data) or (
            kind == "index" and isinstance(data, list) and key < len(data)
        )
        if not here:
            return False
        data = data[key]
    return True


def fail_callbacks_whose_function_fails() -> None:
    """A function that fails in `.waitForTaskToken` is left unnoticed until the time-out; at AWS the task fails with its error."""
    call, invoke = stepfunctions._call_lambda, stepfunctions._invoke_with_callback

    def noticed_call(function: Any, event: Any) -> Any:
        try:
            return call(function, event)
        except stepfunctions._ExecutionError as failure:
            if getattr(_callback, "is_waiting", False):
                raise _CalledInVain(failure) from failure
            raise

    def noticed_invoke(resource: str, data: Any, token: str, state: dict[str, Any]) -> Any:
        _callback.is_waiting = True
        try:
            return invoke(resource, data, token, state)
        except _CalledInVain as vain:
            stepfunctions._task_tokens.pop(token, None)
            raise vain.failure from vain
        finally:
            _callback.is_waiting = False

    stepfunctions._call_lambda = noticed_call
    stepfunctions._invoke_with_callback = noticed_invoke


def let_a_stop_end_everything() -> None:
    """After a stop it goes on calling inside Map and Parallel, and a failure then changes the status; at AWS all ends at once."""
    run, call, fail = stepfunctions._run_execution, stepfunctions._invoke_resource, stepfunctions._fail_execution

    def followed(arn: str) -> None:
        _execution.set(stepfunctions._executions.get(arn))
        run(arn)

    def called(resource: str, data: Any) -> Any:
        _refuse_if_stopped()
        return call(resource, data)

    def fail_if_running(execution: dict[str, Any], error: str, cause: str) -> None:
        if execution["status"] == "RUNNING":
            fail(execution, error, cause)

    stepfunctions._run_execution = followed
    stepfunctions._invoke_resource = called
    stepfunctions._fail_execution = fail_if_running


def let_nobody_answer_for_a_stopped_execution() -> None:
    """A task that waits for an answer waits on after a stop, and takes it; at AWS its token is gone."""
    wait, stop = stepfunctions._invoke_with_callback, stepfunctions._stop_execution
    asked: dict[str, str] = {}  # token: its execution

    def waited(resource: str, data: Any, token: str, state: dict[str, Any]) -> Any:
        asked[token] = _refuse_if_stopped()
        try:
            return wait(resource, data, token, state)
        finally:
            del asked[token]

    def stopped(request: dict[str, Any]) -> Any:
        answer = stop(request)
        for token in [token for token, arn in asked.copy().items() if arn == request.get("executionArn")]:
            if known := stepfunctions._task_tokens.pop(token, None):
                known["event"].set()
        return answer

    stepfunctions._invoke_with_callback = waited
    stepfunctions._stop_execution = stopped


def _refuse_if_stopped() -> str:
    """The ARN of the execution that this thread works for; raises if it is over."""
    execution = _execution.get()
    if execution is None:  # TestState has none
        return ""
    if execution["status"] != "RUNNING":
        raise stepfunctions._ExecutionError(_UNCATCHABLE, "the execution was stopped")
    return str(execution["executionArn"])
