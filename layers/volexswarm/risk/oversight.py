"""For people who watch over risk: how things stand, what would be decided, and a circuit breaker closed by hand."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from volexswarm.clock import Clock
from volexswarm.errors import Conflict, NotFound, Unavailable, require
from volexswarm.messages import BreakerChanged, Event, OrderType, Protection, Side, SignalRaised
from volexswarm.ports import QuoteBoard, Store
from volexswarm.risk import breakers, limits, report
from volexswarm.risk.agent import CONSUMER, Decision, RiskAgent
from volexswarm.risk.breakers import Breaker
from volexswarm.risk.conditions import limit_of
from volexswarm.risk.policy import RiskPolicy
from volexswarm.risk.ports import RiskTransaction
from volexswarm.risk.report import Report
from volexswarm.risk.situation import BINDING, Inquiry, Situation
from volexswarm.risk.watch import changed


@dataclass(frozen=True)
class Question:
    """A trade that somebody wonders about. Without an `amount` it is sized as a strategy's would be."""

    symbol: str
    side: Side
    amount: Decimal | None = None
    order_type: OrderType = OrderType.MARKET
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    protection: Protection | None = None


class Oversight:
    """Risk at one venue, seen from outside.

    Parameters
    ----------
    agent : RiskAgent
        Which decides.
    inquiry : Inquiry
        Reads how things stand.
    quotes : QuoteBoard
        Present prices.
    clock : Clock
        Wall time.
    venue : str
        Where is traded.
    symbols : tuple of str
        What is traded there.
    """

    def __init__(
        self,
        *,
        store: Store[RiskTransaction],
        agent: RiskAgent,
        inquiry: Inquiry,
        quotes: QuoteBoard,
        clock: Clock,
        venue: str,
        symbols: tuple[str, ...],
    ) -> None:
        self._store = store
        self._agent = agent
        self._inquiry = inquiry
        self._quotes = quotes
        self._clock = clock
        self._venue = venue
        self._symbols = symbols

    def report(self) -> Report:
        """How things stand. Raises Unavailable if database or quotes can't be asked, Stop if no trading is in force."""
        with self._store.transaction() as tx:
            state = tx.trading_state(self._venue)
            found = self._inquiry.situation(tx, self._venue, state, None, None)
            return self._report(tx, found, self._breakers(tx, found))

    def situation(self, symbol: str) -> Situation:
        """How the account stands for a trade of a symbol. Raises as `report`."""
        with self._store.transaction() as tx:
            return self._inquiry.situation(tx, self._venue, tx.trading_state(self._venue), symbol, None)

    def consider(self, question: Question, *, asked_by: str) -> Decision:
        """What risk would decide about a trade at the market's present price. Nothing is stored.

        Raises
        ------
        InvalidInput
            If the symbol is not traded here.
        Unavailable
            If there is no price of the symbol, or nothing can be read.
        """
        known = self._symbols
        require(question.symbol in known, "symbol", question.symbol, f"one of {', '.join(known)}")
        quote = self._quotes.get(self._venue, [question.symbol]).get(question.symbol)
        if quote is None:
            raise Unavailable("market data", f"there is no price of {question.symbol} yet")
        signal = SignalRaised(
            venue=self._venue,
            symbol=question.symbol,
            strategy_id="question",
            strategy="question",
            side=question.side,
            confidence=1.0,
            price=quote.mid,
            amount=question.amount,
            order_type=question.order_type,
            limit_price=question.limit_price,
            trigger_price=question.trigger_price,
            protection=question.protection,
            as_of=quote.as_of,
            reason=f"{asked_by} wonders",
            requested_by=asked_by,
        )
        now = self._clock.now()
        identity = f"question/{asked_by}/{now.isoformat()}"
        return self._agent.consider(
            Event.root(signal, source=CONSUMER, subject=signal.key, identity=identity, time=now)
        )

    def reset(self, breaker_id: str, *, actor: str, reason: str) -> Breaker:
        """Close a circuit breaker by hand; as it is then.

        Raises
        ------
        NotFound
            If the account in force has no such breaker.
        Conflict
            If it is closed already.
        """
        with self._store.transaction() as tx:
            state = tx.trading_state(self._venue)
            tx.lock_account(self._venue, state.account)
            now = self._clock.now()
            kept = {breaker.id: breaker for breaker, _ in tx.breakers(self._venue, state.account, now - BINDING)}
            before = kept.get(breaker_id)
            if before is None:
                raise NotFound("circuit breaker", breaker_id)
            if before.state == "closed":
                raise Conflict(f"{breaker_id} is closed: nothing is to be reset")
            as_of = max(before.since, tx.market_time(self._venue) or before.since)
            after = breakers.closed(before, reason, as_of)
            tx.save_breaker(self._venue, state.account, after, now)
            news = changed(before, after, self._venue, state.account, as_of).model_copy(update={"actor": actor})
            tx.publish(self._told(news, before))
            return after

    def _breakers(self, tx: RiskTransaction, found: Situation) -> list[Breaker]:
        """As the policy in force has them: what it switches off is closed, also where no buy has come by since."""
        policy = found.policy.policy
        kept = [breaker for breaker, _ in tx.breakers(self._venue, found.state.account, self._clock.now() - BINDING)]
        if policy is None:
            return kept
        return [breakers.under(breaker, limit_of(policy, breaker.kind), found.as_of) for breaker in kept]

    def _told(self, news: BreakerChanged, before: Breaker) -> Event[BreakerChanged]:
        subject = f"{news.venue}:{news.scope}:{news.breaker}"
        identity = f"{subject}/{news.account}/{before.state}/{before.since.isoformat()}/reset"
        return Event.root(news, source=CONSUMER, subject=subject, identity=identity, time=self._clock.now())

    def _report(self, tx: RiskTransaction, found: Situation, kept: list[Breaker]) -> Report:
        policy = found.policy.policy
        of_worth = found.checks_of_worth() if found.is_of_this_money else ()
        obstacles = [check.value for check in (*found.checks()[1:], *of_worth) if not check.passed]
        if policy is None or obstacles:
            return _bare(found, kept, obstacles)
        return self._whole(tx, found, policy, kept)

    def _whole(self, tx: RiskTransaction, found: Situation, policy: RiskPolicy, kept: list[Breaker]) -> Report:
        book = self._inquiry.book(tx, found, policy, None, None)
        by_asset = report.lines(book, policy)
        tail, missing = report.present_tail(book, policy)
        return Report(
            account=found.state.account,
            mode=found.state.mode,
            halt=found.state.halt,
            currency=book.equity.currency,
            as_of=found.as_of,
            policy_version=found.policy.version,
            equity=book.equity.amount,
            peak=book.history.peak,
            drawdown=book.drawdown,
            gross=book.exposure.gross,
            net=book.exposure.net,
            lines=by_asset,
            clusters=report.clusters(book, policy, [line.asset for line in by_asset]),
            tail=tail,
            uses=report.uses(book, policy, tail),
            breakers=kept,
            missing=_left_out(found) + ([] if missing is None else [missing]),
        )


def _left_out(found: Situation) -> list[str]:
    return [f"{check.limit}: {check.value}" for check in limits.unpriced_assets(found.left_out, found.marks.currency)]


def _bare(found: Situation, kept: list[Breaker], obstacles: list[str]) -> Report:
    return Report(
        account=found.state.account,
        mode=found.state.mode,
        halt=found.state.halt,
        currency=found.marks.currency,
        as_of=found.as_of,
        policy_version=found.policy.version,
        equity=None,
        peak=None,
        drawdown=None,
        gross=None,
        net=None,
        lines=(),
        clusters=(),
        tail=None,
        uses=(),
        breakers=kept,
        missing=[f"equity and limits: {words}" for words in obstacles] + _left_out(found),
    )
