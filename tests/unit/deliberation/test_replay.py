"""Replays: the identical decision without a call, and what each role made of it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.unit.deliberation.panels import all_testimonies, question, says
from tests.unit.deliberation.speaking import Stage
from tests.unit.deliberation.test_coordinator import quarrel
from volexswarm.deliberation.desk import DESK
from volexswarm.deliberation.domain import Answer, Ask, Decision, Limits
from volexswarm.deliberation.replay import Effect, Replayer
from volexswarm.deliberation.verdict import RULES
from volexswarm.errors import Conflict, InvalidInput, NotFound
from volexswarm.messages import DeliberationConcluded, Side


def concluded(stage: Stage, wish: Side | None = None) -> str:
    return stage.coordinator().deliberate(question(wish), all_testimonies(), Limits()).deliberation_id


def effects(stage: Stage, deliberation_id: str) -> dict[str, Effect]:
    return {effect.role: effect for effect in Replayer(stage.store).attribution(deliberation_id)}


def test_a_replay_gives_the_identical_decision_without_a_call() -> None:
    stage = Stage(quarrel)
    key = concluded(stage)
    made, reserved = len(stage.calls), len(stage.tx.calls)
    replayed = Replayer(stage.store).replay(key)
    stored = stage.tx.deliberations[key].checkpoint.decision
    assert stored is not None
    assert replayed.identical
    assert replayed.decision.model_dump_json() == stored.model_dump_json()
    assert (len(stage.calls), len(stage.tx.calls)) == (made, reserved) == (8, 8)


def test_an_answer_that_is_missing_from_the_tape_fails_the_replay() -> None:
    stage = Stage(quarrel)
    key = concluded(stage)
    challenged = stage.tx.deliberations[key].checkpoint.turns[-1].key
    del stage.tx.tape[key, challenged]
    with pytest.raises(NotFound, match="on the tape"):
        Replayer(stage.store).replay(key)


def test_a_replay_tells_a_tape_that_was_tampered_with() -> None:
    stage = Stage(quarrel)
    key = concluded(stage)
    first = stage.tx.deliberations[key].checkpoint.turns[0].key
    stage.tx.tape[key, first] = stage.tx.tape[key, first].model_copy(update={"answer": says("buy", 0.4)})
    assert not Replayer(stage.store).replay(key).identical


def test_what_is_not_decided_can_not_be_replayed() -> None:
    stage = Stage()
    with pytest.raises(NotFound):
        Replayer(stage.store).replay("f" * 64)

    def dies(ask: Ask) -> Answer:
        raise KeyboardInterrupt

    stage.script = dies
    with pytest.raises(KeyboardInterrupt):
        concluded(stage)
    (key,) = stage.tx.deliberations
    with pytest.raises(Conflict, match="not come to a decision"):
        Replayer(stage.store).replay(key)


def test_what_was_decided_by_other_rules_is_not_decided_again_by_these() -> None:
    stage = Stage(quarrel)
    key = concluded(stage)
    stored = stage.tx.deliberations[key]
    decided = stored.checkpoint.decision
    assert decided is not None
    assert decided.rules == RULES
    before_versions = Decision.model_validate(decided.model_dump(exclude={"rules"}))
    assert before_versions.rules == 1
    older = before_versions.model_copy(update={"rules": RULES - 1})
    checkpoint = stored.checkpoint.model_copy(update={"decision": older})
    stage.tx.deliberations[key] = stored.model_copy(update={"checkpoint": checkpoint})
    for ask in (Replayer(stage.store).replay, Replayer(stage.store).attribution):
        with pytest.raises(Conflict, match=f"by version {RULES - 1} of the verdict's rules: version {RULES} can't"):
            ask(key)


def test_without_a_role_that_carried_it_the_trade_would_not_be() -> None:
    stage = Stage(lambda ask: says("buy", 0.6) if ask.role in ("research", "signal") else says("hold", 0.1))
    made = effects(stage, concluded(stage))
    assert list(made) == [role.name for role in DESK]
    traded = stage.tx.of(DeliberationConcluded)[0].ruling.size_frac
    assert (made["signal"].decisive, made["signal"].action, made["signal"].exposure) == (True, "hold", traded)
    assert not made["strategy"].decisive
    assert made["strategy"].confidence_change < 0  # it waited, which made the others less sure


def test_without_the_veto_the_trade_would_have_been() -> None:
    stage = Stage(lambda ask: says("veto") if ask.role == "compliance" else says("buy", 0.6))
    made = effects(stage, concluded(stage))["compliance"]
    assert (made.action, made.decisive, made.exposure) == ("buy", True, -0.05)


def test_what_news_took_away_is_its_effect() -> None:
    stage = Stage(lambda ask: says("sell" if ask.role == "news-sentiment" else "buy", 0.5))
    made = effects(stage, concluded(stage))["news-sentiment"]
    assert made.exposure < 0
    assert made.confidence_change < 0
    assert not made.decisive


def test_answers_that_nobody_knows_are_said_to_be_assumed() -> None:
    def heated(ask: Ask) -> Answer:
        said = {"signal": says("buy", 0.8), "research": says("buy", 0.7), "strategy": says("sell", 0.9)}
        return said.get(ask.role, says("sell", 0.4) if ask.role == "compliance" else says("hold", 0.3))

    stage = Stage(heated)
    key = concluded(stage)
    asked = len(stage.calls)
    made = effects(stage, key)
    assert made["strategy"].assumed + made["signal"].assumed > 0  # others would have been heard in their place
    assert made["news-sentiment"].assumed == 0  # it takes no part in the debate
    assert len(stage.calls) == asked


def test_a_replay_needs_neither_autogen_nor_a_models_client() -> None:
    program = "import sys, volexswarm.deliberation.replay; print([m for m in sys.modules if m.startswith(('autogen', 'openai'))])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_role_that_is_not_at_the_desk_is_refused() -> None:
    stage = Stage()
    with pytest.raises(InvalidInput, match="expected one of research"):
        Replayer(stage.store).without(concluded(stage), "oracle")
