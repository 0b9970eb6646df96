"""The risk agent: each limit refuses by its name, sells are never trapped, and doubt is a refusal."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.unit.risk.desk import CASH, MARKET_START, Desk, check, failed, policy_with
from volexswarm.errors import Unavailable
from volexswarm.messages import Side, TradeProposed, TradeRefused
from volexswarm.policies import StoredPolicy
from volexswarm.risk.model import Pending


def test_a_buy_is_sized_by_its_tightest_budget():
    proposal = Desk().buy(stop_price="49000", volatility=0.002)
    # 2 % of 100,000 at risk over 1,000 is 2 BTC; 5 % of 100,000 is 0.1 BTC: the smaller
    assert isinstance(proposal, TradeProposed)
    assert (proposal.amount, proposal.side, proposal.stop_price) == (Decimal("0.1"), Side.BUY, Decimal(49000))
    assert "set by max_trade" in proposal.sizing
    assert proposal.verdict.approved


@pytest.mark.parametrize(
    ("stop", "volatility", "policy", "amount", "budget"),
    [
        # a stop 40,000 away: 2,000 at risk over it
        ("10000", None, {}, "0.05", "risk_per_trade"),
        # a wild market: 1 % of 100,000 over a range of 50 % of 50,000
        ("49000", 0.5, {}, "0.04", "volatility_target"),
        ("49000", None, {"max_trade": "0.03"}, "0.06", "max_trade"),
        ("49000", None, {"max_per_symbol": "0.02"}, "0.04", "max_per_symbol"),
    ],
)
def test_the_budget_that_sets_the_size_is_named(stop, volatility, policy, amount, budget):
    proposal = Desk(policy=policy_with(**policy)).buy(stop_price=stop, volatility=volatility)
    assert isinstance(proposal, TradeProposed)
    assert proposal.amount == Decimal(amount)
    assert f"set by {budget}" in proposal.sizing


def test_cash_bounds_the_size_with_room_for_fees_and_slippage():
    all_in = policy_with(max_per_symbol=Decimal(1), max_gross_exposure=Decimal(1))
    desk = Desk({"USDT": "1000", "ETH": "39.6"}, all_in)  # worth 100,000, nearly all of it in ether
    proposal = desk.buy(stop_price="49000")
    assert "set by cash" in proposal.sizing
    assert proposal.amount == Decimal("0.01990049")  # 1,000 / (50,000 * 1.005), rounded down


def test_without_a_stop_the_policys_distance_is_assumed_and_said():
    proposal = Desk().buy()
    assert proposal.stop_price == Decimal(49000)
    assert "none given: 2.00 % assumed" in proposal.sizing


def test_a_persons_amount_stands_or_falls_as_it_is():
    proposal = Desk().buy(amount="0.3", strategy="manual")
    assert isinstance(proposal, TradeProposed)
    assert proposal.amount == Decimal("0.3")
    refusal = Desk().buy(amount="0.5", strategy="manual")  # 25,000 of 100,000
    assert failed(refusal) == ["per_symbol"]
    assert check(refusal.verdict, "per_symbol").limit == "20000.00 USDT"
    assert check(refusal.verdict, "per_symbol").value == "25000.00 USDT"


def _in_drawdown(desk: Desk, peak: str) -> None:
    desk.state.snapshots[MARKET_START - timedelta(days=3)] = Decimal(peak)
    desk.state.snapshots[MARKET_START - timedelta(days=1)] = Decimal(100_000)


def _opened_day_with(desk: Desk, equity: str) -> None:
    desk.state.snapshots[MARKET_START - timedelta(hours=10)] = Decimal(equity)


def _has_bought(desk: Desk, times: int) -> None:
    desk.state.entries = [MARKET_START - timedelta(minutes=n) for n in range(times)]


def _is_buying(desk: Desk, symbol: str, amount: str, price: str) -> None:
    desk.state.pending.append(Pending(symbol, Side.BUY, Decimal(amount), Decimal(price)))


@pytest.mark.parametrize(
    ("spoil", "signal", "name"),
    [
        (lambda d: setattr(d.state, "assets", None), {}, "account_open"),
        (lambda d: setattr(d.state, "policy", None), {}, "policy"),
        (lambda d: setattr(d.state, "policy", StoredPolicy(4, {"risk_per_trade": "7"})), {}, "policy"),
        (lambda d: setattr(d.state, "policy", StoredPolicy(4, {"risk_per_trad": "0.01"})), {}, "policy"),
        (lambda d: d.quotes.quotes.pop("BTC/USDT"), {}, "data_fresh"),
        (lambda d: d.quote("BTC/USDT", "50000", age=31), {}, "data_fresh"),
        (lambda d: d.quote("BTC/USDT", "50000", age=-31), {}, "data_fresh"),
        (lambda d: d.quote("BTC/USDT", "50000", "49000"), {}, "data_fresh"),
        (lambda d: d.quote("BTC/USDT", "0", "50000"), {}, "data_fresh"),
        (lambda d: None, {"price": "51600"}, "price_near_market"),
        (lambda d: None, {"price": "0"}, "price_near_market"),
        (lambda d: None, {"price": "-50000"}, "price_near_market"),
        (lambda d: None, {"order_type": "limit", "limit_price": "51501"}, "price_near_market"),
        (
            lambda d: None,
            {"order_type": "stop_loss_limit", "trigger_price": "51000", "limit_price": "52531"},
            "price_near_market",
        ),
        (lambda d: None, {"amount": "0"}, "amount_positive"),
        (lambda d: None, {"amount": "-1"}, "amount_positive"),
        (lambda d: None, {"order_type": "limit"}, "limit_price_given"),
        (lambda d: None, {"order_type": "limit", "limit_price": "0"}, "limit_price_given"),
        (lambda d: d.state.assets.update({"EUR": Decimal(5)}), {}, "equity_known"),  # a market, and no price
        (lambda d: d.state.assets.update({"DOGE": Decimal(-5)}), {}, "equity_known"),
        (lambda d: d.state.assets.clear(), {}, "equity_known"),
        (lambda d: _is_buying(d, "DOGE/USDT", "5", "1"), {}, "equity_known"),
        (lambda d: None, {"stop_price": "50000"}, "stop_on_the_right_side"),
        (lambda d: None, {"stop_price": "51000"}, "stop_on_the_right_side"),
        (lambda d: None, {"stop_price": "0"}, "stop_on_the_right_side"),
        (lambda d: None, {"amount": "0.1", "stop_price": "20000"}, "per_trade"),
        (lambda d: d.state.assets.update(USDT=Decimal(80_000), BTC=Decimal("0.4")), {}, "per_symbol"),
        (lambda d: _is_buying(d, "BTC/USDT", "0.4", "50000"), {}, "per_symbol"),
        (lambda d: d.state.assets.update(USDT=Decimal(20_000), SOL=Decimal(800)), {}, "gross_exposure"),
        (lambda d: _is_buying(d, "SOL/USDT", "800", "100"), {}, "gross_exposure"),
        (lambda d: d.state.assets.update(USDT=Decimal(1), ETH=Decimal(40)), {"amount": "0.01"}, "cash_available"),
        (lambda d: _is_buying(d, "SOL/USDT", "995", "100"), {"amount": "0.01"}, "cash_available"),
        (lambda d: _in_drawdown(d, "125000"), {}, "drawdown"),
        (lambda d: _opened_day_with(d, "108700"), {}, "daily_loss"),
        (lambda d: _has_bought(d, 50), {}, "entries_per_day"),
    ],
)
def test_a_buy_is_refused_by_the_name_of_the_limit(spoil, signal, name):
    desk = Desk()
    spoil(desk)
    refusal = desk.buy(**signal)
    assert isinstance(refusal, TradeRefused)
    assert name in failed(refusal)
    assert not refusal.verdict.approved
    assert desk.state.proposals == {}


def test_a_signal_that_waited_too_long_is_not_traded():
    desk = Desk()
    signal = desk.signal()
    desk.clock.advance(timedelta(seconds=901))
    desk.quote("BTC/USDT", "50000")
    assert failed(desk.assess(signal)) == ["signal_fresh"]


def test_the_number_of_open_positions_is_bounded():
    desk = Desk({"USDT": "90000", "ETH": "2", "SOL": "50"}, policy_with(max_open_positions=2))
    assert failed(desk.buy()) == ["open_positions"]
    desk.quote("ETH/USDT", "2500")
    assert isinstance(desk.buy(symbol="ETH/USDT", price="2500"), TradeProposed)


def test_dust_is_no_position():
    desk = Desk({"USDT": "90000", "ETH": "0.001", "SOL": "50"}, policy_with(max_open_positions=2))
    assert isinstance(desk.buy(), TradeProposed)


def test_a_soft_drawdown_halves_the_size_and_says_so():
    desk = Desk()
    _in_drawdown(desk, "115000")
    proposal = desk.buy(stop_price="49000")
    assert proposal.amount == Decimal("0.05")
    assert "drawdown 13.04 % is past 10.00 %" in proposal.sizing


def test_what_is_not_worth_its_fees_names_the_limit_in_its_way():
    desk = Desk({"USDT": "80050", "BTC": "0.399"})  # 50 USDT of room are left under the symbol's limit
    refusal = desk.buy()
    assert failed(refusal) == ["per_symbol"]


def test_equity_is_recorded_in_market_time_also_when_the_trade_is_refused():
    desk = Desk({"USDT": "50000", "BTC": "1"})
    desk.quote("BTC/USDT", "50000", as_of=MARKET_START + timedelta(minutes=2))
    desk.buy(stop_price="60000")
    assert desk.state.snapshots == {MARKET_START + timedelta(minutes=2): Decimal(100_000)}


def test_a_new_valuation_is_not_its_own_yardstick():
    desk = Desk()
    desk.buy()
    desk.state.assets["USDT"] = Decimal(91_000)
    assert failed(desk.buy()) == ["daily_loss"]


def test_a_new_market_day_forgets_yesterdays_loss_and_entries():
    desk = Desk()
    _opened_day_with(desk, "120000")
    _has_bought(desk, 50)
    assert {"daily_loss", "entries_per_day"} <= set(failed(desk.buy()))
    tomorrow = MARKET_START + timedelta(days=1)
    desk.quote("BTC/USDT", "50000", as_of=tomorrow)
    assert not {"daily_loss", "entries_per_day"} & set(failed(desk.buy(as_of=tomorrow)))


def test_books_in_another_currency_are_valued_in_it():
    desk = Desk({"ETH": "40"}, currency="ETH")
    desk.quote("XRP/ETH", "0.001")
    proposal = desk.buy(symbol="XRP/ETH", price="0.001")
    assert proposal.amount == Decimal(2000)  # 5 % of 40 ETH
    assert desk.state.snapshots[MARKET_START] == Decimal(40)


def test_an_asset_is_priced_by_the_turned_symbol_too():
    desk = Desk({"USDT": "80000", "EUR": "10000"})
    desk.quote("USDT/EUR", "0.5")
    desk.buy()
    assert desk.state.snapshots[MARKET_START] == Decimal(100_000)


def test_what_no_market_leads_to_is_left_out_of_equity_and_named():
    desk = Desk(CASH | {"DOGE": "5", "AIR": "1000000"})
    proposal = desk.buy()
    assert isinstance(proposal, TradeProposed)
    found = check(proposal.verdict, "unpriced_assets")
    assert (found.limit, found.value) == ("left out of equity", "no market leads from AIR, DOGE to USDT")
    assert desk.state.snapshots == {MARKET_START: Decimal(100_000)}
    assert proposal.amount == Desk().buy().amount


def test_what_is_traded_must_have_a_price_of_its_own():
    desk = Desk(CASH | {"DOGE": "5", "BRL": "5"})
    desk.quote("DOGE/BRL", "1")
    refusal = desk.buy(symbol="DOGE/BRL", price="1")
    assert failed(refusal) == ["equity_known"]
    assert check(refusal.verdict, "equity_known").value == "no fresh price of BRL, DOGE"


def test_an_emptied_order_book_raises_no_peak_and_traps_no_position():
    desk = Desk(CASH | {"ETH": "100"}, positions={"ETH/USDT": "100"})
    desk.quote("ETH/USDT", "1", "200000")
    refusal = desk.buy()
    assert failed(refusal) == ["equity_known"]
    assert check(refusal.verdict, "equity_known").value.startswith("no fresh price of ETH; bid and ask are more than")
    assert desk.state.snapshots == {}
    assert isinstance(desk.sell(symbol="ETH/USDT", price="100000.5"), TradeProposed)
    desk.quote("ETH/USDT", "2500")
    assert isinstance(desk.buy(), TradeProposed)


@pytest.mark.parametrize(
    ("order", "bound"),
    [
        ({"order_type": "stop_loss", "trigger_price": "60000"}, "6030.00 USDT"),
        # where it waits for a lower price the market may still be met: as much is bound as of any other order
        ({"order_type": "take_profit", "trigger_price": "40000"}, "5025.00 USDT"),
        ({"order_type": "stop_loss_limit", "trigger_price": "60000", "limit_price": "61000"}, "6130.50 USDT"),
    ],
)
def test_what_waits_for_a_price_binds_what_it_will_cost(order: dict[str, str], bound: str):
    desk = Desk(CASH, policy_with(risk_per_trade=1))
    proposal = desk.buy(amount="0.1", stop_price="39000", **order)
    assert isinstance(proposal, TradeProposed), proposal.verdict.reason
    assert check(proposal.verdict, "cash_available").value == bound
    left = Decimal(CASH["USDT"]) - Decimal(bound.removesuffix(" USDT"))
    second = desk.buy(symbol="ETH/USDT", price="2500", amount="1.5")
    assert check(second.verdict, "cash_available").limit == f"{left:.2f} USDT"


def test_a_limit_order_costs_its_limit_and_not_the_market():
    proposal = Desk().buy(order_type="limit", limit_price="48000", stop_price="47000", amount="0.1")
    assert isinstance(proposal, TradeProposed)
    assert (proposal.limit_price, proposal.notional) == (Decimal(48000), Decimal(4800))
    assert check(proposal.verdict, "cash_available").value == "4824.00 USDT"


def test_a_limit_above_the_market_is_stopped_and_sized_by_the_market_and_paid_by_the_limit():
    fields = {"order_type": "limit", "limit_price": "51000", "amount": "0.1"}
    proposal = Desk().buy(**fields)
    assert isinstance(proposal, TradeProposed)
    assert proposal.stop_price == Decimal(49_000)  # 2 % below 50,000
    assert proposal.protection.stop_price == Decimal(49_000)
    assert proposal.protection.take_profit_price < Decimal(53_000)
    assert check(proposal.verdict, "per_trade").value == "100.00 USDT"
    assert check(proposal.verdict, "cash_available").value == "5125.50 USDT"
    assert failed(Desk().buy(**fields, protection={"stop_price": "50500"})) == ["stop_on_the_right_side"]


def test_a_limit_that_gives_too_much_away_is_refused_and_says_so():
    refusal = Desk().buy(order_type="limit", limit_price="60000", amount="0.1")
    assert failed(refusal) == ["price_near_market"]
    found = check(refusal.verdict, "price_near_market")
    assert (found.limit, found.value) == ("3.00 %", "a limit price 20.00 % worse than the market")
    assert found.measure == Decimal("0.2")


@pytest.mark.parametrize(
    ("side", "price", "passed"),
    [
        ("buy", "20000", True),  # it rests, far on the good side
        ("buy", "51500", True),
        ("buy", "51501", False),
        ("sell", "90000", True),
        ("sell", "48500", True),
        ("sell", "48499", False),
    ],
)
def test_a_limit_price_is_held_against_the_market_on_its_bad_side_only(side, price, passed):
    desk = Desk({"USDT": "95000", "BTC": "0.1"}, positions={"BTC/USDT": "0.1"})
    answer = desk.assess(desk.signal(side, order_type="limit", limit_price=price, amount="0.01"))
    assert failed(answer) == ([] if passed else ["price_near_market"])


# Selling


def test_a_strategys_sell_closes_the_free_position():
    desk = Desk({"USDT": "1", "BTC": "0.5"}, positions={"BTC/USDT": "0.3"})
    desk.state.pending.append(Pending("BTC/USDT", Side.SELL, Decimal("0.1"), Decimal(50000)))
    proposal = desk.sell()
    assert isinstance(proposal, TradeProposed)
    assert (proposal.amount, proposal.side) == (Decimal("0.2"), Side.SELL)


def test_a_position_that_fees_have_eaten_into_is_sold_as_far_as_it_is_held():
    desk = Desk({"BTC": "0.2997"}, positions={"BTC/USDT": "0.3"})
    assert desk.sell().amount == Decimal("0.2997")


@pytest.mark.parametrize(
    ("assets", "positions", "pending", "fields"),
    [
        (CASH, {}, [], {}),
        (CASH, {}, [], {"amount": "0.1"}),
        # coins that were there before, not bought by the swarm: a strategy leaves them alone
        ({"BTC": "1"}, {}, [], {}),
        ({"BTC": "1"}, {}, [], {"amount": "1.00000001"}),
        ({"BTC": "1"}, {"BTC/USDT": "1"}, [Pending("BTC/USDT", Side.SELL, Decimal(1), Decimal(5))], {}),
        # the same coins are being sold for euros
        ({"BTC": "1"}, {"BTC/USDT": "1"}, [Pending("BTC/EUR", Side.SELL, Decimal(1), Decimal(5))], {"amount": "0.5"}),
        # or spent on ether
        ({"BTC": "1"}, {"BTC/USDT": "1"}, [Pending("ETH/BTC", Side.BUY, Decimal(20), Decimal("0.05"))], {}),
    ],
)
def test_what_is_not_free_cannot_be_sold(assets, positions, pending, fields):
    desk = Desk(assets, positions=positions)
    desk.state.pending += pending
    assert failed(desk.sell(**fields)) == ["position_to_sell"]


def test_no_loss_and_no_limit_traps_a_position():
    desk = Desk({"BTC": "1", "EUR": "5"}, positions={"BTC/USDT": "1"})
    _in_drawdown(desk, "1000000")
    _opened_day_with(desk, "1000000")
    _has_bought(desk, 500)
    assert isinstance(desk.sell(), TradeProposed)


@pytest.mark.parametrize(
    ("spoil", "name"),
    [
        (lambda d: setattr(d.state, "assets", None), "account_open"),
        (lambda d: setattr(d.state, "policy", None), "policy"),
        (lambda d: d.quotes.quotes.pop("BTC/USDT"), "data_fresh"),
    ],
)
def test_a_sell_without_account_policy_or_price_is_refused(spoil, name):
    desk = Desk({"BTC": "1"}, positions={"BTC/USDT": "1"})
    spoil(desk)
    assert name in failed(desk.sell())


@pytest.mark.parametrize("opened_for", ["simulated", "sandbox"])
def test_books_of_play_money_size_no_real_order_and_are_not_valued_as_such(opened_for):
    desk = Desk({"USDT": "100000", "BTC": "1"}, positions={"BTC/USDT": "1"}, mode="live")
    desk.state.mode = opened_for
    for refusal in (desk.buy(as_of=desk.clock.now()), desk.sell(as_of=desk.clock.now())):
        assert failed(refusal) == ["account_open"]
        found = check(refusal.verdict, "account_open")
        assert (found.limit, found.value) == ("books opened for live", f"opened for {opened_for}")
    assert desk.state.snapshots == {}


def test_what_rounding_left_over_is_not_sold_by_a_strategy_but_may_be_by_a_person():
    desk = Desk({"USDT": "100000", "BTC": "0.0001"}, positions={"BTC/USDT": "0.0001"})
    assert failed(desk.sell()) == ["more_than_dust"]
    assert isinstance(desk.sell(amount="0.0001"), TradeProposed)


@pytest.mark.parametrize(
    ("amount", "dust"),
    [
        ("0.0002", True),  # 10 USDT, the dust of 100,000
        ("0.00020001", False),
        ("0.002", False),
    ],
)
def test_while_equity_is_unknown_the_last_known_tells_what_dust_is(amount, dust):
    desk = Desk({"USDT": "100000", "BTC": amount, "EUR": "5"}, positions={"BTC/USDT": amount})
    _opened_day_with(desk, "100000")
    assert failed(desk.sell()) == (["more_than_dust"] if dust else [])


def test_where_no_equity_was_ever_known_even_a_small_remainder_may_be_sold():
    desk = Desk({"USDT": "100000", "BTC": "0.0001", "EUR": "5"}, positions={"BTC/USDT": "0.0001"})
    assert isinstance(desk.sell(), TradeProposed)


def test_on_a_real_venue_a_signal_is_as_old_as_its_market():
    """The feed was away for an hour and brought the candles late: the signal is new, the market it speaks of is not."""
    desk = Desk(CASH, mode="live")
    now = desk.clock.now()
    assert failed(desk.buy(as_of=now - timedelta(hours=1))) == ["signal_fresh"]
    assert isinstance(desk.buy(as_of=now - timedelta(seconds=1)), TradeProposed)


# Messages


def test_a_signal_delivered_again_changes_nothing():
    desk = Desk()
    signal = desk.signal()
    desk.agent.assess(signal)
    published, pending = list(desk.state.published), list(desk.state.pending)
    desk.agent.assess(signal)
    assert (desk.state.published, desk.state.pending) == (published, pending)


def test_the_proposal_stays_in_the_signals_chain():
    desk = Desk()
    signal = desk.signal()
    desk.agent.assess(signal)
    (proposal,) = desk.state.published
    assert (proposal.correlationid, proposal.causationid) == (signal.correlationid, signal.id)
    assert proposal.data.signal_id == signal.id
    assert desk.state.decisions[signal.id] == proposal.data.verdict
    assert list(desk.state.proposals) == [proposal.id]


def test_when_quotes_cannot_be_asked_nothing_is_decided_and_the_message_comes_again():
    desk = Desk()
    signal = desk.signal()
    working, desk.quotes.get = desk.quotes.get, _silent
    with pytest.raises(Unavailable):
        desk.agent.assess(signal)
    assert desk.state.decisions == {}
    desk.quotes.get = working
    assert isinstance(desk.assess(signal), TradeProposed)


def _silent(venue: str, symbols: list[str]) -> dict[str, object]:
    raise Unavailable("cache", "no answer")


def test_the_verdict_names_the_version_of_the_policy():
    desk = Desk(policy=StoredPolicy(7, policy_with().model_dump(mode="json")))
    assert desk.buy().verdict.policy_version == 7
