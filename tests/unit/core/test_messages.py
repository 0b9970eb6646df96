"""Messages: what is written can be read, the same work gives the same ids, and nothing unknown gets through."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from volexswarm.errors import InvalidInput
from volexswarm.messages import (
    CancelOrder,
    CandleClosed,
    Check,
    Columns,
    Event,
    OrderApproved,
    PriceReached,
    Queue,
    ReviewProtections,
    Side,
    SignalRaised,
    TickBatch,
    Trade,
    Verdict,
    decode,
    encode,
)

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
prices = st.decimals(min_value="0.00000001", max_value="1000000", places=8)


def signal(**changes):
    fields = {
        "venue": "binance", "symbol": "BTC/USDT", "strategy_id": "s1", "strategy": "ma_cross", "side": Side.BUY,
        "confidence": 0.7, "price": Decimal("50000"), "as_of": NOON, "reason": "fast crossed slow",
    }  # fmt: skip
    return SignalRaised(**(fields | changes))


def root(data, identity="1"):
    return Event.root(data, source="test", subject="binance:BTC/USDT", identity=identity, time=NOON)


def batch(trades):
    return TickBatch(venue="binance", session="s", sequence=0, trades=trades, watermarks={"BTC/USDT": NOON})


@given(st.lists(st.tuples(prices, prices), max_size=50))
def test_a_tick_batch_survives_the_wire_to_the_last_digit(rows):
    columns = Columns(
        ids=list(range(len(rows))),
        times=[1_700_000_000_000] * len(rows),
        prices=[price for price, _ in rows],
        amounts=[amount for _, amount in rows],
        sides="b" * len(rows),
    )
    event = root(batch({"BTC/USDT": columns}))
    assert decode(encode(event), TickBatch) == event


def test_a_thousand_trades_are_small_on_the_wire():
    columns = Columns(
        ids=list(range(1000)), times=[1_700_000_000_000 + i for i in range(1000)],
        prices=[Decimal("50000.12")] * 1000, amounts=[Decimal("0.001")] * 1000, sides="bs" * 500,
    )  # fmt: skip
    assert len(encode(root(batch({"BTC/USDT": columns})))) < 10_000


def test_amounts_never_travel_as_exponents():
    assert '"amount":"0.00000001"' in encode(root(signal(amount=Decimal("1E-8"))))


def test_columns_never_travel_as_exponents():
    columns = Columns(ids=[1], times=[1], prices=[Decimal("1E-8")], amounts=[Decimal("2E+3")], sides="b")
    assert columns.model_dump_json() == (
        '{"ids":[1],"times":[1],"prices":["0.00000001"],"amounts":["2000"],"sides":"b"}'
    )


def test_the_same_cause_gives_the_same_id_and_another_subject_another():
    cause = root(signal())
    first, again, other = (
        Event.caused_by(cause, signal(), source="test", subject=subject, time=NOON) for subject in ("a", "a", "b")
    )
    assert first.id == again.id != other.id
    assert first.causationid == cause.id


def test_a_message_stays_in_its_chain_unless_it_starts_or_joins_another():
    cause = root(signal())
    common = {"source": "test", "subject": "a", "time": NOON}
    stays = Event.caused_by(cause, signal(), **common)
    starts = Event.caused_by(cause, signal(), new_chain=True, **common)
    joins = Event.caused_by(cause, signal(), correlationid="c0", **common)
    assert (stays.correlationid, starts.correlationid, joins.correlationid) == (cause.correlationid, starts.id, "c0")


@pytest.mark.parametrize(
    "body",
    [
        "", "null", "[]", "{}", "not json", '{"type": "volexswarm.SignalRaised"}',
        '{"contentencoding": "deflate", "data_base64": "AAAA"}', '{"contentencoding": "deflate"}',
    ],
)  # fmt: skip
def test_garbage_is_invalid_input(body):
    with pytest.raises(InvalidInput):
        decode(body, SignalRaised)


def test_a_message_of_another_type_is_refused():
    with pytest.raises(InvalidInput, match="CandleClosed"):
        decode(encode(root(signal())), CandleClosed)


def test_an_unknown_field_is_refused():
    with pytest.raises(InvalidInput):
        decode(encode(root(signal())).replace('"reason"', '"raeson"'), SignalRaised)


def test_columns_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match="length"):
        Columns(ids=[1, 2], times=[1], prices=["1"], amounts=["1"], sides="b")


def test_a_verdict_without_checks_is_no_approval():
    assert not Verdict.of("risk", 1, []).approved


def test_a_verdict_names_what_failed():
    passed = Check(name="cash", limit="10 USDT", value="5 USDT", passed=True)
    failed = Check(name="daily_loss", limit="500.00 USDT", value="512.40 USDT", passed=False)
    verdict = Verdict.of("risk", 1, [passed, failed])
    assert not verdict.approved
    assert verdict.reason == "daily_loss: 512.40 USDT (limit 500.00 USDT)"


def test_orders_of_one_symbol_and_account_keep_their_order():
    common = {
        "proposal_id": "p",
        "account": "main",
        "signal_id": "s",
        "strategy_id": "x",
        "venue": "binance",
        "side": "buy",
    }
    order = OrderApproved(
        symbol="BTC/USDT", order_type="market", amount=Decimal(1), reference_price=Decimal(2), as_of=NOON, **common
    )
    assert (order.group, order.QUEUE) == ("main:binance:BTC/USDT", Queue.ORDERS)
    assert order.notional == 2


@pytest.mark.parametrize(
    ("side", "limit", "trigger", "counted"),
    [
        ("buy", None, None, 100),
        ("buy", "97", None, 97),
        ("buy", None, "110", 110),  # waits for the price to rise, and costs that
        ("buy", None, "90", 100),
        ("buy", "112", "110", 112),
        ("sell", None, "90", 100),
        ("sell", "89", "90", 89),
    ],
)
def test_a_purchase_counts_at_the_price_that_it_waits_for(side, limit, trigger, counted):
    trade = Trade(
        venue="binance", symbol="BTC/USDT", account="main", signal_id="s", strategy_id="x", side=side, amount="2",
        order_type="market", limit_price=limit, trigger_price=trigger, reference_price="100", as_of=NOON,
    )  # fmt: skip
    assert (trade.counted_price, trade.notional) == (counted, 2 * counted)


@pytest.mark.parametrize("named", [{}, {"order_id": "o", "proposal_id": "p"}])
def test_a_cancellation_names_one_thing(named):
    with pytest.raises(ValidationError, match="either an order or a proposal"):
        CancelOrder(venue="v", symbol="BTC/USDT", account="a", requested_by="ann", reason="r", **named)


def test_cancellations_and_ways_out_wait_neither_for_orders_of_their_symbol_nor_for_each_other():
    about = {"venue": "binance", "symbol": "BTC/USDT", "account": "main"}
    reached = PriceReached(**about, watch_id="w", reason="stop", price=Decimal(1), as_of=NOON)
    review = ReviewProtections(**about, order_id="o")
    said = {"requested_by": "ann", "reason": "r"}
    cancels = [CancelOrder(**about, **said, **named) for named in ({"order_id": "1"}, {"proposal_id": "2"})]
    groups = {"main:binance:BTC/USDT", reached.group, review.group, *(cancel.group for cancel in cancels)}
    assert len(groups) == 5
