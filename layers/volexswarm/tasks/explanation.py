"""Tells what became of a task, in words: what was asked, what the team said and why, what was traded, and what it cost. Pure.

From what is stored alone, so that the explanation can't say more than happened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from volexswarm.messages import Ruling, TaskKind, TaskStatus
from volexswarm.tasks.model import NOTHING_YET, RaisedTrade, Story, TradeOutcome, plain

MAX_LINES: Final = 100
MAX_LINE: Final = 600


@dataclass(frozen=True)
class Conclusion:
    """How an attempt ends, why in one sentence, and the whole story in lines."""

    status: TaskStatus
    reason: str
    lines: tuple[str, ...]


def explain(story: Story) -> Conclusion:
    """How a task ends that went its whole way."""
    if story.task.kind.moves_money:
        status, reason = _of_money(story)
    else:
        status, reason = TaskStatus.SUCCEEDED, _answered(story)
    return Conclusion(status, reason, _cut([*_request(story), *_team(story), *_jobs(story), *_trades(story)]))


def explain_failure(story: Story, reason: str) -> Conclusion:
    """How a task ends that could not go on, and what it had done."""
    lines = [*_request(story), *_team(story), *_jobs(story), *_trades(story), f"It could not go on: {reason}."]
    return Conclusion(TaskStatus.FAILED, reason, _cut(lines))


def _of_money(story: Story) -> tuple[TaskStatus, str]:
    if not story.trades:
        left = (story.answer("propose") or {}).get("left", [])
        words = "; ".join(one["why"] for one in left) or "nothing was to be traded"
        # a portfolio that is on its targets is what was wanted; a trade that is not made is not
        refused = story.task.kind is TaskKind.TRADE or any(one["refused"] for one in left)
        return (TaskStatus.REJECTED if refused else TaskStatus.SUCCEEDED), words
    raised = [trade for trade in story.trades if trade.signal_id]
    if raised:
        return _of_raised(story, raised)
    if all(trade.refusal for trade in story.trades):
        return TaskStatus.REJECTED, "; ".join(f"{trade.symbol}: {trade.refusal}" for trade in story.trades)
    approval = story.approval
    if approval is not None and approval.verdict in ("rejected", "expired"):
        return TaskStatus.REJECTED, f"{approval.verdict} by {approval.actor}: {approval.reason}"
    if (story.answer("execute") or {}).get("late"):
        return TaskStatus.EXPIRED, "its deadline passed before anything was traded"
    return TaskStatus.FAILED, "its trades were not raised"


def _of_raised(story: Story, raised: Sequence[RaisedTrade]) -> tuple[TaskStatus, str]:
    outcomes = {trade.leg: story.outcomes.get(trade.leg, NOTHING_YET) for trade in raised}
    told = [_outcome(trade, outcomes[trade.leg]) for trade in raised]
    words = "; ".join(told + [f"{trade.symbol}: {trade.refusal}" for trade in story.trades if trade.refusal])
    if any(outcome.filled > 0 for outcome in outcomes.values()):
        return TaskStatus.SUCCEEDED, words
    if any(outcome.refused for outcome in outcomes.values()):
        return TaskStatus.REJECTED, words
    return TaskStatus.FAILED, words


def _answered(story: Story) -> str:
    rulings = [f"{ruling.symbol}: {ruling.action}" for ruling in _rulings(story)]
    jobs = [str(answer.get("words") or answer.get("missing")) for _, answer in _job_answers(story)]
    return "; ".join(rulings + jobs) or "it was answered"


def _request(story: Story) -> Iterator[str]:
    task = story.task
    yield f"{task.requested_by} asked to {task.understood}."
    if task.words is not None:
        yield f"In their words: “{task.words}”."
    if task.ignored:
        yield f"Not understood, and without effect: {'; '.join(task.ignored)}."


def _team(story: Story) -> Iterator[str]:
    for (step, symbol), answer in story.answers.items():
        if step.startswith("gather."):
            yield from _heard(step.removeprefix("gather."), symbol, answer, story.task.kind)
    for ruling in _rulings(story):
        yield from _ruled(ruling)
    cost = story.cost
    if cost.calls:
        yield f"The deliberation took {cost.calls} calls, {cost.tokens} tokens and {cost.usd:.4f} USD."


def _heard(agent: str, symbol: str, answer: Mapping[str, Any], kind: TaskKind) -> Iterator[str]:
    if answer.get("missing"):
        yield f"{symbol}: {agent} had no answer: {answer['missing']}."
    elif kind is TaskKind.RESEARCH:
        # what was written outside is not repeated: it is told as figures alone
        yield from (f"{symbol}: {fact['text']}" for fact in answer.get("evidence", ()) if not fact["tainted"])


def _ruled(ruling: Ruling) -> Iterator[str]:
    yield from (f"{ruling.symbol}: {line}" for line in ruling.explanation.splitlines())
    size = f" of {ruling.size_frac * 100:.2f} % of the equity" if ruling.action != "hold" else ""
    yield f"{ruling.symbol}: the team's ruling is {ruling.action}{size}, with a confidence of {ruling.confidence:.2f}."
    for words, agents in (
        ("Vetoed by", ruling.vetoed_by),
        ("Of another opinion:", ruling.dissent),
        ("Abstained:", ruling.abstained),
    ):
        if agents:
            yield f"{ruling.symbol}: {words} {', '.join(agents)}."
    if ruling.degraded:
        yield f"{ruling.symbol}: a model was replaced by our own analysts, or a voice was missing."


def _jobs(story: Story) -> Iterator[str]:
    for _, answer in _job_answers(story):
        yield str(answer.get("words") or answer.get("missing"))
        yield from answer.get("lines", ())


def _trades(story: Story) -> Iterator[str]:
    for one in (story.answer("propose") or {}).get("left", ()):
        yield f"Not traded: {one['why']}."
    appraisal, approval = story.answer("appraise"), story.approval
    if appraisal is not None:
        yield f"Approval: {appraisal['words']}."
    if approval is not None and approval.verdict is not None:
        yield f"{approval.verdict.capitalize()} by {approval.actor}: {approval.reason}."
    for trade in story.trades:
        yield f"Planned: {trade.in_words}, because {trade.why}; {trade.bound_in_words}."
        if trade.refusal:
            yield f"Refused by {trade.refusal}."
        elif trade.signal_id:
            yield from _executed(trade, story.outcomes.get(trade.leg, NOTHING_YET))
        else:
            yield "It was not raised."


def _executed(trade: RaisedTrade, outcome: TradeOutcome) -> Iterator[str]:
    base, quote = trade.symbol.split("/")
    yield f"Signal {trade.signal_id}: {_outcome(trade, outcome)}."
    for order in outcome.orders:
        reason = f" ({order.reason})" if order.reason else ""
        yield f"Order {order.id}: {order.state}{reason}, {plain(order.filled)} of {plain(order.amount)} {base} filled."
    for fill in outcome.fills:
        slip = "" if fill.slippage is None else f", {fill.slippage * 100:+.4f} % from the decision's price"
        fee = f"fee {plain(fill.fee)} {fill.fee_currency}"
        yield f"Fill: {plain(fill.amount)} {base} at {plain(fill.price)} {quote}, {fee}{slip}."
    fees = _fees(outcome)
    if fees:
        yield f"Traded for {plain(outcome.cost)} {quote}; fees {fees}."


def _outcome(trade: RaisedTrade, outcome: TradeOutcome) -> str:
    base, quote = trade.symbol.split("/")
    if outcome.refused:
        return f"{trade.side} {plain(trade.amount)} {base} was refused: {outcome.refused}"
    if outcome.filled > 0:
        average = plain(Decimal(f"{outcome.cost / outcome.filled:.8g}"))
        rest = ", and is still at work" if outcome.working else ""
        return f"{trade.side} {plain(outcome.filled)} {base} at {average} {quote} on average{rest}"
    if outcome.working:
        return f"{trade.side} {plain(trade.amount)} {base} is still at work: nothing is filled yet"
    ends = "; ".join(f"{order.state}{f': {order.reason}' if order.reason else ''}" for order in outcome.orders)
    return f"{trade.side} {plain(trade.amount)} {base} was not executed: {ends or 'there is no order of it'}"


def _fees(outcome: TradeOutcome) -> str:
    fees: dict[str, Decimal] = {}
    for fill in outcome.fills:
        fees[fill.fee_currency] = fees.get(fill.fee_currency, Decimal(0)) + fill.fee
    return ", ".join(f"{plain(amount)} {currency}" for currency, amount in fees.items())


def _rulings(story: Story) -> list[Ruling]:
    return [Ruling.model_validate(answer) for (step, _), answer in story.answers.items() if step == "deliberate"]


def _job_answers(story: Story) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for (step, _), answer in story.answers.items():
        if step.startswith("job.") or step == "report":
            yield step, answer


def _cut(lines: Sequence[str]) -> tuple[str, ...]:
    """It travels through the state machine, whose payloads are small."""
    kept = [line if len(line) <= MAX_LINE else f"{line[: MAX_LINE - 1]}…" for line in lines[:MAX_LINES]]
    return tuple(kept if len(lines) <= MAX_LINES else [*kept, f"… and {len(lines) - MAX_LINES} lines more"])
