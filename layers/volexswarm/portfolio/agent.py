"""Opens the books with the exchange's balances, and values them from time to time."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from volexswarm.board import BoardReader
from volexswarm.clock import Clock
from volexswarm.errors import Retry, Stop
from volexswarm.messages import AccountOpened, DataT, EquityTaken, Event
from volexswarm.portfolio import ledger, valuation
from volexswarm.portfolio.model import LedgerAccount, Valuation
from volexswarm.portfolio.ports import ExchangeAccount, PortfolioTransaction
from volexswarm.ports import QuoteBoard, Store
from volexswarm.units import units_after
from volexswarm.valuation import Markets

logger = logging.getLogger(__name__)

SOURCE = "execution"  # the books are the execution agent's; it says so on the wire
_TICKS_AWAITED = 20


class PortfolioAgent:
    """The books of one account.

    Parameters
    ----------
    mode : str
        What money the account holds: `simulated`, `sandbox` or `live`. Its books are marked with it when they are opened.
    symbols : sequence
        Markets whose quotes are kept: an asset that none of them leads to `valuation_currency` is outside of the equity.
    quote_max_age : timedelta
        Wall time after which a quote is no price any more.
    """

    def __init__(  # noqa: PLR0913 - ports and settings, by keyword
        self,
        *,
        store: Store[PortfolioTransaction],
        exchange: ExchangeAccount,
        quotes: QuoteBoard,
        clock: Clock,
        account: str,
        venue: str,
        mode: str,
        valuation_currency: str,
        symbols: Sequence[str],
        quote_max_age: timedelta = timedelta(seconds=30),
    ) -> None:
        self._store = store
        self._exchange = exchange
        self._boards = BoardReader(quotes, clock, quote_max_age)
        self._clock = clock
        self._account = account
        self._venue = venue
        self._mode = mode
        self._currency = valuation_currency
        self._symbols = tuple(symbols)

    def open_account(self) -> bool:
        """Start the books with what the exchange holds. Once: True if this call did it, False if they were open.

        The rule that keeps fills from being booked twice: what the exchange executed at or before the opening's time is part of
        the opening balance, what it executed later is not. Risk refuses every trade of an unopened account, so that none of our
        own orders can be older than its books.

        Raises
        ------
        Unavailable
            If exchange or database do not answer.
        Retry
            If balances move while they are read.
        Stop
            If there are books of that name already that are of other money.
        """
        with self._store.transaction() as tx:
            if self._is_open(tx):
                return False
        balances, as_of = self._balances_at_rest()
        opening = ledger.of_opening(self._venue, self._account, balances, as_of)
        now = self._clock.now()
        data = AccountOpened(venue=self._venue, account=self._account, balances=dict(balances), as_of=as_of)
        event = self._event(data, f"{self._venue}/{self._account}", now)
        with self._store.transaction() as tx:
            if not tx.add_account(self._venue, self._account, as_of, self._mode):
                return False
            tx.post(opening, correlation_id=event.correlationid, posted_at=now)
            tx.publish(event)
        return True

    def snapshot(self) -> Valuation | None:
        """Value the books and store the equity in market time; None before they are opened.

        Nothing is stored while a needed price is missing, stale or of a quote too wide: the answer's `missing` says which.
        """
        board = self._boards.read(self._venue, self._symbols)
        with self._store.transaction() as tx:
            if not self._is_open(tx):
                return None
            balances = tx.balances(self._venue, self._account, LedgerAccount.ASSETS)
            flows = tx.unvalued_flows(self._venue, self._account)
            worth = valuation.value(balances, flows, Markets(self._symbols), board.mids, self._currency)
            if worth.equity is None or not board.mids:
                logger.warning("no equity snapshot: %s", board.without_price(worth.missing or self._symbols))
                return worth
            self._store_valuation(tx, worth, worth.equity, max(board.quotes[symbol].as_of for symbol in board.mids))
        return worth

    def _store_valuation(self, tx: PortfolioTransaction, worth: Valuation, equity: Decimal, as_of: datetime) -> None:
        """Store and tell the valuation, with what came from outside at its own prices, and the account's units after that."""
        units = tx.units(self._venue, self._account)
        last_worth = tx.last_worth(self._venue, self._account, self._currency)
        tx.value_flows(self._venue, self._account, worth.prices, self._currency, as_of)
        after = units_after(units, equity, worth.flow, last_worth)
        now = self._clock.now()
        if not tx.add_snapshot(self._venue, self._account, as_of, worth, after, now):
            return  # the market stands still: it has been told
        data = EquityTaken(
            venue=self._venue,
            account=self._account,
            currency=worth.currency,
            equity=equity,
            cash=worth.cash,
            as_of=as_of,
        )
        tx.publish(self._event(data, f"{self._venue}/{self._account}/{as_of.isoformat()}/{equity}/{worth.cash}", now))

    def _event(self, data: DataT, identity: str, now: datetime) -> Event[DataT]:
        subject = f"{self._venue}:{self._account}"
        return Event.root(data, source=SOURCE, subject=subject, identity=identity, time=now)

    def _is_open(self, tx: PortfolioTransaction) -> bool:
        if tx.opened_at(self._venue, self._account) is None:
            return False
        mode = tx.books_mode(self._venue, self._account)
        if mode != self._mode:
            raise Stop(
                f"the books {self._account} in this database are of {mode} money, and this deployment's are of {self._mode}"
                " money: give it a database, or an account, of its own"
            )
        return True

    def _balances_at_rest(self) -> tuple[Mapping[str, Decimal], datetime]:
        """Balances, and a moment of exchange time such that they hold all before it and nothing after it.

        Nothing moved between the two readings, and the exchange's clock ticked before the second: whatever came first is not
        later than the moment, and whatever comes next is.
        """
        before = self._held()
        moment = self._exchange.market_time()
        self._await_tick(moment)
        if self._held() != before:
            raise Retry("the balances move while the books are opened", timedelta(seconds=2))
        return before, moment

    def _held(self) -> dict[str, Decimal]:
        return {asset: amount for asset, amount in self._exchange.balances().items() if amount}

    def _await_tick(self, moment: datetime) -> None:
        if not any(self._exchange.market_time() > moment for _ in range(_TICKS_AWAITED)):
            raise Retry(f"the exchange's clock stands still at {moment.isoformat()}")
