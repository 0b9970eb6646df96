"""The steps of a task, one after the other and each one twice: what is planned, refused, asked, raised and told."""

import contextlib
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.fakes.tasks import TaskWorld, wish
from tests.fakes.transaction import START
from tests.unit.tasks.flow import Steps, speaks
from volexswarm.errors import Conflict, InvalidInput, Unavailable
from volexswarm.messages import ApprovalAsked, Question, Side, TaskChanged, TaskKind, TaskStatus
from volexswarm.policies import StoredPolicy
from volexswarm.tasks.model import FillOutcome, OrderOutcome, TradeOutcome
from volexswarm.tasks.policy import TasksPolicy
from volexswarm.tasks.requests import Analyze, Backtest, Rebalance, fitted

S = TaskStatus
SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")


@pytest.fixture
def world():
    return TaskWorld()


@pytest.fixture
def steps(world):
    return Steps(world)


def rebalance(**targets: str) -> Rebalance:
    found = fitted(Rebalance(targets={asset: Decimal(share) for asset, share in targets.items()}), SYMBOLS, "USDT")
    assert isinstance(found, Rebalance)
    return found


def filled(amount: str, price: str, state: str = "filled") -> TradeOutcome:
    done, each = Decimal(amount), Decimal(price)
    order = OrderOutcome("o1", state, done, done, done * each, None, cancelable=False)
    fill = FillOutcome("o1", each, done, Decimal("0.5"), "USDT", Decimal("0.0001"))
    return TradeOutcome(None, (order,), (fill,), working=False)


def ended(state: str, reason: str) -> TradeOutcome:
    order = OrderOutcome("o1", state, Decimal("0.5"), Decimal(0), Decimal(0), reason, cancelable=False)
    return TradeOutcome(None, (order,), (), working=False)


def raised(world: TaskWorld, steps: Steps, policy_asks: bool = False):
    """A task whose purchase of 0.5 ETH was raised."""
    task = world.task(wish())
    steps.rules("ETH/USDT", "buy")
    steps.planned(task)
    steps.world.state.answers["appraise", ""] = {"next": "ask" if policy_asks else "execute", "words": "small"}
    steps.do("execute", task)
    return task


def test_a_trade_becomes_one_question_with_the_share_that_shall_be_held_afterwards(world, steps):
    answer = steps.do("prepare", world.task(wish(share="0.2")))
    [leg] = [Question.model_validate(leg) for leg in answer["legs"]]
    assert (leg.symbol, leg.wish, leg.timeframe, leg.as_of) == ("ETH/USDT", Side.BUY, "1h", START)
    assert leg.target_share == pytest.approx(0.4)  # a fifth is held already
    assert all(answer["asked"].values())


def test_a_rebalancing_asks_about_each_asset_that_is_off_its_target(world, steps):
    answer = steps.do("prepare", world.task(rebalance(BTC="0.1", ETH="0.2", SOL="0.3")))
    legs = {leg["symbol"]: (leg["wish"], leg["target_share"]) for leg in answer["legs"]}
    assert legs == {"BTC/USDT": ("sell", pytest.approx(0.1)), "SOL/USDT": ("buy", pytest.approx(0.3))}


@pytest.mark.parametrize(("side", "target"), [("buy", 0.3), ("sell", 0.1)])
def test_a_question_is_about_the_trade_alone_whatever_else_is_under_way(world, steps, side, target):
    world.account.coming["ETH"], world.account.leaving["ETH"] = Decimal("0.25"), Decimal("0.25")
    [leg] = steps.do("prepare", world.task(wish(side=side, amount="0.5")))["legs"]
    assert leg["target_share"] == pytest.approx(target)  # a fifth is held, and a tenth is traded


def test_a_rebalancing_does_not_ask_again_about_what_an_earlier_one_is_doing(world, steps):
    task = world.task(rebalance(BTC="0.1", SOL="0.3"))
    world.account.leaving["BTC"], world.account.coming["SOL"] = Decimal("0.0333"), Decimal(30)
    assert steps.do("prepare", task)["legs"] == []
    told = steps.do("propose", task, rulings=[])
    assert told["next"] == "explain"
    assert [one["refused"] for one in told["left"]] == [False, False]
    assert "BTC is 30.00 % of the equity (19.98 % on its way out) and shall be 10.00 %" in told["words"]


