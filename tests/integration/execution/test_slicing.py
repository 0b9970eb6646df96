"""A large order on a real database and a real (simulated) exchange, worked in slices."""

from __future__ import annotations

import time

import psycopg
import pytest

from tests.integration.execution.conftest import SYMBOL, Desk, approved
from volexswarm.adapters.postgres.readers.scope import Scope
from volexswarm.adapters.postgres.readers.trading import PostgresTradingReader
from volexswarm.errors import NotFound, Retry
from volexswarm.messages import CancelOrder, Event, OrderApproved, OrderState, PlaceSlice, Side
from volexswarm.views.trading import LargeOrder, Order


def record_market(desk: Desk, event: Event[OrderApproved], traded: str) -> None:
    """Half an hour of minutes in which this much was traded, and the command as compliance journals it."""
    with psycopg.connect(desk.dsn) as connection:
        connection.execute(
            "INSERT INTO candles (venue, symbol, timeframe, opened_at, open, high, low, close, volume, trade_count,"
            " first_trade_id, last_trade_id, closed) SELECT 'binance', %s, '1m', %s::timestamptz - n * interval '1 minute',"
            " 1, 1, 1, 1, %s, 1, n, n, true FROM generate_series(1, 30) n",
            (SYMBOL, event.data.as_of, traded),
        )
        connection.execute(
            "INSERT INTO events (id, occurred_at, type, source, subject, correlation_id, data)"
            " VALUES (%s, %s, %s, 'compliance', %s, %s, %s)",
            (event.id, event.time, event.type, event.subject, event.correlationid, event.data.model_dump_json()),
        )


def steps(desk: Desk) -> list[Event[PlaceSlice]]:
    rows = desk.query(
        "SELECT id::text, source, type, subject, occurred_at, correlation_id::text, causation_id::text, data FROM events"
        " WHERE type = %s ORDER BY (data->>'number')::int, occurred_at",
        PlaceSlice.type_name(),
    )
    names = ("id", "source", "type", "subject", "time", "correlationid", "causationid", "data")
    return [Event[PlaceSlice].model_validate(dict(zip(names, row, strict=True))) for row in rows]


def large(desk: Desk) -> Event[OrderApproved]:
    """An order that is two fifths of what is traded in a minute."""
    desk.portfolio.open_account()
    price = desk.other.fetch_ticker(SYMBOL)["last"]
    event = approved(Side.BUY, "0.1", price=price)
    event = event.model_copy(update={"data": event.data.model_copy(update={"as_of": desk.gateway.market_time()})})
    record_market(desk, event, traded=str(float(price) * 0.1 * 2.5))
    return event


def test_a_step_that_nobody_answers_is_commanded_again(desk: Desk) -> None:
    desk.place(large(desk))
    assert desk.agent._slicer.look_after() == 0
    with psycopg.connect(desk.dsn) as connection:
        connection.execute("UPDATE order_plans SET updated_at = updated_at - interval '1 hour'")
        connection.execute("UPDATE events SET occurred_at = occurred_at - interval '1 hour'")
    for _ in range(2):
        assert desk.agent._slicer.look_after() == 1
    first, again = steps(desk)
    assert (again.data, again.causationid) == (first.data, first.id)
    for step in (first, again):
        desk.agent._slicer.place(step)
    assert desk.query("SELECT count(*) FROM orders") == [(1,)]


def test_a_large_order_is_canceled_by_its_signal_and_then_by_any_slice(desk: Desk) -> None:
    event = large(desk)
    desk.place(event)
    reader = PostgresTradingReader(desk.database, Scope("binance", "main", "simulated", "USDT"))
    found = reader.named(event.data.signal_id)
    assert isinstance(found, LargeOrder)
    assert found.proposal_id == event.data.proposal_id
    desk.agent._slicer.place(steps(desk)[0])
    ((slice_id,),) = desk.query("SELECT id::text FROM orders")
    found = reader.named(slice_id)
    assert isinstance(found, Order)
    assert (found.state, found.plan) == (OrderState.FILLED, "working")
    assert isinstance(reader.named(event.data.signal_id), LargeOrder)
    command = CancelOrder(
        venue="binance", symbol=SYMBOL, account="main", order_id=slice_id, requested_by="ann", reason="enough"
    )
    desk.agent.cancel(Event.root(command, source="api", subject=slice_id, identity=slice_id, time=event.time))
    assert reader.order(slice_id).plan == "stopped"
    with pytest.raises(NotFound):
        reader.named(event.data.signal_id)


def test_a_large_order_is_worked_to_its_end_and_the_books_are_exact(desk: Desk) -> None:
    event = large(desk)
    desk.place(event)
    done = 0
    while done < len(found := steps(desk)):
        try:
            for _ in range(2):
                desk.agent._slicer.place(found[done])
            done += 1
        except Retry:
            time.sleep(0.2)
    (plan,) = desk.query("SELECT slices, next_slice, state, reason, profile FROM order_plans")
    assert plan[:3] == (4, 4, "done")
    orders = desk.query("SELECT sequence, order_type, time_in_force, state FROM orders ORDER BY sequence")
    assert [row[0] for row in orders] == [0, 1, 2, 3]
    assert {row[1:3] for row in orders} == {("limit", "ioc")}
    assert desk.query("SELECT sum(filled) FROM orders")[0][0] + 0 <= event.data.amount
    assert desk.books() == desk.held()
    assert desk.query("SELECT count(*) FROM fills WHERE slippage IS NULL OR slippage > 0.01") == [(0,)]
