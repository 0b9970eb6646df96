"""What the engine promises to whoever trades on it."""

from dataclasses import replace

import pytest

from simexchange.engine.errors import Reason, Refused
from simexchange.engine.exchange import PRIVATE_TRADE_IDS
from simexchange.engine.orders import NewOrder, OrderType, Side, Status, Trade
from simexchange.engine.units import parse, text
from tests.unit.simexchange.trading import RICH, RULES, SYMBOL, Desk


def test_the_better_price_trades_first_and_then_the_older_order():
    desk = Desk("alice", "bob", "carol")
    late, _ = desk.order("bob", "sell", "1", "101")
    first, _ = desk.order("bob", "sell", "1", "100")
    second, _ = desk.order("carol", "sell", "1", "100")
    _, fills = desk.order("alice", "buy", "2.5", "101")
    assert [(text(fill.price), text(fill.quantity)) for fill in fills] == [
        ("100.00000000", "1.00000000"),
        ("100.00000000", "1.00000000"),
        ("101.00000000", "0.50000000"),
    ]
    assert (first.status, second.status, late.status) == (Status.FILLED, Status.FILLED, Status.PARTIALLY_FILLED)


def test_at_one_price_the_older_order_is_filled_before_the_younger_gets_anything():
    desk = Desk("alice", "bob", "carol")
    older, _ = desk.order("bob", "sell", "1", "100")
    younger, _ = desk.order("carol", "sell", "1", "100")
    desk.order("alice", "buy", "0.7", "100")
    assert (older.filled, younger.filled) == (parse("0.7"), 0)
    desk.order("alice", "buy", "0.7", "100")
    assert (older.filled, younger.filled) == (parse("1"), parse("0.4"))


def test_fees_are_a_thousandth_of_what_is_received_rounded_down():
    desk = Desk()
    desk.order("bob", "sell", "0.12345", "81.03")
    _, (fill,) = desk.order("alice", "buy", "0.12345")
    # 0.12345 x 81.03 = 10.0031535
    assert (text(fill.quote), text(fill.fee), fill.fee_asset) == ("10.00315350", "0.00012345", "BTC")
    sold = next(f for f in desk.exchange.fills if f.account == "bob")
    assert (text(sold.fee), sold.fee_asset, sold.is_maker) == ("0.01000315", "USDT", True)
    assert desk.free("alice", "BTC") - parse(RICH) == parse("0.12345") - parse("0.00012345")
    assert desk.free("bob", "USDT") - parse(RICH) == parse("10.0031535") - parse("0.01000315")


def test_a_buy_that_fills_below_its_limit_gets_the_difference_back():
    desk = Desk()
    desk.order("bob", "sell", "1", "100")
    order, _ = desk.order("alice", "buy", "2", "110")
    assert text(desk.locked("alice", "USDT")) == "110.00000000"
    assert desk.free("alice", "USDT") == parse(RICH) - parse("210")
    desk.exchange.cancel("alice", order, 9)
    assert (desk.locked("alice", "USDT"), desk.free("alice", "USDT")) == (0, parse(RICH) - parse("100"))


@pytest.mark.parametrize(
    ("tif", "status", "filled", "rests"),
    [
        ("GTC", Status.PARTIALLY_FILLED, "1", True),
        ("IOC", Status.EXPIRED, "1", False),
        ("FOK", Status.EXPIRED, "0", False),
    ],
)
def test_time_in_force_rules_what_is_not_filled_at_once(tif, status, filled, rests):
    desk = Desk()
    desk.order("bob", "sell", "1", "100")
    order, _ = desk.order("alice", "buy", "2", "100", tif=tif)
    assert (order.status, order.filled) == (status, parse(filled))
    assert bool(desk.exchange.open_orders("alice")) is rests
    assert (desk.locked("alice", "USDT") > 0) is rests


def test_fill_or_kill_fills_whole_when_several_orders_together_suffice():
    desk = Desk()
    desk.order("bob", "sell", "1", "100")
    desk.order("bob", "sell", "1", "101")
    order, fills = desk.order("alice", "buy", "2", "101", tif="FOK")
    assert (order.status, len(fills)) == (Status.FILLED, 2)


