"""The verdict's arithmetic: what the votes come to, and what no vote can do."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.unit.deliberation.panels import (
    GATES,
    MARKET,
    SILENT,
    UNTAINTED,
    all_testimonies,
    answers,
    opinions,
    panel_of,
    panels,
    says,
    snapshot,
    weights,
)
from volexswarm.deliberation.desk import DESK
from volexswarm.deliberation.domain import Abstention, Answer, Opinion, Silence, Snapshot
from volexswarm.deliberation.verdict import QUORUM, THRESHOLD, Tally, aggregate
from volexswarm.messages import Side, Stance

NEWS = "news-sentiment"


def counted(wish: Side | None = None, target: float | None = None, **said: Answer) -> Tally:
    return aggregate(panel_of(**said), snapshot(wish, target), {})


@pytest.mark.parametrize(
    ("said", "action"),
    [
        # two untainted roles agree and nobody is against
        ({"research": says("buy"), "signal": says("buy")}, "buy"),
        ({"research": says("sell"), "strategy": says("sell")}, "sell"),
        # one alone, however sure, with news at its side
        ({"research": says("buy", 1.0), "news_sentiment": says("buy", 1.0)}, "hold"),
        # as many for as against
        ({"research": says("buy"), "signal": says("sell")}, "hold"),
        # two for, but most of the strength waits
        ({"research": says("buy", 0.2), "signal": says("buy", 0.2), "strategy": says("hold", 1.0)}, "buy"),
        ({"research": says("buy", 0.1), "signal": says("buy", 0.1), "strategy": says("hold", 1.0)}, "hold"),
        # nobody has anything to say
        ({}, "hold"),
    ],
)
def test_a_direction_needs_two_untainted_roles_and_more_strength_than_doubt(
    said: dict[str, Answer], action: str
) -> None:
    assert counted(**said).action == action


@pytest.mark.parametrize("gate", ["risk", "compliance"])
@pytest.mark.parametrize("word", [says("veto"), SILENT, Abstention(why=Silence.BUDGET, reason="none left")])
def test_a_gates_veto_and_its_silence_end_the_matter(gate: str, word: Answer) -> None:
    tally = counted(research=says("buy", 1.0), signal=says("buy", 1.0), strategy=says("buy", 1.0), **{gate: word})
    assert (tally.action, tally.size_frac, tally.vetoed_by) == ("hold", 0.0, (gate,))
    assert tally.reason == f"veto by {gate}"


def test_a_gate_that_was_not_asked_is_a_veto_too() -> None:
    panel = panel_of(research=says("buy", 1.0), signal=says("buy", 1.0))
    del panel["compliance"]
    assert aggregate(panel, snapshot(), {}).vetoed_by == ("compliance",)


def test_the_veto_of_anybody_else_is_only_a_vote_to_wait() -> None:
    tally = counted(research=says("buy"), signal=says("buy"), strategy=says("veto", 0.3))
    assert (tally.action, tally.vetoed_by) == ("buy", ())


def test_consent_of_the_gates_alone_is_no_reason_to_trade() -> None:
    silent: dict[str, Answer] = dict.fromkeys(MARKET[1:], SILENT)
    tally = aggregate(panel_of(risk=says("buy"), compliance=says("buy")) | silent, snapshot(Side.BUY), {})
    assert tally.action == "hold"
    assert f"{QUORUM} are needed" in tally.reason


CONSENT: dict[str, Answer] = {"risk": says("buy", size=0.15), "compliance": says("buy", size=0.15)}


@pytest.mark.parametrize(
    ("research", "signal", "strategy", "bought"),
    [
        # the market roles are against it, whatever the gates let pass
        (says("buy", 0.05), says("sell", 0.6), says("hold", 0.3), 0),
        # nobody is for it
        (says("hold", 0.3), says("hold", 0.3), says("hold", 0.1), 0),
        # one is for it, and those who wait are surer by far
        (says("buy", 0.1), says("hold", 0.3), says("hold", 0.3), 0),
        # one is for it and the others wait, or one is against it and less sure
        (says("buy", 0.4, 0.1), says("hold", 0.3), says("hold", 0.3), 0.1),
        (says("buy", 0.9, 0.1), says("sell", 0.3), says("hold", 0.3), 0.1),
        # of one mind: as much as they would buy, by their strength
        (says("buy", 0.8, 0.10), says("buy", 0.2, 0.05), says("hold", 0.3), 0.09),
    ],
)
def test_a_wish_to_buy_goes_by_those_who_judge_the_market(
    research: Opinion, signal: Opinion, strategy: Opinion, bought: float
) -> None:
    tally = counted(Side.BUY, 0.17, research=research, signal=signal, strategy=strategy, **CONSENT)
    assert tally.action == ("buy" if bought else "hold")
    assert tally.size_frac == pytest.approx(bought)
    without = counted(Side.BUY, 0.17, research=research, signal=signal, strategy=strategy)
    assert (tally.confidence, _line(tally, "score")) == (without.confidence, _line(without, "score"))


@pytest.mark.parametrize("gate", ["risk", "compliance"])
def test_no_more_is_bought_than_a_gate_consents_to(gate: str) -> None:
    tally = counted(Side.BUY, research=says("buy"), signal=says("buy"), **CONSENT | {gate: says("buy", size=0.03)})
    assert (tally.action, tally.size_frac) == ("buy", 0.03)
    assert _line(tally, "consented") == 0.03
    assert next(vote.counted for vote in tally.votes if vote.role == gate) == "consents to buying, which is no strength"


def test_a_gate_that_doubts_a_purchase_makes_it_less_sure() -> None:
    consents, doubts = (
        counted(Side.BUY, research=says("buy"), signal=says("buy"), risk=word, compliance=says("buy"))
        for word in (says("buy"), says("hold"))
    )
    assert doubts.confidence < consents.confidence


@given(panel=panels(), weights=weights, wish=st.sampled_from([None, Side.BUY]), confidence=st.floats(0, 1))
def test_no_consent_leads_to_a_purchase(
    panel: dict[str, Answer], weights: dict[str, float], wish: Side | None, confidence: float
) -> None:
    tally = aggregate(panel | dict.fromkeys(GATES, says("buy", confidence, 1.0)), snapshot(wish), weights)
    if tally.action == "buy":
        for_it, against = (_market_strength(panel, weights, stance) for stance in (Stance.BUY, Stance.SELL))
        assert for_it > against


def _market_strength(panel: dict[str, Answer], weights: dict[str, float], stance: Stance) -> float:
    said = [(role, panel[role]) for role in MARKET]
    return sum(
        weights.get(role, 1) * one.confidence for role, one in said if isinstance(one, Opinion) and one.stance is stance
    )


def _line(tally: Tally, what: str) -> float:
    return next(line.value for line in tally.arithmetic if line.what == what)


def test_a_wish_to_sell_goes_by_consent_so_that_nobody_is_held_in_a_position() -> None:
    consent = {"risk": says("sell"), "compliance": says("sell")}
    assert counted(Side.SELL, signal=says("hold", 0.3), **consent).action == "sell"


def test_a_team_of_another_mind_than_the_task_holds_and_says_so() -> None:
    tally = counted(Side.BUY, research=says("sell"), signal=says("sell"))
    assert tally.action == "hold"
    assert tally.reason == "the task wishes to buy, the team would sell"


@pytest.mark.parametrize(
    ("wish", "target", "facts", "size"),
    [
        # no target: what the agreeing roles would trade, by their strength
        (None, None, {}, 0.05),
        # from 2 % to 4 % held: no more than what is missing
        (Side.BUY, 0.04, {}, 0.02),
        # there is as much already
        (Side.BUY, 0.01, {}, 0.0),
        # limits leave room for less, and are not filled to the edge
        (None, None, {"risk": {"room_share": 0.01}}, 0.0098),
        (None, None, {"risk": {"room_share": -0.3}}, 0.0),
        # without the books nobody knows what is missing
        (Side.BUY, 0.04, {"portfolio": None}, 0.0),
    ],
)
def test_the_facts_bound_what_is_bought(
    wish: Side | None, target: float | None, facts: dict[str, dict[str, float] | None], size: float
) -> None:
    panel = panel_of(research=says("buy", 0.6, 0.05), signal=says("buy", 0.6, 0.05))
    tally = aggregate(panel, snapshot(wish, target, **facts), {})
    assert tally.size_frac == pytest.approx(size)
    assert tally.action == ("buy" if size else "hold")


def test_no_more_is_sold_than_is_held() -> None:
    panel = panel_of(research=says("sell", 0.6, 0.5), signal=says("sell", 0.6, 0.5))
    assert aggregate(panel, snapshot(portfolio={"position_share": 0.031}), {}).size_frac == 0.031


def test_the_size_is_weighed_by_strength() -> None:
    tally = counted(research=says("buy", 0.8, 0.10), signal=says("buy", 0.2, 0.05))
    assert tally.size_frac == pytest.approx(0.09)


def test_calibrated_weights_move_the_score() -> None:
    panel = panel_of(research=says("buy", 0.5), signal=says("buy", 0.5), strategy=says("sell", 0.7))
    assert aggregate(panel, snapshot(), {}).action == "hold"
    assert aggregate(panel, snapshot(), {"research": 1.5, "signal": 1.5, "strategy": 0.5}).action == "buy"


def test_the_arithmetic_shows_each_line_that_led_there() -> None:
    tally = counted(research=says("buy", 0.6), signal=says("buy", 0.4), news_sentiment=says("sell", 0.2))
    lines = {line.what: line.value for line in tally.arithmetic}
    assert lines["buy"] == 1.0
    assert lines["score"] == 1.0
    assert lines["confidence"] == pytest.approx(0.8 / 1.2, abs=1e-6)
    assert lines["agreeing"] == 2
    assert lines["wanted"] == 0.05
    assert lines["size"] == pytest.approx(0.05 * 0.8 / 1.2, abs=1e-6) == tally.size_frac
    assert tally.dissent == (NEWS, "strategy", "risk", "compliance")


def test_who_waits_agrees_with_a_team_that_waits() -> None:
    panel = {"research": says("hold", 0.1), "signal": says("hold", 0.1), "strategy": says("hold", 0.1)}
    tally = counted(**panel, risk=says("buy", 0.6), compliance=says("buy", 0.4))
    assert (tally.action, tally.reason) == ("hold", "the team leans to neither side")
    assert tally.dissent == ("risk", "compliance")


def test_a_veto_is_no_dissent() -> None:
    tally = counted(research=says("buy", 0.6), signal=says("buy", 0.4), risk=says("veto"))
    assert (tally.action, tally.vetoed_by) == ("hold", ("risk",))
    assert tally.dissent == ("research", "signal")


def test_no_field_says_for_whom_an_opinion_speaks() -> None:
    with pytest.raises(ValidationError, match="extra"):
        Opinion.model_validate({**says("veto").model_dump(), "role": "risk"})


@pytest.mark.parametrize("word", [says("buy", 1.0), says("hold", 1.0), says("sell", 1.0), says("veto", 1.0)])
@pytest.mark.parametrize("wish", [Side.SELL, None])
def test_no_news_holds_anybody_in_a_position(wish: Side | None, word: Opinion) -> None:
    panel = panel_of(
        research=says("hold", 0.5), signal=says("sell", 0.2), risk=says("sell", 0.4), compliance=says("sell", 0.4)
    )
    without, hijacked = (aggregate(one, snapshot(wish, 0.0), {}) for one in (panel, panel | {NEWS: word}))
    assert without.action == "sell"
    assert (hijacked.action, hijacked.size_frac, hijacked.confidence) == ("sell", without.size_frac, without.confidence)


@pytest.mark.parametrize(
    ("others", "word", "counted_as"),
    [
        ("buy", "buy", "supports, which does not count: tainted"),
        ("buy", "sell", "lowers: tainted"),
        ("buy", "hold", "lowers: tainted"),
        ("sell", "sell", "supports, which does not count: tainted"),
        ("sell", "buy", "lowers no sale: tainted"),
        ("hold", "buy", "there is nothing to lower: tainted"),
    ],
)
def test_what_became_of_a_tainted_word_is_said(others: str, word: str, counted_as: str) -> None:
    tally = counted(research=says(others), signal=says(others), news_sentiment=says(word))
    assert next(vote.counted for vote in tally.votes if vote.role == NEWS) == counted_as


_SIGNS = {"buy": 1, "sell": -1, "hold": 0}


def _exposure(tally: Tally) -> float:
    """What the decision adds to the position, as a share of the equity."""
    return _SIGNS[tally.action] * tally.size_frac


def _is_caution(without: Tally, hijacked: Tally) -> bool:
    """A purchase of no greater size and confidence, or hold instead; a sale as it was."""
    less = hijacked.size_frac <= without.size_frac and hijacked.confidence <= without.confidence
    same = hijacked.action == without.action and hijacked.vetoed_by == without.vetoed_by
    held_back = without.action == "buy" and hijacked.action == "hold"
    return less and (same or held_back) and _exposure(hijacked) <= _exposure(without)


def test_a_hijacked_news_agent_turns_no_panel_but_towards_caution() -> None:
    """20,000 random panels: whatever news says, the others' sale stands; their purchase stands, or becomes hold, or smaller."""
    draw = random.Random(20_000)
    flips, changed, traded, sold = 0, 0, 0, 0
    facts = [snapshot(), snapshot(Side.BUY, 0.3), snapshot(Side.SELL, 0.0), snapshot(Side.BUY)]
    for _ in range(20_000):
        panel: dict[str, Answer] = {role: _drawn(draw, role) for role in UNTAINTED}
        base = draw.choice(facts)
        without = aggregate(panel, base, {})
        loudest = Opinion(stance=draw.choice(list(Stance)), confidence=1.0, size_frac=1.0, rationale="obey me")
        hijacked = aggregate(panel | {NEWS: loudest}, base, {NEWS: 1.5})
        traded += without.action != "hold"
        sold += without.action == "sell"
        changed += hijacked.action != without.action
        flips += not _is_caution(without, hijacked)
    assert flips == 0
    assert traded > 2_000  # the panels are such that something could have been turned around
    assert sold > 1_000  # or held back
    assert changed > 200  # and caution is not without effect


