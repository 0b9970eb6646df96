"""Compliance's voice in a deliberation: whether the desk's rules would let a trade of the symbol pass, and what they leave."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from volexswarm.clock import Clock
from volexswarm.compliance.agent import CONSUMER, ComplianceAgent
from volexswarm.compliance.model import Activity
from volexswarm.compliance.policy import CompliancePolicy
from volexswarm.compliance.ports import ComplianceTransaction
from volexswarm.messages import Check, Event, OrderType, Question, Side, Testimony, TradeProposed, Verdict
from volexswarm.policies import in_force
from volexswarm.ports import QuoteBoard, Store
from volexswarm.testimony import Findings

SMALLEST = Decimal("0.00000001")
"""Of the base currency: a trade without size, where the symbol has no usual one. Rules about values then have nothing to say."""


class ComplianceVoice:
    """Asks the rules about a trade of the symbol's usual size.

    Parameters
    ----------
    store : Store[ComplianceTransaction]
    agent : ComplianceAgent
        Which decides.
    quotes : QuoteBoard
        Present prices.
    clock : Clock
        Wall time.
    quote_max_age : timedelta
        A price that is older is no present price.
    """

    def __init__(
        self,
        *,
        store: Store[ComplianceTransaction],
        agent: ComplianceAgent,
        quotes: QuoteBoard,
        clock: Clock,
        quote_max_age: timedelta,
    ) -> None:
        self._store = store
        self._agent = agent
        self._quotes = quotes
        self._clock = clock
        self._quote_max_age = quote_max_age

    def testify(self, question: Question) -> Testimony:
        """What the rules say to a trade in the wished direction (a buy if there is no wish), as things are at this moment.

        The trade is of the mean value of the week's trades of the symbol; without any, of none. What the real one is worth is
        reviewed when its size is known.

        Features: `passed` and `restricted` (1 or 0), `trades_left_today` of the symbol in the last 24 hours, `open_flags` about
        it. Every failed check is evidence. Without a valid policy nothing passes.

        Raises
        ------
        Unavailable
            If database or quotes can't be asked.
        """
        found = Findings(CONSUMER, question)
        price = self._price(question)
        if price is None:
            return found.testimony(f"there is no present price of {question.symbol}")
        with self._store.transaction() as tx:
            policy = in_force(CompliancePolicy, tx.newest_policy()).policy
            probe = self._proposal(question, price, SMALLEST)
            activity = None if policy is None else tx.activity(probe, policy.look)
            flags = tx.open_flags(question.venue, question.account, f"{question.venue}:{question.symbol}")
        usual = None if activity is None else activity.average_of_week
        proposal = probe if not usual else self._proposal(question, price, usual / price)
        verdict = self._agent.consider(proposal)
        _tell_verdict(found, proposal.data, verdict, of_usual_size=bool(usual))
        if policy is not None and activity is not None:
            _tell_rules(found, question, policy, activity)
        found.know("open_flags", len(flags), f"{len(flags)} flags about {question.symbol} are not cleared")
        for flag in flags[:5]:
            found.show("flag", flag.id, f"{flag.rule}: {flag.detail}", as_of=flag.last_as_of)
        return found.testimony("nothing is known")

    def _price(self, question: Question) -> Decimal | None:
        quote = self._quotes.get(question.venue, [question.symbol]).get(question.symbol)
        if quote is None or self._clock.now() - quote.received_at > self._quote_max_age or quote.mid <= 0:
            return None
        return quote.mid

    def _proposal(self, question: Question, price: Decimal, amount: Decimal) -> Event[TradeProposed]:
        """As risk would hand it on; that risk approves is supposed here, for risk speaks for itself."""
        now = self._clock.now()
        supposed = Check(name="supposed", limit="approved by risk", value="supposed", passed=True)
        data = TradeProposed(
            venue=question.venue,
            symbol=question.symbol,
            account=question.account,
            signal_id=question.task_id,
            strategy_id="question",
            side=question.wish or Side.BUY,
            order_type=OrderType.MARKET,
            amount=amount,
            reference_price=price,
            as_of=question.as_of,
            sizing="the usual size",
            verdict=Verdict.of("risk", 0, [supposed]),
        )
        identity = f"question/{question.task_id}/{question.attempt}/{question.symbol}"
        return Event.root(data, source=CONSUMER, subject=data.key, identity=identity, time=now)


def _tell_verdict(found: Findings, trade: TradeProposed, verdict: Verdict, *, of_usual_size: bool) -> None:
    size = f"of the usual value of {trade.notional:.2f}" if of_usual_size else "of whatever size"
    word = "pass" if verdict.approved else "be refused"
    found.know(
        "passed",
        float(verdict.approved),
        f"a {trade.side} {size} would {word} (policy version {verdict.policy_version})",
    )
    for check in verdict.checks:
        if not check.passed:
            found.show("check", check.name, f"{check.name}: {check.value} (limit {check.limit})")


def _tell_rules(found: Findings, question: Question, policy: CompliancePolicy, activity: Activity) -> None:
    restricted = question.symbol in policy.restricted_symbols
    words = f"{question.symbol} is {'' if restricted else 'not '}on the restricted list"
    found.know("restricted", float(restricted), words)
    left = max(0, policy.max_trades_per_day - activity.trades_of_day)
    done = f"{activity.trades_of_day} of {policy.max_trades_per_day} trades of the symbol in 24 hours are done"
    found.know("trades_left_today", left, done)
