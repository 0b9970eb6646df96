"""Everything about the account and the market that a decision starts from, read in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property

from volexswarm.board import Board, BoardReader
from volexswarm.clock import Clock
from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import Check, SignalRaised
from volexswarm.policies import InForce, in_force
from volexswarm.ports import QuoteBoard, TradingState
from volexswarm.risk import limits
from volexswarm.risk.chronicle import Chronicle, Span
from volexswarm.risk.exposure import Exposure
from volexswarm.risk.intake import Book
from volexswarm.risk.limits import Equity
from volexswarm.risk.model import ZERO, Bar, Holdings, Periods, brought_in, currencies
from volexswarm.risk.policy import RiskPolicy
from volexswarm.risk.ports import RiskTransaction
from volexswarm.risk.track import LENGTH, track_record
from volexswarm.units import units_after
from volexswarm.valuation import Markets, Marks

# A proposal whose message died must not bind money and positions for ever. Compliance refuses what waited for a quarter of an
# hour, execution what waited for another: after an hour nothing can become of it any more.
BINDING = timedelta(hours=1)


@dataclass(frozen=True)
class Situation:
    """The account in force at one venue at one moment, market time `as_of`.

    `left_out` is held too, but no market leads from there to the valuation currency: it is no part of `holdings` and `marks`.
    """

    venue: str
    state: TradingState
    policy: InForce[RiskPolicy]
    holdings: Holdings | None
    board: Board
    marks: Marks
    left_out: tuple[str, ...]
    markets: Markets
    as_of: datetime

    def checks(self) -> tuple[Check, ...]:
        """What must hold before the account is looked at closer."""
        opened_for = None if self.holdings is None else self.holdings.mode
        return (
            limits.not_halted(self.state.halt),
            self.policy.check,
            limits.account_open(opened_for, self.state.mode),
        )

    def checks_of_worth(self) -> tuple[Check, ...]:
        """What must hold before anything is measured by the equity, and what is no part of it."""
        return (
            limits.equity_known(self.lacking, self.equity),
            *limits.unpriced_assets(self.left_out, self.marks.currency),
        )

    @property
    def lacking(self) -> str | None:
        """What has no price to be valued by, in words; None where everything has one."""
        return self.board.without_price(self.marks.missing) if self.marks.missing else None

    def exposes(self, signal: SignalRaised) -> bool:
        """Whether the trade brings in what hangs on prices: anything but the valuation currency, also by a sale."""
        return brought_in(signal.symbol, signal.side) != self.marks.currency

    @property
    def is_of_this_money(self) -> bool:
        """Books of other money must not even be valued."""
        return self.holdings is not None and self.holdings.mode == self.state.mode

    @cached_property
    def values(self) -> Mapping[str, Decimal]:
        """What is held, in the valuation currency, by asset; nothing while something has no price."""
        return {} if self.marks.missing or self.holdings is None else self.marks.values(self.holdings.assets)

    @cached_property
    def flow(self) -> Decimal:
        """How much of the equity came from outside (negative: went) since the account was valued last."""
        if self.marks.missing or self.holdings is None:
            return ZERO
        prices = self.marks.prices
        return sum((amount * prices[asset] for asset, amount in self.holdings.flows.items() if asset in prices), ZERO)

    @cached_property
    def equity(self) -> Equity:
        """What the account is worth; 0 while something has no price."""
        return Equity(sum(self.values.values(), ZERO), self.marks.currency)


class Inquiry:
    """Reads situations.

    Parameters
    ----------
    quotes : QuoteBoard
        Latest quotes: what has none fresh can't be valued, and what can't be valued isn't traded.
    clock : Clock
        Wall time, for staleness.
    currency : str
        What is valued in.
    symbols : sequence
        Markets whose quotes are kept: what none of them leads to the valuation currency has no price.
    timeframes : sequence
        Candles that are kept.
    quote_max_age : float
        Seconds of wall time after which a quote is stale.
    """

    def __init__(
        self,
        *,
        quotes: QuoteBoard,
        clock: Clock,
        currency: str,
        symbols: Sequence[str],
        timeframes: Sequence[Timeframe],
        quote_max_age: float,
    ) -> None:
        self._boards = BoardReader(quotes, clock, timedelta(seconds=quote_max_age))
        self._clock = clock
        self._currency = currency
        self._symbols = frozenset(symbols)
        self._markets = Markets(self._symbols)
        self.finest = min(timeframes, key=lambda timeframe: timeframe.milliseconds)
        hourly = [timeframe for timeframe in timeframes if timeframe.length <= Timeframe.H1.length]
        self.coarsest = max(hourly or [self.finest], key=lambda timeframe: timeframe.milliseconds)
        known = {currency for symbol in self._symbols for currency in currencies(symbol)}
        self._chronicle = Chronicle(currency, known, self.coarsest)

    def situation(
        self, tx: RiskTransaction, venue: str, state: TradingState, symbol: str | None, since: datetime | None
    ) -> Situation:
        """How things stand. `symbol` is the one to be traded; market time is its quote's, but not before `since`.

        Raises
        ------
        Unavailable
            If database or quotes can't be asked.
        """
        policy = in_force(RiskPolicy, tx.newest_policy())
        holdings = tx.holdings(venue, state.account, symbol, self._clock.now() - BINDING)
        markets = self._markets if symbol is None or symbol in self._symbols else Markets({*self._symbols, symbol})
        traded = set(currencies(symbol) if symbol else ())
        wanted = (set() if holdings is None else holdings.currencies() | self._came(holdings, markets)) | traded
        symbols = markets.needed(wanted, self._currency) | ({symbol} if symbol else set())
        board = self._boards.read(venue, symbols)
        marks = markets.mark(wanted, self._currency, board.mids)
        left_out = self._left_out(holdings, marks, markets, traded)
        return Situation(
            venue=venue,
            state=state,
            policy=policy,
            holdings=None if holdings is None else holdings.without(left_out),
            board=board,
            marks=replace(marks, missing=tuple(asset for asset in marks.missing if asset not in left_out)),
            left_out=left_out,
            markets=markets,
            as_of=self._market_time(tx, venue, board, symbol, since),
        )

    def _came(self, holdings: Holdings, markets: Markets) -> set[str]:
        """What came or went from outside since the last valuation, as far as a market can price it: the rest is no part of it."""
        flows = holdings.flows.items()
        return {asset for asset, amount in flows if amount and markets.route(asset, self._currency) is not None}

    def _left_out(
        self, holdings: Holdings | None, marks: Marks, markets: Markets, traded: Collection[str]
    ) -> tuple[str, ...]:
        """What merely lies in the account and no market can price. A debt, or what is traded, must not be overlooked."""
        if holdings is None:
            return ()
        concerned = holdings.brought().union(traded)
        return tuple(
            asset
            for asset in marks.missing
            if asset not in concerned
            and holdings.assets.get(asset, ZERO) > 0
            and markets.route(asset, self._currency) is None
        )

    def _market_time(
        self, tx: RiskTransaction, venue: str, board: Board, symbol: str | None, since: datetime | None
    ) -> datetime:
        if since is None:
            return tx.market_time(venue) or self._clock.now()
        quote = board.usable(symbol) if symbol else None
        return since if quote is None else max(since, quote.as_of)

    def book(
        self, tx: RiskTransaction, found: Situation, policy: RiskPolicy, base: str | None, strategy: str | None
    ) -> Book:
        """The account in detail. Only to be asked when everything has a price; `strategy` is whose record counts."""
        assert found.holdings is not None  # what is priced is open
        exposure = Exposure(found.holdings, found.values, found.marks)
        span = Span.at(found.venue, found.as_of, policy.history_hours)
        record = None
        if policy.use_kelly and strategy is not None:
            record = track_record(tx.closed_trades(found.venue, found.state.account, strategy, LENGTH))
        worths = tx.worths(found.venue, found.state.account, self._currency, Periods.at(found.as_of))
        return Book(
            holdings=found.holdings,
            exposure=exposure,
            equity=found.equity,
            history=worths.of(_units(found, found.holdings, worths.last)),
            results=self._chronicle.results(tx, span, found.markets, exposure.amounts, [base] if base else []),
            cap=found.state.cap,
            record=record,
        )

    def usual_volatility(self, tx: RiskTransaction, found: Situation, policy: RiskPolicy, asset: str) -> float | None:
        """Standard deviation of an hour's log return of an asset; None with too little history."""
        span = Span.at(found.venue, found.as_of, policy.history_hours)
        history = self._chronicle.history(tx, span, found.markets, [asset])
        return None if history.lacking([asset], policy.min_history_hours) else history.volatility(asset)

    def window(self, tx: RiskTransaction, found: Situation, policy: RiskPolicy, symbol: str) -> Sequence[Bar]:
        """The candles of the breakers' window, of the finest timeframe there is."""
        span = timedelta(minutes=policy.breaker_window)
        count = max(1, span // self.finest.length)
        return tx.bars(found.venue, symbol, self.finest, found.as_of, count, found.as_of - span)


def _units(found: Situation, holdings: Holdings, last_worth: Decimal | None) -> Decimal | None:
    """What the account is divided into with everything that came and went; None if it was never valued."""
    if holdings.units is None:
        return None
    return units_after(holdings.units, found.equity.amount, found.flow, last_worth)