def test_an_analysis_wishes_nothing(world, steps):
    answer = steps.do("prepare", world.task(Analyze(symbols=("BTC/USDT", "ETH/USDT"))))
    assert [(leg["symbol"], leg["wish"], leg["target_share"]) for leg in answer["legs"]] == [
        ("BTC/USDT", None, None),
        ("ETH/USDT", None, None),
    ]


def test_a_job_gets_its_request_and_no_question(world, steps):
    answer = steps.do("prepare", world.task(Backtest(strategy="rsi", symbol="BTC/USDT")))
    assert (answer["kind"], answer["legs"]) == (TaskKind.BACKTEST, [])
    assert answer["request"]["strategy"] == "rsi"


def test_without_a_price_nothing_is_asked(world, steps):
    del world.account.prices["ETH/USDT"]
    world.account.held["ETH"] = Decimal(0)
    with pytest.raises(Unavailable, match="ETH/USDT"):
        steps.do("prepare", world.task(wish()))


def test_without_a_policy_nothing_is_prepared(world, steps):
    world.state.policy = None
    with pytest.raises(Conflict, match="policy"):
        steps.do("prepare", world.task(wish()))


def test_what_the_team_rules_is_planned_once(world, steps):
    task = world.task(wish())
    steps.rules("ETH/USDT", "buy")
    first = steps.planned(task)
    world.account.prices["ETH/USDT"] = Decimal(3000)
    steps.planned(task)
    [trade] = world.state.trades(task.id)
    assert (trade.amount, trade.price, trade.share) == (Decimal("0.5"), Decimal(2000), Decimal("0.1"))
    assert first["next"] == "check"


def test_a_rebalancing_sells_before_it_buys(world, steps):
    task = world.task(rebalance(BTC="0.1", SOL="0.3"))
    steps.rules("SOL/USDT", "buy")
    steps.rules("BTC/USDT", "sell")
    steps.planned(task)
    trades = world.state.trades(task.id)
    assert [(trade.leg, trade.symbol, trade.side) for trade in trades] == [
        (0, "BTC/USDT", Side.SELL),
        (1, "SOL/USDT", Side.BUY),
    ]
    assert trades[1].amount == Decimal(30)


def test_a_veto_is_the_tasks_reason_with_the_limit_that_it_is_about(world, steps):
    task = world.task(wish())
    said = "The limits would refuse to buy now: per_symbol: 20.41 % (limit 20.00 %)."
    steps.rules("ETH/USDT", "hold", vetoed_by=("risk",), vetoes=(said,))
    steps.planned(task)
    assert steps.end(task).reason == f"the team rules hold on ETH/USDT, vetoed by risk: {said}"


@pytest.mark.parametrize("action", ["hold", "sell"])
def test_what_the_team_does_not_agree_with_is_not_traded(world, steps, action):
    task = world.task(wish())
    steps.rules("ETH/USDT", action, vetoed_by=("risk",))
    assert steps.planned(task)["next"] == "explain"
    done = steps.end(task)
    assert done.status is S.REJECTED
    assert f"the team rules {action} on ETH/USDT, vetoed by risk" in done.reason


def test_a_symbol_without_a_ruling_is_not_traded(world, steps):
    task = world.task(wish())
    assert steps.planned(task)["next"] == "explain"
    assert steps.end(task).status is S.REJECTED


@pytest.mark.parametrize(
    ("side", "trend", "traded"),
    [("buy", 0.3, True), ("buy", -0.3, False), ("buy", 0.0, False), ("buy", None, False), ("sell", -0.3, True)],
)
def test_a_condition_on_the_trend_must_hold(world, steps, side, trend, traded):
    task = world.task(wish(side=side, if_trend=True))
    features = {} if trend is None else {"trend": trend}
    world.state.answers["gather.research", "ETH/USDT"] = speaks("research", "ETH/USDT", **features)
    steps.rules("ETH/USDT", side)
    assert (steps.planned(task)["next"] == "check") is traded


def test_a_portfolio_on_its_targets_is_left_alone_and_that_is_a_success(world, steps):
    task = world.task(rebalance(ETH="0.2", BTC="0.3"))
    assert steps.planned(task)["next"] == "explain"
    done = steps.end(task)
    assert done.status is S.SUCCEEDED
    assert "near enough" in done.reason


def test_a_sale_of_what_is_not_there_any_more_is_no_success(world, steps):
    task = world.task(wish(symbol="SOL/USDT", side="sell", position_share="0.5"))
    steps.rules("SOL/USDT", "sell")
    assert steps.planned(task)["next"] == "explain"
    done = steps.end(task)
    assert done.status is S.REJECTED
    assert "there is no SOL to sell" in done.reason


