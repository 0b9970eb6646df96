import pytest
from hypothesis import given
from hypothesis import strategies as st

from volexswarm.errors import InvalidInput
from volexswarm.realtime.sequence import Sequence


def tick(trade_id):
    return (trade_id, 1_000 + trade_id, "1.5", "2", "b")


def ids(ticks):
    return [each[0] for each in ticks]


def test_the_first_trade_seen_begins_the_sequence():
    sequence = Sequence()

    assert not sequence.has_begun
    assert ids(sequence.offer(tick(100))) == [100]
    assert ids(sequence.offer(tick(99))) == []
    assert (sequence.last, sequence.duplicates) == (100, 1)


def test_trades_behind_a_gap_wait_for_it_to_be_filled():
    sequence = Sequence(last=10)

    assert ids(sequence.offer(tick(13))) == []
    assert sequence.is_behind
    assert ids(sequence.offer(tick(11))) == [11]
    assert sequence.is_behind
    assert ids(sequence.offer(tick(12))) == [12, 13]
    assert not sequence.is_behind
    assert (sequence.gaps, sequence.accepted, sequence.duplicates) == (1, 3, 0)


def test_what_can_not_be_taken_is_missing_until_it_is_fetched():
    sequence = Sequence(last=10)

    sequence.refuse(11)

    assert sequence.is_behind
    assert sequence.refused == 1
    assert ids(sequence.offer(tick(11))) == [11]
    assert not sequence.is_behind


def test_the_very_first_trade_is_not_forgotten_when_there_is_no_room_for_it():
    sequence = Sequence()

    sequence.refuse(100)

    assert sequence.last == 99
    assert sequence.is_behind


def test_more_than_may_wait_behind_a_gap_has_to_be_fetched_again():
    sequence = Sequence(last=0, capacity=2)
    for trade_id in (2, 3, 4):
        sequence.offer(tick(trade_id))

    assert ids(sequence.offer(tick(1))) == [1, 2, 3]
    assert sequence.is_behind
    assert ids(sequence.offer(tick(4))) == [4]
    assert not sequence.is_behind


@pytest.mark.parametrize(
    ("waiting", "next_id", "released"),
    [
        ((15,), 15, [15]),  # the exchange goes on with what the stream has brought already
        ((15,), 13, []),  # the trade is still to come
        ((12, 15), 15, [12, 15]),  # what the stream has brought is kept, even if the exchange does not know it any more
        ((), 13, []),
    ],
)
def test_ids_the_exchange_never_used_are_skipped_and_counted(waiting, next_id, released):
    sequence = Sequence(last=10)
    for trade_id in waiting:
        sequence.offer(tick(trade_id))

    assert ids(sequence.skip_to(next_id)) == released
    assert sequence.absent == next_id - 11 - len([passed for passed in released if passed < next_id])
    assert ids(sequence.offer(tick(next_id))) == ([] if released else [next_id])


@pytest.mark.parametrize(("last", "next_id"), [(None, 5), (10, 10), (10, 3)])
def test_only_what_is_ahead_can_be_skipped_to(last, next_id):
    with pytest.raises(InvalidInput):
        Sequence(last=last).skip_to(next_id)


@given(
    st.integers(1, 40).flatmap(
        lambda size: st.tuples(
            st.just(size),
            st.lists(st.tuples(st.integers(1, size), st.booleans()), max_size=120),
            st.integers(1, 10),
        )
    )
)
def test_any_mixture_of_repeats_gaps_refusals_and_reconnects_yields_each_id_once_in_order(case):
    size, arrivals, capacity = case
    sequence = Sequence(last=0, capacity=capacity)
    accepted = []
    for trade_id, has_room in arrivals:
        if has_room:
            accepted += ids(sequence.offer(tick(trade_id)))
        else:
            sequence.refuse(trade_id)
    newest = max((trade_id for trade_id, _ in arrivals), default=0)
    assert sequence.is_behind == (accepted != list(range(1, newest + 1)))

    while sequence.last < size:  # the exchange answers with what follows
        accepted += ids(sequence.offer(tick(sequence.last + 1)))

    assert accepted == list(range(1, size + 1))
    assert sequence.accepted == size
    assert not sequence.is_behind
    assert sequence.waiting == 0
