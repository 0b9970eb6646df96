"""The risk agent: every signal becomes a sized proposal or a refusal that names each check. Fails closed.

Assessments of one account happen one after the other, under a lock held to the commit: of two signals at the same moment, the
second sees what the first has bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from volexswarm.clock import Clock
from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import Event, Side, SignalRaised, TradeProposed, TradeRefused, Verdict
from volexswarm.ports import Store, TradingState
from volexswarm.risk.assessment import Assessment, assess_purchase, assess_return, assess_sale, preconditions
from volexswarm.risk.model import ZERO, Bar, brought_in
from volexswarm.risk.policy import RiskPolicy
from volexswarm.risk.ports import RiskTransaction
from volexswarm.risk.purchase import Market
from volexswarm.risk.situation import Inquiry, Situation
from volexswarm.risk.stops import candles_needed
from volexswarm.risk.watch import Watch, watch

CONSUMER = "risk"


@dataclass(frozen=True)
class Decision:
    """What risk makes of a signal, and what it found on the way."""

    situation: Situation
    assessment: Assessment
    verdict: Verdict
    watch: Watch


class RiskAgent:
    """Sizes signals and holds them against the limits of the account that trades.

    Parameters
    ----------
    store : Store[RiskTransaction]
    inquiry : Inquiry
        Reads how things stand.
    clock : Clock
        Wall time, for staleness; all rules about days count in market time.
    real_time : bool
        Market time is wall time, as everywhere but at a simulated exchange: then a signal is as old as the market it speaks of,
        also where a feed that was away brought the candle late.
    """

    def __init__(self, *, store: Store[RiskTransaction], inquiry: Inquiry, clock: Clock, real_time: bool) -> None:
        self._store = store
        self._inquiry = inquiry
        self._clock = clock
        self._real_time = real_time

    def assess(self, event: Event[SignalRaised]) -> None:
        """Decide about a signal once, store the decision with all its checks, and publish the proposal or the refusal.

        Raises
        ------
        Unavailable
            If database or quotes can't be asked: nothing is stored, the message comes again.
        Stop
            If nobody has set what trading is in force.
        """
        with self._store.transaction() as tx:
            state = tx.trading_state(event.data.venue)  # before any other lock
            if not tx.first_delivery(CONSUMER, event.id):
                return
            tx.lock_account(event.data.venue, state.account)
            self._conclude(tx, event, self._decide(tx, event, state))

    def consider(self, event: Event[SignalRaised]) -> Decision:
        """What would be decided about a signal at this moment. Nothing is stored, nothing published. Raises as `assess`."""
        with self._store.transaction() as tx:
            return self._decide(tx, event, tx.trading_state(event.data.venue))

    def _decide(self, tx: RiskTransaction, event: Event[SignalRaised], state: TradingState) -> Decision:
        signal = event.data
        found = self._inquiry.situation(tx, signal.venue, state, signal.symbol, signal.as_of)
        looked, assessment = self._weigh(tx, event, found)
        verdict = Verdict.of("risk", found.policy.version, assessment.checks)
        return Decision(found, assessment, verdict, looked)

    def _weigh(self, tx: RiskTransaction, event: Event[SignalRaised], found: Situation) -> tuple[Watch, Assessment]:
        signal, policy, checks = event.data, found.policy.policy, found.checks()
        if policy is None or not found.is_of_this_money:
            return Watch(), Assessment(checks)
        checks += preconditions(signal, self._age(event, found), found.board, policy)
        looked = Watch()
        if found.exposes(signal):
            if signal.side is Side.BUY:
                looked = watch(tx, self._inquiry, found, policy, signal, self._clock)
            checks += (*looked.checks(), *found.checks_of_worth())
        if not all(check.passed for check in checks):
            return looked, Assessment(checks)
        weighed = self._weigh_sound(tx, signal, policy, found, probe=looked.probe)
        return looked, replace(weighed, checks=checks + weighed.checks)

    def _weigh_sound(
        self, tx: RiskTransaction, signal: SignalRaised, policy: RiskPolicy, found: Situation, *, probe: bool
    ) -> Assessment:
        assert found.holdings is not None  # the account is open
        quote = found.board.usable(signal.symbol)
        assert quote is not None  # the preconditions hold
        market = Market(quote, found.marks)
        exposes = found.exposes(signal)
        if signal.side is Side.BUY and not exposes:
            return assess_return(signal, policy, found.holdings, self._last_known_equity(tx, found), market)
        strategy = signal.strategy_id if signal.side is Side.BUY and signal.amount is None else None
        brought = brought_in(signal.symbol, signal.side)
        book = self._inquiry.book(tx, found, policy, brought, strategy) if exposes else None
        if signal.side is Side.SELL:
            return assess_sale(signal, policy, found.holdings, self._last_known_equity(tx, found), market, book)
        assert book is not None  # what is bought and is no cash exposes
        return assess_purchase(signal, policy, book, market, self._candles(tx, signal, policy, found), probe=probe)

    def _last_known_equity(self, tx: RiskTransaction, found: Situation) -> Decimal | None:
        if found.marks.missing:
            return tx.last_equity(found.venue, found.state.account, found.marks.currency)
        return found.equity.amount

    def _candles(
        self, tx: RiskTransaction, signal: SignalRaised, policy: RiskPolicy, found: Situation
    ) -> Sequence[Bar]:
        """What the stop's method looks at: candles of the signal's own timeframe; a person has none and gets the coarsest."""
        count = candles_needed(policy)
        timeframe = Timeframe(signal.timeframe) if signal.timeframe in tuple(Timeframe) else self._inquiry.coarsest
        return tx.bars(found.venue, signal.symbol, timeframe, found.as_of, count) if count else ()

    def _age(self, event: Event[SignalRaised], found: Situation) -> timedelta:
        return found.board.now - (min(event.time, event.data.as_of) if self._real_time else event.time)

    def _conclude(self, tx: RiskTransaction, event: Event[SignalRaised], decision: Decision) -> None:
        now, found = self._clock.now(), decision.situation
        self._record_equity(tx, found)
        tx.record_decision(event, event.id, decision.verdict, found.as_of, now)
        proposal = self.proposal(event, decision) if decision.verdict.approved else None
        if proposal is not None:
            tx.record_proposal(proposal, now)
        self._keep_breakers(tx, event, decision, None if proposal is None else proposal.id)
        tx.publish(proposal or self._refusal(event, decision))

    def _record_equity(self, tx: RiskTransaction, found: Situation) -> None:
        if found.policy.policy is None or found.holdings is None or not found.is_of_this_money or found.marks.missing:
            return
        currency = found.marks.currency
        cash = found.holdings.assets.get(currency, ZERO)
        account, now = found.state.account, self._clock.now()
        tx.record_equity(found.venue, account, currency, found.equity.amount, cash, found.as_of, now)

    def _keep_breakers(
        self, tx: RiskTransaction, event: Event[SignalRaised], decision: Decision, probe_id: str | None
    ) -> None:
        found, now = decision.situation, self._clock.now()
        for breaker in decision.watch.changed(probe_id):
            tx.save_breaker(found.venue, found.state.account, breaker, now)
        for news in decision.watch.turned(found.venue, found.state.account, found.as_of):
            subject = f"{news.venue}:{news.scope}:{news.breaker}"
            tx.publish(Event.caused_by(event, news, source=CONSUMER, subject=subject, time=now))

    def proposal(self, event: Event[SignalRaised], decision: Decision) -> Event[TradeProposed]:
        """What compliance gets of a decision that approves."""
        signal, assessment = event.data, decision.assessment
        assert assessment.amount is not None  # no check passes for a trade without a size
        proposal = TradeProposed(
            venue=signal.venue,
            symbol=signal.symbol,
            account=decision.situation.state.account,
            signal_id=event.id,
            strategy_id=signal.strategy_id,
            side=signal.side,
            order_type=signal.order_type,
            amount=assessment.amount,
            limit_price=signal.limit_price if signal.order_type.has_limit else None,
            trigger_price=signal.trigger_price if signal.order_type.has_trigger else None,
            time_in_force=signal.time_in_force,
            reference_price=signal.price,
            stop_price=assessment.stop_price,
            protection=assessment.protection,
            volatility=signal.volatility,
            as_of=decision.situation.as_of,
            sizing=assessment.sizing,
            verdict=decision.verdict,
        )
        return Event.caused_by(event, proposal, source=CONSUMER, subject=signal.key, time=self._clock.now())

    def _refusal(self, event: Event[SignalRaised], decision: Decision) -> Event[TradeRefused]:
        signal = event.data
        refusal = TradeRefused(
            venue=signal.venue,
            symbol=signal.symbol,
            account=decision.situation.state.account,
            signal_id=event.id,
            side=signal.side,
            verdict=decision.verdict,
            as_of=decision.situation.as_of,
        )
        return Event.caused_by(event, refusal, source=CONSUMER, subject=signal.key, time=self._clock.now())
