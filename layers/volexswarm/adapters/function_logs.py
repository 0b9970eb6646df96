"""CloudWatch Logs: the newest lines a function wrote, searched on the server and once more here.

Services differ in how they read a filter of several words; what they return is filtered again by the plain text, so the answer
is the same everywhere.
"""

from __future__ import annotations

import json
from collections import deque
from datetime import timedelta
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from volexswarm.clock import Clock, from_ms, to_ms
from volexswarm.errors import NotFound, Unavailable
from volexswarm.views.swarm import LogLine, LogLines

PAGE = 10_000
MAX_PAGES = 20
"""Pages of a search that are read at most: a request must answer within the gateway's 29 seconds."""


class CloudWatchFunctionLogs:
    """FunctionLogs over CloudWatch Logs. A function's deployed name is `<prefix>-<name>`, as Chalice gives it."""

    def __init__(self, prefix: str, clock: Clock, logs: Any = None) -> None:
        self._prefix = prefix
        self._clock = clock
        self._logs = logs or boto3.client(
            "logs", config=Config(connect_timeout=3, read_timeout=10, retries={"max_attempts": 2})
        )

    def lines(self, function: str, since: timedelta, text: str | None, limit: int) -> LogLines:
        """The newest `limit` lines of the last `since` that hold `text`, oldest first."""
        start = self._clock.now() - since
        search: dict[str, Any] = {
            "logGroupName": f"/aws/lambda/{self._prefix}-{function}",
            "startTime": to_ms(start),
        }
        if text:
            search["filterPattern"] = json.dumps(text)
        newest: deque[dict[str, Any]] = deque(maxlen=limit + 1)
        complete = True
        for _ in range(MAX_PAGES):
            answer = self._ask(function, search)
            newest.extend(event for event in answer["events"] if not text or text in event["message"])
            if "nextToken" not in answer:
                complete = len(answer["events"]) < PAGE  # an emulator may cut a full page and offer no next one
                break
            search["nextToken"] = answer["nextToken"]
        else:
            complete = False
        return LogLines(
            function=function,
            since=start,
            lines=[_line(event) for event in list(newest)[-limit:]],
            truncated=len(newest) > limit or not complete,
        )

    def _ask(self, function: str, search: dict[str, Any]) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = self._logs.filter_log_events(**search)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                raise NotFound("log of function", function) from error
            raise Unavailable("logs", str(error)) from error
        except BotoCoreError as error:
            raise Unavailable("logs", str(error)) from error
        return answer


def _line(event: dict[str, Any]) -> LogLine:
    message = event["message"].rstrip("\n")
    try:
        fields = json.loads(message)
    except ValueError:
        fields = None
    return LogLine(at=from_ms(event["timestamp"]), message=message, fields=fields if isinstance(fields, dict) else None)
