"""The policy time machine on stored history: what it says is what happens when the policy really is in force."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.fakes.transaction import START
from tests.integration.compliance.desk import Desk
from volexswarm.adapters.postgres.compliance import ComplianceTransaction
from volexswarm.adapters.postgres.readers.scope import Scope
from volexswarm.adapters.postgres.readers.whatif import PostgresTimeMachine
from volexswarm.compliance import replay
from volexswarm.compliance.policy import CompliancePolicy
from volexswarm.errors import InvalidInput, NotFound
from volexswarm.messages import Check, Event, TradeProposed
from volexswarm.risk.policy import RiskPolicy
from volexswarm.rulebook.desk import Wanted
from volexswarm.views.policies import WhatIf

SCOPE = Scope("binance", "main", "simulated", "USDT")

PATTERNS = ("own_order_match", "wash_trade", "spoofing", "unusual_size")

Ask = Callable[..., WhatIf]


@pytest.fixture
def ask(desk: Desk) -> Ask:
    machine = PostgresTimeMachine(desk.database, SCOPE)

    def what_if(name: str, since: datetime | None = None, until: datetime | None = None, **changes: object) -> WhatIf:
        return machine.what_if(name, Wanted(changes=changes), since, until)

    return what_if


def history() -> Iterator[dict[str, Any]]:
    """Forty proposals over two days: two symbols, three strategies, both sides, several sizes and kinds."""
    for number in range(40):
        price = 50_000 + 10 * (number % 11)
        limit = str(price + 10 * (number % 7 - 3)) if number % 2 == 0 else None
        yield {
            "side": "sell" if number % 3 == 2 else "buy",
            "symbol": ("BTC/USDT", "ETH/USDT", "BTC/USDT")[number % 3],
            "strategy_id": ("ma", "rsi", "macd")[number % 3],
            "amount": str(Decimal("0.01") * (1 + number % 5) ** 2),
            "reference_price": str(price),
            "as_of": START + timedelta(minutes=70 * number if number % 2 else 70 * number - 68),
            "order_type": "limit" if limit else "market",
            "limit_price": limit,
        }


def live_through(desk: Desk) -> list[Event[TradeProposed]]:
    """The history reviewed as it came, a second of wall time apart; orders stand, end, or are pulled as by a fixed rule."""
    proposals = []
    for number, fields in enumerate(history()):
        desk.clock.advance(timedelta(seconds=1))
        proposal = desk.trade(**fields)
        proposals.append(proposal)
        (row,) = desk.rows("SELECT state FROM proposals WHERE id = %s", proposal.id)
        if row["state"] == "approved":
            state = ("accepted", "filled", "canceled", "rejected")[number % 4]
            full = {"filled": proposal.data.amount, "cost": proposal.data.notional} if state == "filled" else {}
            desk.order(proposal, state=state, **full)
    return proposals


def refused(desk: Desk) -> set[str]:
    """Signals that compliance refused."""
    rows = desk.rows("SELECT signal_id::text FROM decisions WHERE stage = 'compliance' AND NOT approved")
    return {row["signal_id"] for row in rows}


@pytest.mark.parametrize(
    "changes",
    [
        {"max_order_value.USDT": "1500"},
        {"max_order_value.USDT": "1500", "restricted_symbols": ["ETH/USDT"]},
        {"max_order_value": {"BTC": "1"}},
        {"allowed_venues": ["kraken"]},
        {"restricted_symbols": ["ETH/USDT"]},
        {"watched_symbols": ["ETH/USDT"]},
        {"max_order_value.USDT": "1000000"},
    ],
)
def test_for_rules_that_do_not_depend_on_the_past_it_says_what_happens_when_they_are_in_force(desk, ask, changes):
    base = CompliancePolicy.model_validate(dict.fromkeys(PATTERNS, "ignore") | {"max_order_value": {"USDT": "10000"}})
    desk.activate("compliance", base)
    live_through(desk)
    said = ask("compliance", **changes)
    assert said.decisions == 40
    told = {example.signal_id: example.effect for example in said.examples}
    before = refused(desk)
    desk.forget()
    body = Wanted(changes=changes).on(CompliancePolicy, base.model_dump(mode="json"))
    desk.activate("compliance", CompliancePolicy.model_validate(body))
    live_through(desk)
    newly, no_longer = refused(desk) - before, before - refused(desk)
    assert (said.total.refused, said.total.allowed) == (len(newly), len(no_longer))
    assert {signal for signal, effect in told.items() if effect == "refused"} <= newly
    assert said.by_day == sorted(said.by_day, key=lambda tally: tally.name)


def test_the_policy_in_force_would_have_decided_as_it_did(desk, ask):
    live_through(desk)
    assert refused(desk)  # some were refused: the history is no easy one
    said = ask("compliance", flag_escalation_hours=1)
    assert (said.total.refused, said.total.allowed) == (0, 0)
    assert said.not_asked == ["flag_escalation_hours"]


def test_the_replay_finds_what_the_review_found(desk):
    """Looked at from the end, for a trade of each kind, the replayed activity is the stored truth's own."""
    live_through(desk)
    desk.fill(None, "sell", "0.5", "50100", as_of=START)
    desk.clock.advance(timedelta(minutes=10))
    machine, look = PostgresTimeMachine(desk.database, SCOPE), CompliancePolicy().look
    again = machine._rules
    with desk.database.connection() as connection:
        found = again(connection, CompliancePolicy, CompliancePolicy().model_dump(mode="json"))
        seen = 0
        for fields in history():
            probe = desk.propose(**fields)
            stored = ComplianceTransaction(connection).activity(probe, look)
            replayed = found._history.activity(probe.data, desk.clock.now())
            for part in ("trades_of_week", "average_of_week", "opposite", "facing", "orders_of_day", "pulled_of_day"):
                left, right = getattr(stored, part), getattr(replayed, part)
                if part == "average_of_week" and left is not None:
                    left, right = round(left, 9), round(right, 9)
                assert left == right, part
            seen += stored.facing is not None and bool(stored.opposite) and stored.pulled_of_day > 0
        assert seen


