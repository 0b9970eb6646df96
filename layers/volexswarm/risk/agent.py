"""The risk agent: every signal becomes a sized proposal or a refusal that names each check. Fails closed.

Assessments of one account happen one after the other, under a lock held to the commit: of two signals at the same moment, the
second sees what the first has bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from volexswarm.clock import Clock
from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import Check, Event, OrderType, SignalRaised, TradeProposed, TradeRefused, Verdict
from volexswarm.policies import InForce, in_force
from volexswarm.ports import QuoteBoard, Store
from volexswarm.risk import limits
from volexswarm.risk.assessment import Assessment, Market, assess, preconditions
from volexswarm.risk.board import Board
from volexswarm.risk.model import ZERO, Holdings, currencies
from volexswarm.risk.policy import RiskPolicy
from volexswarm.risk.ports import RiskTransaction
from volexswarm.valuation import Markets, Marks

CONSUMER = "risk"

# A proposal whose message died must not bind money and positions for ever. Compliance refuses what waited for a quarter of an
# hour, execution what waited for another: after an hour nothing can become of it any more.
_BINDING = timedelta(hours=1)


class RiskAgent:
    """Sizes signals and holds them against the account's limits.

    Parameters
    ----------
    store : Store[RiskTransaction]
    quotes : QuoteBoard
        Latest quotes: what has none fresh can't be valued, and what can't be valued isn't traded.
    clock : Clock
        Wall time, for staleness; all rules about days count in market time.
    account : str
        The account that trades.
    valuation_currency : str
        Equity and limits are in this currency.
    symbols : sequence
        Markets whose quotes are kept: what none of them leads to the valuation currency has no price.
    quote_max_age : float
        Seconds of wall time after which a quote is stale.
    mode : str
        What money is traded with: `simulated`, `sandbox` or `live`. Books that were opened for other money size nothing. On every
        venue but a simulated one market time is wall time: then a signal is as old as the market it speaks of, also where a
        feed that was away brought the candle late.
    """

    def __init__(
        self,
        *,
        store: Store[RiskTransaction],
        quotes: QuoteBoard,
        clock: Clock,
        account: str,
        valuation_currency: str,
        symbols: Sequence[str],
        quote_max_age: float,
        mode: str,
    ) -> None:
        self._store = store
        self._quotes = quotes
        self._clock = clock
        self._account = account
        self._currency = valuation_currency
        self._symbols = tuple(symbols)
        self._max_age = timedelta(seconds=quote_max_age)
        self._mode = mode
        self._is_real_time = mode != "simulated"

    def assess(self, event: Event[SignalRaised]) -> None:
        """Decide about a signal once, store the decision with all its checks, and publish the proposal or the refusal.

        Raises
        ------
        Unavailable
            If database or quotes can't be asked: nothing is stored, the message comes again.
        """
        with self._store.transaction() as tx:
            if not tx.first_delivery(CONSUMER, event.id):
                return
            signal = event.data
            tx.lock_account(signal.venue, self._account)
            policy = in_force(RiskPolicy, tx.newest_policy())
            binding_since = self._clock.now() - _BINDING
            holdings = tx.holdings(signal.venue, self._account, signal.symbol, binding_since)
            board = self._board(signal, holdings)
            as_of = _market_time(signal, board)
            assessment = self._weigh(tx, event, policy, holdings, board, as_of)
            self._conclude(tx, event, policy.version, assessment, as_of)

    def _board(self, signal: SignalRaised, holdings: Holdings | None) -> Board:
        needed = self._markets(signal).needed(_to_price(signal, holdings), self._currency)
        # the clock after the quotes: a quote must not seem to come from the future
        quotes = self._quotes.get(signal.venue, sorted(needed | {signal.symbol}))
        return Board(quotes, self._clock.now(), self._max_age)

    def _markets(self, signal: SignalRaised) -> Markets:
        return Markets([*self._symbols, signal.symbol])

    def _weigh(
        self,
        tx: RiskTransaction,
        event: Event[SignalRaised],
        policy: InForce[RiskPolicy],
        holdings: Holdings | None,
        board: Board,
        as_of: datetime,
    ) -> Assessment:
        signal = event.data
        opened_for = None if holdings is None else holdings.mode
        first: tuple[Check, ...] = (policy.check, limits.account_open(opened_for, self._mode))
        if (
            policy.policy is None or holdings is None or holdings.mode != self._mode
        ):  # such books must not be valued either
            return Assessment(first)
        marks = self._markets(signal).mark(_to_price(signal, holdings), self._currency, board.mids)
        # what was before this moment; the new valuation must not be its own yardstick
        history = tx.history(signal.venue, self._account, self._currency, Timeframe.D1.opening(as_of))
        self._value(tx, signal.venue, holdings, marks, as_of)
        first += preconditions(signal, self._age(event, board.now), board, policy.policy)
        if not all(check.passed for check in first):
            return Assessment(first)
        found = assess(signal, policy.policy, holdings, history, Market(board.usable[signal.symbol], marks))
        return Assessment(first + found.checks, found.amount, found.stop_price, found.sizing)

    def _age(self, event: Event[SignalRaised], now: datetime) -> timedelta:
        return now - (min(event.time, event.data.as_of) if self._is_real_time else event.time)

    def _value(self, tx: RiskTransaction, venue: str, holdings: Holdings, marks: Marks, as_of: datetime) -> None:
        if not marks.missing:
            equity, cash = marks.value(holdings.assets), holdings.assets.get(self._currency, ZERO)
            tx.record_equity(venue, self._account, self._currency, equity, cash, as_of, self._clock.now())

    def _conclude(
        self, tx: RiskTransaction, event: Event[SignalRaised], version: int, assessment: Assessment, as_of: datetime
    ) -> None:
        now = self._clock.now()
        verdict = Verdict.of("risk", version, assessment.checks)
        tx.record_decision(event, event.id, verdict, as_of, now)
        if not verdict.approved:
            tx.publish(self._refusal(event, verdict, as_of, now))
            return
        proposal = self._proposal(event, assessment, verdict, as_of, now)
        tx.record_proposal(proposal, now)
        tx.publish(proposal)

    def _proposal(
        self,
        event: Event[SignalRaised],
        assessment: Assessment,
        verdict: Verdict,
        as_of: datetime,
        now: datetime,
    ) -> Event[TradeProposed]:
        signal = event.data
        assert assessment.amount is not None  # no check passes for a trade without a size
        proposal = TradeProposed(
            venue=signal.venue,
            symbol=signal.symbol,
            account=self._account,
            signal_id=event.id,
            strategy_id=signal.strategy_id,
            side=signal.side,
            order_type=signal.order_type,
            amount=assessment.amount,
            limit_price=signal.limit_price if signal.order_type is OrderType.LIMIT else None,
            reference_price=signal.price,
            stop_price=assessment.stop_price,
            as_of=as_of,
            sizing=assessment.sizing,
            verdict=verdict,
        )
        return Event.caused_by(event, proposal, source=CONSUMER, subject=signal.key, time=now)

    def _refusal(
        self, event: Event[SignalRaised], verdict: Verdict, as_of: datetime, now: datetime
    ) -> Event[TradeRefused]:
        signal = event.data
        refusal = TradeRefused(
            venue=signal.venue,
            symbol=signal.symbol,
            account=self._account,
            signal_id=event.id,
            side=signal.side,
            verdict=verdict,
            as_of=as_of,
        )
        return Event.caused_by(event, refusal, source=CONSUMER, subject=signal.key, time=now)


def _to_price(signal: SignalRaised, holdings: Holdings | None) -> set[str]:
    held = set() if holdings is None else holdings.currencies()
    return held | set(currencies(signal.symbol))


def _market_time(signal: SignalRaised, board: Board) -> datetime:
    """Market time now: the quote's, unless the signal is ahead of it."""
    quote = board.usable.get(signal.symbol)
    return signal.as_of if quote is None else max(signal.as_of, quote.as_of)