@pytest.mark.parametrize("stage", ["risk", "compliance"])
def test_what_a_stage_would_refuse_nobody_is_asked_to_approve(world, steps, stage):
    task = world.task(wish())
    steps.rules("ETH/USDT", "buy")
    steps.planned(task)
    world.previews.refused[stage] = {"ETH/USDT"}
    assert steps.do(stage, task)["next"] == "explain"
    done = steps.end(task)
    assert done.status is S.REJECTED
    assert done.reason == f"ETH/USDT: {stage}: limit: 2 (limit 1)"
    assert not world.trader.raised


def test_one_leg_refused_leaves_the_others(world, steps):
    task = world.task(rebalance(BTC="0.6", SOL="0.3"))
    steps.rules("BTC/USDT", "buy")
    steps.rules("SOL/USDT", "buy")
    steps.planned(task)
    world.previews.refused["risk"] = {"BTC/USDT"}
    assert steps.do("risk", task)["next"] == "go"
    assert [trade.refusal is None for trade in world.state.trades(task.id)] == [False, True]


def test_a_purchase_that_a_sale_pays_for_is_judged_when_its_turn_comes(world, steps):
    task = world.task(rebalance(BTC="0.1", SOL="0.3"))
    steps.rules("SOL/USDT", "buy")
    steps.rules("BTC/USDT", "sell")
    steps.planned(task)
    world.previews.refused["risk"] = {"SOL/USDT"}
    assert steps.do("risk", task)["next"] == "go"
    assert all(trade.refusal is None for trade in world.state.trades(task.id))


@pytest.mark.parametrize(
    ("above", "following"), [("0", "ask"), ("0.0999", "ask"), ("0.1", "execute"), ("1", "execute")]
)
def test_a_person_is_asked_where_the_policy_says_so(above, following):
    world = TaskWorld(TasksPolicy(approval_above=Decimal(above)))
    steps = Steps(world)
    task = world.task(wish())  # a tenth of the equity
    steps.rules("ETH/USDT", "buy")
    steps.planned(task)
    assert steps.do("appraise", task)["next"] == following


def test_the_question_says_what_is_traded_for_whom_and_who_disagrees(world, steps):
    task = world.task(wish())
    steps.rules("ETH/USDT", "buy", dissent=("signal",))
    steps.planned(task)
    steps.do("appraise", task)
    steps.do("approval", task, token="one")
    [asked] = world.state.of(ApprovalAsked)
    assert "buy 0.5 ETH at about 2000 USDT (10.00 % of the equity)" in asked.question
    assert "ETH/USDT: signal disagrees" in asked.reasons
    assert asked.expires_at == START + timedelta(minutes=30)
    assert world.now(task.id).status is S.AWAITING_APPROVAL


def test_a_question_asked_again_under_another_token_is_one_question(world, steps):
    task = raised(world, steps, policy_asks=False)
    steps.do("approval", task, token="one")
    steps.do("approval", task, token="two")
    assert len(world.state.of(ApprovalAsked)) == 1
    [approval] = world.state.approvals.values()
    assert approval.token == "two"
    world.desk.decide(approval.id, "approved", "ben", "fine")
    steps.do("approval", task, token="three")
    assert world.flows.answers == [("two", {"verdict": "approved"}), ("three", {"verdict": "approved"})]


def test_a_question_expires_no_later_than_the_tasks_deadline(world, steps):
    task = world.task(wish(), deadline=START + timedelta(minutes=5))
    steps.do("approval", task, token="one")
    [approval] = world.state.approvals.values()
    assert approval.expires_at == START + timedelta(minutes=5)


def test_a_trade_is_raised_once_however_often_the_step_runs(world, steps):
    task = raised(world, steps)
    steps.do("execute", task)
    steps.do("execute", task)
    assert list(world.trader.raised) == [f"task/{task.id}/1/0"]


def test_a_crash_between_marking_and_raising_raises_the_same_trade(world, steps):
    task = world.task(wish())
    steps.rules("ETH/USDT", "buy")
    steps.planned(task)
    world.state.answers["appraise", ""] = {"next": "execute", "words": "small"}
    world.trader.refusal = Unavailable("market data", "no price")
    with pytest.raises(Unavailable):
        steps.do("execute", task)
    assert world.state.trades(task.id)[0].intended_at == START
    world.trader.refusal = None
    steps.do("execute", task)
    assert list(world.trader.raised) == [f"task/{task.id}/1/0"]


