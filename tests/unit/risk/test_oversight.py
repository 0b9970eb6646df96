"""What people see of risk, what they may ask it, and how they close a circuit breaker."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.fakes.transaction import FakeStore
from tests.unit.risk.desk import MARKET_START, SYMBOLS, Desk, failed, policy_with, with_history
from volexswarm.errors import Conflict, InvalidInput, NotFound, Unavailable
from volexswarm.messages import BreakerChanged, Side, TradeProposed
from volexswarm.risk.breakers import Breaker, Kind
from volexswarm.risk.oversight import Oversight, Question
from volexswarm.risk.report import Use

OPEN = Breaker(
    kind=Kind.SPREAD,
    scope="BTC/USDT",
    state="open",
    reason="2.00 %",
    since=MARKET_START,
    until=MARKET_START + timedelta(minutes=5),
    cooldown=timedelta(minutes=5),
)


def oversight(desk: Desk) -> Oversight:
    desk.state.complete_to = MARKET_START
    return Oversight(
        store=FakeStore(desk.state),
        agent=desk.agent,
        inquiry=desk.inquiry,
        quotes=desk.quotes,
        clock=desk.clock,
        venue="binance",
        symbols=tuple(SYMBOLS),
    )


def use(uses: list[Use], name: str) -> Use:
    (found,) = (one for one in uses if one.check.name == name)
    return found


def test_the_report_tells_how_much_of_each_limit_is_used():
    desk = with_history(
        Desk({"USDT": "80000", "BTC": "0.2", "ETH": "4"}, policy_with(sectors={"ETH": "contracts"})), True
    )
    desk.state.snapshots[MARKET_START - timedelta(hours=10)] = Decimal(102_000)
    found = oversight(desk).report()
    assert (found.equity, found.gross, found.net, found.peak) == (100_000, 20_000, 20_000, 102_000)
    assert [(line.asset, line.share, line.sector) for line in found.lines] == [
        ("BTC", Decimal("0.1"), None),
        ("ETH", Decimal("0.1"), "contracts"),
    ]
    assert found.clusters == [("BTC", "ETH")]
    assert use(found.uses, "per_symbol").used == Decimal("0.5")
    assert use(found.uses, "per_sector").used == Decimal("0.25")
    assert use(found.uses, "gross_exposure").used == Decimal("0.25")
    assert use(found.uses, "daily_loss").used == Decimal("0.2451")  # 2,000 of 102,000, for 8 % of it
    assert use(found.uses, "value_at_risk").used is not None
    assert found.tail is not None
    assert found.missing == []


def test_what_cannot_be_had_is_named_and_the_rest_is_there():
    desk = Desk()
    found = oversight(desk).report()
    assert found.tail is None
    assert found.missing == ["value at risk: fewer than 48 hourly returns of any market"]
    desk.state.assets["EUR"] = Decimal(5)
    found = oversight(desk).report()
    assert (found.equity, found.uses, found.missing) == (None, (), ["equity and limits: no fresh price of EUR"])
    desk.state.assets = None
    assert oversight(desk).report().missing == ["equity and limits: not opened"]


def test_what_no_market_leads_to_is_named_and_the_limits_are_there():
    desk = with_history(Desk({"USDT": "100000", "DOGE": "5"}))
    found = oversight(desk).report()
    assert (found.equity, found.lines) == (100_000, [])
    assert use(found.uses, "gross_exposure").used == 0
    assert found.missing == ["left out of equity: no market leads from DOGE to USDT"]


def test_a_question_is_answered_as_the_agent_would_decide_and_changes_nothing():
    desk = Desk()
    before = (dict(desk.state.snapshots), list(desk.state.pending), dict(desk.state.decisions))
    decision = oversight(desk).consider(Question("BTC/USDT", Side.BUY), asked_by="ann")
    assert (dict(desk.state.snapshots), list(desk.state.pending), dict(desk.state.decisions)) == before
    assert (desk.state.published, desk.state.kept_breakers) == ([], {})
    proposal = desk.buy()
    assert isinstance(proposal, TradeProposed)
    assert decision.assessment.amount == proposal.amount
    assert decision.verdict == proposal.verdict


def test_a_question_about_too_much_names_the_limit():
    verdict = oversight(Desk()).consider(Question("BTC/USDT", Side.BUY, Decimal(1)), asked_by="ann").verdict
    assert [check.name for check in verdict.checks if not check.passed] == ["per_symbol"]


def test_a_question_needs_a_symbol_that_is_traded_and_a_price():
    desk = Desk()
    with pytest.raises(InvalidInput, match="BTC/USDT"):
        oversight(desk).consider(Question("DOGE/USDT", Side.BUY), asked_by="ann")
    desk.quotes.quotes.pop("BTC/USDT")
    with pytest.raises(Unavailable, match="no price of BTC/USDT"):
        oversight(desk).consider(Question("BTC/USDT", Side.BUY), asked_by="ann")


def test_a_breaker_that_the_policy_switches_off_is_told_as_closed():
    desk = Desk(policy=policy_with(breaker_spread=None))
    desk.state.save_breaker("binance", "main", OPEN, MARKET_START)
    (found,) = oversight(desk).report().breakers
    assert (found.state, found.reason) == ("closed", "switched off by the policy")


def test_a_breaker_closed_by_hand_lets_the_next_trade_pass_and_says_who_and_why():
    desk = Desk()
    desk.state.save_breaker("binance", "main", OPEN, MARKET_START)
    assert failed(desk.buy()) == ["breaker_spread"]
    shut = oversight(desk).reset("spread-btc-usdt", actor="ann", reason="a wrong tick")
    assert (shut.state, shut.reason) == ("closed", "a wrong tick")
    (news,) = desk.state.of(BreakerChanged)
    assert (news.before, news.after, news.actor, news.reason) == ("open", "closed", "ann", "a wrong tick")
    assert isinstance(desk.buy(), TradeProposed)


def test_what_is_not_open_cannot_be_reset():
    desk = Desk()
    with pytest.raises(NotFound, match="spread-btc-usdt"):
        oversight(desk).reset("spread-btc-usdt", actor="ann", reason="why not")
    desk.state.save_breaker("binance", "main", OPEN, MARKET_START)
    oversight(desk).reset("spread-btc-usdt", actor="ann", reason="a wrong tick")
    with pytest.raises(Conflict, match="is closed"):
        oversight(desk).reset("spread-btc-usdt", actor="ann", reason="again")
