"""The newest lines of a function's log, on a real log service."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta

import boto3
import pytest

from volexlocal.servers.emulator import Emulator
from volexswarm.adapters.function_logs import CloudWatchFunctionLogs
from volexswarm.clock import SystemClock, to_ms
from volexswarm.errors import NotFound


@pytest.fixture
def logs(aws: Emulator) -> CloudWatchFunctionLogs:
    """The log of the function `risk`: a line a minute, the newest a minute old."""
    prefix = f"test-{uuid.uuid4().hex[:8]}"
    service = boto3.client("logs")
    group = f"/aws/lambda/{prefix}-risk"
    service.create_log_group(logGroupName=group)
    now = to_ms(SystemClock().now())
    for stream in range(2):
        service.create_log_stream(logGroupName=group, logStreamName=f"stream {stream}")
        service.put_log_events(
            logGroupName=group,
            logStreamName=f"stream {stream}",
            logEvents=[
                {
                    "timestamp": now - age * 60_000,
                    "message": json.dumps({"age": age, "text": f"refused at age {age}"})
                    if age % 3
                    else f"plain {age}\n",
                }
                for age in range(20, 0, -1)
                if age % 2 == stream
            ],
        )
    return CloudWatchFunctionLogs(prefix, SystemClock())


def test_the_newest_lines_come_last_from_all_streams(logs: CloudWatchFunctionLogs) -> None:
    found = logs.lines("risk", timedelta(hours=1), None, 4)
    assert [line.message for line in found.lines][1] == "plain 3"
    assert [line.fields["age"] if line.fields else None for line in found.lines] == [4, None, 2, 1]
    assert found.truncated is True


def test_only_the_asked_time_is_searched(logs: CloudWatchFunctionLogs) -> None:
    found = logs.lines("risk", timedelta(minutes=5, seconds=30), None, 100)
    assert (len(found.lines), found.truncated) == (5, False)


def test_a_text_is_found_as_it_stands(logs: CloudWatchFunctionLogs) -> None:
    """A service may search word by word: what holds the words but not the text is none of ours."""
    found = logs.lines("risk", timedelta(hours=1), "at age 1", 100)
    assert [line.fields["age"] for line in found.lines if line.fields] == [19, 17, 16, 14, 13, 11, 10, 1]
    assert logs.lines("risk", timedelta(hours=1), "age at", 100).lines == []


def test_a_function_that_has_no_log_is_not_found(logs: CloudWatchFunctionLogs) -> None:
    with pytest.raises(NotFound, match="meta"):
        logs.lines("meta", timedelta(hours=1), None, 10)