@pytest.mark.parametrize("rule", PATTERNS)
def test_patterns_are_found_by_running_the_rule_again(desk, ask, rule):
    """The rules that refuse nothing yet are flags; with `refuse` the flagged buys are the refused ones."""
    lenient = dict.fromkeys(PATTERNS, "flag")
    keen = {"spoofing_min_orders": 1, "max_pulled_share": "0.01", "unusual_size_min_trades": 3, "unusual_size_above": 2}
    desk.activate("compliance", CompliancePolicy.model_validate(lenient | keen))
    live_through(desk)
    flagged = {
        row["signal_id"]
        for row in desk.rows(
            "SELECT d.signal_id::text, c.value->>'value' AS found, s.side FROM decisions d JOIN signals s ON s.id = d.signal_id,"
            " jsonb_array_elements(d.checks) c WHERE d.stage = 'compliance' AND c.value->>'name' = %s",
            rule,
        )
        if "(flagged)" in row["found"] and (row["side"] == "buy" or rule == "own_order_match")
    }
    said = ask("compliance", **{rule: "refuse"})
    assert flagged
    assert said.total.refused == len(flagged)
    assert {tally.name for tally in said.by_check} == {rule}
    assert {example.signal_id for example in said.examples} <= flagged


def sized(measure: str, setting: str = "max_entries_per_day", *, passed: bool = True) -> Check:
    return Check(
        name=setting, limit="", value="", passed=passed, setting=setting, measure=Decimal(measure), bound="at_most"
    )