def _drawn(draw: random.Random, role: str) -> Answer:
    if draw.random() < 0.05:
        return SILENT
    lean = draw.choice([Stance.BUY, Stance.SELL, Stance.HOLD, draw.choice(list(Stance))])
    if role in ("risk", "compliance") and lean is Stance.VETO and draw.random() < 0.8:
        lean = Stance.HOLD
    return Opinion(stance=lean, confidence=draw.random(), size_frac=draw.random(), rationale="because")


@given(
    panel=panels(),
    weights=weights,
    word=answers,
    wish=st.sampled_from([None, Side.BUY, Side.SELL]),
    target=st.none() | st.floats(0, 1),
)
def test_no_word_of_news_does_more_than_caution_or_holds_back_a_sale(
    panel: dict[str, Answer], weights: dict[str, float], word: Answer, wish: Side | None, target: float | None
) -> None:
    base = snapshot(wish, target)
    del panel[NEWS]
    assert _is_caution(aggregate(panel, base, weights), aggregate(panel | {NEWS: word}, base, weights))


@given(
    panel=panels(),
    weights=weights,
    target=st.none() | st.floats(0, 1),
    wish=st.sampled_from([None, Side.BUY, Side.SELL]),
)
def test_what_holds_of_every_verdict(
    panel: dict[str, Answer], weights: dict[str, float], target: float | None, wish: Side | None
) -> None:
    tally = aggregate(panel, snapshot(wish, target), weights)
    assert 0 <= tally.size_frac <= 1
    assert 0 <= tally.confidence <= 1
    assert (tally.action == "hold") == (tally.size_frac == 0)
    if tally.action != "hold":
        backing = [panel[role] for role in UNTAINTED]
        assert sum(isinstance(a, Opinion) and a.stance == tally.action for a in backing) >= 2
        assert tally.confidence >= THRESHOLD - 1e-6
        assert wish in (None, Side(tally.action))
        assert not tally.vetoed_by
    assert [vote.role for vote in tally.votes] == [role.name for role in DESK]


@given(panel=panels(), order=st.permutations([role.name for role in DESK]))
def test_the_order_in_which_votes_arrive_changes_nothing(panel: dict[str, Answer], order: list[str]) -> None:
    base = snapshot()
    assert aggregate(panel, base, {}) == aggregate({role: panel[role] for role in order}, base, {})


@given(opinion=opinions)
def test_an_opinion_survives_the_wire_unchanged(opinion: Opinion) -> None:
    assert Opinion.model_validate_json(opinion.model_dump_json()) == opinion


def test_a_role_left_out_neither_votes_nor_vetoes() -> None:
    panel = panel_of(research=says("buy"), signal=says("buy"), risk=says("veto"))
    tally = aggregate(panel, snapshot(), {}, absent={"risk"})
    assert tally.action == "buy"
    assert "risk" not in [vote.role for vote in tally.votes]


def test_an_agent_testifies_once_and_evidence_has_one_id() -> None:
    given = all_testimonies()
    with pytest.raises(ValidationError, match="testifies once"):
        Snapshot(question=snapshot().question, testimonies=(*given, given[0]))
