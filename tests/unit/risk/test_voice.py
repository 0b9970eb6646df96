"""Risk's voice: the standard trade's verdict, the room that limits leave, and what stands against trading."""

from __future__ import annotations

import copy
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.fakes.questions import question
from tests.fakes.transaction import FakeStore
from tests.unit.risk.desk import MARKET_START, SYMBOLS, Desk, policy_with
from volexswarm.errors import InvalidInput
from volexswarm.messages import Side
from volexswarm.risk.breakers import Breaker, Kind
from volexswarm.risk.model import Pending
from volexswarm.risk.oversight import Oversight
from volexswarm.risk.voice import RiskVoice


def voice(desk: Desk) -> RiskVoice:
    watcher = Oversight(
        store=FakeStore(desk.state),
        agent=desk.agent,
        inquiry=desk.inquiry,
        quotes=desk.quotes,
        clock=desk.clock,
        venue="binance",
        symbols=tuple(SYMBOLS),
    )
    return RiskVoice(watcher, desk.quotes)


def ask(desk: Desk, **asked):
    return voice(desk).testify(question(**asked))


def test_a_buy_that_would_pass_tells_its_room_and_its_stop():
    said = ask(Desk())
    assert said.features == {
        "passed": 1.0, "room_share": 0.2, "stop_share": 0.02, "halted": 0.0, "breakers_open": 0.0, "daily_loss": 0.0,
        "drawdown": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("assets", "policy", "room"),
    [
        ({"USDT": "90000", "BTC": "0.2"}, {}, 0.1),  # of 20 % in one symbol 10 % are held
        ({"USDT": "80000", "BTC": "0.4"}, {}, 0.0),
        ({"USDT": "50000", "ETH": "20"}, {"max_gross_exposure": "0.6", "max_per_symbol": "0.2"}, 0.1),
        ({"USDT": "10050", "ETH": "35.98"}, {"max_per_symbol": "0.6", "max_gross_exposure": 1, "max_leverage": 2}, 0.1),
    ],
)
def test_the_tightest_limit_or_the_cash_is_the_room(assets, policy, room):
    said = ask(Desk(assets, policy_with(**policy)))
    assert said.features["room_share"] == pytest.approx(room, abs=1e-6)


def test_no_more_than_its_room_passes():
    desk = Desk({"USDT": "90000", "BTC": "0.2"})
    room = Decimal(str(ask(desk).features["room_share"])) * 100_000 / 50_000
    for amount, passes in ((room * Decimal("0.999"), True), (room * Decimal("1.001"), False)):
        decision = desk.agent.consider(desk.signal("buy", amount=str(amount)))
        assert decision.verdict.approved == passes


def test_a_sale_of_nothing_would_not_pass():
    said = ask(Desk(), wish=Side.SELL)
    assert said.features["passed"] == 0.0
    assert "room_share" not in said.features
    assert "risk:check:position_to_sell" in {evidence.id for evidence in said.evidence}
    assert ask(Desk({"USDT": "50000", "BTC": "1"}, positions={"BTC/USDT": "1"}), wish=Side.SELL).features["passed"] == 1


@pytest.mark.parametrize(
    ("held", "pending", "target", "words"),
    [
        # half of what came with the account: no market's fills made it a position
        ("1", "0", 0.25, "a sell of 0.5 would pass"),
        # all of it
        ("1", "0", 0, "a sell of 1 would pass"),
        # a quarter is sold already: of the wished half there is enough, of all of it three quarters
        ("1", "0.25", 0.25, "a sell of 0.5 would pass"),
        ("1", "0.25", 0, "a sell of 0.75 would pass"),
        # nobody said how much
        ("1", "0", None, "a sell of 1 would pass"),
        # the price fell since it was wished: whether there is anything left to sell is for the verdict to say
        ("1", "0", 0.51, "a sell of 1 would pass"),
        # everything is being sold already
        ("1", "1", 0, "a sell would be refused"),
    ],
)
def test_a_wished_sale_is_asked_about_by_its_amount(held, pending, target, words):
    desk = Desk({"USDT": "50000", "BTC": held})
    desk.state.pending.append(Pending("BTC/USDT", Side.SELL, Decimal(pending), Decimal(50_000)))
    said = ask(desk, wish=Side.SELL, target_share=target)
    assert said.features["passed"] == ("pass" in words)
    (found,) = (evidence.text for evidence in said.evidence if evidence.id == "risk:passed")
    assert found == f"{words} (policy version 1)"


def test_a_wished_sale_passes_while_something_else_has_no_price():
    desk = Desk({"USDT": "50000", "BTC": "1", "SOL": "3"})
    desk.quotes.quotes.pop("SOL/USDT")
    assert ask(desk, wish=Side.SELL, target_share=0.25).features["passed"] == 1


def test_a_sale_of_an_account_that_is_not_open_would_not_pass():
    assert ask(Desk(None), wish=Side.SELL, target_share=0).features["passed"] == 0


def test_a_halt_is_told_and_nothing_passes():
    desk = Desk()
    desk.state.state = replace(desk.state.state, halt="halted by ann: broken")
    said = ask(desk)
    assert (said.features["passed"], said.features["halted"]) == (0.0, 1.0)
    assert "room_share" not in said.features


def breaker(kind: Kind, scope: str, state: str = "open") -> Breaker:
    until = MARKET_START.replace(year=2027) if state == "open" else None
    return Breaker(kind, scope, state, "test", MARKET_START, until=until)


def test_breakers_of_the_symbol_and_of_the_account_count():
    desk = Desk()
    for one in (
        breaker(Kind.PRICE_MOVE, "BTC/USDT"),
        breaker(Kind.SPREAD, "ETH/USDT"),
        breaker(Kind.EXCHANGE_ERRORS, "account"),
        breaker(Kind.VOLATILITY, "BTC/USDT", "closed"),
    ):
        desk.state.save_breaker("binance", "main", one, desk.clock.now())
    said = ask(desk)
    assert (said.features["breakers_open"], said.features["passed"]) == (2.0, 0.0)


def test_losses_are_shares():
    desk = Desk({"USDT": "95000"})
    desk.state.snapshots[MARKET_START.replace(hour=0)] = Decimal(100_000)
    features = ask(desk).features
    assert (features["daily_loss"], features["drawdown"]) == (0.05, 0.05)


def test_without_a_price_it_says_so():
    desk = Desk()
    desk.quotes.quotes.clear()
    assert ask(desk).missing == "there is no price of BTC/USDT yet"
    desk.quote("BTC/USDT", "50000", age=60)
    assert ask(desk).features["passed"] == 0.0


def test_it_speaks_of_the_account_in_force_alone():
    assert ask(Desk(), account="paper").missing == "the account in force is main, not paper"


def test_what_is_not_traded_is_refused():
    desk = Desk()
    desk.quote("XYZ/USDT", "1")
    with pytest.raises(InvalidInput, match="symbol"):
        ask(desk, symbol="XYZ/USDT")


def test_testifying_changes_nothing():
    desk = Desk()
    before = copy.deepcopy(desk.state.__dict__)
    ask(desk)
    assert desk.state.__dict__ == before
