"""Back-off of a part that keeps dying."""

from hypothesis import given
from hypothesis import strategies as st

from volexlocal.backoff import Backoff


def test_waits_double_up_to_the_longest() -> None:
    backoff = Backoff(first=1, longest=8)

    assert [backoff.failed(0) for _ in range(6)] == [1, 2, 4, 8, 8, 8]


def test_a_stable_time_begins_anew() -> None:
    backoff = Backoff(first=1, longest=8, stable=60)
    for _ in range(4):
        backoff.failed(0)

    assert backoff.failed(69) == 70


def test_dying_again_soon_after_a_long_wait_does_not_begin_anew() -> None:
    backoff = Backoff(first=1, longest=100, stable=60)
    for _ in range(8):
        backoff.failed(0)

    assert backoff.failed(101) == 201


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=50))
def test_the_next_try_is_never_in_the_past_nor_further_than_the_longest_wait(gaps: list[float]) -> None:
    backoff, now = Backoff(), 0.0
    for gap in gaps:
        now += gap
        assert now + backoff.first <= backoff.failed(now) <= now + backoff.longest
