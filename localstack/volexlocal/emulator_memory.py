"""Corrections of ministack's processes: what functions may take of a small machine's memory, in a burst and while idle.

Made for ministack 1.5.33, as `volexlocal.emulator`; each has a test that fails as soon as the original behaves well without it.
"""

from __future__ import annotations

import time
from collections import defaultdict
from threading import Semaphore
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc, stepfunctions

SLEEPY_AFTER = 300.0
"""Seconds; AWS lets go of what is idle after minutes too."""

MOST_PROCESSES = 8
BURST_PATIENCE = 60.0
"""Seconds that a call waits for a process; then it is throttled, as AWS throttles beyond a function's concurrency."""


def hold_bursts_back() -> None:
    """It starts a process for each call that runs beside others: when 500 WebSocket clients leave at once, 500 of some 30 MiB."""
    execute = lambda_svc._execute_function_provided_warm
    places: defaultdict[str, Semaphore] = defaultdict(lambda: Semaphore(MOST_PROCESSES))

    def in_turn(function: dict[str, Any], event: Any, request_id: str) -> Any:
        config = function.get("config") or function
        place = places[str(config["FunctionArn"])]
        if not place.acquire(timeout=BURST_PATIENCE):
            return lambda_svc._throttle_response(
                reason_code="ReservedFunctionConcurrentInvocationLimitExceeded",
                msg=f"{config['FunctionName']}: {MOST_PROCESSES} calls are under way",
            )
        try:
            return execute(function, event, request_id)
        finally:
            place.release()

    lambda_svc._execute_function_provided_warm = in_turn


def let_functions_of_machines_sleep() -> None:
    """Each function keeps one process for ever, some 30 MiB, though most are called by state machines alone, now and then."""
    reap = lambda_runtime.reap_idle_workers

    def reap_all(patience: float | None = None) -> int:
        return int(reap(patience)) + put_to_sleep(time.time() - SLEEPY_AFTER)

    lambda_svc.reap_idle_workers = reap_all


def put_to_sleep(idle_since: float) -> int:
    """End the processes of functions that only a state machine calls and nobody has called since; how many."""
    definitions = [str(machine["definition"]) for machine in stepfunctions._state_machines.all_values()]
    ended = []
    with lambda_runtime._lock:
        for key, workers in list(lambda_runtime._workers.items()):
            arn = str(workers[0].config["FunctionArn"]) if workers else ""
            is_called_by_machines = any(f'"{arn}"' in definition for definition in definitions)
            if is_called_by_machines and not any(one.in_use or one.last_used > idle_since for one in workers):
                ended += lambda_runtime._workers.pop(key)
    lambda_runtime.kill_workers(ended)
    return len(ended)