def test_a_market_order_for_an_amount_of_quote_spends_at_most_that():
    desk = Desk()
    desk.order("bob", "sell", "1", "99.99")
    order, _ = desk.order("alice", "buy", "0", quote="50")
    assert order.status is Status.FILLED
    assert order.quantity == order.filled == parse("0.50005")
    assert parse("50") - order.quote_filled < parse("99.99") // 100_000


def test_a_market_order_into_an_empty_book_expires_unfilled():
    order, fills = Desk().order("alice", "buy", "1")
    assert (order.status, fills) == (Status.EXPIRED, [])


def test_an_account_never_trades_with_itself():
    desk = Desk()
    own, _ = desk.order("alice", "sell", "1", "100")
    desk.order("bob", "sell", "1", "101")
    order, (fill,) = desk.order("alice", "buy", "1", "101")
    assert own.status is Status.EXPIRED_IN_MATCH
    assert (order.status, fill.price) == (Status.FILLED, parse("101"))
    assert desk.locked("alice", "BTC") == 0


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ({"quantity": "1", "price": "100.001"}, Reason.PRICE_FILTER),
        ({"quantity": "1", "price": "2000000"}, Reason.PRICE_FILTER),
        ({"quantity": "0.000001", "price": "100"}, Reason.LOT_SIZE),
        ({"quantity": "0.000015"}, Reason.MARKET_LOT_SIZE),
        ({"quantity": "0.04999", "price": "100"}, Reason.NOTIONAL),
        ({"quantity": "0.04999"}, Reason.NOTIONAL),
        ({"quantity": "0", "quote": "4.99"}, Reason.NOTIONAL),
        ({"quantity": "10001", "price": "100"}, Reason.INSUFFICIENT_BALANCE),
        ({"quantity": "0", "quote": "1000000.01"}, Reason.INSUFFICIENT_BALANCE),
        ({"quantity": "1", "price": "100", "kind": OrderType.LIMIT_MAKER}, Reason.WOULD_TAKE),
        ({"quantity": "1", "price": "100", "client_id": "taken"}, Reason.DUPLICATE_CLIENT_ID),
    ],
)
def test_a_refused_order_says_why_and_changes_nothing(order, reason):
    desk = Desk()
    desk.order("bob", "sell", "20000", "100")
    desk.order("alice", "buy", "1", "99", client_id="taken")
    desk.exchange.drain()
    with pytest.raises(Refused) as refused:
        desk.order("alice", "buy", **order)
    assert refused.value.reason is reason
    happened = desk.exchange.drain()
    assert (happened.trades, happened.reports, happened.balances) == ([], [], {})


@pytest.mark.parametrize(
    ("price", "quantity", "reason"),
    [
        ("500", "1", None),
        ("500.01", "1", Reason.PERCENT_PRICE_BY_SIDE),
        ("20", "1", None),
        ("19.99", "1", Reason.PERCENT_PRICE_BY_SIDE),
        ("100", "90000", None),
        ("100", "90001", Reason.NOTIONAL),
    ],
)
def test_a_limit_price_keeps_to_the_average_of_five_minutes_and_an_order_to_its_largest_worth(price, quantity, reason):
    desk = Desk("alice", "bob", public_executions=False)
    desk.exchange.publish(SYMBOL, Trade(1, 0, parse("1000"), parse("9"), True))  # more than five minutes ago
    desk.exchange.publish(SYMBOL, Trade(2, 360_000, parse("90"), parse("1"), True))
    desk.exchange.publish(SYMBOL, Trade(3, 600_000, parse("102.5"), parse("4"), True))
    new = NewOrder("alice", "c", SYMBOL, Side.SELL, OrderType.LIMIT, price=parse(price), quantity=parse(quantity))
    if reason is None:
        desk.exchange.place(new, 600_000)
        return
    with pytest.raises(Refused) as refused:
        desk.exchange.place(new, 600_000)
    assert refused.value.reason is reason