def approved(world: TaskWorld, steps: Steps, **wanted: str):
    """A task whose trade, decided at 2000, a person has approved."""
    task = world.task(wish(**wanted))
    steps.rules("ETH/USDT", wanted.get("side", "buy"))
    steps.planned(task)
    steps.do("appraise", task)
    steps.do("approval", task, token="one")
    [approval] = world.state.approvals.values()
    world.desk.decide(approval.id, "approved", "ben", "fine")
    return task


@pytest.mark.parametrize(
    ("side", "market", "ordered"),
    [
        ("buy", "2020", True),
        ("buy", "2020.01", False),
        ("buy", "1500", True),
        ("sell", "1980", True),
        ("sell", "1979.99", False),
        ("sell", "2500", True),
    ],
)
def test_what_was_approved_is_ordered_only_while_the_market_is_near_the_price_it_was_decided_at(
    world, steps, side, market, ordered
):
    task = approved(world, steps, side=side)
    world.trader.market["ETH/USDT"] = Decimal(market)
    steps.do("execute", task)
    assert bool(world.trader.raised) is ordered
    if not ordered:
        done = steps.end(task)
        assert done.status is S.REJECTED
        for said in ("decided at 2000 USDT", market, "1.00 %", "tasks retry"):
            assert said in done.reason
        assert world.desk.retry(task.id, "anna").attempt == 2


def test_the_bound_of_an_approved_trade_is_the_one_that_was_shown(world, steps):
    task = approved(world, steps)
    [asked] = world.state.of(ApprovalAsked)
    assert "ETH/USDT: decided at 2000 USDT, and not ordered above 2020 USDT" in asked.reasons
    world.state.policy = StoredPolicy(2, TasksPolicy(max_drift=Decimal("0.5")).model_dump(mode="json"))
    world.trader.market["ETH/USDT"] = Decimal(2021)
    steps.do("execute", task)
    assert not world.trader.raised


def test_a_trade_that_was_raised_is_not_refused_when_the_step_runs_again_in_another_market(world, steps):
    task = approved(world, steps)
    steps.do("execute", task)
    [trade] = world.state.trades(task.id)
    world.state.save_trade(task, replace(trade, signal_id=None))  # the process died before it could store it
    world.trader.market["ETH/USDT"] = Decimal(3000)
    steps.do("execute", task)
    [trade] = world.state.trades(task.id)
    assert (trade.signal_id, trade.refusal) == (f"signal of task/{task.id}/1/0", None)


def test_a_purchase_that_the_market_left_behind_while_its_sale_was_at_work_is_told_with_what_was_sold(world, steps):
    task = world.task(rebalance(BTC="0.1", SOL="0.3"))
    steps.rules("SOL/USDT", "buy")
    steps.rules("BTC/USDT", "sell")
    steps.planned(task)
    world.state.answers["appraise", ""] = {"next": "execute", "words": "small"}
    steps.do("execute", task)
    world.state.results[f"signal of task/{task.id}/1/0"] = filled("0.03", "60000")
    world.trader.market["SOL/USDT"] = Decimal(102)
    assert steps.do("settle", task)["next"] == "execute"
    steps.do("execute", task)
    done = steps.end(task)
    assert done.status is S.SUCCEEDED
    assert "sell 0.03 BTC" in done.reason
    assert "SOL/USDT: desk: it was decided at 100 USDT" in done.reason


@pytest.mark.parametrize("refusal", [Conflict("trading is halted"), InvalidInput("symbol", "ETH", "another")])
def test_what_the_desk_does_not_take_is_refused_with_its_words(world, steps, refusal):
    task = world.task(wish())
    steps.rules("ETH/USDT", "buy")
    steps.planned(task)
    world.state.answers["appraise", ""] = {"next": "execute", "words": "small"}
    world.trader.refusal = refusal
    steps.do("execute", task)
    assert steps.do("settle", task)["next"] == "explain"
    done = steps.end(task)
    assert (done.status, done.reason) == (S.REJECTED, f"ETH/USDT: desk: {refusal}")


