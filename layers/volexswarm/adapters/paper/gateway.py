"""An exchange gateway whose exchange is a few tables: each order once, by its client order id, and its money with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_UP, Decimal
from typing import Final, Protocol

from volexswarm.adapters.paper import matching
from volexswarm.adapters.paper.matching import Execution, PaperOrder
from volexswarm.adapters.paper.tables import PaperTables
from volexswarm.adapters.postgres.database import Database
from volexswarm.clock import Clock
from volexswarm.errors import OutcomeUnknown, Rejected, Unavailable
from volexswarm.execution.model import Balance, Capabilities, Evidence, MarketRules, OrderRequest, StandingOrder
from volexswarm.messages import OrderState, OrderType, Quote, Side, TimeInForce
from volexswarm.ports import Fill, QuoteBoard, Transfer

_CENT: Final = Decimal("1e-8")  # what fees are rounded up to
_BATCH: Final = 10_000  # public trades that are read at once
_WINDOW: Final = timedelta(seconds=5)


class RealVenue(Protocol):
    """What is taken over from the venue whose prices are traded on."""

    def rules(self, symbol: str) -> MarketRules: ...

    def fees(self, symbol: str) -> tuple[Decimal, Decimal]:
        """Rates of taker and maker, as shares of what is traded."""
        ...

    def market_time(self) -> datetime: ...


@dataclass(frozen=True)
class PaperTerms:
    """How paper trading goes on.

    `balances` what an account is opened with, by currency, the first time that it is used; `slippage` share of the price by which
    an order that takes is filled worse than the evidence says; `quote_max_age` wall time after which a quote is stale: nothing is
    placed on it.
    """

    balances: Mapping[str, Decimal]
    slippage: Decimal
    quote_max_age: timedelta


class PaperGateway:
    """Implements `execution.ports.ExchangeGateway` and the portfolio's.

    Parameters
    ----------
    venue, account : str
        Whose prices are traded on, and the name of the books.
    real : RealVenue
        The venue's rules, fees and clock.
    quotes : QuoteBoard
        Best bid and ask, which orders that take are filled at.
    """

    def __init__(
        self,
        *,
        venue: str,
        account: str,
        real: RealVenue,
        database: Database,
        quotes: QuoteBoard,
        clock: Clock,
        terms: PaperTerms,
    ) -> None:
        self._venue = venue
        self._account = account
        self._real = real
        self._database = database
        self._quotes = quotes
        self._clock = clock
        self._terms = terms

    @property
    def capabilities(self) -> Capabilities:
        """All that an order can be."""
        return Capabilities(
            venue=self._venue,
            client_ids=True,
            finds_by_client_id=True,
            cancels_by_client_id=True,
            order_types=frozenset(OrderType),
            times_in_force=frozenset(TimeInForce),
            acceptance_window=_WINDOW,
            trigger_orders=None,
            sandbox=False,
        )

    def rules(self, symbol: str) -> MarketRules:
        """The real venue's. Raises Unavailable (MarketClosed while the market is); Rejected if it does not have the symbol."""
        return self._real.rules(symbol)

    def place(self, request: OrderRequest) -> Evidence:
        """Take an order, once.

        Raises
        ------
        Rejected
            There is no such order: money, rules or its own terms forbid it.
        Unavailable
            There is no such order: no fresh quote, or the venue does not tell its rules.
        OutcomeUnknown
            It came too late, an order of that id is there already, or the database does not answer.
        """
        rules, fees, quote = self.rules(request.symbol), self._real.fees(request.symbol), self._quote(request.symbol)
        _check(request, rules, quote)
        if self._clock.now() - request.sent_at > _WINDOW:
            raise OutcomeUnknown(request.client_order_id, f"it came more than {_WINDOW} after it was sent")
        try:
            with self._tables() as tables:
                if tables.order_named(request.client_order_id) is not None:
                    raise OutcomeUnknown(request.client_order_id, "there is an order of that id already")
                mark = tables.last_trade(request.symbol) or 0
                order = matching.accepted(request, quote, price_step=rules.price_step, fees=fees, after_trade_id=mark)
                order, execution = matching.meet(order, request.time_in_force, quote, self._terms.slippage)
                order = self._add(tables, order)
                if execution is not None:
                    order = self._execute(tables, order, execution)
                return _evidence(order, tables.fills_of(order))
        except Unavailable as error:
            raise OutcomeUnknown(request.client_order_id, str(error)) from error

    def find(self, client_order_id: str, symbol: str, exchange_order_id: str | None = None) -> Evidence | None:  # noqa: ARG002
        """The order by our id, brought up to date; None if there is none. Raises Unavailable."""
        with self._tables() as tables:
            self._settle(tables, symbol)
            order = tables.order_named(client_order_id)
            return None if order is None else _evidence(order, tables.fills_of(order))

    def cancel(self, client_order_id: str, symbol: str, exchange_order_id: str | None = None) -> bool:  # noqa: ARG002
        """Take an order off, unless what was printed before has filled it; False if none stands. Raises Unavailable."""
        with self._tables() as tables:
            self._settle(tables, symbol)
            order = tables.order_named(client_order_id)
            if order is None or order.state.is_final:
                return False
            self._end(tables, order, OrderState.CANCELED)
            return True

    def open_orders(self) -> list[StandingOrder]:
        """Every order that stands, brought up to date. Raises Unavailable."""
        with self._tables() as tables:
            for symbol in sorted({order.symbol for order in tables.open_orders()}):
                self._settle(tables, symbol)
            return [
                StandingOrder(
                    order.symbol,
                    order.client_order_id,
                    order.side,
                    order.amount,
                    _evidence(order, ()),
                )
                for order in tables.open_orders()
            ]

    def fills_since(self, symbol: str, since: datetime) -> list[Fill]:
        """The account's fills in a symbol from a moment of exchange time on, ascending. Raises Unavailable."""
        with self._tables() as tables:
            self._settle(tables, symbol)
            return tables.fills_since(symbol, since)

    def transfers_since(self, since: datetime) -> list[Transfer]:  # noqa: ARG002
        """Nothing comes to a paper account, and nothing leaves it."""
        return []

    def balances(self) -> dict[str, Decimal]:
        """Free and locked together, by asset. Raises Unavailable."""
        with self._tables() as tables:
            return tables.balances()

    def balance(self, asset: str) -> Balance:
        """Of one asset. Raises Unavailable."""
        with self._tables() as tables:
            return tables.balance(asset)

    def market_time(self) -> datetime:
        """The clock of the venue whose trades fill the orders. Raises Unavailable."""
        return self._real.market_time()

    def settle(self, symbol: str) -> None:
        """Hold the public trades that were stored meanwhile against the orders that stand. Raises Unavailable."""
        with self._tables() as tables:
            self._settle(tables, symbol)

    @contextmanager
    def _tables(self) -> Iterator[PaperTables]:
        with self._database.connection() as connection:
            tables = PaperTables(connection, self._venue, self._account)
            tables.open(self._terms.balances, self._clock.now())
            yield tables

    def _quote(self, symbol: str) -> Quote:
        quote = self._quotes.get(self._venue, [symbol]).get(symbol)
        if quote is None or self._clock.now() - quote.received_at > self._terms.quote_max_age:
            raise Unavailable("quote board", f"no fresh quote of {symbol}: nothing was placed")
        return quote

    def _settle(self, tables: PaperTables, symbol: str) -> None:
        standing = {order.id: order for order in tables.open_orders(symbol)}
        through = tables.last_trade(symbol)
        if not standing or through is None:
            return
        at = min(order.after_trade_id for order in standing.values())
        while at < through and (batch := tables.trades(symbol, at, through, _BATCH)):
            for trade in batch:
                for order in list(standing.values()):
                    if trade.id <= order.after_trade_id or trade.at <= order.accepted_at:
                        continue
                    after = self._follow(tables, order, trade)
                    trade = replace(trade, amount=max(trade.amount - after.filled + order.filled, Decimal(0)))  # noqa: PLW2901
                    standing[order.id] = after
                    if after.state.is_final:
                        del standing[order.id]
            at = batch[-1].id
        for order in standing.values():
            tables.save_order(replace(order, after_trade_id=max(order.after_trade_id, through)))

    def _follow(self, tables: PaperTables, order: PaperOrder, trade: matching.PublicTrade) -> PaperOrder:
        order, execution = matching.follow(order, trade, self._terms.slippage)
        if execution is None:
            return order
        try:
            return self._execute(tables, order, execution)
        except Rejected:  # a purchase without a limit holds no money back, and now there is none
            return self._end(tables, replace(order, updated_at=trade.at), OrderState.EXPIRED)

    def _add(self, tables: PaperTables, order: PaperOrder) -> PaperOrder:
        order = replace(order, id=tables.add_order(order))
        if order.locks:
            tables.move(_locked_currency(order), Decimal(0), order.locks)
        return order

    def _execute(self, tables: PaperTables, order: PaperOrder, execution: Execution) -> PaperOrder:
        """Book a part of an order that is done. Raises Rejected, before anything is changed, if there is no money for it."""
        base, quote = order.symbol.split("/")
        filled = order.filled + execution.amount
        state = OrderState.FILLED if filled == order.amount else OrderState.PARTIALLY_FILLED
        after = replace(order, filled=filled, state=state, updated_at=execution.as_of)
        cost, freed = execution.amount * execution.price, after.locks - order.locks
        rate = order.maker_fee if execution.is_maker else order.taker_fee
        buys = order.side is Side.BUY
        gained, gained_currency = (execution.amount, base) if buys else (cost, quote)
        given, given_currency = (cost, quote) if buys else (execution.amount, base)
        fee = (gained * rate).quantize(_CENT, ROUND_UP)
        tables.move(given_currency, -given, freed)
        tables.move(gained_currency, gained - fee, Decimal(0))
        tables.add_fill(order, execution, fee, gained_currency)
        tables.save_order(after)
        return after

    def _end(self, tables: PaperTables, order: PaperOrder, state: OrderState) -> PaperOrder:
        ended = replace(order, state=state)
        if order.locks:
            tables.move(_locked_currency(order), Decimal(0), -order.locks)
        tables.save_order(ended)
        return ended


