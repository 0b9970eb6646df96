"""A keeper's chores: one that fails does not keep the others from being done, and is not hidden."""

from functools import partial

import pytest

from chalicelib.runtime.chores import ENOUGH, each_chore
from volexswarm.errors import Unavailable


def chore(name, done, error=None):
    def work():
        done.append(name)
        if error:
            raise error

    return work


def test_all_chores_are_done_and_the_first_failure_is_raised():
    done = []
    with pytest.raises(ValueError, match="first"):
        each_chore(chore("a", done, ValueError("first")), chore("b", done, KeyError("second")), chore("c", done))
    assert done == ["a", "b", "c"]


def test_what_waiting_cures_waits_for_the_next_tick():
    done = []
    each_chore(chore("a", done, Unavailable("vault", "sealed")), chore("b", done))
    assert done == ["a", "b"]


def test_a_slow_chore_takes_from_each_of_the_others_only_some_of_its_turns():
    done = {name: [] for name in "abc"}

    def work(name, minute, slow):
        done[name].append(minute)
        left[0] -= ENOUGH if slow else 0

    for minute in range(6):
        left = [ENOUGH + 1]
        each_chore(
            partial(work, "a", minute, slow=True),
            partial(work, "b", minute, slow=False),
            partial(work, "c", minute, slow=False),
            first=minute,
            seconds_left=lambda left=left: left[0],
        )
    assert done == {"a": [0, 1, 2, 3, 4, 5], "b": [1, 4], "c": [1, 2, 4, 5]}


def test_a_chore_without_time_is_not_begun_and_no_failure(caplog):
    done = []
    each_chore(partial(done.append, "a"), seconds_left=lambda: ENOUGH - 1)
    assert done == []
    assert "append a waits for a later tick: no time is left" in caplog.text
