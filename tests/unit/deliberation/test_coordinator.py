"""Phases, resumption, budget and deadline of a deliberation, with a scripted team."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.deliberation.panels import all_testimonies, question, says
from tests.unit.deliberation.speaking import Stage, by_policy
from volexswarm.deliberation.calibration import TrackRecord
from volexswarm.deliberation.desk import DESK
from volexswarm.deliberation.domain import Answer, Ask, Limits, Opinion, Usage
from volexswarm.errors import Unavailable
from volexswarm.messages import DeliberationConcluded, OpinionGiven, Ruling, Side, Stance

USUAL = Limits()
ROLES = [role.name for role in DESK]


class Killed(BaseException):
    """The process ends here."""


def ruled(stage: Stage, limits: Limits = USUAL, **changes: dict[str, float] | None) -> Ruling:
    return stage.coordinator().deliberate(question(Side.BUY), all_testimonies(**changes), limits)


def quarrel(ask: Ask) -> Answer:
    """Signal is for buying, strategy strongly against it; challenged, both stay as they are."""
    said = {"signal": says("buy", 0.7), "research": says("buy", 0.5), "strategy": says("sell", 0.9)}
    return said.get(ask.role, says("buy", 0.2))


def test_a_team_of_one_mind_gives_six_opinions_and_a_verdict() -> None:
    stage = Stage()
    ruling = ruled(stage)
    assert (ruling.action, ruling.degraded, ruling.abstained) == ("buy", False, ())
    assert [ask.role for ask in stage.calls] == ROLES
    opinions = stage.tx.of(OpinionGiven)
    assert [(o.agent, o.phase) for o in opinions] == [(role, "blind") for role in ROLES]
    (concluded,) = stage.tx.of(DeliberationConcluded)
    assert concluded.ruling == ruling
    assert (concluded.calls, concluded.tokens, concluded.rounds) == (6, 600, 0)
    assert concluded.cost == pytest.approx(0.006)


def test_each_role_sees_only_its_own_evidence_and_no_opinion_in_the_blind_round() -> None:
    stage = Stage()
    ruled(stage)
    for ask in stage.calls:
        role = next(role for role in DESK if role.name == ask.role)
        assert {t.agent for t in ask.brief.testimonies} == set(role.sees)
        assert ask.brief.standing is None
        assert not [other for other in ROLES if other not in role.sees and f"{other}:" in ask.text]


def test_the_strongest_dissenter_is_heard_and_then_its_target() -> None:
    stage = Stage(quarrel)
    ruled(stage)
    assert [(ask.role, ask.round) for ask in stage.calls[6:]] == [("strategy", 1), ("signal", 1)]
    first, second = stage.calls[6:]
    assert first.brief.objection is not None
    assert first.brief.objection.role == "signal"
    assert second.brief.objection is not None
    assert second.brief.objection.role == "strategy"
    assert [o.phase for o in stage.tx.of(OpinionGiven)][6:] == ["challenge", "challenge"]


def test_a_round_that_moves_nobody_is_the_last() -> None:
    stage = Stage(quarrel)
    ruled(stage)
    assert len(stage.calls) == 8


def test_there_are_at_most_two_rounds_however_much_they_move() -> None:
    def fickle(ask: Ask) -> Answer:
        own = ask.brief.standing
        if own is None:
            return quarrel(ask)
        return own.model_copy(update={"stance": Stance.BUY if own.stance is Stance.SELL else Stance.SELL})

    stage = Stage(fickle)
    ruled(stage)
    assert [ask.round for ask in stage.calls[6:]] == [1, 1, 2, 2]


def test_a_veto_leaves_nothing_to_argue_about() -> None:
    stage = Stage(lambda ask: says("veto") if ask.role == "risk" else quarrel(ask))
    ruling = ruled(stage)
    assert (ruling.action, ruling.vetoed_by) == ("hold", ("risk",))
    assert len(stage.calls) == 6


def test_who_moves_in_the_challenge_votes_as_it_moved() -> None:
    def persuaded(ask: Ask) -> Answer:
        return says("buy", 0.4) if ask.phase == "challenge" else quarrel(ask)

    stage = Stage(persuaded)
    ruling = ruled(stage)
    assert ruling.action == "buy"
    assert ruling.dissent == ()


@pytest.mark.parametrize("dies_at", range(8))
def test_a_crash_at_any_call_resumes_without_asking_again_what_was_answered(dies_at: int) -> None:
    undisturbed = Stage(quarrel)
    expected = ruled(undisturbed)
    stage = Stage(quarrel)
    count = 0

    def mortal(ask: Ask) -> Answer:
        nonlocal count
        count += 1
        if count == dies_at + 1:
            raise Killed
        return quarrel(ask)

    stage.script = mortal
    with pytest.raises(Killed):
        ruled(stage)
    assert ruled(stage) == expected
    asked = [(ask.role, ask.phase, ask.round) for ask in stage.calls]
    assert len(asked) == len(set(asked)) + 1  # the one that was under way
    assert _decisions(stage) == _decisions(undisturbed)
    told = [(o.agent, o.phase, o.round) for o in stage.tx.of(OpinionGiven)]
    assert len(told) == len(set(told)) == 8


def _decisions(stage: Stage) -> list[str]:
    found = [one.checkpoint.decision for one in stage.tx.deliberations.values()]
    return [decision.model_dump_json() for decision in found if decision is not None]


def test_a_call_that_a_crash_swallowed_still_counts_in_the_budget() -> None:
    stage = Stage()
    limits = Limits(calls=6)

    def mortal(ask: Ask) -> Answer:
        if ask.role == "research" and len(stage.calls) == 1:
            raise Killed
        return by_policy(ask)

    stage.script = mortal
    with pytest.raises(Killed):
        ruled(stage, limits)
    ruling = ruled(stage, limits)
    assert len(stage.calls) == 6  # the sixth role found no room
    assert ruling.abstained == ("compliance",)
    assert ruling.vetoed_by == ("compliance",)


def test_asked_again_it_gives_the_ruling_that_it_has() -> None:
    stage = Stage()
    first = ruled(stage)
    assert ruled(stage, signal={"ma_spread": -5.0}) == first  # the facts of its beginning are the facts
    assert len(stage.calls) == 6
    assert len(stage.tx.of(DeliberationConcluded)) == 1


@pytest.mark.parametrize("limits", [Limits(calls=3), Limits(tokens=350), Limits(cost_usd=0.0035)])
def test_a_spent_budget_silences_who_comes_later_and_that_ends_in_hold(limits: Limits) -> None:
    stage = Stage()
    ruling = ruled(stage, limits)
    assert len(stage.calls) == 3
    assert (ruling.action, ruling.abstained) == ("hold", ("strategy", "risk", "compliance"))
    assert ruling.degraded


def test_after_the_deadline_nobody_is_asked() -> None:
    stage = Stage()
    ruling = stage.coordinator().deliberate(
        question(), all_testimonies(), Limits(), stage.clock.now() - timedelta(seconds=1)
    )
    assert stage.calls == []
    assert (ruling.action, ruling.abstained) == ("hold", tuple(ROLES))


def test_the_deadline_is_never_later_than_the_seconds_allowed() -> None:
    stage = Stage()

    def slow(ask: Ask) -> Answer:
        stage.clock.advance(timedelta(seconds=4))
        return by_policy(ask)

    stage.script = slow
    later = stage.clock.now() + timedelta(hours=1)
    ruling = stage.coordinator().deliberate(question(), all_testimonies(), Limits(seconds=10), later)
    assert len(stage.calls) == 3
    assert "compliance" in ruling.abstained


def test_an_answer_that_can_not_be_stored_is_no_outcome() -> None:
    stage = Stage()
    stage.tx.record = _away  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        ruled(stage)
    assert stage.tx.of(OpinionGiven) == []
    del stage.tx.record
    assert ruled(stage).action == "buy"


def _away(*_: object) -> None:
    raise Unavailable("database", "gone")


def test_who_is_slower_than_another_process_goes_on_from_what_that_stored() -> None:
    stage = Stage(quarrel)
    overtaken = False

    def overtaking(ask: Ask) -> Answer:
        nonlocal overtaken
        if ask.phase == "challenge" and not overtaken:
            overtaken = True
            ruled(stage)
        return quarrel(ask)

    stage.script = overtaking
    ruling = ruled(stage)
    undisturbed = ruled(Stage(quarrel))
    assert ruling == undisturbed
    assert len(stage.tx.of(DeliberationConcluded)) == 1
    told = [(o.agent, o.phase, o.round) for o in stage.tx.of(OpinionGiven)]
    assert len(told) == len(set(told)) == 8


def test_evidence_that_was_not_given_makes_an_opinion_none() -> None:
    def inventive(ask: Ask) -> Answer:
        answer = by_policy(ask)
        if isinstance(answer, Opinion) and ask.role == "compliance":
            return answer.model_copy(update={"evidence": ("compliance:passed", "risk:passed")})
        return answer

    ruling = ruled(Stage(inventive))
    assert (ruling.abstained, ruling.vetoed_by) == (("compliance",), ("compliance",))


def test_the_weights_of_the_beginning_are_frozen_with_the_facts() -> None:
    stage = Stage()
    stage.tx.records = {"signal": TrackRecord(forecasts=60, hits=40, brier=0.15)}
    ruled(stage)
    (stored,) = stage.tx.deliberations.values()
    assert stored.configuration.weights == {"signal": pytest.approx(1.3)}


def test_forecasts_are_noted_for_those_that_foretell_a_price() -> None:
    stage = Stage()
    ruled(stage)
    assert [forecast.role for _, forecast, _ in stage.tx.forecasts] == [
        "research",
        "news-sentiment",
        "signal",
        "strategy",
    ]
    assert {due for *_, due in stage.tx.forecasts} == {question().as_of + timedelta(hours=12)}


def test_a_missing_voice_has_a_defined_outcome() -> None:
    ruling = ruled(Stage(), news_sentiment=None)
    assert (ruling.action, ruling.abstained, ruling.degraded) == ("buy", ("news-sentiment",), True)
    assert "news-sentiment was not reached" in ruling.explanation
    silent = ruled(Stage(), risk=None)
    assert (silent.vetoed_by, silent.vetoes) == (("risk",), ("no opinion: risk was not reached",))


def test_who_has_nothing_to_judge_abstains_and_nothing_is_degraded_by_it() -> None:
    stage = Stage()
    ruling = ruled(stage, news_sentiment={"items": 0}, strategy={"active": 0})
    assert (ruling.abstained, ruling.degraded) == (("news-sentiment", "strategy"), False)
    assert "strategy: no opinion: no strategy is active on BTC/USDT" in ruling.explanation
    told = {one.agent: one for one in stage.tx.of(OpinionGiven) if one.phase == "blind"}
    assert (told["strategy"].stance, told["strategy"].degraded) == (None, False)


def test_who_has_nothing_to_judge_is_no_voice_of_those_that_must_have_spoken() -> None:
    rule = "too few voices: 1 untainted market roles spoke, 2 are needed"
    ruling = ruled(Stage(), signal=None, strategy={"active": 0})
    assert (ruling.action, ruling.degraded) == ("hold", True)  # signal is missing, strategy is not
    assert rule in ruling.explanation


def test_what_a_deliberation_took_is_what_its_answers_took() -> None:
    stage = Stage(usage=Usage(tokens=7, cost=0.25))
    ruling = ruled(stage, Limits(cost_usd=100))
    (stored,) = stage.tx.deliberations.values()
    assert stored.checkpoint.decision is not None
    assert (stored.checkpoint.decision.tokens, stored.checkpoint.decision.cost) == (42, 1.5)
    assert ruling.deliberation_id == stored.id
