"""Runs are counted in a real Redis, and an outage costs one wait."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from volexlocal.ports import free_ports
from volexswarm.adapters.redis_runs import DURATIONS, SULK, RedisRunLog
from volexswarm.errors import Unavailable
from volexswarm.monitor.runs import Run

ENDED = datetime(2026, 1, 5, 12, tzinfo=UTC)
RUN = Run("risk", ENDED, 12.5, None, 10, 0, cold=True, version="c0de")


def test_calls_are_summed_and_the_last_of_each_is_kept(redis_url):
    log = RedisRunLog(redis_url, "trial")
    log.note(RUN)
    failed = replace(RUN, ended_at=ENDED + timedelta(seconds=1), failure="KeyError: 'bid'", returned=2, cold=False)
    log.note(failed)
    log.note(replace(RUN, ended_at=ENDED + timedelta(seconds=2), milliseconds=7.0, cold=False, version="beef"))
    runs = log.of(["risk", "signal"])["risk"]
    assert (runs.calls, runs.failures, runs.messages, runs.returned, runs.cold_starts) == (3, 1, 30, 2, 1)
    assert (runs.last_run, runs.last_failed_at) == (ENDED + timedelta(seconds=2), failed.ended_at)
    assert (runs.last_failure, runs.version) == ("KeyError: 'bid'", "beef")
    assert runs.durations == (7.0, 12.5, 12.5)


def test_a_function_that_was_never_called_and_another_stack_are_missing(redis_url):
    RedisRunLog(redis_url, "trial").note(RUN)
    assert RedisRunLog(redis_url, "other").of(["risk"]) == {}
    assert RedisRunLog(redis_url, "trial").of(["signal"]) == {}


def test_only_the_last_durations_are_kept(redis_url):
    log = RedisRunLog(redis_url, "trial")
    for number in range(DURATIONS + 5):
        log.note(replace(RUN, milliseconds=float(number)))
    durations = log.of(["risk"])["risk"].durations
    assert (len(durations), durations[0]) == (DURATIONS, DURATIONS + 4.0)


def test_an_outage_is_waited_for_once_and_tried_again_later():
    now = [0.0]
    log = RedisRunLog(f"redis://127.0.0.1:{free_ports(1)[0]}", "trial", lambda: now[0])
    with pytest.raises(Unavailable):
        log.note(RUN)
    log.note(RUN)
    now[0] = SULK + 0.1
    with pytest.raises(Unavailable):
        log.note(RUN)
    with pytest.raises(Unavailable):
        log.of(["risk"])
