"""A page of history is what looking at everything would have found."""

from dataclasses import dataclass
from operator import attrgetter

from hypothesis import given
from hypothesis import strategies as st

from simexchange.engine.history import History


@dataclass(frozen=True)
class Item:
    id: int
    time_ms: int
    account: str


GAPS = st.tuples(st.integers(0, 2), st.integers(0, 3), st.sampled_from("ab"))


@given(
    st.lists(GAPS, max_size=40),
    st.integers(0, 60),
    st.integers(0, 90),
    st.none() | st.integers(0, 90),
    st.integers(1, 12),
)
def test_a_page_is_what_a_look_at_everything_finds(gaps, first_id, start_ms, end_ms, limit):
    history = History(attrgetter("id"), attrgetter("time_ms"))
    items, item_id, time_ms = [], 1, 1
    for id_gap, time_gap, account in gaps:
        item_id, time_ms = item_id + id_gap, time_ms + time_gap
        items.append(Item(item_id, time_ms, account))
        history.append(items[-1])
    found = [
        item
        for item in items
        if item.account == "a"
        and item.id >= first_id
        and item.time_ms >= start_ms
        and (end_ms is None or item.time_ms <= end_ms)
    ]
    expected = found[:limit] if first_id or start_ms else found[-limit:]
    assert history.page("a", limit, first_id=first_id, start_ms=start_ms, end_ms=end_ms) == expected
