"""A keeper's chores: one that fails does not keep the others from being done, and is not hidden."""

import pytest

from chalicelib.runtime.chores import each_chore
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