def test_nothing_is_raised_without_the_approval_that_the_policy_wants(world, steps):
    task = world.task(wish())
    steps.rules("ETH/USDT", "buy")
    steps.planned(task)
    for appraisal in ({}, {"appraise": {"next": "ask", "words": "large"}}):
        world.state.answers = {("deliberate", "ETH/USDT"): {}} | {(name, ""): said for name, said in appraisal.items()}
        with pytest.raises(Conflict, match=r"needs an approval|was not appraised"):
            steps.do("execute", task)
    assert not world.trader.raised


@pytest.mark.parametrize("status", [S.CANCELED, S.EXPIRED, S.AWAITING_APPROVAL, S.FAILED])
def test_nothing_is_raised_for_a_task_that_is_not_at_work(world, steps, status):
    task = world.task(wish(), status=status)
    world.state.answers["appraise", ""] = {"next": "execute", "words": "small"}
    with pytest.raises(Conflict):
        steps.do("execute", task)


def test_after_its_deadline_a_task_moves_no_money(world, steps):
    task = world.task(wish(), deadline=START + timedelta(seconds=1))
    steps.rules("ETH/USDT", "buy")
    steps.planned(task)
    world.state.answers["appraise", ""] = {"next": "execute", "words": "small"}
    world.clock.advance(timedelta(seconds=1))
    assert steps.do("execute", task)["next"] == "explain"
    assert not world.trader.raised
    assert steps.end(task).status is S.EXPIRED


def test_what_was_begun_before_the_deadline_is_finished_after_it(world, steps):
    task = world.task(wish(), deadline=START + timedelta(seconds=1))
    steps.rules("ETH/USDT", "buy")
    steps.planned(task)
    world.state.answers["appraise", ""] = {"next": "execute", "words": "small"}
    world.trader.refusal = Unavailable("market data", "no price")
    with pytest.raises(Unavailable):
        steps.do("execute", task)
    world.clock.advance(timedelta(seconds=2))
    world.trader.refusal = None
    assert steps.do("execute", task)["next"] == "settle"
    assert world.trader.raised


@pytest.mark.parametrize("ended", ["canceled", "late"])
def test_a_task_that_ends_between_two_trades_trades_no_further(world, steps, monkeypatch, ended):
    task = world.task(rebalance(BTC="0", ETH="0"), deadline=START + timedelta(minutes=1))
    for symbol in ("BTC/USDT", "ETH/USDT"):
        steps.rules(symbol, "sell")
    steps.planned(task)
    world.state.answers["appraise", ""] = {"next": "execute", "words": "small"}
    take = world.trader.raise_trade

    def meanwhile(*given):
        if ended == "canceled":
            world.desk.cancel(task.id, "anna", "changed my mind")
        else:
            world.clock.advance(timedelta(minutes=1))
        return take(*given)

    monkeypatch.setattr(world.trader, "raise_trade", meanwhile)
    with pytest.raises(Conflict) if ended == "canceled" else contextlib.nullcontext():
        assert steps.do("execute", task)["next"] == "settle"
    assert list(world.trader.raised) == [f"task/{task.id}/1/0"]
    assert [bool(trade.intended_at) for trade in world.state.trades(task.id)] == [True, False]


def test_buys_are_raised_when_the_sells_have_ended(world, steps):
    task = world.task(rebalance(BTC="0.1", SOL="0.3"))
    steps.rules("SOL/USDT", "buy")
    steps.rules("BTC/USDT", "sell")
    steps.planned(task)
    world.state.answers["appraise", ""] = {"next": "execute", "words": "small"}
    steps.do("execute", task)
    assert [trade.side for trade in world.trader.raised.values()] == [Side.SELL]
    assert steps.do("settle", task)["next"] == "wait"
    world.state.results[f"signal of task/{task.id}/1/0"] = filled("0.03", "60000")
    assert steps.do("settle", task)["next"] == "execute"
    steps.do("execute", task)
    assert [trade.side for trade in world.trader.raised.values()] == [Side.SELL, Side.BUY]
    assert steps.do("settle", task)["next"] == "wait"
    world.state.results[f"signal of task/{task.id}/1/1"] = filled("30", "100")
    assert steps.do("settle", task)["next"] == "explain"
    assert steps.end(task).status is S.SUCCEEDED


def test_waiting_for_orders_has_an_end_and_pauses_grow(world, steps):
    task = raised(world, steps)
    pauses = []
    while (answer := steps.do("settle", task))["next"] == "wait":
        pauses.append(answer["seconds"])
        world.clock.advance(timedelta(seconds=answer["seconds"]))
    assert pauses[0] == 2
    assert pauses == sorted(pauses)
    assert max(pauses) == 20
    assert world.clock.now() - START >= timedelta(minutes=30)
    done = steps.end(task)
    assert done.status is S.FAILED
    assert "still at work" in done.reason


