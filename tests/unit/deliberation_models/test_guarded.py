"""The guarded client: within the budget whatever happens, once per ask, and never without an answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from tests.fakes.deliberation_models import MemoryBudget, MemoryTape, ask, speaks
from volexswarm.deliberation.domain import Abstention, Answer, Ask, ModelChoice, Opinion, Silence, Usage
from volexswarm.deliberation.models.answers import abstention
from volexswarm.deliberation.models.failures import Failure
from volexswarm.deliberation.models.guarded import Guarded, Heard
from volexswarm.deliberation.models.policy import PolicyModel
from volexswarm.messages import Stance

CHOICE = ModelChoice(provider="openai", name="a-model")
ANSWER = TypeAdapter(Answer)
BUY = Opinion(stance=Stance.BUY, confidence=0.8, size_frac=0.1, rationale="up")


@dataclass
class ScriptedModel:
    """Answers in turn what it was given; the last answer for ever."""

    script: list[Heard | Failure]
    most: Usage = field(default_factory=lambda: Usage(tokens=1000, cost=0.01))
    calls: int = 0

    def estimate(self, ask: Ask) -> Usage:
        return self.most

    async def ask(self, ask: Ask, seconds: float) -> Heard | Failure:
        await asyncio.sleep(0)
        came = self.script[min(self.calls, len(self.script) - 1)]
        self.calls += 1
        return came


def guarded(model, question, budget=None, tape=None, speak=None, pauses=None):
    async def pause(seconds):
        if pauses is not None:
            pauses.append(seconds)

    return Guarded(
        question,
        CHOICE,
        lambda: model,
        budget or MemoryBudget(),
        MemoryTape() if tape is None else tape,
        speak or speaks(),
        pause=pause,
        spread=lambda: 0.5,
    )


def answered(*clients) -> list[Answer]:
    async def together():
        return await asyncio.gather(*(client.create([]) for client in clients))

    return [ANSWER.validate_json(result.content) for result in asyncio.run(together())]


failures = st.builds(
    Failure,
    why=st.sampled_from([Silence.UNREACHABLE, Silence.REFUSED, Silence.MALFORMED]),
    reason=st.just("broken"),
    again=st.booleans(),
    after=st.floats(0, 100),
    charged=st.booleans(),
)
heard = st.builds(
    Heard,
    answer=st.sampled_from([BUY, abstention(Silence.MALFORMED, "prose"), abstention(Silence.UNKNOWN_EVIDENCE, "x")]),
    raw=st.just("raw"),
    usage=st.builds(Usage, tokens=st.integers(0, 10**12), cost=st.floats(0, 1e6)),
)


@given(
    scripts=st.lists(st.lists(failures | heard, min_size=1, max_size=3), min_size=1, max_size=12),
    calls=st.integers(0, 20),
    tokens=st.integers(0, 20_000),
    cost=st.floats(0, 0.2),
    fallback=st.booleans(),
)
def test_no_mix_of_answers_and_failures_exceeds_the_budget_or_leaves_an_ask_without_answer(
    scripts, calls, tokens, cost, fallback
):
    budget, tape = MemoryBudget(calls=calls, tokens=tokens, cost=cost), MemoryTape()
    models = [ScriptedModel(script) for script in scripts]
    asks = [ask(text=str(number), fallback=fallback) for number in range(len(models))]
    answers = answered(*(guarded(m, a, budget, tape) for m, a in zip(models, asks, strict=True)))
    assert budget.spent.tokens <= tokens
    assert budget.spent.cost <= cost + 1e-9
    assert sum(model.calls for model in models) == len(budget.held) <= calls
    assert len(answers) == len(tape.answers) == len(models)
    assert not fallback or all(isinstance(a, Opinion) or a.why is Silence.BUDGET for a in answers)


@given(st.lists(failures | heard, min_size=1, max_size=3), st.integers(0, 4))
def test_asking_again_gives_what_stands_and_calls_nobody(script, calls):
    tape, model = MemoryTape(), ScriptedModel(script)
    first = answered(guarded(model, ask(), MemoryBudget(calls=calls), tape))
    before = model.calls
    assert answered(guarded(model, ask(), MemoryBudget(), tape)) == first
    assert model.calls == before


def test_who_records_first_is_who_is_believed():
    tape = MemoryTape()
    both = answered(
        *(
            guarded(ScriptedModel([Heard(each, "", Usage(tokens=1, cost=0))]), ask(), tape=tape)
            for each in (BUY, BUY.model_copy(update={"stance": Stance.SELL}))
        )
    )
    assert both == [BUY, BUY]


def test_a_role_with_nothing_to_judge_says_so_and_no_model_is_paid():
    tape, budget, model = MemoryTape(), MemoryBudget(), ScriptedModel([Heard(BUY, "", Usage(tokens=1, cost=0))])
    nothing = abstention(Silence.NOTHING, "there is no news of BTC/USDT")
    assert answered(guarded(model, ask(), budget, tape, speak=lambda role, brief: nothing)) == [nothing]
    assert (model.calls, len(budget.held)) == (0, 0)
    (recorded,) = tape.answers.values()
    assert not recorded.degraded
    assert recorded.note == "nothing to judge: openai:a-model was not asked"


def test_where_data_is_missing_the_model_is_asked_all_the_same():
    model = ScriptedModel([Heard(BUY, "", Usage(tokens=1, cost=0))])
    missing = abstention(Silence.NO_DATA, "needs candles")
    assert answered(guarded(model, ask(), speak=lambda role, brief: missing)) == [BUY]


def test_a_repetition_waits_as_long_as_the_server_asks_and_only_if_there_is_time():
    busy = Failure(Silence.UNREACHABLE, "HTTP 429", again=True, after=3.0, charged=False)
    model, pauses = ScriptedModel([busy, Heard(BUY, "", Usage(tokens=1, cost=0))]), []
    assert answered(guarded(model, ask(), MemoryBudget(seconds=10), pauses=pauses)) == [BUY]
    assert pauses == [3.0]
    hurried = ScriptedModel([busy])
    (answer,) = answered(guarded(hurried, ask(), MemoryBudget(seconds=5), pauses=pauses))
    assert (answer.rationale, hurried.calls, pauses) == ("the analyst of signal", 1, [3.0])


def test_out_of_time_or_budget_nobody_stands_in():
    """Risk and compliance that are silent are a veto: a team that may not ask any more does not trade."""
    for budget, why in ((MemoryBudget(seconds=0), Silence.DEADLINE), (MemoryBudget(calls=0), Silence.BUDGET)):
        (answer,) = answered(guarded(ScriptedModel([Heard(BUY, "", Usage(tokens=1, cost=0))]), ask(), budget))
        assert isinstance(answer, Abstention)
        assert answer.why is why


def test_an_analyst_that_fails_abstains():
    def broken(role, brief):
        raise ZeroDivisionError("division by zero")

    failing = ScriptedModel([Failure(Silence.UNREACHABLE, "gone")])
    for model in (failing, PolicyModel(broken)):
        (answer,) = answered(guarded(model, ask("risk"), speak=broken))
        assert isinstance(answer, Abstention)
        assert "the analyst of risk failed" in answer.reason


def test_an_analyst_asked_as_the_model_is_not_degraded():
    tape, budget = MemoryTape(), MemoryBudget()
    answered(guarded(PolicyModel(speaks(Stance.SELL)), ask(), budget, tape))
    (stands,) = tape.answers.values()
    assert not stands.degraded
    assert stands.answer.stance is Stance.SELL
    assert (len(budget.held), budget.spent) == (1, Usage(tokens=0, cost=0))
