"""The replay sees at each moment what was known then: against a count by hand of everything that had happened."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as some

from tests.fakes.transaction import START
from volexswarm.compliance.model import Look
from volexswarm.compliance.replay import History, PastOrder, PastTrade
from volexswarm.messages import Side, Trade

LOOK = Look(wash=timedelta(hours=2), pulled=timedelta(minutes=5))
hours = some.integers(-400, 400).map(lambda number: START + timedelta(hours=number))
minutes = some.integers(0, 300).map(lambda number: START + timedelta(minutes=number))
sides = some.sampled_from(["buy", "sell"])


@some.composite
def trades(draw: some.DrawFn) -> PastTrade:
    approved = draw(minutes)
    ended = draw(some.none() | some.integers(0, 60).map(lambda number: approved + timedelta(minutes=number)))
    return PastTrade(
        id="t",
        symbol="BTC/USDT",
        side=draw(sides),
        strategy_id=draw(some.sampled_from(["ma", "rsi", None])),
        price=Decimal(50_000),
        as_of=draw(hours),
        planned=Decimal(draw(some.integers(1, 100))),
        executed=Decimal(draw(some.integers(0, 100))),
        approved_at=approved,
        ended_at=ended,
    )


@some.composite
def orders(draw: some.DrawFn) -> PastOrder:
    known = draw(minutes)
    ended = draw(some.none() | some.integers(0, 60).map(lambda number: known + timedelta(minutes=number)))
    return PastOrder(
        symbol="BTC/USDT",
        side=draw(sides),
        limit_price=Decimal(draw(some.integers(49_000, 51_000))),
        as_of=draw(hours),
        known_at=known,
        ended_at=ended,
        counted_at=draw(some.sampled_from([None, known])),
        pulled=draw(some.booleans()),
    )


def probe(side: str, as_of: object) -> Trade:
    return Trade.model_validate(
        {
            "venue": "binance",
            "symbol": "BTC/USDT",
            "account": "main",
            "signal_id": "s",
            "strategy_id": "ma",
            "side": side,
            "order_type": "market",
            "amount": "1",
            "reference_price": "50000",
            "as_of": as_of,
        }
    )


@given(
    some.lists(trades(), max_size=12),
    some.lists(orders(), max_size=8),
    some.lists(some.tuples(minutes, hours, sides), min_size=1, max_size=6),
)
def test_each_moment_sees_what_was_known_before_it(past, sent, asked):
    history = History(past, sent, LOOK)
    for at, as_of, side in sorted(asked, key=lambda question: question[0]):
        found = history.activity(probe(side, as_of), at)
        week = [t for t in past if t.approved_at < at and t.as_of > as_of - timedelta(days=7) and t.value(at) > 0]
        assert found.trades_of_week == len(week)
        assert found.average_of_week == (sum(t.value(at) for t in week) / len(week) if week else None)
        facing = "sell" if side == "buy" else "buy"
        near = [t for t in past if t.approved_at < at and t.value(at) > 0 and abs(t.as_of - as_of) <= LOOK.wash]
        assert len(found.opposite) == len([t for t in near if t.side == facing])
        standing = [
            o.limit_price
            for o in sent
            if o.side == facing and o.known_at < at and (o.ended_at is None or o.ended_at >= at)
        ]
        best = min if facing == Side.SELL else max
        assert found.facing == (best(standing) if standing else None)
        day = [o for o in sent if o.counted_at and o.counted_at < at and o.as_of > as_of - timedelta(days=1)]
        assert found.orders_of_day == len(day)
        pulled = [o for o in day if o.was_pulled_within(LOOK.pulled) and o.ended_at is not None and o.ended_at < at]
        assert found.pulled_of_day == len(pulled)


def test_another_symbol_is_another_history():
    history = History([], [], LOOK)
    found = history.activity(probe("buy", START), START)
    assert (found.trades_of_week, found.average_of_week, found.facing, found.orders_of_day) == (0, None, None, 0)