@pytest.mark.parametrize(
    ("more", "fits"),
    [
        ({"quantity": "0.5", "price": "90"}, True),
        ({"quantity": "0.51", "price": "90"}, False),
        ({"quantity": "0.51"}, False),
        ({"quantity": "0", "quote": "50"}, True),
        ({"quantity": "0", "quote": "51"}, False),
        ({"quantity": "0.51", "kind": OrderType.STOP_LOSS, "stop": "120"}, False),
    ],
)
def test_what_is_held_and_on_order_stays_within_the_largest_position(more, fits):
    desk = Desk(rules=replace(RULES, max_position=parse(RICH) + parse("2")))
    desk.order("bob", "sell", "5", "100")
    desk.order("alice", "buy", "1", "80")
    desk.order("alice", "buy", "0.5", "99")
    if fits:
        desk.order("alice", "buy", **more)
        return
    with pytest.raises(Refused) as refused:
        desk.order("alice", "buy", **more)
    assert refused.value.reason is Reason.MAX_POSITION


def test_a_withdrawal_takes_no_more_than_is_free_and_changes_nothing_when_refused():
    desk = Desk()
    desk.order("alice", "buy", "1", "100")
    desk.exchange.drain()
    with pytest.raises(Refused) as refused:
        desk.exchange.transfer("alice", "USDT", -(parse(RICH) - parse("100")) - 1, 7)
    assert refused.value.reason is Reason.INSUFFICIENT_BALANCE
    happened = desk.exchange.drain()
    assert (happened.transfers, happened.balances, desk.exchange.transfers) == ([], {}, [])
    desk.exchange.transfer("alice", "USDT", -(parse(RICH) - parse("100")), 7)
    assert (desk.free("alice", "USDT"), desk.locked("alice", "USDT")) == (0, parse("100"))


def test_a_client_id_is_free_again_once_its_order_is_closed():
    desk = Desk()
    first, _ = desk.order("alice", "buy", "1", "99", client_id="mine")
    desk.exchange.cancel("alice", first, 5)
    second, _ = desk.order("alice", "buy", "1", "98", client_id="mine")
    assert desk.exchange.find("alice", SYMBOL, None, "mine") is second


def test_orders_of_others_are_unknown():
    desk = Desk()
    order, _ = desk.order("alice", "buy", "1", "99")
    with pytest.raises(Refused) as refused:
        desk.exchange.find("bob", SYMBOL, order.id, None)
    assert refused.value.reason is Reason.UNKNOWN_ORDER


def test_the_house_moves_its_quotes_through_a_users_order_and_fills_it():
    desk = Desk()
    desk.exchange.quote(SYMBOL, {parse("99"): parse("1")}, {parse("101"): parse("1")}, 1)
    order, _ = desk.order("alice", "buy", "1.5", "100")
    desk.exchange.quote(SYMBOL, {parse("98"): parse("1")}, {parse("99.5"): parse("1")}, 2)
    assert (order.status, order.filled, order.quote_filled) == (Status.PARTIALLY_FILLED, parse("1"), parse("100"))
    assert desk.exchange.fills[-1].is_maker


def test_a_quote_that_still_stands_keeps_what_is_left_of_it():
    desk = Desk()
    levels = ({parse("99"): parse("1")}, {parse("101"): parse("1")})
    desk.exchange.quote(SYMBOL, *levels, 1)
    desk.exchange.take(SYMBOL, Side.BUY, parse("0.4"), 2)
    desk.exchange.quote(SYMBOL, *levels, 3)
    assert desk.exchange.markets[SYMBOL].book.best(Side.SELL) == (parse("101"), parse("0.6"))


def test_executions_in_a_replay_are_private_and_use_no_public_id():
    desk = Desk(public_executions=False)
    desk.exchange.publish(SYMBOL, Trade(70, 1, parse("100"), parse("1"), True))
    desk.exchange.quote(SYMBOL, {}, {parse("100"): parse("5")}, 1)
    _, fills = desk.order("alice", "buy", "1")
    desk.exchange.publish(SYMBOL, Trade(71, 2, parse("100"), parse("1"), True))
    assert [trade.id for _, trade in desk.exchange.drain().trades] == [70, 71]
    assert [fill.trade_id for fill in fills] == [PRIVATE_TRADE_IDS]
