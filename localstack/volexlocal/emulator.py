"""Runs ministack, corrected where it would break a promise of AWS that we build on.

Made for ministack 1.5.33, the locked version. Each correction has its reason beside it, and a test that fails as soon as the
original behaves well without it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from ministack.app import main
from ministack.core.lambda_runtime import ProvidedWorker, Worker
from ministack.services import apigateway_v1, lambda_svc

from volexlocal import emulator_memory, emulator_processes, emulator_sockets, emulator_states

logger = logging.getLogger("volexlocal.emulator")

_batch = threading.local()


def shorten_log_wait() -> None:
    """After each call it waits for log lines: 50 ms for a first one, 5 ms after the last. A silent function always pays."""
    waits = (0.003, 0.003, 0.25)  # for the first line, after the last line, at most
    Worker._drain_stderr_bounded.__defaults__ = waits
    ProvidedWorker._drain_stderr_bounded.__defaults__ = waits


def fail_malformed_batch_answers() -> None:
    """A malformed partial-batch answer counts as success and loses the messages; on AWS the whole batch comes again."""
    execute, run_batch = lambda_svc._execute_function, lambda_svc._run_sqs_batch

    def checked_execute(function: Any, event: Any) -> dict[str, Any]:
        result: dict[str, Any] = execute(function, event)
        ids = getattr(_batch, "ids", None)
        if ids is None or result.get("error") or is_well_formed(result.get("body"), ids):
            return result
        problem = f"not a partial-batch response for this batch: {result.get('body')!r:.300}"
        return {**result, "error": True, "body": {"errorType": "MalformedBatchResponse", "errorMessage": problem}}

    def checked_run(
        mapping: dict[str, Any], function: Any, event: Any, batch: list[dict[str, Any]], *rest: Any
    ) -> None:
        reports = "ReportBatchItemFailures" in mapping.get("FunctionResponseTypes", [])
        _batch.ids = {message["id"] for message in batch} if reports else None
        try:
            run_batch(mapping, function, event, batch, *rest)
        finally:
            _batch.ids = None

    lambda_svc._execute_function = checked_execute
    lambda_svc._run_sqs_batch = checked_run


def is_well_formed(answer: Any, ids: Collection[str]) -> bool:
    """Whether AWS would take the answer as a partial-batch response to a batch with these message ids."""
    if answer is None:
        return True
    if not isinstance(answer, dict):
        return False
    failures = answer.get("batchItemFailures")
    if failures is None:
        return True
    return isinstance(failures, list) and all(
        isinstance(failure, dict) and failure.get("itemIdentifier") in ids for failure in failures
    )


def read_documented_gateway_answers() -> None:
    """It leaves out an OpenAPI document's `x-amazon-apigateway-gateway-responses`; AWS answers as they say."""
    import_api = apigateway_v1._import_rest_api

    def complete(document: Any, *rest: Any) -> str:
        api_id = str(import_api(document, *rest))
        for kind, response in document.get("x-amazon-apigateway-gateway-responses", {}).items():
            apigateway_v1._put_gateway_response(api_id, kind, response)
        return api_id

    apigateway_v1._import_rest_api = complete


def tell_time_of_gateway_answers() -> None:
    """It leaves `$context.requestTime` in the gateway's own answers as it stands; AWS puts the time of the request there."""
    render = apigateway_v1._gateway_error_response

    def timed(error: Any, request: Any) -> tuple[int, dict[str, str], bytes]:
        status, headers, body = render(error, request)
        now = datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
        return status, headers, body.replace(b"$context.requestTime", now.encode())

    apigateway_v1._gateway_error_response = timed


if __name__ == "__main__":
    shorten_log_wait()
    fail_malformed_batch_answers()
    read_documented_gateway_answers()
    tell_time_of_gateway_answers()
    emulator_states.fail_where_a_path_leads_nowhere()
    emulator_states.fail_callbacks_whose_function_fails()
    emulator_states.let_a_stop_end_everything()
    emulator_states.let_nobody_answer_for_a_stopped_execution()
    emulator_sockets.return_nothing_to_the_client()
    emulator_sockets.open_as_the_function_answers()
    emulator_sockets.hold_the_limits_of_connections()
    emulator_memory.hold_bursts_back()
    emulator_memory.let_functions_of_machines_sleep()
    emulator_processes.fork_functions()
    main()
