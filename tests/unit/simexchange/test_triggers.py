"""Orders that wait for a price: when they go live, at what they trade, and what they hold until then."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from simexchange.engine.errors import Reason, Refused
from simexchange.engine.orders import OrderType, Side, Status
from simexchange.engine.units import ONE, parse, text
from tests.unit.simexchange.trading import RICH, RULES, SYMBOL, Desk

STOP, STOP_LIMIT = OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT
PROFIT, PROFIT_LIMIT = OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT


def market_at(price):
    desk = Desk("alice", "bob", public_executions=False)
    desk.print(price)
    return desk


def balances(desk, account="alice"):
    return {asset: (desk.free(account, asset), desk.locked(account, asset)) for asset in ("BTC", "USDT")}


@pytest.mark.parametrize(
    ("kind", "side", "stop", "prices", "fill"),
    [
        # a stop sells when the price has fallen to it, at what is bid then (1 below the price)
        (STOP, "sell", "95", ["96", "95.01"], None),
        (STOP, "sell", "95", ["96", "95"], "94"),
        # the price gaps below the stop: sold at what is bid there, not at the stop
        (STOP, "sell", "95", ["99", "80"], "79"),
        # a stop buys when the price has risen to it
        (STOP, "buy", "105", ["104.99"], None),
        (STOP, "buy", "105", ["104", "105"], "106"),
        # a take-profit is the other way round
        (PROFIT, "sell", "105", ["104.99", "90"], None),
        (PROFIT, "sell", "105", ["106"], "105"),
        (PROFIT, "buy", "95", ["95.01", "110"], None),
        (PROFIT, "buy", "95", ["94"], "95"),
    ],
)
def test_a_stop_and_a_profit_go_live_at_their_price_and_trade_at_the_market(kind, side, stop, prices, fill):
    desk = market_at("100")
    order, fills = desk.order("alice", side, "1", kind=kind, stop=stop)
    assert (fills, order.waiting) == ([], True)
    for price in prices:
        desk.print(price)
    if fill is None:
        assert (order.status, order.waiting) == (Status.NEW, True)
    else:
        (made,) = desk.exchange.fills
        assert (order.status, order.waiting, text(made.price)) == (Status.FILLED, False, text(parse(fill)))


@pytest.mark.parametrize(
    ("side", "kind", "trailing", "stop", "prices", "fill"),
    [
        # 5 % below the best so far: 100 -> 95
        ("sell", STOP, 500, "0", ["95.01"], None),
        ("sell", STOP, 500, "0", ["95"], "94"),
        # the best moves up and never down: 120 -> 114
        ("sell", STOP, 500, "0", ["120", "114.01", "118", "114"], "113"),
        # 5 % above the lowest: 80 -> 84
        ("buy", STOP, 500, "0", ["80", "83.99", "84"], "85"),
        # follows only from its activation on: 110 reached, then 5 % back from the best behind it
        ("sell", PROFIT, 500, "110", ["109.99", "100"], None),
        ("sell", PROFIT, 500, "110", ["111", "106"], None),
        ("sell", PROFIT, 500, "110", ["111", "120", "114"], "113"),
        ("buy", PROFIT, 500, "90", ["80", "84"], "85"),
    ],
)
def test_a_trailing_order_follows_the_best_price_and_fires_on_the_way_back(side, kind, trailing, stop, prices, fill):
    desk = market_at("100")
    order, _ = desk.order("alice", side, "1", kind=kind, trailing=trailing, stop=stop)
    for price in prices:
        desk.print(price)
    assert [text(made.price) for made in desk.exchange.fills] == ([] if fill is None else [text(parse(fill))])
    assert order.waiting is (fill is None)


def test_a_stop_limit_rests_at_its_limit_when_the_market_is_beyond_it():
    desk = market_at("100")
    order, _ = desk.order("alice", "sell", "1", "94.5", kind=STOP_LIMIT, stop="95")
    desk.print("90")
    assert (order.status, order.waiting, desk.exchange.fills) == (Status.NEW, False, [])
    assert order.working_ms > order.created_ms
    desk.print("96")
    assert (order.status, order.quote_filled) == (Status.FILLED, parse("94.5"))


@pytest.mark.parametrize(("tif", "status"), [("IOC", Status.EXPIRED), ("FOK", Status.EXPIRED), ("GTC", Status.NEW)])
def test_time_in_force_counts_from_going_live(tif, status):
    desk = market_at("100")
    order, _ = desk.order("alice", "sell", "1", "99", kind=STOP_LIMIT, stop="95", tif=tif)
    assert order.status is Status.NEW
    desk.print("90")
    assert order.status is status


@pytest.mark.parametrize(
    ("side", "kind", "price", "more", "asset", "held"),
    [
        ("sell", STOP, None, {"stop": "95"}, "BTC", "2"),
        ("buy", STOP, None, {"stop": "105"}, "USDT", "210"),
        ("buy", STOP_LIMIT, "106", {"stop": "105"}, "USDT", "212"),
        ("buy", PROFIT, None, {"stop": "90"}, "USDT", "180"),
        ("buy", STOP, None, {"trailing": 500}, "USDT", "210"),
        ("sell", STOP, None, {"trailing": 500}, "BTC", "2"),
    ],
)
def test_a_waiting_order_holds_its_funds_and_gives_them_back(side, kind, price, more, asset, held):
    desk = market_at("100")
    before = balances(desk)
    order, _ = desk.order("alice", side, "2", price, kind=kind, **more)
    assert desk.locked("alice", asset) == parse(held)
    desk.exchange.cancel("alice", order, 99)
    assert (order.status, balances(desk)) == (Status.CANCELED, before)
    desk.print("50")
    desk.print("150")
    assert desk.exchange.fills == []


def test_a_stop_that_cannot_be_paid_when_its_price_comes_expires_and_says_why():
    desk = market_at("100")
    desk.exchange.transfer("alice", "USDT", parse("210") - parse(RICH), 2)
    order, _ = desk.order("alice", "buy", "2", kind=STOP, stop="105")
    desk.exchange.drain()
    desk.print("120")
    assert (order.status, balances(desk)["USDT"]) == (Status.EXPIRED, (parse("210"), 0))
    assert [(r.execution, r.reason) for r in desk.exchange.drain().reports] == [("EXPIRED", "INSUFFICIENT_BALANCES")]


def test_going_live_is_reported_before_what_it_trades():
    desk = market_at("100")
    desk.order("alice", "sell", "1", kind=STOP, stop="95")
    desk.print("95")
    told = [(r.execution, r.order.waiting) for r in desk.exchange.drain().reports]
    assert told == [("NEW", True), ("NEW", False), ("TRADE", False)]


def test_one_stop_can_set_off_another_by_its_own_trades():
    desk = Desk("alice", "bob", "carol")
    desk.exchange.quote(SYMBOL, {parse(p): parse("1") for p in ("99", "96", "93", "90")}, {}, 1)
    desk.exchange.take(SYMBOL, Side.SELL, parse("0.5"), 2)
    first, _ = desk.order("bob", "sell", "1", kind=STOP, stop="98")
    second, _ = desk.order("carol", "sell", "1", kind=STOP, stop="96")
    desk.exchange.take(SYMBOL, Side.SELL, parse("1"), 3)  # half at 99, half at 96: both fire, the older one first
    assert [order.status for order in (first, second)] == [Status.FILLED, Status.FILLED]
    assert [(f.account, text(f.price)[:2]) for f in desk.exchange.fills] == [
        ("bob", "96"),
        ("bob", "93"),
        ("carol", "93"),
        ("carol", "90"),
    ]


def test_what_an_order_sets_off_may_meet_what_is_left_of_it_at_its_own_price():
    desk = Desk("alice", "bob", "carol")
    desk.exchange.quote(SYMBOL, {parse("99"): parse("1")}, {parse("101"): parse("1")}, 1)
    desk.exchange.take(SYMBOL, Side.BUY, parse("0.5"), 2)
    profit, _ = desk.order("alice", "buy", "2", kind=PROFIT, stop="99")
    order, fills = desk.order("bob", "sell", "4", "98")
    assert [(text(f.price)[:2], text(f.quantity)[:3], f.is_maker) for f in fills] == [
        ("99", "1.0", False),
        ("98", "2.0", True),
    ]
    assert (profit.status, order.status, order.filled) == (Status.FILLED, Status.PARTIALLY_FILLED, parse("3"))


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (("sell", "1", None, {"kind": STOP, "stop": "100"}), Reason.WOULD_TRIGGER),
        (("buy", "1", None, {"kind": STOP, "stop": "99"}), Reason.WOULD_TRIGGER),
        (("sell", "1", "100", {"kind": PROFIT_LIMIT, "stop": "99"}), Reason.WOULD_TRIGGER),
        (("sell", "1", None, {"kind": STOP, "stop": "95.001"}), Reason.PRICE_FILTER),
        (("sell", "1", None, {"kind": STOP, "trailing": 9}), Reason.TRAILING_DELTA),
        (("sell", "1", None, {"kind": STOP, "trailing": 2001}), Reason.TRAILING_DELTA),
        (("sell", "1000001", None, {"kind": STOP, "stop": "95"}), Reason.MARKET_LOT_SIZE),
        (("sell", "900000", None, {"kind": STOP, "stop": "95"}), None),
        (("buy", "9600", None, {"kind": STOP, "stop": "105"}), Reason.INSUFFICIENT_BALANCE),
    ],
)
def test_a_waiting_order_that_cannot_be_is_refused(order, reason):
    desk = market_at("100")
    side, quantity, price, more = order
    if reason is None:
        desk.order("alice", side, quantity, price, **more)
        return
    with pytest.raises(Refused) as refused:
        desk.order("alice", side, quantity, price, **more)
    assert refused.value.reason is reason
    assert desk.exchange.open_orders("alice") == []


def test_an_account_has_at_most_five_waiting_orders_and_two_hundred_in_all():
    desk = market_at("100")
    for _ in range(5):
        desk.order("alice", "sell", "0.1", kind=STOP, stop="95")
    with pytest.raises(Refused) as refused:
        desk.order("alice", "sell", "0.1", kind=STOP, stop="95")
    assert refused.value.reason is Reason.MAX_NUM_ALGO_ORDERS
    for _ in range(195):
        desk.order("alice", "buy", "0.1", "90")
    with pytest.raises(Refused) as refused:
        desk.order("alice", "buy", "0.1", "90")
    assert refused.value.reason is Reason.MAX_NUM_ORDERS
    desk.order("bob", "buy", "0.1", "90")


@settings(deadline=None)
@given(
    kind=st.sampled_from([STOP, PROFIT, STOP_LIMIT, PROFIT_LIMIT]),
    side=st.sampled_from(list(Side)),
    stop=st.integers(50, 150),
    prices=st.lists(st.integers(40, 160), max_size=30),
)
def test_nothing_goes_live_before_its_price_was_paid_nor_after(kind, side, stop, prices):
    rises = (kind in {STOP, STOP_LIMIT}) == (side is Side.BUY)
    assume(stop > 100 if rises else stop < 100)
    desk = market_at("100")
    order, _ = desk.order("alice", side, "1", str(stop) if kind.has_limit else None, kind=kind, stop=str(stop))
    for price in prices:
        waited = order.waiting
        desk.print(str(price))
        assert order.waiting is (waited and not (price >= stop if rises else price <= stop))


@settings(deadline=None)
@given(
    side=st.sampled_from(list(Side)),
    delta=st.integers(10, 2_000),
    prices=st.lists(st.integers(4_000, 40_000), max_size=40),
)
def test_a_trailing_order_fires_exactly_when_the_price_has_come_back_so_far(side, delta, prices):
    desk = market_at("100")
    order, _ = desk.order("alice", side, "0.1", kind=STOP, trailing=delta)
    best = 10_000
    for cents in prices:
        waited = order.waiting
        desk.print(text(cents * RULES.tick), spread="0.5")
        best = max(best, cents) if side is Side.SELL else min(best, cents)
        back = (best - cents) / best if side is Side.SELL else (cents - best) / best
        if abs(back - delta / 10_000) > 1e-12:
            assert order.waiting is (waited and back < delta / 10_000)
        if waited and order.waiting:
            assert order.extreme == best * RULES.tick


def test_the_same_locked_funds_are_freed_by_going_live_as_were_taken():
    desk = market_at("100")
    desk.order("alice", "buy", "0.33333", kind=STOP, trailing=333)
    desk.print("90")
    desk.print("95")
    (fill,) = desk.exchange.fills
    assert desk.locked("alice", "USDT") == 0
    assert desk.free("alice", "USDT") == parse(RICH) - fill.quote
    assert fill.quote == fill.price * fill.quantity // ONE
