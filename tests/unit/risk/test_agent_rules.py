"""The agent holds a trade against every rule beyond the basic limits: halts, caps, clusters, tails, breakers, ways out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.risk import stored_policy
from tests.unit.risk.desk import HOURS, MARKET_START, Desk, check, failed, policy_with, with_history
from volexswarm.adapters.postgres.readers.whatif import RISK_BUDGETS
from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import BreakerChanged, Protection, Side, TradeProposed, TradeRefused
from volexswarm.risk.breakers import Breaker, Kind, Outcome
from volexswarm.risk.model import Bar, Pending, Surroundings
from volexswarm.risk.policy import RiskPolicy
from volexswarm.rulebook.whatif import Decided, TimeMachine

# Halts and caps


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_halt_refuses_by_its_name_and_says_who_and_why(side):
    desk = Desk({"USDT": "50000", "BTC": "1"}, positions={"BTC/USDT": "1"})
    desk.state.state = replace(desk.state.state, halt="halted by ann: the market is broken")
    refusal = desk.assess(desk.signal(side))
    assert failed(refusal) == ["kill_switch"]
    assert check(refusal.verdict, "kill_switch").value == "halted by ann: the market is broken"


def test_the_account_in_force_is_weighed_and_named():
    desk = Desk()
    desk.state.state = replace(desk.state.state, account="main-paper", mode="paper")
    desk.state.mode = "paper"
    assert desk.buy().account == "main-paper"
    assert desk.state.locked == [("binance", "main-paper")]


def test_the_live_cap_bounds_what_is_exposed():
    desk = Desk({"USDT": "100000"}, mode="live")
    desk.state.state = replace(desk.state.state, cap=Decimal(3_000))
    now = desk.clock.now()
    proposal = desk.buy(as_of=now)
    assert "set by live_cap" in proposal.sizing
    assert proposal.notional == 3_000
    assert failed(desk.buy(as_of=now, amount="0.01")) == ["live_cap"]


# Exposure


def test_a_sector_is_bounded_over_its_assets():
    policy = policy_with(sectors={"BTC": "store", "ETH": "contracts", "SOL": "contracts"}, max_per_sector="0.25")
    desk = Desk({"USDT": "76000", "ETH": "9.6"}, policy)  # 24,000 of contracts
    proposal = desk.buy(symbol="SOL/USDT", price="100")
    assert "set by max_per_sector" in proposal.sizing
    assert proposal.amount == 10
    assert failed(desk.buy(symbol="SOL/USDT", price="100", amount="5")) == ["per_sector"]
    assert "in store" in check(desk.buy(amount="0.1").verdict, "per_sector").value


def test_an_asset_without_a_sector_says_so():
    assert check(Desk().buy().verdict, "per_sector").value == "BTC is in no sector of the policy"


@pytest.mark.parametrize("together", [True, False])
def test_assets_that_move_together_are_bounded_together(together):
    desk = with_history(Desk({"USDT": "84000", "ETH": "6.4"}, policy_with(max_per_cluster="0.18")), together)
    answer = desk.buy(amount="0.06")  # 3,000 beside 16,000 of ether
    if together:
        assert failed(answer) == ["per_cluster"]
        assert check(answer.verdict, "per_cluster").value == "19000.00 USDT in BTC, ETH"
        assert "set by max_per_cluster" in desk.buy().sizing
    else:
        assert check(answer.verdict, "per_cluster").passed


def test_leverage_and_net_exposure_are_told():
    verdict = Desk({"USDT": "80000", "ETH": "8"}).buy(amount="0.1").verdict
    assert check(verdict, "leverage").value == "0.25 times"
    assert check(verdict, "net_exposure").value == "25000.00 USDT"
    assert failed(Desk(policy=policy_with(max_leverage="0.05")).buy(amount="0.11")) == ["leverage"]
    assert failed(Desk(policy=policy_with(max_net_exposure="0.05")).buy(amount="0.11")) == ["net_exposure"]


# Losses


@pytest.mark.parametrize(
    ("days", "equity", "name"),
    [
        # Sunday the 1st of March: the week began on the 23rd of February
        (3, "118000", "weekly_loss"),
        (3, "126000", "monthly_loss"),
    ],
)
def test_a_week_and_a_month_have_limits_of_their_own(days, equity, name):
    lax = policy_with(max_daily_loss="0.9", hard_drawdown="0.9", soft_drawdown="0.8")
    desk = Desk(policy=lax)
    desk.state.snapshots[MARKET_START - timedelta(days=days + 20)] = Decimal(equity)
    assert name in failed(desk.buy())


# The tail


def test_value_at_risk_and_shortfall_are_bounded():
    desk = with_history(Desk(policy=policy_with(max_var="0.0001", max_cvar="0.0001")))
    assert failed(desk.buy()) == ["value_at_risk", "expected_shortfall"]
    value = check(desk.buy().verdict, "value_at_risk").value
    assert value.startswith("historical ")
    assert "parametric " in value


def test_too_little_history_is_said_and_the_policy_decides():
    found = check(Desk().buy().verdict, "value_at_risk")
    assert (found.passed, found.measure) == (True, None)
    assert found.value == "not known: fewer than 48 hourly returns of BTC, skipped"
    strict = policy_with(short_history="refuse")
    assert failed(Desk(policy=strict).buy()) == ["per_cluster", "value_at_risk", "expected_shortfall"]
    assert isinstance(with_history(Desk(policy=strict)).buy(), TradeProposed)


def test_prices_are_read_once_an_hour_and_again_in_the_next():
    desk = with_history(Desk())
    desk.buy()
    desk.state.closes.clear()
    assert check(desk.buy().verdict, "value_at_risk").measure is not None
    later = MARKET_START + timedelta(hours=1)
    desk.quote("BTC/USDT", "50000", as_of=later)
    assert check(desk.buy(as_of=later).verdict, "value_at_risk").measure is None


# Sizing by odds and by the market's state


def test_kelly_bets_nothing_without_an_edge_and_is_named():
    desk = Desk(policy=policy_with(use_kelly=True))
    desk.state.results = [Decimal("0.01"), Decimal("-0.01")] * 20
    refusal = desk.buy()
    assert failed(refusal) == ["kelly"]


def test_kelly_bounds_the_loss_at_the_stop_by_the_odds():
    desk = Desk(policy=policy_with(use_kelly=True, kelly_fraction="0.01", max_trade="0.2"))
    desk.state.results = [Decimal("0.02"), Decimal("-0.01")] * 20
    proposal = desk.buy(stop_price="49000")
    # f = (2 × 0.5 − 0.5) / 2 = 25 %, a hundredth of it: 250 of 100,000 over 1,000 a bitcoin
    assert proposal.amount == Decimal("0.25")
    assert "Kelly allows 0.25 % by 40 trades, 50.00 % won, payoff 2.00" in proposal.sizing


def test_kelly_is_not_applied_to_too_few_trades_and_says_so():
    desk = Desk(policy=policy_with(use_kelly=True))
    desk.state.results = [Decimal("-0.01")] * 29
    assert "Kelly not applied: 29 of 30 closed trades" in desk.buy().sizing


def test_kelly_goes_by_trades_whose_result_is_known_and_bets_nothing_while_those_are_too_few():
    desk = Desk(policy=policy_with(use_kelly=True))
    desk.state.results = [None, Decimal("0.02"), Decimal("-0.01")] * 20
    assert "by 40 trades, 50.00 % won" in desk.buy().sizing
    desk.state.results = [None] * 11 + [Decimal("0.02")] * 19
    refusal = desk.buy()
    assert failed(refusal) == ["kelly"]
    assert check(refusal.verdict, "kelly").value == "19 of 30"


def test_a_bear_market_and_wild_days_make_trades_smaller():
    desk = with_history(Desk())
    desk.state.closes["BTC/USDT"] = [60_000.0] * (HOURS - 24) + [
        50_000.0 * (1.01 if hour % 2 else 0.99) for hour in range(24)
    ]
    proposal = desk.buy()
    assert "below its average of 168 hours" in proposal.sizing
    assert "its volatility of a day is" in proposal.sizing
    assert proposal.amount == Decimal("0.1") * Decimal("0.5") * Decimal("0.7")
    # the measure is what an unscaled limit is held against
    assert check(proposal.verdict, "trade_size").measure == Decimal("0.05")


def test_the_policy_time_machine_says_what_risk_would_have_decided_where_sizes_were_scaled():
    def bought(policy: RiskPolicy) -> TradeProposed:
        desk = with_history(Desk({"USDT": "85000", "BTC": "0.3"}, policy))
        desk.state.closes["BTC/USDT"] = [60_000.0] * (HOURS - 100) + [50_000.0] * 100
        answer = desk.buy(stop_price="49900", price="50000")
        assert isinstance(answer, TradeProposed), answer.verdict.reason
        assert "times 0.5 because the price is" in answer.sizing
        return answer

    in_force, proposed = policy_with(), policy_with(max_per_symbol="0.165")
    before, after = bought(in_force), bought(proposed)
    checks = [found.model_dump(mode="json") for found in before.verdict.checks]
    past = Decided("s", before.symbol, "buy", "ma", MARKET_START, True, checks, in_force.model_dump(mode="json"), True)
    told = TimeMachine(past.then or {}, proposed.model_dump(mode="json"), RISK_BUDGETS).ask(past)
    assert told is not None
    assert (told.effect, told.part) == ("reduced", 1 - after.amount / before.amount)


# Ways out


def test_a_strategys_buy_carries_the_policys_ways_out():
    policy = policy_with(trailing_share="0.03", max_holding=7_200, take_profit_r="3")
    proposal = Desk(policy=policy).buy(stop_price="49000")
    assert proposal.protection == Protection(
        stop_price=Decimal(49_000), take_profit_price=Decimal(53_000), trailing_share=Decimal("0.03"), max_holding=7_200
    )
    assert Desk(policy=policy_with(protect=False)).buy().protection is None
    assert Desk({"BTC": "1"}, positions={"BTC/USDT": "1"}).sell().protection is None


def test_a_persons_own_protection_stands():
    wanted = Protection(stop_price=Decimal(48_000), max_holding=60)
    proposal = Desk().buy(amount="0.1", protection=wanted)
    assert (proposal.protection, proposal.stop_price) == (wanted, Decimal(48_000))


@pytest.mark.parametrize("wanted", [{"take_profit_price": "56000"}, {"max_holding": 3600}])
def test_a_person_who_wants_no_stop_gets_the_one_that_the_loss_was_measured_at(wanted: dict[str, object]):
    proposal = Desk().buy(amount="0.1", protection=wanted)
    assert isinstance(proposal, TradeProposed)
    assert proposal.stop_price == Decimal(49_000)  # the policy's own 2 %
    assert proposal.protection == Protection.model_validate(wanted | {"stop_price": "49000"})
    assert check(proposal.verdict, "per_trade").value == "100.00 USDT"


def test_a_trailing_stop_is_the_stop_that_the_loss_is_measured_at():
    wanted = Protection(trailing_share=Decimal("0.05"), take_profit_price=Decimal(56_000))
    proposal = Desk().buy(amount="0.1", protection=wanted)
    assert isinstance(proposal, TradeProposed)
    assert (proposal.protection, proposal.stop_price) == (wanted, Decimal(47_500))
    assert check(proposal.verdict, "per_trade").value == "250.00 USDT"
    assert failed(Desk().buy(amount="0.1", protection={"trailing_share": "0.5"})) == ["per_trade"]


def test_where_the_policy_protects_nothing_a_persons_ways_out_are_all_there_are():
    wanted = Protection(take_profit_price=Decimal(56_000))
    assert Desk(policy=policy_with(protect=False)).buy(amount="0.1", protection=wanted).protection == wanted


@given(
    amount=st.decimals("0.001", "0.4", places=3),
    stop=st.none() | st.decimals("0.5", "0.999", places=3),
    target=st.none() | st.decimals("1.001", "2", places=3),
    trail=st.none() | st.decimals("0.001", "0.9", places=3),
    holding=st.none() | st.integers(1, 100_000),
)
def test_whatever_ways_out_a_person_wants_the_loss_of_a_trade_is_bounded(amount, stop, target, trail, holding):
    price = Decimal(50_000)
    wanted = Protection(
        stop_price=None if stop is None else price * stop,
        take_profit_price=None if target is None else price * target,
        trailing_share=trail,
        max_holding=holding,
    )
    answer = Desk().buy(amount=amount, protection=wanted)
    if not isinstance(answer, TradeProposed):
        return
    ways_out = answer.protection
    assert ways_out is not None
    stops = [ways_out.stop_price, None if trail is None else price * (1 - trail)]
    assert amount * (price - max(found for found in stops if found is not None)) <= 2_000  # 2 % of the equity
    asked = {name: value for name, value in wanted.model_dump().items() if value is not None}
    assert ways_out.model_dump() | asked == ways_out.model_dump()


@pytest.mark.parametrize(
    ("protection", "name"),
    [
        ({"stop_price": "50001"}, "stop_on_the_right_side"),
        ({"take_profit_price": "49999"}, "take_profit_on_the_right_side"),
        ({"stop_price": "49000", "take_profit_price": "50000"}, "take_profit_on_the_right_side"),
    ],
)
def test_a_persons_protection_on_the_wrong_side_is_refused_by_name(protection, name):
    assert failed(Desk().buy(amount="0.1", protection=protection)) == [name]


def test_stops_come_from_candles_of_the_signals_own_timeframe():
    desk = Desk(policy=policy_with(stop_method="structure", stop_structure_candles=2))
    desk.state.candles["BTC/USDT", Timeframe.M1] = [Bar(Decimal(51_000), Decimal(48_000), Decimal(50_000))] * 2
    desk.state.candles["BTC/USDT", Timeframe.M5] = [Bar(Decimal(51_000), Decimal(47_000), Decimal(50_000))] * 2
    assert desk.buy(timeframe="1m").stop_price == 48_000
    assert desk.buy(timeframe="5m").stop_price == 47_000
    assert desk.buy().stop_price == 47_000  # a person has no timeframe: the coarsest


@pytest.mark.parametrize(
    ("fields", "price"),
    [
        ({"order_type": "stop_loss", "trigger_price": "51000"}, "51000"),
        ({"order_type": "take_profit", "trigger_price": "48000"}, "48000"),
        ({"order_type": "stop_loss_limit", "trigger_price": "51000", "limit_price": "51100"}, "51000"),
        ({"order_type": "take_profit_limit", "trigger_price": "48000", "limit_price": "47900"}, "47900"),
    ],
)
def test_an_order_that_waits_for_a_price_is_judged_by_it(fields, price):
    proposal = Desk().buy(amount="0.1", **fields)
    assert isinstance(proposal, TradeProposed)
    assert proposal.stop_price == Decimal(price) * Decimal("0.98")
    assert proposal.trigger_price == Decimal(fields["trigger_price"])


def test_an_order_that_waits_for_no_price_is_refused():
    assert failed(Desk().buy(amount="0.1", order_type="stop_loss")) == ["trigger_price_given"]


# Circuit breakers


def crash(desk: Desk) -> None:
    """A fifth of the price within the window."""
    desk.state.candles["BTC/USDT", Timeframe.M1] = [Bar(Decimal(62_500), Decimal(50_000), Decimal(50_000))]


def calm(desk: Desk) -> None:
    desk.state.candles["BTC/USDT", Timeframe.M1] = [Bar(Decimal(50_010), Decimal(49_990), Decimal(50_000))]


def at(desk: Desk, minutes: float, **fields: object) -> TradeProposed | TradeRefused:
    """A buy so many minutes of market time later."""
    moment = MARKET_START + timedelta(minutes=minutes)
    desk.quote("BTC/USDT", "50000", as_of=moment)
    return desk.buy(as_of=moment, **fields)


def states(desk: Desk) -> list[tuple[str, str]]:
    return [(news.before, news.after) for news in desk.state.of(BreakerChanged)]


def test_a_crash_stops_buying_until_a_probe_has_succeeded():
    desk = Desk()
    crash(desk)
    refusal = at(desk, 0)
    assert failed(refusal) == ["breaker_price_move"]
    found = check(refusal.verdict, "breaker_price_move")
    assert (found.measure, found.bound) == (Decimal("0.2"), "at_most")
    calm(desk)
    assert failed(at(desk, 4)) == ["breaker_price_move"]  # on during its cooldown
    probe = at(desk, 5)
    assert isinstance(probe, TradeProposed)
    assert probe.amount == Decimal("0.025")  # a quarter of 0.1
    assert "probe of a circuit breaker" in probe.sizing
    assert failed(at(desk, 6)) == ["breaker_price_move"]  # one probe at a time
    (probe_id,) = desk.state.proposals
    desk.state.outcomes[probe_id] = Outcome.FILLED
    assert at(desk, 7).amount == Decimal("0.1")
    assert states(desk) == [("closed", "open"), ("open", "half_open"), ("half_open", "closed")]


def test_a_probe_that_is_not_filled_doubles_the_cooldown():
    desk = Desk()
    crash(desk)
    at(desk, 0)
    calm(desk)
    at(desk, 5)
    (probe_id,) = desk.state.proposals
    desk.state.outcomes[probe_id] = Outcome.FAILED
    assert failed(at(desk, 6)) == ["breaker_price_move"]
    assert failed(at(desk, 15.9)) == ["breaker_price_move"]
    assert isinstance(at(desk, 16), TradeProposed)


def test_another_symbol_goes_on_trading_and_selling_is_never_stopped():
    desk = Desk({"USDT": "90000", "BTC": "0.2"}, positions={"BTC/USDT": "0.2"})
    crash(desk)
    assert failed(at(desk, 0)) == ["breaker_price_move"]
    assert isinstance(desk.buy(symbol="ETH/USDT", price="2500"), TradeProposed)
    assert isinstance(desk.sell(), TradeProposed)


def test_exchange_errors_stop_every_symbol():
    desk = Desk()
    desk.state.around = Surroundings({}, 6)
    assert failed(desk.buy()) == ["breaker_exchange_errors"]
    desk.state.around = Surroundings({}, 0)
    assert failed(desk.buy(symbol="ETH/USDT", price="2500")) == ["breaker_exchange_errors"]


def test_a_persons_large_trade_is_no_probe():
    desk = Desk()
    crash(desk)
    at(desk, 0)
    calm(desk)
    assert failed(at(desk, 5, amount="0.1")) == ["probe_size"]
    assert desk.state.proposals == {}
    assert isinstance(at(desk, 6, amount="0.025"), TradeProposed)


def half_open(desk: Desk) -> None:
    """After five minutes of market time."""
    crash(desk)
    at(desk, 0)
    calm(desk)


RESTING = {"order_type": "limit", "limit_price": "49000"}


@pytest.mark.parametrize(
    ("order", "may_probe"),
    [
        ({}, True),
        (RESTING | {"time_in_force": "ioc"}, True),
        (RESTING | {"time_in_force": "fok"}, True),
        ({"order_type": "limit", "limit_price": "50000"}, True),  # the ask
        (RESTING, False),
        ({"order_type": "limit", "limit_price": "50000", "time_in_force": "post_only"}, False),
        ({"order_type": "stop_loss", "trigger_price": "51000"}, False),
        ({"order_type": "stop_loss_limit", "trigger_price": "51000", "limit_price": "51000"}, False),
        ({"order_type": "take_profit", "trigger_price": "49000"}, False),
    ],
)
def test_only_an_order_that_can_be_filled_at_once_is_a_probe(order: dict[str, str], may_probe: bool):
    desk = Desk()
    half_open(desk)
    answer = at(desk, 5, amount="0.02", **order)
    assert failed(answer) == ([] if may_probe else ["breaker_price_move"])
    (breaker,) = desk.state.kept_breakers.values()
    assert (breaker.state, breaker.probe_id is not None) == ("half_open", may_probe)
    if not may_probe:
        assert "only an order that can be filled at once" in check(answer.verdict, "breaker_price_move").value
        assert isinstance(at(desk, 6), TradeProposed)  # the probe's place is free


def test_a_probe_without_an_outcome_blocks_for_one_cooldown():
    desk = Desk()
    half_open(desk)
    assert isinstance(at(desk, 5), TradeProposed)
    refusal = at(desk, 9.9)
    assert check(refusal.verdict, "breaker_price_move").value == "half open: a probe is on its way"
    second = at(desk, 10)
    assert isinstance(second, TradeProposed)
    assert "probe of a circuit breaker" in second.sizing
    (breaker,) = desk.state.kept_breakers.values()
    assert breaker.probe_id == list(desk.state.proposals)[1]


@pytest.mark.parametrize("minutes", [1, 5, 6])
def test_a_breaker_that_the_policy_switches_off_stops_nothing(minutes: float):
    desk = Desk()
    half_open(desk)
    if minutes > 5:
        at(desk, 5)  # the probe is on its way
    desk.state.policy = stored_policy(policy_with(breaker_price_move=None), 2)
    answer = at(desk, minutes)
    assert isinstance(answer, TradeProposed)
    assert answer.amount == Decimal("0.1")  # no probe's size
    assert check(answer.verdict, "breaker_price_move").limit == "off"
    (breaker,) = desk.state.kept_breakers.values()
    assert breaker.state == "closed"
    assert states(desk)[-1][1] == "closed"


def test_a_halted_account_trips_nothing_twice():
    desk = Desk()
    crash(desk)
    signal = desk.signal()
    desk.agent.assess(signal)
    desk.agent.assess(signal)
    assert states(desk) == [("closed", "open")]


def test_a_breaker_tells_its_limit_in_the_words_of_what_it_measures():
    desk = with_history(Desk())
    calm(desk)
    desk.quote("BTC/USDT", "49950", "50050")
    desk.state.around = Surroundings(dict.fromkeys("ab", Side.BUY) | dict.fromkeys("cd", Side.SELL), 2)
    verdict = desk.buy().verdict
    found = {name: check(verdict, f"breaker_{name}") for name in Kind}
    assert {name: (one.limit, one.value) for name, one in found.items()} == {
        "price_move": ("at most 10.00 %", "0.02 % within 15 min"),
        "volatility": ("at most 10.00 times the usual", "too little history"),
        "spread": ("at most 1.00 %", "0.20 %"),
        "stale_data": ("at most 60 s", "0.0 s"),
        "exchange_errors": ("at most 5", "2 within 10 min"),
        "disagreement": ("at most 75.00 %", "50.00 %, 2 of 4 strategies, want the opposite"),
    }
    off = check(Desk(policy=policy_with(breaker_spread=None)).buy().verdict, "breaker_spread")
    assert (off.limit, off.passed) == ("off", True)


def test_money_that_came_or_went_is_no_part_of_a_periods_loss_and_that_is_said():
    desk = Desk()
    desk.state.snapshots[MARKET_START - timedelta(hours=10)] = Decimal(102_000)
    for period in ("daily", "weekly", "monthly"):
        value = check(desk.buy().verdict, f"{period}_loss").value
        assert value == "2000.00 USDT, not counting deposits and withdrawals"


def test_an_open_breaker_has_no_measure_to_hold_another_limit_against():
    desk = Desk()
    desk.state.save_breaker(
        "binance",
        "main",
        Breaker(
            Kind.SPREAD, "BTC/USDT", "open", "5.00 %", MARKET_START, MARKET_START + timedelta(minutes=5),
            timedelta(minutes=5),
        ),
        MARKET_START,
    )  # fmt: skip
    found = check(desk.buy().verdict, "breaker_spread")
    assert (found.passed, found.measure, found.setting) == (False, None, None)
    assert found.value == "open until 2026-03-01 09:05:00 market time (5.00 %); now 0.00 %"


# What a check carries


def test_every_numeric_check_can_be_held_against_another_limit():
    desk = with_history(Desk({"USDT": "90000", "ETH": "4"}))
    verdict = desk.buy(volatility=0.002, stop_price="49000").verdict
    policy = policy_with()
    for found in verdict.checks:
        if found.setting is None:
            continue
        limit = Decimal(getattr(policy, found.setting))
        assert found.measure is not None
        holds = {
            "at_most": found.measure <= limit,
            "below": found.measure < limit,
            "at_least": found.measure >= limit,
        }[found.bound]
        assert holds == found.passed, found
    named = {found.setting for found in verdict.checks} - {None}
    assert {"risk_per_trade", "max_per_symbol", "max_var", "hard_drawdown", "breaker_spread", "min_trade"} <= named


def test_pending_buys_count_in_the_tail():
    policy = policy_with(max_var="0.005", max_cvar="0.01")
    desk = with_history(Desk(policy=policy), together=True)
    assert isinstance(desk.buy(amount="0.05"), TradeProposed)
    desk.state.pending.append(Pending("ETH/USDT", Side.BUY, Decimal(7), Decimal(2_500)))
    assert "value_at_risk" in failed(desk.buy(amount="0.05"))
