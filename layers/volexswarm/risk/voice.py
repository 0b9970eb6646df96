"""Risk's voice in a deliberation: whether the trade would pass at this moment, and how much room the limits leave."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import Final

from volexswarm.arithmetic import wide
from volexswarm.messages import Question, Side, Testimony
from volexswarm.policies import percent
from volexswarm.ports import QuoteBoard
from volexswarm.risk import oversight
from volexswarm.risk.agent import CONSUMER, Decision
from volexswarm.risk.model import ZERO, currencies
from volexswarm.risk.report import Report
from volexswarm.risk.situation import Situation
from volexswarm.testimony import Findings

EVERYTHING = "account"
"""A circuit breaker's scope where it is no symbol."""

_FINEST: Final = Decimal("1e-8")


class RiskVoice:
    """Speaks of the account in force.

    Parameters
    ----------
    desk : Oversight
        Which considers trades and reports.
    quotes : QuoteBoard
        Present prices.
    """

    def __init__(self, desk: oversight.Oversight, quotes: QuoteBoard) -> None:
        self._desk = desk
        self._quotes = quotes

    def testify(self, question: Question) -> Testimony:
        """What risk says to a buy as a strategy would be given it, or to the sale that the task wishes, of whatever it holds.

        All of it is as things are at this moment. Features: `passed` and `halted` (1 or 0), `breakers_open` (of the symbol and of
        the account), and for a buy `room_share` (of the equity, that limits and cash leave for the symbol) and `stop_share` (how
        far below the price the stop would be); where the equity is known, `daily_loss` and `drawdown` as shares of it. Every
        failed check is evidence.

        Raises
        ------
        InvalidInput
            If the symbol is not traded here.
        Unavailable
            If database or quotes can't be asked.
        Stop
            If nobody has set what trading is in force.
        """
        found = Findings(CONSUMER, question)
        if not self._quotes.get(question.venue, [question.symbol]):
            return found.testimony(f"there is no price of {question.symbol} yet")
        side = question.wish or Side.BUY
        amount = None if side is Side.BUY else _wished_sale(self._desk.situation(question.symbol), question)
        asked = oversight.Question(question.symbol, side, amount)
        decision = self._desk.consider(asked, asked_by=f"task {question.task_id}")
        account = decision.situation.state.account
        if account != question.account:
            return found.testimony(f"the account in force is {account}, not {question.account}")
        _tell_decision(found, decision, side)
        _tell_report(found, self._desk.report(), question.symbol)
        return found.testimony("nothing is known")


def _wished_sale(found: Situation, question: Question) -> Decimal | None:
    """What the task would sell of the symbol's base, as far as no order binds it; None where there is nothing to sell.

    A sale without an amount would be of the symbol's own position: what came by a deposit or by another market is none. All that
    is free is asked about where the target is not known, or is above what is held: then it is not risk that speaks against it.
    """
    if found.holdings is None or not (free := found.holdings.sellable(question.symbol)):
        return None
    base = currencies(question.symbol)[0]
    worth = found.marks.prices.get(base)
    if question.target_share is None or not worth or found.marks.missing:
        return free
    with wide():
        kept = Decimal(str(question.target_share)) * found.equity.amount / worth
        wished = (found.holdings.assets.get(base, ZERO) - kept).quantize(_FINEST, rounding=ROUND_DOWN).normalize()
    return min(wished, free) if wished > 0 else free


def _tell_decision(found: Findings, decision: Decision, side: Side) -> None:
    verdict, assessment = decision.verdict, decision.assessment
    size = f" of {assessment.amount:f}" if assessment.amount is not None else ""
    word = "pass" if verdict.approved else "be refused"
    words = f"a {side}{size} would {word} (policy version {verdict.policy_version})"
    found.know("passed", float(verdict.approved), words)
    if assessment.room is not None:
        found.know(
            "room_share", assessment.room, f"limits and cash leave room for {percent(assessment.room)} of the equity"
        )
    if assessment.distance is not None:
        found.know(
            "stop_share", assessment.distance, f"the stop would be {percent(assessment.distance)} below the price"
        )
    for check in verdict.checks:
        if not check.passed:
            found.show("check", check.name, f"{check.name}: {check.value} (limit {check.limit})")


def _tell_report(found: Findings, report: Report, symbol: str) -> None:
    found.know("halted", float(report.halt is not None), f"trading is {report.halt or 'not halted'}")
    tripped = [b for b in report.breakers if b.state == "open" and b.scope in (symbol, EVERYTHING)]
    words = ", ".join(f"{breaker.kind} ({breaker.reason})" for breaker in tripped) or "none"
    found.know("breakers_open", len(tripped), f"open circuit breakers: {words}")
    lost = _measure(report, "daily_loss")
    if lost is not None:
        found.know("daily_loss", lost, f"{percent(lost)} were lost since the market's day began")
    if report.drawdown is not None:
        found.know("drawdown", report.drawdown, f"the account is {percent(report.drawdown)} below its highest equity")


def _measure(report: Report, name: str) -> Decimal | None:
    return next((use.check.measure for use in report.uses if use.check.name == name), None)
