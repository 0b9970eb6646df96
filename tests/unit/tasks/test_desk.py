"""Taking, confirming, canceling, retrying tasks; hearing people's verdicts. Money moves only where it was meant, and once."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import product

import pytest

from tests.fakes.tasks import TaskWorld, wish
from tests.fakes.transaction import START
from volexswarm.errors import Conflict, InvalidInput, NotFound, Unavailable
from volexswarm.messages import ApprovalDecided, Priority, TaskChanged, TaskStatus
from volexswarm.tasks.desk import Assignment
from volexswarm.tasks.life import move
from volexswarm.tasks.model import (
    WAYS,
    Approval,
    OrderOutcome,
    RaisedTrade,
    Task,
    TradeOutcome,
)
from volexswarm.tasks.policy import TasksPolicy
from volexswarm.tasks.requests import Analyze
from volexswarm.tasks.understanding import Markets

S = TaskStatus
HOUR = timedelta(hours=1)


@pytest.fixture
def world():
    return TaskWorld()


def submit(world: TaskWorld, key: str = "k", by: str = "anna", **assignment: object) -> Task:
    wanted = {"request": wish()} if "words" not in assignment else {}
    return world.desk.submit(Assignment(**wanted | assignment), requested_by=by, idempotency_key=key).task


def trade(**fields: object) -> RaisedTrade:
    values = {"leg": 0, "symbol": "ETH/USDT", "side": wish().side, "amount": Decimal("0.5"), "price": Decimal(2000)}
    return RaisedTrade(
        **values
        | {"worst_price": Decimal(2020), "share": Decimal("0.1"), "why": "wished", "mode": "simulated"}
        | fields
    )


def asked(world: TaskWorld, task: Task, **fields: object) -> Approval:
    values = {"id": "a1", "task_id": task.id, "attempt": task.attempt, "question": "May it?", "reasons": ("why not",)}
    approval = Approval(**values | {"token": "tok", "asked_at": START, "expires_at": START + HOUR} | fields)
    world.state.approvals[approval.id] = approval
    return approval


def test_a_typed_task_waits_for_its_turn_and_everybody_is_told(world):
    task = submit(world)
    assert (task.status, task.attempt) == (S.WAITING, 1)
    [changed] = world.state.of(TaskChanged)
    assert (changed.before, changed.after, changed.symbols) == (None, S.WAITING, ("ETH/USDT",))


def test_a_trade_from_words_waits_for_its_author_to_say_that_it_was_meant(world):
    task = submit(world, words="buy 0.5 ETH")
    assert task.status is S.UNCONFIRMED
    assert "buy 0.5 ETH" in task.understood
    world.dispatcher.dispatch()
    assert not world.flows.started
    assert world.desk.confirm(task.id, "anna").status is S.WAITING
    world.dispatcher.dispatch()
    assert world.flows.started == [task.flow]


def test_what_only_asks_needs_no_confirmation(world):
    assert submit(world, words="analyze BTC").status is S.WAITING


def test_only_its_author_confirms_a_task(world):
    task = submit(world, words="buy 0.5 ETH")
    with pytest.raises(Conflict, match="anna"):
        world.desk.confirm(task.id, "ben")


def test_a_task_is_confirmed_in_time_or_not_at_all(world):
    task = submit(world, words="buy 0.5 ETH")
    world.clock.advance(timedelta(minutes=15))
    with pytest.raises(Conflict, match="submit it again"):
        world.desk.confirm(task.id, "anna")
    world.upkeep.expire_unconfirmed()
    assert world.now(task.id).status is S.EXPIRED


def test_the_same_key_gives_the_same_task_once(world):
    first = submit(world, words="analyze BTC")
    again = world.desk.submit(Assignment(words="analyze BTC"), requested_by="anna", idempotency_key="k")
    assert (again.task, again.repeated) == (first, True)
    assert len(world.state.of(TaskChanged)) == 1


class Reader:
    """A model that reads the same words otherwise each time."""

    name = "moody"

    def __init__(self) -> None:
        self.calls = 0

    def interpret(self, words: str, markets: Markets) -> dict[str, object]:
        self.calls += 1
        return {"kind": "trade", "symbol": "ETH/USDT", "side": "buy", "amount": f"0.{self.calls}"}


def test_words_that_a_model_reads_are_read_once_for_one_key():
    reader = Reader()
    world = TaskWorld(interpreter=reader)
    first = submit(world, words="get me some of that ether")
    again = world.desk.submit(Assignment(words="get me some of that ether"), requested_by="anna", idempotency_key="k")
    assert (again.task, again.repeated, reader.calls) == (first, True, 1)
    with pytest.raises(Conflict, match="another task"):
        submit(world, words="get me some of that other")
    assert reader.calls == 1


def test_another_task_under_the_same_key_is_refused(world):
    submit(world)
    with pytest.raises(Conflict, match="another task"):
        submit(world, request=wish(amount="0.6"))
    with pytest.raises(Conflict, match="another task"):
        submit(world, priority=Priority.HIGH)


def test_two_peoples_same_key_are_two_tasks(world):
    assert submit(world).id != submit(world, by="ben").id


@pytest.mark.parametrize(
    ("assignment", "field"),
    [
        ({"words": None, "request": None}, "task"),
        ({"words": "analyze BTC", "request": wish()}, "task"),
        ({"deadline": START}, "deadline"),
        ({"depends_on": ("nobody",)}, "depends_on"),
        ({"request": wish(symbol="DOGE/USDT")}, "symbol"),
        ({"request": Analyze(symbols=("DOGE/USDT",))}, "symbol"),
        ({"words": "rebalance to 50 % DOGE"}, "targets"),
        ({"words": "rebalance to 100 % USDT"}, "targets"),
    ],
)
def test_what_can_not_be_carried_out_is_refused_by_name(world, assignment, field):
    with pytest.raises(InvalidInput) as refused:
        submit(world, **assignment)
    assert refused.value.field == field
    assert not world.state.tasks


def test_a_task_can_not_depend_on_itself_so_that_no_circle_ever_closes(world):
    own_id = submit(TaskWorld()).id  # the id follows from author and key
    with pytest.raises(InvalidInput, match="submitted before"):
        submit(world, depends_on=(own_id,))


@pytest.mark.parametrize(("before", "after"), list(product(S, S)))
def test_a_status_follows_another_only_by_the_ways_there_are(world, before, after):
    task = world.task(status=before)
    if after in WAYS[before]:
        moved = move(world.state, task, after, actor="anna", reason="so", at=START)
        assert (moved.status, moved.ended_at) == (after, START if after.is_final else None)
        assert world.state.of(TaskChanged)[-1].before is before
    else:
        with pytest.raises(Conflict, match=f"is {before}"):
            move(world.state, task, after, actor="anna", reason="so", at=START)


def test_a_task_that_waits_is_canceled_and_never_starts(world):
    task = submit(world)
    assert world.desk.cancel(task.id, "ben", "not needed").done == ()
    world.dispatcher.dispatch()
    assert not world.flows.started
    assert world.now(task.id).reason == "ben: not needed"


def test_canceling_stops_the_flow_takes_open_orders_back_and_tells_what_was_done(world):
    task = world.task(dispatched_at=START)
    world.state.planned[task.id, 1] = [
        trade(intended_at=START, signal_id="s0"),
        trade(leg=1, symbol="BTC/USDT"),
    ]
    order = OrderOutcome("o1", "partially_filled", Decimal("0.5"), Decimal("0.2"), Decimal(400), None, cancelable=True)
    world.state.results["s0"] = TradeOutcome(None, (order,), (), working=True)
    canceled = world.desk.cancel(task.id, "anna", "changed my mind")
    assert world.flows.stopped == [task.flow]
    assert world.trader.canceled == ["o1"]
    [done] = canceled.done
    assert "0.2 ETH filled; what is left of it is being canceled" in done


def test_canceling_ends_a_large_order_also_before_its_first_slice(world):
    task = world.task(dispatched_at=START)
    world.state.planned[task.id, 1] = [trade(intended_at=START, signal_id="s0")]
    world.state.results["s0"] = TradeOutcome(None, (), (), working=True, unsliced="s0")
    canceled = world.desk.cancel(task.id, "anna", "changed my mind")
    assert world.trader.canceled == ["s0"]
    assert "0 ETH filled; what is left of it is being canceled" in canceled.done[0]


def test_a_state_machine_that_is_away_keeps_nobody_from_canceling(world):
    task = world.task(dispatched_at=START)
    world.flows.away = True
    assert world.desk.cancel(task.id, "anna", "stop").task.status is S.CANCELED


@pytest.mark.parametrize(
    "trouble", [Conflict("it is filled already"), NotFound("order", "s0"), Unavailable("database", "away")]
)
def test_an_order_that_can_not_be_canceled_keeps_nobody_from_canceling_the_task(world, monkeypatch, trouble):
    def refuse(*_):
        raise trouble

    task = world.task(dispatched_at=START)
    world.state.planned[task.id, 1] = [trade(intended_at=START, signal_id="s0")]
    order = OrderOutcome("o1", "accepted", Decimal("0.5"), Decimal(0), Decimal(0), None, cancelable=True)
    world.state.results["s0"] = TradeOutcome(None, (order,), (), working=True)
    monkeypatch.setattr(world.trader, "cancel", refuse)
    assert world.desk.cancel(task.id, "anna", "stop").task.status is S.CANCELED


def test_an_order_that_comes_up_after_its_task_was_canceled_is_canceled_too(world):
    task = world.task(dispatched_at=START)
    world.state.planned[task.id, 1] = [trade(intended_at=START, signal_id="s0")]
    world.desk.cancel(task.id, "anna", "stop")
    assert not world.trader.canceled
    order = OrderOutcome("o1", "accepted", Decimal("0.5"), Decimal(0), Decimal(0), None, cancelable=True)
    world.state.results["s0"] = TradeOutcome(None, (order,), (), working=True)
    world.upkeep.withdraw_orders()
    assert world.trader.canceled == ["o1"]


@pytest.mark.parametrize("ended", [Conflict("it is filled already"), NotFound("order", "s0")])
def test_what_has_ended_meanwhile_keeps_nothing_else_from_being_canceled(world, monkeypatch, ended):
    def refuse(key, *_):
        if key == "s0":
            raise ended
        canceled.append(key)

    canceled = []
    task = world.task(dispatched_at=START)
    world.state.planned[task.id, 1] = [trade(leg=leg, intended_at=START, signal_id=f"s{leg}") for leg in (0, 1)]
    world.desk.cancel(task.id, "anna", "stop")
    for signal in ("s0", "s1"):
        world.state.results[signal] = TradeOutcome(None, (), (), working=True, unsliced=signal)
    monkeypatch.setattr(world.trader, "cancel", refuse)
    world.upkeep.withdraw_orders()
    assert canceled == ["s1"]


@pytest.mark.parametrize(("refusal", "canceled"), [(None, ["o1"]), ("desk: halted", [])])
def test_an_order_whose_signal_a_crash_left_unnoted_is_canceled_too(world, refusal, canceled):
    task = world.task(dispatched_at=START)
    world.state.planned[task.id, 1] = [trade(intended_at=START, refusal=refusal)]
    world.desk.cancel(task.id, "anna", "stop")
    order = OrderOutcome("o1", "accepted", Decimal("0.5"), Decimal(0), Decimal(0), None, cancelable=True)
    world.state.results[f"signal of task/{task.id}/1/0"] = TradeOutcome(None, (order,), (), working=True)
    world.upkeep.withdraw_orders()
    assert world.trader.canceled == canceled


@pytest.mark.parametrize("status", [s for s in S if s.is_final])
def test_what_has_ended_is_not_canceled(world, status):
    with pytest.raises(Conflict):
        world.desk.cancel(world.task(status=status).id, "anna", "late")


def test_a_cancellation_needs_a_reason(world):
    with pytest.raises(InvalidInput, match="reason"):
        world.desk.cancel(world.task().id, "anna", " ")


@pytest.mark.parametrize("status", [S.REJECTED, S.FAILED, S.CANCELED, S.EXPIRED])
def test_what_ended_without_success_is_tried_again_as_the_next_attempt(world, status):
    task = world.task(status=status, dispatched_at=START, explanation=("no",))
    again = world.desk.retry(task.id, "ben")
    assert (again.status, again.attempt, again.dispatched_at, again.explanation) == (S.WAITING, 2, None, ())
    assert again.flow != task.flow


@pytest.mark.parametrize("status", [S.SUCCEEDED, S.RUNNING, S.WAITING, S.UNCONFIRMED, S.AWAITING_APPROVAL])
def test_what_has_succeeded_or_goes_on_is_not_tried_again(world, status):
    with pytest.raises(Conflict):
        world.desk.retry(world.task(status=status).id, "anna")


def test_what_has_traded_is_not_tried_again(world):
    task = world.task(status=S.FAILED)
    world.state.planned[task.id, 1] = [trade(intended_at=START)]  # the signal may be on its way
    with pytest.raises(Conflict, match="has traded already"):
        world.desk.retry(task.id, "anna")


def test_what_was_refused_before_it_was_raised_may_be_tried_again(world):
    task = world.task(status=S.REJECTED)
    world.state.planned[task.id, 1] = [
        trade(intended_at=START, refusal="desk: halted"),
        trade(leg=1, refusal="risk: no"),
    ]
    assert world.desk.retry(task.id, "anna").attempt == 2


def test_what_somebody_wrote_in_words_is_meant_again_only_by_its_author(world):
    task = submit(world, words="buy 0.5 ETH")
    world.clock.advance(HOUR)
    world.upkeep.expire_unconfirmed()
    with pytest.raises(Conflict, match="anna"):
        world.desk.retry(task.id, "ben")
    assert world.desk.retry(task.id, "anna").status is S.WAITING


def test_a_task_past_its_deadline_is_not_tried_again(world):
    task = world.task(status=S.FAILED, deadline=START)
    with pytest.raises(Conflict, match="deadline"):
        world.desk.retry(task.id, "anna")


@pytest.mark.parametrize("verdict", ["approved", "rejected"])
def test_a_verdict_is_stored_told_and_given_to_the_flow_that_waits(world, verdict):
    task = world.task(status=S.AWAITING_APPROVAL)
    asked(world, task)
    decided = world.desk.decide("a1", verdict, "ben", "looked at it")
    assert (decided.verdict, decided.actor) == (verdict, "ben")
    assert world.flows.answers == [("tok", {"verdict": verdict})]
    assert world.now(task.id).status is S.RUNNING
    [fact] = world.state.of(ApprovalDecided)
    assert (fact.verdict, fact.actor, fact.reason) == (verdict, "ben", "looked at it")


def test_a_verdict_that_the_flow_could_not_hear_is_told_it_later(world):
    task = world.task(status=S.AWAITING_APPROVAL)
    asked(world, task)
    world.flows.away = True
    assert world.desk.decide("a1", "approved", "ben", "fine").verdict == "approved"
    world.flows.away = False
    world.upkeep.answer_flows()
    world.upkeep.answer_flows()
    assert world.flows.answers == [("tok", {"verdict": "approved"})]


def test_the_first_verdict_stands(world):
    task = world.task(status=S.AWAITING_APPROVAL)
    asked(world, task)
    world.desk.decide("a1", "rejected", "ben", "no")
    assert world.desk.decide("a1", "rejected", "ben", "no").verdict == "rejected"
    for verdict, actor in (("approved", "ben"), ("rejected", "anna")):
        with pytest.raises(Conflict, match="was rejected by ben"):
            world.desk.decide("a1", verdict, actor, "yes")
    assert len(world.state.of(ApprovalDecided)) == 1


def test_nobody_answering_in_time_is_a_no(world):
    task = world.task(status=S.AWAITING_APPROVAL)
    asked(world, task)
    world.upkeep.expire_approvals()
    assert world.now(task.id).status is S.AWAITING_APPROVAL
    world.clock.advance(HOUR)
    with pytest.raises(Conflict, match="expired"):
        world.desk.decide("a1", "approved", "ben", "late")
    world.upkeep.expire_approvals()
    world.upkeep.answer_flows()
    assert world.flows.answers == [("tok", {"verdict": "expired"})]
    assert world.now(task.id).status is S.RUNNING


def test_by_the_policy_somebody_else_than_the_author_must_approve(world):
    task = world.task(status=S.AWAITING_APPROVAL)
    asked(world, task)
    strict = TasksPolicy(author_may_approve=False)
    assert world.state.policy is not None
    world.state.policy = replace(world.state.policy, body=strict.model_dump(mode="json"))
    with pytest.raises(Conflict, match="somebody else"):
        world.desk.decide("a1", "approved", "anna", "mine")
    assert world.desk.decide("a1", "approved", "ben", "fine").verdict == "approved"


def test_without_a_policy_nobody_approves(world):
    asked(world, world.task(status=S.AWAITING_APPROVAL))
    world.state.policy = None
    with pytest.raises(Conflict, match="policy"):
        world.desk.decide("a1", "approved", "ben", "fine")


def test_what_a_canceled_task_asked_is_not_approved(world):
    asked(world, world.task(status=S.CANCELED))
    with pytest.raises(Conflict, match="waits for nobody"):
        world.desk.decide("a1", "approved", "ben", "fine")


def test_what_is_not_there_is_said_to_be_not_there(world):
    for act in (
        lambda: world.desk.confirm("x", "anna"),
        lambda: world.desk.cancel("x", "anna", "why"),
        lambda: world.desk.retry("x", "anna"),
        lambda: world.desk.decide("x", "approved", "anna", "why"),
    ):
        with pytest.raises(NotFound):
            act()