def _check(request: OrderRequest, rules: MarketRules, quote: Quote) -> None:
    """Raise Rejected for an order that the real venue would not take."""
    kind, tif = request.order_type, request.time_in_force
    if kind is not OrderType.LIMIT and tif not in (TimeInForce.GTC, TimeInForce.IOC):
        raise Rejected(f"a {kind.value} order can't be {tif.value}: only a limit order can")
    needed = {
        "limit price": (kind.has_limit, request.limit_price),
        "trigger": (kind.has_trigger, request.trigger_price),
    }
    needed["distance"] = (kind is OrderType.TRAILING_STOP, request.trailing_share)
    for name, (is_needed, value) in needed.items():
        if is_needed and value is None:
            raise Rejected(f"a {kind.value} order needs its {name}")
    if request.amount % rules.amount_step or request.amount < (rules.min_amount or 0):
        raise Rejected(f"the amount {request.amount} is no multiple of {rules.amount_step}, or too small")
    for price in (request.limit_price, request.trigger_price):
        if price is not None and (price <= 0 or price % rules.price_step):
            raise Rejected(f"the price {price} is no multiple of {rules.price_step}")
    notional = request.amount * (request.limit_price or quote.mid)
    if notional < (rules.min_notional or 0):
        raise Rejected(f"the order's value {notional} is below the venue's minimum {rules.min_notional}")


def _locked_currency(order: PaperOrder) -> str:
    base, quote = order.symbol.split("/")
    return base if order.side is Side.SELL else quote


def _evidence(order: PaperOrder, fills: tuple[Fill, ...]) -> Evidence:
    return Evidence(str(order.id), order.state, order.filled, fills, order.updated_at)
