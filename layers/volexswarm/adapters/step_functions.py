"""Step Functions: starts, stops and answers executions of one state machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from volexswarm.errors import Unavailable
from volexswarm.tasks.ports import FlowState

PART: Final = "state machine"

_OVER: Final = frozenset({"TaskDoesNotExist", "TaskTimedOut", "InvalidToken"})
_MAX_CAUSE: Final = 1000


def client() -> Any:
    """A client that gives up soon; its endpoint, region and credentials come from the standard AWS variables."""
    return boto3.client("stepfunctions", config=Config(connect_timeout=3, read_timeout=10, retries={"max_attempts": 2}))


class StepFunctions:
    """Flows over Step Functions.

    Parameters
    ----------
    machine : str | None
        The state machine's ARN; None where the deployment has none: then every call is Unavailable.
    states : boto3 client, optional
    """

    def __init__(self, machine: str | None, states: Any = None) -> None:
        self._machine = machine
        self._states = states

    def start(self, name: str, given: Mapping[str, Any]) -> None:
        """Start an execution; nothing if one of that name was started before."""
        self._call("start_execution", {"ExecutionAlreadyExists"}, name=name, input=json.dumps(given), machine=True)

    def stop(self, name: str, reason: str) -> None:
        """End an execution; nothing if it has ended."""
        self._call("stop_execution", {"ExecutionDoesNotExist"}, execution=name, cause=reason[:_MAX_CAUSE])

    def state(self, name: str) -> tuple[FlowState, str]:
        """Whether an execution is going on, and in words what became of it."""
        found = self._call("describe_execution", {"ExecutionDoesNotExist"}, execution=name)
        if found is None:
            return "unknown", "the service knows no such execution"
        if found["status"] == "RUNNING":
            return "running", ""
        words = ": ".join(str(found[part]) for part in ("error", "cause") if found.get(part))
        return "ended", f"{found['status']}{f', {words}' if words else ''}"[:_MAX_CAUSE]

    def answer(self, token: str, output: Mapping[str, Any]) -> None:
        """Let an execution go on that waits under this token; nothing if none does any more."""
        self._call("send_task_success", _OVER, taskToken=token, output=json.dumps(output))

    def _call(
        self, operation: str, harmless: AbstractSet[str], *, execution: str = "", machine: bool = False, **given: Any
    ) -> Any:
        """The answer, or None where the service's refusal is one of the harmless ones. Raises Unavailable."""
        if self._machine is None:
            raise Unavailable(PART, "this deployment has none: tasks wait")
        if machine:
            given["stateMachineArn"] = self._machine
        if execution:
            given["executionArn"] = f"{self._machine.replace(':stateMachine:', ':execution:')}:{execution}"
        try:
            return getattr(self._client(), operation)(**given)
        except ClientError as refused:
            if refused.response["Error"]["Code"] in harmless:
                return None
            raise Unavailable(PART, str(refused)) from refused
        except BotoCoreError as away:
            raise Unavailable(PART, str(away)) from away

    def _client(self) -> Any:
        if self._states is None:
            self._states = client()
        return self._states