def test_a_fill_is_told_with_price_fee_and_slippage(world, steps):
    task = raised(world, steps)
    world.state.results[f"signal of task/{task.id}/1/0"] = filled("0.5", "2000.25")
    done = steps.end(task)
    assert (done.status, done.reason) == (S.SUCCEEDED, "buy 0.5 ETH at 2000.25 USDT on average")
    story = "\n".join(done.explanation)
    for words in (
        "anna asked to buy 0.5 ETH",
        "score +0.61 is above 0.20",
        "the team's ruling is buy of 100.00 % of the equity, with a confidence of 0.70",
        "Fill: 0.5 ETH at 2000.25 USDT, fee 0.5 USDT, +0.0100 % from the decision's price",
        "Traded for 1000.125 USDT; fees 0.5 USDT",
    ):
        assert words in story


@pytest.mark.parametrize(
    ("outcome", "status", "words"),
    [
        (TradeOutcome("risk: daily_loss: 5 %", (), (), working=False), S.REJECTED, "was refused: risk: daily_loss"),
        (ended("rejected", "no funds"), S.FAILED, "was not executed: rejected: no funds"),
        (ended("canceled", "by hand"), S.FAILED, "was not executed: canceled: by hand"),
        (filled("0.2", "2000", "canceled"), S.SUCCEEDED, "buy 0.2 ETH at 2000 USDT"),
    ],
)
def test_how_a_task_ends_follows_from_what_became_of_its_trades(world, steps, outcome, status, words):
    task = raised(world, steps)
    world.state.results[f"signal of task/{task.id}/1/0"] = outcome
    done = steps.end(task)
    assert done.status is status
    assert words in done.reason


@pytest.mark.parametrize("verdict", ["rejected", "expired"])
def test_a_no_ends_the_task_as_rejected(world, steps, verdict):
    task = world.task(wish())
    steps.rules("ETH/USDT", "buy")
    steps.planned(task)
    steps.do("approval", task, token="one")
    [approval] = world.state.approvals.values()
    if verdict == "rejected":
        world.desk.decide(approval.id, "rejected", "ben", "too much")
    else:
        world.clock.advance(timedelta(hours=1))
        world.upkeep.expire_approvals()
    done = steps.end(task)
    assert done.status is S.REJECTED
    assert done.reason.startswith(verdict)
    assert not world.trader.raised


def test_a_voice_that_was_missing_is_named(world, steps):
    task = world.task(Analyze(symbols=("ETH/USDT",)))
    world.state.answers["gather.news-sentiment", "ETH/USDT"] = speaks("news-sentiment", "ETH/USDT")
    steps.rules("ETH/USDT", "hold", degraded=True)
    done = steps.end(task)
    assert done.status is S.SUCCEEDED
    assert "ETH/USDT: news-sentiment had no answer: no data." in done.explanation
    assert any("a voice was missing" in line for line in done.explanation)


def test_the_end_is_told_once(world, steps):
    task = world.task(Analyze(symbols=("ETH/USDT",)))
    steps.rules("ETH/USDT", "hold")
    steps.end(task)
    steps.do("notify", task, explained=world.state.answers["explain", ""])
    steps.do("fail", task, error={"Error": "States.Timeout"})
    assert [changed.after for changed in world.state.of(TaskChanged)] == [S.SUCCEEDED]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ({"Error": "Unavailable", "Cause": '{"errorMessage": "database is unavailable: away", "stackTrace": ["x"]}'},
         "Unavailable: database is unavailable: away"),
        ({"Error": "States.Timeout", "Cause": ""}, "a step took too long"),
        ({"Error": "Odd", "Cause": "not json"}, "Odd: not json"),
        ({"Error": "Odd", "Cause": "[1]"}, "Odd: [1]"),
        ({}, "unknown: no reason was given"),
    ],
)  # fmt: skip
def test_a_failure_is_told_in_words_and_with_what_was_done_before(world, steps, error, words):
    task = raised(world, steps)
    world.state.results[f"signal of task/{task.id}/1/0"] = filled("0.5", "2000")
    steps.do("fail", task, error=error)
    done = world.now(task.id)
    assert (done.status, done.reason) == (S.FAILED, words)
    assert any("Fill: 0.5 ETH" in line for line in done.explanation)