def test_a_limit_of_risk_is_worth_what_the_stopped_entries_have_made(desk, ask):
    desk.activate("risk", RiskPolicy(max_entries_per_day=10))
    loser = desk.trade(checks=[sized("9")], strategy_id="rsi")
    winner = desk.trade(checks=[sized("8")], as_of=START + timedelta(days=1))
    kept = desk.trade(checks=[sized("3")])
    way_out = desk.trade("sell", checks=[sized("9")], as_of=START + timedelta(days=2))
    desk.refuse([sized("11", passed=False)])
    desk.refuse([sized("30", passed=False)])
    hours = iter(range(1, 10))
    for proposal, amount, price in ((kept, "1", "100"), (loser, "2", "110"), (winner, "3", "120")):
        order = desk.order(proposal, state="filled")
        desk.fill(order, "buy", amount, price, as_of=START + timedelta(hours=next(hours)))
    exit_order = desk.order(way_out, state="filled")
    desk.fill(exit_order, "sell", "4", "105", as_of=START + timedelta(hours=next(hours)))
    desk.run("INSERT INTO trades VALUES ('binance', 'BTC/USDT', 1, %s, 150, 1, 'b')", START)
    said = ask("risk", max_entries_per_day=7)
    # first in, first out: the sale closes the kept one's 1, the loser's 2 (at 105: −10) and 1 of the winner's (−15);
    # of the winner 2 are held at 120 and worth 150 (+60)
    assert (said.total.refused, said.total.allowed, said.exits_stopped) == (3, 0, 1)
    (worth,) = said.total.worth
    assert (worth.currency, worth.losses_avoided, worth.profits_missed) == ("USDT", Decimal(10), Decimal(45))
    assert (worth.effect, worth.unrealised, worth.unvalued) == (Decimal(-35), Decimal(60), 0)
    assert {tally.name: tally.worth[0].effect for tally in said.by_strategy if tally.name == "rsi"} == {"rsi": 10}
    assert [tally.name for tally in said.by_day] == ["2026-01-05", "2026-01-06", "2026-01-07"]
    example = next(example for example in said.examples if example.strategy_id == "rsi")
    assert (example.effect, example.checks, example.realised, example.unrealised) == (
        "refused",
        ["max_entries_per_day"],
        Decimal(-10),
        Decimal(0),
    )
    assert len(example.order_ids) == 1
    looser = ask("risk", max_entries_per_day=11)
    assert (looser.total.refused, looser.total.allowed) == (0, 1)
    assert looser.total.worth == []


def test_only_decisions_of_the_asked_time_count(desk, ask):
    desk.activate("risk", RiskPolicy(max_entries_per_day=10))
    for day in range(4):
        desk.trade(checks=[sized("9")], as_of=START + timedelta(days=day))
    said = ask("risk", START + timedelta(days=1), START + timedelta(days=3), max_entries_per_day=1)
    assert (said.decisions, said.total.refused) == (2, 2)


def test_what_is_still_held_without_any_price_is_said_to_be_unvalued(desk, ask):
    desk.activate("risk", RiskPolicy(max_entries_per_day=10))
    order = desk.order(desk.trade(checks=[sized("9")]), state="filled")
    desk.fill(order, "buy", "1", "100")
    (worth,) = ask("risk", max_entries_per_day=1).total.worth
    assert (worth.unvalued, worth.effect) == (1, Decimal(0))


def test_a_tighter_budget_makes_what_risk_sized_smaller(desk, ask):
    desk.activate("risk", RiskPolicy(max_trade=Decimal("0.04")))
    order = desk.order(desk.trade(checks=[sized("0.04", "max_trade")]), state="filled")
    desk.fill(order, "buy", "1", "100", as_of=START)
    desk.fill(None, "sell", "1", "80", as_of=START + timedelta(hours=1))
    said = ask("risk", max_trade="0.01")
    assert (said.total.refused, said.total.reduced) == (0, 1)
    assert said.total.worth[0].effect == Decimal(15)  # three quarters of the loss of 20


def test_decisions_by_a_broken_policy_stay_as_they_were(desk, ask):
    desk.run("INSERT INTO policies (name, version, body, activated_by) VALUES ('compliance', 2, '{\"x\": 1}', 'test')")
    desk.trade()
    desk.activate("compliance", CompliancePolicy())
    said = ask("compliance", restricted_symbols=["ETH/USDT"])
    assert (said.decisions, said.total.refused, said.total.allowed) == (1, 0, 0)


def test_what_is_no_policy_is_not_asked(ask):
    with pytest.raises(NotFound):
        ask("magic")
    with pytest.raises(NotFound):
        ask("risk")  # none has been put in force
    with pytest.raises(InvalidInput):
        ask("compliance", max_trades_per_hour=-1)


def test_every_setting_of_a_rule_that_is_run_again_is_one_of_the_policys():
    assert set(CompliancePolicy.model_fields) >= replay.SETTINGS
