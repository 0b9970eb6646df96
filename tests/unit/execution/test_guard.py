"""Every position is left as it was wanted, once, whoever holds the way out and whatever is lost in between."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.unit.execution.guarded import GuardedDesk, protection
from volexswarm.errors import Rejected, Unavailable
from volexswarm.execution.model import Evidence, MarketRules, OrderRequest
from volexswarm.execution.protection import State
from volexswarm.execution.protection_ports import Market
from volexswarm.messages import OrderState, OrderType, Purpose, Side

S = OrderState
NET = Decimal("0.999")  # one bought, less the fee


def test_a_stop_is_held_at_the_exchange_and_fills_there() -> None:
    at = GuardedDesk()
    entry = at.buy(wanted=protection(stop="95"))
    (leg,) = at.ways_out(entry)
    assert (leg.purpose, leg.order_type, leg.state) == (Purpose.STOP, OrderType.STOP_LOSS, S.ACCEPTED)
    assert (leg.amount, leg.trigger_price, leg.parent_id) == (NET, Decimal(95), entry)
    assert at.tx.standing_watches(entry) == {}
    at.trade_at("97", "94.9")
    guarded = at.guarded(entry)
    assert (guarded.state, guarded.left, guarded.way) == (State.CLOSED, 0, Purpose.STOP)
    assert (at.sold, at.held) == (NET, 0)
    assert at.told == [(None, "armed", "exchange", "0.999"), ("armed", "closed", None, "0")]


def test_the_chain_of_the_entry_holds_the_whole_story() -> None:
    at = GuardedDesk()
    entry = at.buy(wanted=protection(stop="95", target="110"))
    at.trade_at("111")
    chain = at.tx.order(entry).correlation_id
    assert {event.correlationid for event in at.tx.published} == {chain}
    assert len({event.id for event in at.tx.published}) == len(at.tx.published)


def test_a_take_profit_takes_the_stop_off_the_exchange_before_it_sells() -> None:
    at = GuardedDesk()
    entry = at.buy(wanted=protection(stop="95", target="110"))
    at.exchange.calls.clear()
    at.trade_at("109", "110")
    assert at.exchange.calls.index("cancel") < at.exchange.calls.index("place")
    stop, sale = at.ways_out(entry)
    assert (stop.state, stop.filled) == (S.CANCELED, 0)
    assert (sale.purpose, sale.order_type, sale.state, sale.amount) == (
        Purpose.TAKE_PROFIT,
        OrderType.MARKET,
        S.FILLED,
        NET,
    )
    assert at.told == [
        (None, "armed", "exchange", "0.999"),
        ("armed", "exiting", "system", "0.999"),
        ("exiting", "closed", None, "0"),
    ]
    at.trade_at("94", "111")
    assert at.sold == NET


def test_what_the_stop_has_sold_in_the_meantime_is_not_sold_again() -> None:
    at = GuardedDesk()
    entry = at.buy(wanted=protection(stop="95", target="110"))
    at.exchange.fill(at.exchange.standing[-1], "0.4", "95")
    at.trade_at("110")
    stop, sale = at.ways_out(entry)
    assert (stop.filled, sale.amount) == (Decimal("0.4"), Decimal("0.599"))
    assert at.held == 0


@pytest.mark.parametrize(
    ("wanted", "prices", "way"),
    [
        (protection(stop="95"), ["96", "95"], Purpose.STOP),
        (protection(trail="0.05"), ["110", "104.5"], Purpose.TRAILING_STOP),
        (protection(trail="0.05", stop="90"), ["96", "94.9"], Purpose.TRAILING_STOP),
        (protection(target="120"), ["119.99", "121"], Purpose.TAKE_PROFIT),
        (protection(hold=3606), ["100", "100", "100", "100", "100", "100", "100"], Purpose.TIME_EXIT),
    ],
)
def test_without_such_orders_at_the_exchange_the_system_watches_the_price(wanted, prices, way) -> None:  # type: ignore[no-untyped-def]
    at = GuardedDesk()
    at.exchange.types = frozenset({OrderType.MARKET, OrderType.LIMIT})
    entry = at.buy(wanted=wanted)
    assert at.guarded(entry).holder == "system"
    at.trade_at(*prices[:-1])
    assert at.guarded(entry).state is State.ARMED
    at.trade_at(prices[-1])
    (sale,) = at.ways_out(entry)
    assert (sale.purpose, sale.order_type, sale.state) == (way, OrderType.MARKET, S.FILLED)
    assert (at.guarded(entry).state, at.held) == (State.CLOSED, 0)


def test_a_price_that_was_touched_before_the_watch_was_set_counts() -> None:
    at = GuardedDesk()
    at.exchange.types = frozenset({OrderType.MARKET})
    at.secrets.sealed = False
    entry = at.buy(wanted=None)
    at.tx.wanted[at.tx.order(entry).proposal_id] = protection(stop="95", target="120")
    at.trade_at("94", "99", heard=False)
    at.keep()
    (sale,) = at.ways_out(entry)
    assert (sale.purpose, sale.state, at.held) == (Purpose.STOP, S.FILLED, 0)


def test_what_was_bought_before_a_halt_is_left_after_it() -> None:
    at = GuardedDesk()
    entry = at.buy(wanted=protection(stop="95", target="110"))
    at.tx.state = replace(at.tx.state, since=at.clock.now() + timedelta(hours=1))
    at.trade_at("111")
    assert at.held == 0
    assert [order.state for order in at.ways_out(entry)] == [S.CANCELED, S.FILLED]


def test_a_trailing_stop_at_the_exchange_follows_the_price_there() -> None:
    at = GuardedDesk()
    entry = at.buy(wanted=protection(trail="0.1"))
    (leg,) = at.ways_out(entry)
    assert (leg.order_type, leg.trailing_share, leg.trigger_price) == (OrderType.TRAILING_STOP, Decimal("0.1"), None)
    at.trade_at("120", "130", "118", "117")
    assert (at.guarded(entry).way, at.held) == (Purpose.TRAILING_STOP, 0)


def test_a_stop_beyond_the_price_is_left_at_once() -> None:
    at = GuardedDesk()
    at.exchange.price = Decimal(94)
    entry = at.buy(wanted=protection(stop="95"))
    leg, sale = at.ways_out(entry)
    assert (leg.state, sale.state, sale.purpose) == (S.REJECTED, S.FILLED, Purpose.STOP)
    assert (at.guarded(entry).state, at.held) == (State.CLOSED, 0)


def test_a_stop_that_the_exchange_refuses_is_watched_by_the_system_and_the_reason_is_told() -> None:
    at = GuardedDesk("", "", "", "", "refused")
    entry = at.buy(wanted=protection(stop="95"))
    guarded = at.guarded(entry)
    assert (guarded.holder, guarded.refusal) == ("system", "InsufficientFunds: not enough")
    at.keep(3)
    assert len(at.ways_out(entry)) == 1
    at.trade_at("95")
    assert at.held == 0


def test_a_stop_that_somebody_else_took_off_is_watched_by_the_system() -> None:
    at = GuardedDesk()
    entry = at.buy(wanted=protection(stop="95"))
    at.exchange.drop(at.exchange.standing[-1])
    at.hear()
    at.deliver()
    guarded = at.guarded(entry)
    assert (guarded.holder, guarded.reason) == (
        "system",
        "watched by the system: it was canceled at the exchange, not by us",
    )
    at.trade_at("95")
    assert (at.guarded(entry).state, at.held) == (State.CLOSED, 0)


def test_more_stops_than_the_exchange_takes_are_watched_by_the_system() -> None:
    at = GuardedDesk()
    at.exchange.trigger_orders = 2
    entries = [at.buy(number, wanted=protection(stop=f"{90 + number}")) for number in (1, 2, 3)]
    assert [at.guarded(entry).holder for entry in entries] == ["exchange", "exchange", "system"]
    at.trade_at("93")
    assert [at.guarded(entry).state for entry in entries] == [State.ARMED, State.ARMED, State.CLOSED]
    at.trade_at("90")
    assert at.held == 0


def test_what_is_filled_of_an_open_entry_is_protected_by_the_keeper_and_grows() -> None:
    at = GuardedDesk()
    entry = at.buy(wanted=protection(stop="95"), limit="99")
    standing = at.exchange.standing[0]
    at.exchange.fill(standing, "0.4", "99")
    at.keep()
    (leg,) = at.ways_out(entry)
    assert leg.amount == Decimal("0.399")  # 0.3996 in whole steps
    at.exchange.fill(standing, "0.6", "99")
    at.hear()
    at.deliver()
    first, second = at.ways_out(entry)
    assert (first.state, second.state, second.amount) == (S.CANCELED, S.ACCEPTED, NET)


def test_leaving_takes_the_rest_of_an_open_entry_off_first() -> None:
    at = GuardedDesk()
    entry = at.buy(wanted=protection(target="110"), limit="99")
    at.exchange.fill(at.exchange.standing[0], "0.4", "99")
    at.keep()
    at.trade_at("110")
    assert at.tx.order(entry).state is S.CANCELED
    assert at.tx.order(entry).cancel_reason == "its position is being left: take profit: reached at 110"
    assert at.held == Decimal("0.0006")  # less than a step


def test_a_sale_gets_the_base_that_stops_lock_and_the_oldest_give_way_first() -> None:
    at = GuardedDesk()
    entries = [at.buy(number, wanted=protection(stop="95")) for number in (1, 2)]
    sale = at.sell(3, "0.5")
    assert at.tx.order(sale).state is S.FILLED
    assert [at.guarded(entry).left for entry in entries] == [Decimal("0.499"), NET]
    assert [at.guarded(entry).holder for entry in entries] == ["exchange", "exchange"]
    assert [len(at.ways_out(entry)) for entry in entries] == [2, 1]
    at.trade_at("95")
    assert at.held == 0
    assert all(at.guarded(entry).state is State.CLOSED for entry in entries)


def test_a_sale_of_everything_ends_the_protection() -> None:
    at = GuardedDesk()
    entry = at.buy(wanted=protection(stop="95", target="120"))
    at.sell(2, "0.999")
    guarded = at.guarded(entry)
    assert (guarded.state, guarded.reason) == (State.CLOSED, "sold otherwise")
    at.trade_at("121", "90")
    assert at.held == 0
    assert at.tx.standing_watches(entry) == {}


def test_a_sale_is_not_sent_while_the_release_is_not_certain() -> None:
    at = GuardedDesk()
    at.buy(wanted=protection(stop="95"))
    at.exchange.mishaps = ["", "", "lost"]  # rules twice, then the cancellation
    at.exchange.calls.clear()
    sale = at.sell(2, "0.999")
    assert at.tx.order(sale).state is S.FILLED
    assert at.exchange.calls.count("cancel") == 2
    assert at.exchange.calls.count("place") == 1


def test_while_a_sale_stands_the_system_watches_and_takes_it_away_to_leave() -> None:
    at = GuardedDesk()
    entry = at.buy(wanted=protection(stop="95"))
    sale = at.sell(2, "0.999", limit="120")
    assert (at.tx.order(sale).state, at.guarded(entry).holder) == (S.ACCEPTED, "system")
    at.trade_at("94")
    assert at.tx.order(sale).state is S.CANCELED
    assert (at.guarded(entry).state, at.held) == (State.CLOSED, 0)


def test_after_a_sale_that_came_to_nothing_the_exchange_holds_the_stop_again() -> None:
    at = GuardedDesk()
    entry = at.buy(wanted=protection(stop="95"))
    sale = at.sell(2, "0.999", limit="120")
    at.orders.cancel(sale, "not wanted any more")
    at.deliver()
    assert at.guarded(entry).holder == "exchange"
    assert at.tx.standing_watches(entry) == {}


def test_coins_that_somebody_else_sold_are_not_protected_any_more() -> None:
    at = GuardedDesk()
    entry = at.buy(wanted=protection(target="110"))
    at.tx.put_position(
        next(iter(at.tx.recorded.values()))[0], at.tx.position("", "", "BTC/USDT").__class__(), at.clock.now()
    )
    at.keep()
    assert at.guarded(entry).state is State.CLOSED


def test_nothing_is_left_in_a_halt_and_the_price_is_watched_again_after_it() -> None:
    at = GuardedDesk()
    entry = at.buy(wanted=protection(target="110"))
    at.halt("halted by ann: strange prices")
    at.trade_at("111", "112")
    guarded = at.guarded(entry)
    assert (guarded.state, guarded.paused) == (State.ARMED, True)
    assert (at.ways_out(entry), at.tx.standing_watches(entry)) == ([], {})
    at.trade_at("115", "100")
    at.halt(None)
    at.keep()
    assert (at.guarded(entry).state, at.ways_out(entry)) == (State.ARMED, [])
    at.trade_at("111")
    assert at.held == 0


def test_a_halt_between_a_way_out_and_its_sending_lets_it_pass() -> None:
    at = GuardedDesk()
    entry = at.buy(wanted=protection(target="110"))
    place = at.orders.go_on

    def halted(order) -> None:  # type: ignore[no-untyped-def]
        at.halt("halted by ann: strange prices")
        place(order)

    at.orders.go_on = halted  # type: ignore[method-assign]
    at.trade_at("110")
    assert (at.guarded(entry).state, at.held) == (State.ARMED, NET)
    at.orders.go_on = place  # type: ignore[method-assign]
    at.halt(None)
    at.keep()
    at.trade_at("111")
    assert (at.guarded(entry).state, at.held) == (State.CLOSED, 0)


def test_a_sale_that_the_exchange_refuses_is_tried_again_once_a_round() -> None:
    at = GuardedDesk()
    entry = at.buy(wanted=protection(target="110"))
    at.exchange.mishaps = ["", "", "refused"]
    at.trade_at("110")
    assert [order.state for order in at.ways_out(entry)] == [S.REJECTED]
    at.exchange.mishaps = ["", "", "refused"]
    at.keep()
    assert [order.state for order in at.ways_out(entry)] == [S.REJECTED, S.REJECTED]
    at.keep()
    assert (at.guarded(entry).state, at.held) == (State.CLOSED, 0)


def test_a_sale_that_is_refused_for_good_is_tried_ever_more_rarely_and_never_given_up() -> None:
    at = GuardedDesk()
    entry = at.buy(wanted=protection(target="110"))
    place = at.exchange.place

    def refuse(request: OrderRequest) -> Evidence:
        raise Rejected("InsufficientFunds: the coins are gone")

    at.exchange.place = refuse  # type: ignore[method-assign]
    at.trade_at("110")
    for _ in range(120):
        at.keep()
    assert 6 <= len(at.ways_out(entry)) <= 10
    at.exchange.place = place  # type: ignore[method-assign]
    for _ in range(70):
        at.keep()
    assert (at.guarded(entry).state, at.held) == (State.CLOSED, 0)


@pytest.mark.parametrize("booked", [True, False], ids=["known", "unknown"])
def test_of_a_position_whose_coins_were_withdrawn_in_part_what_is_left_is_sold_at_once(booked: bool) -> None:
    at = GuardedDesk()
    entry = at.buy(wanted=protection(target="110"))
    at.move_coins("-0.6", booked=booked)
    at.trade_at("110")
    *refused, sale = at.ways_out(entry)
    assert (sale.state, sale.amount, at.held) == (S.FILLED, Decimal("0.399"), 0)
    assert len(refused) == (0 if booked else 1)
    causes = [cause for order_id, before, _, cause in at.tx.transitions if order_id == sale.id and before is None]
    assert causes == ["take profit: reached at 110; of 0.999 only 0.399 are free in the account"]
    guarded = at.guarded(entry)
    assert (guarded.state, guarded.left) == (State.CLOSED, Decimal("0.6"))
    assert guarded.reason == "take profit: reached at 110; 0.6 of it are not in the account any more"
    orders = len(at.tx.orders)
    at.keep(5)
    assert len(at.tx.orders) == orders


def test_no_stop_is_sent_to_the_exchange_for_coins_that_are_not_there() -> None:
    at = GuardedDesk()
    at.exchange.types = frozenset({OrderType.MARKET})
    entry = at.buy(wanted=protection(stop="95"))
    at.move_coins("-0.6")
    at.exchange.types = frozenset(OrderType)
    at.keep()
    assert (at.guarded(entry).holder, at.ways_out(entry)) == ("system", [])
    at.trade_at("95")
    assert [order.amount for order in at.ways_out(entry)] == [Decimal("0.399")]


def test_coins_that_somebody_else_offers_for_sale_are_left_when_they_are_free_again() -> None:
    at = GuardedDesk()
    entry = at.buy(wanted=protection(target="110"))
    foreign = OrderRequest(
        "by-hand", "BTC/USDT", Side.SELL, OrderType.LIMIT, Decimal("0.999"), Decimal(200), at.clock.now()
    )
    at.exchange.place(foreign)
    at.trade_at("110")
    at.keep(3)
    assert (at.guarded(entry).state, len(at.ways_out(entry))) == (State.EXITING, 1)
    at.exchange.drop(at.exchange.standing[1])
    at.keep()
    assert (at.guarded(entry).state, at.held) == (State.CLOSED, 0)


def test_the_same_command_twice_changes_nothing() -> None:
    at = GuardedDesk()
    at.buy(wanted=protection(stop="95", target="110"))
    at.trade_at("110")
    before = len(at.tx.published), at.exchange.calls.count("place")
    at.waiting = list(at.tx.published)[:]
    at.waiting = [event for event in at.waiting if type(event.data).__name__ in ("PriceReached", "ReviewProtections")]
    at.deliver()
    assert (len(at.tx.published), at.exchange.calls.count("place")) == before


@pytest.mark.parametrize("mishap", ["lost", "mute", "late", "killed"])
@pytest.mark.parametrize("step", range(12))
@pytest.mark.parametrize(
    "wanted", [protection(stop="95", target="110"), protection(target="110")], ids=["leg", "watch"]
)
def test_whatever_answer_is_lost_there_is_one_exit(mishap: str, step: int, wanted) -> None:  # type: ignore[no-untyped-def]
    at = GuardedDesk(*[""] * step, mishap)
    entry = at.buy(wanted=wanted)
    at.keep(2)
    at.trade_at("110")
    at.keep(3)
    assert at.guarded(entry).state is State.CLOSED
    assert at.sold == NET
    assert sum(1 for order in at.ways_out(entry) if order.filled) == 1
    assert at.exchange.free == 0


def test_slow_markets_have_their_turn_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    at, asked = GuardedDesk(), list[str]()
    markets = [Market("binance", "main", symbol) for symbol in ("BTC/USDT", "ETH/USDT", "SOL/USDT")]
    monkeypatch.setattr(at.tx, "guarded_markets", lambda: markets)

    def slow(symbol: str) -> MarketRules:
        asked.append(symbol)
        at.clock.advance(timedelta(seconds=30))
        raise Unavailable("exchange", "RequestTimeout")

    at.exchange.rules = slow  # type: ignore[method-assign]
    for _ in markets:
        at.guard.look_after()
        at.clock.advance(timedelta(seconds=30))
    assert sorted(asked) == [market.symbol for market in markets]
