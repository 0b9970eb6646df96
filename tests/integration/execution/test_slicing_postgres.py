"""What ends a purchase in slices is found in the tables of protections, orders and proposals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.integration.execution.conftest import SYMBOL, approved, store_proposal
from volexswarm.adapters.postgres.slicing import SlicingTransaction
from volexswarm.execution.identity import client_order_id, order_id
from volexswarm.execution.model import Order
from volexswarm.execution.protection import Guarded, State
from volexswarm.execution.record import intent_of
from volexswarm.messages import Event, OrderApproved, OrderState, OrderType, Protection, Purpose, Side

WANTED = Protection(stop_price=Decimal(90))


@pytest.fixture
def tx(database_dsn: str) -> Iterator[SlicingTransaction]:
    with psycopg.connect(database_dsn, row_factory=dict_row) as connection:
        yield SlicingTransaction(connection)


def purchase(dsn: str) -> Event[OrderApproved]:
    event = approved(Side.BUY, protection=WANTED)
    store_proposal(dsn, event)
    return event


def sliced(tx: SlicingTransaction, event: Event[OrderApproved], number: int = 0) -> Order:
    """A slice that has bought something, and its protection."""
    name = client_order_id(event.data.proposal_id, Purpose.SLICE, number)
    entry = replace(
        intent_of(event),
        id=order_id(name),
        client_order_id=name,
        purpose=Purpose.SLICE,
        sequence=number,
        state=OrderState.FILLED,
        filled=Decimal("0.01"),
    )
    tx.add_order(entry)
    tx.add_protection(guarded(entry), entry.as_of)
    return entry


def guarded(entry: Order) -> Guarded:
    return Guarded(
        order_id=entry.id,
        venue=entry.venue,
        account=entry.account,
        symbol=SYMBOL,
        wanted=WANTED,
        state=State.ARMED,
        entered_at=entry.as_of,
        watch_from=entry.as_of,
        reason="bought",
        correlation_id=entry.correlation_id,
    )


def stop(entry: Order, **changes: Any) -> Order:
    name = client_order_id(entry.id, Purpose.STOP)
    return replace(
        entry,
        id=order_id(name),
        client_order_id=name,
        purpose=Purpose.STOP,
        side=Side.SELL,
        order_type=OrderType.STOP_LOSS,
        trigger_price=Decimal(90),
        state=OrderState.ACCEPTED,
        filled=Decimal(0),
        parent_id=entry.id,
        **changes,
    )


def test_a_way_out_is_taken_once_it_is_reached_or_has_sold(tx: SlicingTransaction, database_dsn: str) -> None:
    event = purchase(database_dsn)
    proposal = event.data.proposal_id
    first, second = sliced(tx, event), sliced(tx, event, 1)
    leg = stop(first)
    tx.add_order(leg)
    assert tx.way_taken(proposal) is None
    reached = guarded(second).reached(Purpose.TIME_EXIT, Decimal(99), second.as_of)
    tx.save_protection(reached, second.as_of)
    assert tx.way_taken(proposal) is Purpose.TIME_EXIT
    tx.save_protection(guarded(second), second.as_of)  # armed again
    assert tx.way_taken(proposal) is None
    tx.save_order(replace(leg, state=OrderState.PARTIALLY_FILLED, filled=Decimal("0.001")), leg.as_of)
    assert tx.way_taken(proposal) is Purpose.STOP
    assert tx.way_taken(purchase(database_dsn).data.proposal_id) is None


def test_a_later_sale_is_one_that_was_approved_of_the_same_strategy(tx: SlicingTransaction, database_dsn: str) -> None:
    sales = [approved(Side.SELL) for _ in range(2)]
    store_proposal(database_dsn, sales[0])
    event = purchase(database_dsn)
    assert tx.later_sale(event.data.proposal_id) is None
    store_proposal(database_dsn, sales[1])
    later = sales[1].data.proposal_id
    tx.connection.execute(
        "UPDATE proposals SET proposed_at = %s WHERE id = %s", (event.data.as_of + timedelta(seconds=1), later)
    )
    assert tx.later_sale(event.data.proposal_id) == later
    assert tx.later_sale(sales[0].data.proposal_id) is None
    for change in (
        "state = 'refused'",
        "state = 'approved', strategy_id = 'another'",
        "strategy_id = 'manual', symbol = 'X/Y'",
    ):
        tx.connection.execute(f"UPDATE proposals SET {change} WHERE id = %s", (later,))
        assert tx.later_sale(event.data.proposal_id) is None
