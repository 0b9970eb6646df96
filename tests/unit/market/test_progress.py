"""A watermark counts only when every earlier batch of its session has arrived."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.market.ticks import at
from volexswarm.market.progress import Mark, Progress

NOON = at("12:00:00")


def mark(minutes, last_trade_id=None):
    return Mark(complete_to=NOON + timedelta(minutes=minutes), last_trade_id=last_trade_id)


def test_a_batch_that_overtook_another_waits_for_it():
    progress, released = Progress().arrived(1, {"A": mark(2, 20)})
    assert released == {}
    assert progress.missing == (0, 0)
    progress, released = progress.arrived(0, {"A": mark(1, 10), "B": mark(1)})
    assert released == {"A": mark(2, 20), "B": mark(1)}
    assert progress == Progress(next_sequence=2)


def test_what_waits_behind_a_hole_is_kept_as_one_stretch():
    progress = Progress()
    for sequence in (3, 5, 4, 7):
        progress, _ = progress.arrived(sequence, {"A": mark(sequence)})
    assert [(s.first, s.last) for s in progress.waiting] == [(3, 5), (7, 7)]
    assert progress.missing == (0, 2)


def test_a_repeated_batch_releases_nothing():
    progress, _ = Progress().arrived(0, {"A": mark(1)})
    assert progress.arrived(0, {"A": mark(9)}) == (progress, {})
    waiting, _ = progress.arrived(2, {"A": mark(2)})
    assert waiting.arrived(2, {"A": mark(9)}) == (waiting, {})


@settings(deadline=None)
@given(st.permutations(range(12)), st.lists(st.integers(0, 11), max_size=12), st.randoms(use_true_random=False))
def test_in_any_order_marks_come_into_force_exactly_up_to_the_first_hole(order, repeats, random):
    deliveries = [*order, *repeats]
    random.shuffle(deliveries)
    progress, seen, in_force = Progress(), set(), None
    for sequence in deliveries:
        progress, released = progress.arrived(sequence, {"A": mark(sequence, sequence)})
        seen.add(sequence)
        hole = next(i for i in range(13) if i not in seen)
        in_force = released.get("A", in_force)
        assert progress.next_sequence == hole
        assert in_force == (mark(hole - 1, hole - 1) if hole else None)
        assert Progress.model_validate_json(progress.model_dump_json()) == progress
