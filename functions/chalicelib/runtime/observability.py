"""Logs as JSON lines with the chain's correlation id, metrics as EMF lines, one summary line per call.

A decorator instead of middleware: handlers of a blueprint are loaded without `app.py`, so middleware would never run.
"""

from __future__ import annotations

import functools
import logging
import os
import time
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.metrics import Metrics, MetricUnit

from chalicelib.runtime import health, runs

NAMESPACE = "VolexSwarm"


class _JsonLines(LambdaPowertoolsFormatter):
    """One JSON object and its line's end: Lambda's own handler writes just what the formatter gives."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record) + "\n"


_formatter = _JsonLines(utc=True, use_rfc3339=True)
_fallback = logging.StreamHandler()
_fallback.terminator = ""


def configure(service: str) -> None:
    """Make every log line of this process, also the domain's and the libraries', one JSON object."""
    root = logging.getLogger()
    root.setLevel(os.environ.get("VOLEX_LOG_LEVEL", "INFO"))
    # Lambda's handler, which knows the request's id; outside Lambda there is none
    handlers = [one for one in root.handlers if type(one).__module__.startswith("awslambdaric")] or [_fallback]
    for handler in handlers:
        handler.setFormatter(_formatter)
        if handler not in root.handlers:
            root.addHandler(handler)
    for chatty in ("botocore", "boto3", "urllib3", "hvac"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    _formatter.append_keys(service=service)


def correlate(correlation_id: str | None) -> None:
    """Put the chain's correlation id on every line from here on; None takes it off."""
    if correlation_id is None:
        _formatter.remove_keys(["correlation_id"])
    else:
        _formatter.append_keys(correlation_id=correlation_id)


def observed(name: str) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Decorator of a handler: configures logs, counts calls, failures and messages, writes one line about each call.

    Asked how it is, the function answers that instead of doing its work.
    """

    def decorate(handler: Callable[[Any], Any]) -> Callable[[Any], Any]:
        logger = logging.getLogger(name)
        metrics = Metrics(namespace=NAMESPACE, service=name)

        @functools.wraps(handler)
        def call(event: Any) -> Any:
            configure(name)
            if health.is_asked(_raw(event)):
                return health.answer(name)
            started = time.perf_counter()
            answer: Any = None
            failure: BaseException | None = None
            try:
                answer = handler(event)
            except BaseException as error:
                failure = error
                raise
            finally:
                elapsed = (time.perf_counter() - started) * 1000
                failed = failure is not None
                counts = {"messages": _messages(event), "waiting": _waiting(answer)}
                for key, count in counts.items():
                    metrics.add_metric(key.capitalize(), MetricUnit.Count, count)
                metrics.add_metric("Failures", MetricUnit.Count, int(failed))
                metrics.add_metric("Duration", MetricUnit.Milliseconds, elapsed)
                metrics.flush_metrics()
                correlate(None)
                runs.note(name, elapsed, failure, counts["messages"], counts["waiting"])
                logger.info("failed" if failed else "done", extra={"duration_ms": round(elapsed, 1), **counts})
            return answer

        return call

    return decorate


def _raw(event: Any) -> Any:
    return event.to_dict() if hasattr(event, "to_dict") else event


def _messages(event: Any) -> int:
    raw = _raw(event)
    return len(raw.get("Records", ())) if isinstance(raw, dict) else 0


def _waiting(answer: Any) -> int:
    return len(answer.get("batchItemFailures", ())) if isinstance(answer, dict) else 0
