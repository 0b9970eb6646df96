"""The analysts' rules: what they say to a market, when they are silent, and how they argue."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.deliberation.panels import FEATURES, all_testimonies, one_testimony, question, says
from volexswarm.deliberation.desk import DESK
from volexswarm.deliberation.domain import Abstention, Brief, Objection, Opinion, Silence
from volexswarm.deliberation.policies import speak
from volexswarm.errors import InvalidInput
from volexswarm.messages import Side, Stance
from volexswarm.testimony import Findings

ROLES = [role.name for role in DESK]


def brief(wish: Side | None = None, target: float | None = None, **changes: dict[str, float] | None) -> Brief:
    return Brief(question=question(wish, target), testimonies=all_testimonies(**changes))


def said(role: str, wish: Side | None = None, target: float | None = None, **features: float) -> Opinion:
    answer = speak(role, brief(wish, target, **{role.replace("-", "_"): features}))
    assert isinstance(answer, Opinion)
    return answer


@pytest.mark.parametrize(
    ("role", "features", "stance"),
    [
        ("research", {"trend": 0.8, "return_1d": 0.03, "return_7d": 0.09}, "buy"),
        ("research", {"trend": -0.8, "return_1d": -0.03, "return_7d": -0.09}, "sell"),
        ("research", {"trend": 0.0, "return_1d": 0.001, "return_7d": -0.002}, "hold"),
        # it rises, but the spread eats it
        ("research", {"trend": 0.8, "spread": 0.02}, "hold"),
        ("signal", {"ma_spread": 1.5, "macd_hist": 0.5}, "buy"),
        ("signal", {"ma_spread": -1.5, "macd_hist": -0.5}, "sell"),
        ("signal", {"ma_spread": 0.05, "macd_hist": 0.0, "rsi_14": 50}, "hold"),
        # a signal just raised outweighs flat indicators; an old one does not
        ("signal", {"ma_spread": 0.0, "macd_hist": 0.0, "last_side": 1, "last_age": 0, "last_confidence": 0.9}, "buy"),
        (
            "signal",
            {"ma_spread": 0.0, "macd_hist": 0.0, "last_side": 1, "last_age": 60, "last_confidence": 0.9},
            "hold",
        ),
        ("strategy", {"stance": 0.7, "expectancy": 0.01}, "buy"),
        ("strategy", {"stance": -0.7, "expectancy": 0.01}, "sell"),
        # what has lost money over many trades is not followed
        ("strategy", {"stance": 0.9, "expectancy": -0.01, "trades": 40}, "hold"),
        ("news-sentiment", {"sentiment": 0.8, "items": 6, "age_hours": 1, "dispersion": 0.1}, "buy"),
        ("news-sentiment", {"sentiment": 0.8, "items": 6, "age_hours": 72, "dispersion": 0.1}, "hold"),
        ("news-sentiment", {"sentiment": 0.8, "items": 6, "age_hours": 1, "dispersion": 1.0}, "hold"),
        ("risk", {}, "hold"),
        ("risk", {"halted": 1}, "veto"),
        ("risk", {"breakers_open": 1}, "veto"),
        ("compliance", {}, "hold"),
        ("compliance", {"restricted": 1}, "veto"),
    ],
)
def test_what_a_role_says_to_a_market(role: str, features: dict[str, float], stance: str) -> None:
    opinion = said(role, **features)
    assert opinion.stance == stance
    assert opinion.rationale
    assert set(opinion.evidence) <= {f"{role}:{name}" for name in {**FEATURES[role], **features}}


@pytest.mark.parametrize("role", ["risk", "compliance"])
@pytest.mark.parametrize("wish", list(Side))
def test_gates_consent_to_a_wish_that_passes_and_veto_one_that_does_not(role: str, wish: Side) -> None:
    assert said(role, wish).stance == wish.value
    assert said(role, wish, passed=0).stance is Stance.VETO


def test_open_breakers_stop_no_sale_that_passes() -> None:
    assert said("risk", Side.SELL, breakers_open=2).stance is Stance.SELL
    assert said("risk", Side.BUY, breakers_open=2).stance is Stance.VETO


def test_a_spent_day_is_a_veto_of_purchases_and_holds_nobody_in_a_position() -> None:
    assert said("compliance", Side.BUY, trades_left_today=0).stance is Stance.VETO
    assert said("compliance", Side.SELL, trades_left_today=0).stance is Stance.SELL


def test_risk_consents_to_no_more_than_there_is_room_for() -> None:
    assert said("risk", Side.BUY, 0.5, room_share=0.03).size_frac == 0.03


def test_a_target_is_sized_by_what_is_missing() -> None:
    assert said("signal", Side.BUY, 0.22, ma_spread=2.0).size_frac == pytest.approx(0.2)


def test_older_news_and_shorter_history_are_less_sure() -> None:
    fresh, old = said("news-sentiment", sentiment=0.9, age_hours=0), said("news-sentiment", sentiment=0.9, age_hours=6)
    assert fresh.confidence > old.confidence
    assert said("research", hours=240).confidence > said("research", hours=6).confidence


@pytest.mark.parametrize("role", ["risk", "compliance"])
@pytest.mark.parametrize("wish", [Side.BUY, None])
def test_a_gate_names_the_checks_that_a_trade_would_fail(role: str, wish: Side | None) -> None:
    found = Findings(role, question())
    found.know("passed", 0, "a buy would be refused")
    found.show("check", "per_symbol", "per_symbol: 20.41 % (limit 20.00 %)")
    found.show("flag", "f1", "something else")
    answer = speak(role, Brief(question=question(wish), testimonies=(found.testimony("unused"),)))
    assert isinstance(answer, Opinion)
    assert "refuse" in answer.rationale
    assert "now: per_symbol: 20.41 % (limit 20.00 %)." in answer.rationale
    assert f"{role}:check:per_symbol" in answer.evidence
    assert "something else" not in answer.rationale


@pytest.mark.parametrize(("role", "name"), [("strategy", "active"), ("news-sentiment", "items")])
def test_a_role_with_nothing_to_judge_has_no_opinion_and_says_so_in_its_agents_words(role: str, name: str) -> None:
    found = Findings(role, question())
    found.know(name, 0, "looked, and found none")
    answer = speak(role, Brief(question=question(), testimonies=(found.testimony("unused"),)))
    assert answer == Abstention(why=Silence.NOTHING, reason="looked, and found none")
    assert not answer.why.is_failure


@pytest.mark.parametrize("role", ROLES)
def test_a_role_without_its_facts_is_silent_and_says_why(role: str) -> None:
    answer = speak(role, brief(Side.BUY, **{role.replace("-", "_"): None}))
    assert isinstance(answer, Abstention)
    assert (answer.why, answer.reason) == (Silence.NO_DATA, f"{role} was not reached")
    nothing = Brief(question=question(), testimonies=(one_testimony(role, {}),))
    assert isinstance(speak(role, nothing), Abstention)


def argued(standing: Opinion, other: Opinion) -> Opinion:
    objection = Objection(role="strategy", opinion=other)
    answer = speak("signal", Brief(question=question(), testimonies=(), standing=standing, objection=objection))
    assert isinstance(answer, Opinion)
    return answer


def test_whoever_is_surer_on_other_facts_makes_an_analyst_wait() -> None:
    strong = says("sell", 0.9).model_copy(update={"evidence": ("strategy:stance",)})
    assert argued(says("buy", 0.5), strong).stance is Stance.HOLD
    assert argued(says("buy", 0.5), strong).confidence == 0.25
    # not sure enough
    assert argued(says("buy", 0.7), strong).stance is Stance.BUY
    # sure, on nothing new
    assert argued(says("buy", 0.5), says("sell", 0.9)).stance is Stance.BUY


opinions = st.builds(
    lambda stance, confidence, evidence: says(stance, confidence).model_copy(update={"evidence": tuple(evidence)}),
    st.sampled_from(["buy", "sell", "hold", "veto"]),
    st.floats(0, 1),
    st.lists(st.sampled_from(["signal:rsi_14", "strategy:stance", "research:trend"]), unique=True),
)


@given(standing=opinions, other=opinions)
def test_an_argument_never_talks_an_analyst_into_a_trade(standing: Opinion, other: Opinion) -> None:
    answer = argued(standing, other)
    assert answer.stance in (standing.stance, Stance.HOLD)
    assert answer.confidence <= standing.confidence
    assert answer.size_frac <= standing.size_frac


numbers = st.one_of(st.floats(-1e6, 1e6), st.sampled_from([0.0, 1.0, -1.0, 1e-12, 100.0]))
facts = st.fixed_dictionaries(
    {},
    optional={
        agent: st.fixed_dictionaries({}, optional=dict.fromkeys(usual, numbers)) for agent, usual in FEATURES.items()
    },
)


@given(
    facts=facts, wish=st.sampled_from([None, *Side]), target=st.none() | st.floats(0, 1), role=st.sampled_from(ROLES)
)
def test_any_numbers_have_an_answer_within_bounds_and_the_same_twice(
    facts: dict[str, dict[str, float]], wish: Side | None, target: float | None, role: str
) -> None:
    given_to = Brief(
        question=question(wish, target),
        testimonies=tuple(one_testimony(agent, features) for agent, features in facts.items()),
    )
    answer = speak(role, given_to)
    assert answer == speak(role, given_to)
    if isinstance(answer, Opinion):
        known = {f"{agent}:{name}" for agent, features in facts.items() for name in features}
        assert set(answer.evidence) <= known
        assert answer.stance is not Stance.VETO or role in ("risk", "compliance")


def test_who_is_not_at_the_desk_does_not_speak() -> None:
    with pytest.raises(InvalidInput, match="expected one of research"):
        speak("oracle", brief())
