"""The exchange as a synchronous machine: a command and its time go in, what happened is drained afterwards.

The house (market makers and anonymous takers) trades without an account of its own; users' orders meet it in the same book.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from simexchange.engine import admission, matching, triggers
from simexchange.engine.accounts import FEES, HOUSE, Accounts, Transfer
from simexchange.engine.candles import Candle
from simexchange.engine.errors import Reason, Refused
from simexchange.engine.filters import MarketRules
from simexchange.engine.history import History
from simexchange.engine.market import Market, fill_history
from simexchange.engine.orders import (
    Fill,
    NewOrder,
    Order,
    OrderType,
    Report,
    Side,
    Status,
    TimeInForce,
    Trade,
    funds,
)

FEE_RATE_DIVISOR = 1000  # 0.1 % of what is received, rounded down to 10^-8

# Executions against a replayed market get ids from here on: the ids below belong to the file.
PRIVATE_TRADE_IDS = 10**15


@dataclass(slots=True)
class Happened:
    """All that changed since it was last drained.

    `trades` are public and in order; `orders` are users' orders in their present state, by id.
    """

    trades: list[tuple[str, Trade]] = field(default_factory=list)
    closed: list[tuple[str, Candle]] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    orders: dict[int, Order] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    balances: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict)


class Exchange:
    """Markets, accounts and orders.

    Parameters
    ----------
    markets : iterable of MarketRules
        The markets to trade on.
    public_executions : bool
        True: users' executions are public trades with ids from the market's sequence. False (replay): they are
        private, with ids of their own from `PRIVATE_TRADE_IDS` on, so that the public ids stay those of the file.
    """

    def __init__(self, markets: Iterable[MarketRules], *, public_executions: bool = True) -> None:
        self.markets = {rules.symbol: Market(rules) for rules in markets}
        self.accounts = Accounts()
        self.orders: dict[int, Order] = {}
        self.fills: list[Fill] = []
        self.transfers: list[Transfer] = []
        self.now_ms = 0
        self._public_executions = public_executions
        self._fills_of: dict[int, History[Fill]] = {}
        self._open: dict[tuple[str, str], Order] = {}
        self._by_client_id: dict[tuple[str, str, str], int] = {}
        self._next_order_id = 1
        self._next_house_id = -1
        self._last_priority = 0
        self._next_private_trade_id = PRIVATE_TRADE_IDS
        self._happened = Happened()

    # What users do.

    def deposit(self, account: str, asset: str, amount: int) -> None:
        """Give an account its first funds; they leave no record."""
        self.accounts.deposit(account, asset, amount)

    def transfer(self, account: str, asset: str, amount: int, now_ms: int) -> Transfer:
        """Deposit `amount` from outside, or withdraw it where it is below 0, and keep a record of it.

        Raises
        ------
        Refused
            If the account has less free than is withdrawn.
        """
        self.accounts.require_free(account, asset, -amount)
        self._advance_to(now_ms)
        self.accounts.deposit(account, asset, amount)
        transfer = Transfer(len(self.transfers) + 1, account, asset, amount, self.now_ms)
        self.transfers.append(transfer)
        self._happened.transfers.append(transfer)
        return transfer

    def place(self, new: NewOrder, now_ms: int) -> tuple[Order, list[Fill]]:
        """Check, lock, match and rest an order.

        Returns
        -------
        tuple
            The order as it stands afterwards and its executions so far, also those with orders that it has set off.

        Raises
        ------
        Refused
            Nothing was changed.
        """
        market = self.market(new.symbol)
        if (new.account, new.client_id) in self._open:
            raise Refused(Reason.DUPLICATE_CLIENT_ID, new.client_id)
        admission.check(market, self.accounts, new, now_ms)
        self._advance_to(now_ms)
        before = len(self.fills)
        order = self._accept(market, new)
        self._report(Report("NEW", replace(order)))
        if not order.waiting:
            self._trade(market, order)
            self._settle_remainder(market, order)
        self._let_fired_go_live(market)
        return order, [fill for fill in self.fills[before:] if fill.order_id == order.id]

    def cancel(self, account: str, order: Order, now_ms: int, request_id: str = "") -> Order:
        """Take an open order off the book and free its funds.

        Raises
        ------
        Refused
            If the order is of another account or no longer open.
        """
        if order.account != account or not order.is_open:
            raise Refused(Reason.NOT_OPEN, str(order.id))
        self._advance_to(now_ms)
        market = self.markets[order.symbol]
        if order.waiting:
            del market.waiting[order.id]
        else:
            market.book.remove(order)
        self._close(order, Status.CANCELED, "CANCELED", request_id)
        return order

    def find(self, account: str, symbol: str, order_id: int | None, client_id: str | None) -> Order:
        """An order by its id, or the last one with a client id.

        Raises
        ------
        Refused
            If there is none.
        """
        if order_id is None:
            order_id = self._by_client_id.get((account, symbol, client_id or ""), 0)
        order = self.orders.get(order_id)
        if order is None or order.account != account or order.symbol != symbol:
            raise Refused(Reason.UNKNOWN_ORDER, str(order_id))
        return order

    def fills_of(self, order_id: int) -> History[Fill]:
        """What an order traded."""
        return self._fills_of.get(order_id) or fill_history()

    def open_orders(self, account: str, symbol: str | None = None) -> list[Order]:
        """Open orders, oldest first."""
        markets = self.markets.values() if symbol is None else [self.market(symbol)]
        return sorted((order for market in markets for order in market.open_of(account)), key=lambda order: order.id)

    def market(self, symbol: str) -> Market:
        """A market by the exchange's symbol, or refuse."""
        market = self.markets.get(symbol)
        if market is None:
            raise Refused(Reason.UNKNOWN_SYMBOL, symbol)
        return market

    # What the market does.

    def quote(self, symbol: str, bids: dict[int, int], asks: dict[int, int], now_ms: int) -> None:
        """Make the house's quotes be these levels (price → quantity).

        A quote that still stands keeps its place and what is left of it. A new one that crosses a user's order trades.
        """
        market = self.markets[symbol]
        self._advance_to(now_ms)
        wanted = {Side.BUY: bids, Side.SELL: asks}
        for side, levels in wanted.items():
            self._withdraw_quotes(market, side, levels)
        for side, levels in wanted.items():
            for price, quantity in levels.items():
                if price not in market.quotes[side]:
                    self._place_quote(market, side, price, quantity)
        self._let_fired_go_live(market)

    def take(self, symbol: str, side: Side, quantity: int, now_ms: int) -> None:
        """An anonymous taker trades `quantity` at market."""
        market = self.markets[symbol]
        self._advance_to(now_ms)
        self._trade(market, self._house_order(symbol, side, OrderType.MARKET, 0, quantity))
        self._let_fired_go_live(market)

    def publish(self, symbol: str, trade: Trade) -> None:
        """A public trade that happened elsewhere (replay), with its own id and time.

        Orders whose price it is go live with the next quotes: those that stand were made before it.
        """
        self._advance_to(trade.time_ms)
        self._print(self.markets[symbol], trade)

    def advance_to(self, now_ms: int) -> None:
        """Let time pass: minutes close."""
        self._advance_to(now_ms)
        for symbol, market in self.markets.items():
            self._close_minute(symbol, market, now_ms)

    def has_open_orders(self, symbol: str) -> bool:
        """Whether a user's order rests or waits in this market."""
        return bool(self.markets[symbol].open)

    def drain(self) -> Happened:
        """Hand out what changed, once."""
        happened, self._happened = self._happened, Happened()
        happened.balances = self.accounts.take_touched()
        return happened

    # Coming back.

    def restore(self, orders: Iterable[Order], fills: Iterable[Fill], transfers: Iterable[Transfer]) -> None:
        """Take up stored orders, fills and transfers. Balances are restored apart, and public trades before.

        Open orders rest again in their old order. Those that wait see every public trade that was stored after them; one whose
        price was among these goes live with the first quotes.
        """
        for order in sorted(orders, key=lambda o: o.id):
            self._remember(order)
            self._next_order_id = order.id + 1
        standing = [order for order in self.orders.values() if order.is_open]
        for order in sorted(standing, key=lambda o: (o.priority, o.id)):
            market = self.market(order.symbol)
            self._open[(str(order.account), order.client_id)] = order
            market.open[order.id] = order
            if order.waiting:
                market.waiting[order.id] = order
            else:
                self._rest(market, order)
        for market in self.markets.values():
            self._see_again(market)
        for fill in fills:
            self._keep_fill(fill)
        self.transfers = list(transfers)
        private = (fill.trade_id + 1 for fill in self.fills if fill.trade_id >= PRIVATE_TRADE_IDS)
        self._next_private_trade_id = max(private, default=PRIVATE_TRADE_IDS)

    # The inside.

    def _accept(self, market: Market, new: NewOrder) -> Order:
        last = market.tape.last
        follows = new.trailing_delta and not new.stop_price
        order = Order(
            id=self._next_order_id,
            account=new.account,
            symbol=new.symbol,
            side=new.side,
            type=new.type,
            time_in_force=new.time_in_force,
            price=new.price,
            quantity=new.quantity,
            client_id=new.client_id,
            quote_quantity=new.quote_quantity,
            created_ms=self.now_ms,
            updated_ms=self.now_ms,
            stop_price=new.stop_price,
            trailing_delta=new.trailing_delta,
            waiting=new.type.waits,
            working_ms=0 if new.type.waits else self.now_ms,
            extreme=last.price if follows and last else 0,
            seen_trade_id=last.id if last else 0,
            held_price=admission.held_price(market, new),
        )
        self._next_order_id += 1
        if order.holds_funds:
            self.accounts.lock(new.account, *_held(market, order, order.quantity))
        self._remember(order)
        self._open[(new.account, order.client_id)] = order
        market.open[order.id] = order
        if order.waiting:
            market.waiting[order.id] = order
        return order

    # Orders that wait for a price.

    def _watch(self, market: Market, trade: Trade) -> None:
        """Show a public trade to the orders that wait."""
        market.fired.extend([order for order in market.waiting.values() if self._fires(order, trade)])
        for order in market.fired:
            market.waiting.pop(order.id, None)

    def _fires(self, order: Order, trade: Trade) -> bool:
        before = order.extreme
        fires = triggers.watch(order, trade.price)
        if order.extreme != before:
            order.seen_trade_id = trade.id
            self._happened.orders[order.id] = order
        return fires

    def _see_again(self, market: Market) -> None:
        """Show stored public trades to the orders that wait: the end may have come before what they did was stored."""
        fired = []
        for order in market.waiting.values():
            unseen = market.tape.from_id(order.seen_trade_id + 1, len(market.tape))
            firing = next((trade.id for trade in unseen if self._fires(order, trade)), None)
            if firing is not None:
                fired.append((firing, order.id, order))
        for _, order_id, order in sorted(fired, key=lambda entry: entry[:2]):
            del market.waiting[order_id]
            market.fired.append(order)

    def _let_fired_go_live(self, market: Market) -> None:
        # Only after the command that fired them: what is being matched must not be matched against meanwhile.
        while market.fired:
            self._go_live(market, market.fired.popleft())

    def _go_live(self, market: Market, order: Order) -> None:
        order.waiting = False
        order.working_ms = order.updated_ms = self.now_ms
        if not order.has_limit:
            account = str(order.account)
            asset, amount = _held(market, order, order.quantity)
            self.accounts.unlock(account, asset, amount)
            needed = matching.cost(market.book, account, order.quantity) if order.side is Side.BUY else order.quantity
            if self.accounts.balance(account, asset).free < needed:
                self._close(order, Status.EXPIRED, "EXPIRED", reason="INSUFFICIENT_BALANCES")
                return
        self._report(Report("NEW", replace(order)))
        self._trade(market, order)
        self._settle_remainder(market, order)

    # Matching and booking.

    def _keep_fill(self, fill: Fill) -> None:
        self.fills.append(fill)
        self.markets[fill.symbol].fills.append(fill)
        self._fills_of.setdefault(fill.order_id, fill_history()).append(fill)

    def _remember(self, order: Order) -> None:
        self.orders[order.id] = order
        self.market(order.symbol).orders.append(order)
        self._by_client_id[(str(order.account), order.symbol, order.client_id)] = order.id

    def _trade(self, market: Market, taker: Order) -> None:
        if taker.time_in_force is TimeInForce.FOK and matching.available(market.book, taker) < taker.quantity:
            return
        for execution in matching.match(market.book, taker, market.rules.step, self._expire_own):
            self._executed(market, taker, execution)

    def _rest(self, market: Market, order: Order) -> None:
        self._last_priority += 1
        order.priority = self._last_priority
        market.book.add(order)

    def _executed(self, market: Market, taker: Order, execution: matching.Execution) -> None:
        maker, price, quantity, _ = execution
        if maker.account is None and not maker.open_quantity:
            del market.quotes[maker.side][maker.price]
        between_houses = taker.account is None and maker.account is None
        trade = Trade(self._trade_id(market), self.now_ms, price, quantity, taker.side is Side.SELL)
        if self._public_executions:
            self._print(market, trade)
        if between_houses:
            return
        for order, is_maker in ((maker, True), (taker, False)):
            if order.account is not None:
                self._book_fill(market.rules, order, trade, execution, is_maker)

    def _trade_id(self, market: Market) -> int:
        if self._public_executions:
            last = market.tape.last
            return last.id + 1 if last else 1
        self._next_private_trade_id += 1
        return self._next_private_trade_id - 1

    def _book_fill(
        self, rules: MarketRules, order: Order, trade: Trade, execution: matching.Execution, is_maker: bool
    ) -> None:
        account, quantity, quote = str(order.account), execution.quantity, execution.quote
        if order.has_limit:
            self.accounts.unlock(account, *funds(rules, order.side, order.price, quantity))
        buys = order.side is Side.BUY
        paid, paid_asset = (quote, rules.quote) if buys else (quantity, rules.base)
        received, received_asset = (quantity, rules.base) if buys else (quote, rules.quote)
        fee = received // FEE_RATE_DIVISOR
        # Every user's trade is settled against the house; between two users the house is even at the end.
        self.accounts.pay(account, HOUSE, paid_asset, paid)
        self.accounts.pay(HOUSE, account, received_asset, received)
        self.accounts.pay(account, FEES, received_asset, fee)
        fill = Fill(
            trade_id=trade.id,
            account=account,
            order_id=order.id,
            symbol=order.symbol,
            price=trade.price,
            quantity=quantity,
            quote=quote,
            fee=fee,
            fee_asset=received_asset,
            time_ms=trade.time_ms,
            is_buyer=buys,
            is_maker=is_maker,
        )
        complete = not order.open_quantity if order.quantity else False
        order.status = Status.FILLED if complete else Status.PARTIALLY_FILLED
        order.updated_ms = self.now_ms
        self._keep_fill(fill)
        self._happened.fills.append(fill)
        self._report(Report("TRADE", replace(order), fill))
        if complete:
            self._forget_open(order)

    def _settle_remainder(self, market: Market, order: Order) -> None:
        """Rest what is left of a user's order, or end it, as its type says."""
        if not order.is_open:
            return
        if order.has_limit and order.time_in_force is TimeInForce.GTC:
            self._rest(market, order)
        elif order.quote_quantity and order.filled and self._quote_is_spent(market, order):
            self._end_quote_order(order)
        else:
            self._close(order, Status.EXPIRED, "EXPIRED")

    @staticmethod
    def _quote_is_spent(market: Market, order: Order) -> bool:
        """Whether what is left of the quote amount buys no further step."""
        first = market.book.first(order.side.opposite)
        left = order.quote_quantity - order.quote_filled
        return first is not None and left * 10**8 // first.price < market.rules.step

    def _end_quote_order(self, order: Order) -> None:
        """An order for an amount of quote is filled when the amount is spent; its quantity is what it got."""
        order.quantity = order.filled
        order.status = Status.FILLED
        self._forget_open(order)
        reports = self._happened.reports
        last = next(i for i in range(len(reports) - 1, -1, -1) if reports[i].order.id == order.id)
        reports[last] = replace(reports[last], order=replace(order))

    def _close(self, order: Order, status: Status, execution: str, request_id: str = "", reason: str = "NONE") -> None:
        if order.holds_funds:
            market = self.markets[order.symbol]
            self.accounts.unlock(str(order.account), *_held(market, order, order.open_quantity))
        if not order.quantity:
            order.quantity = order.filled
        order.status, order.updated_ms = status, self.now_ms
        self._forget_open(order)
        self._report(Report(execution, replace(order), request_id=request_id, reason=reason))

    def _forget_open(self, order: Order) -> None:
        del self._open[(str(order.account), order.client_id)]
        del self.markets[order.symbol].open[order.id]

    def _expire_own(self, order: Order) -> None:
        """Self-trade prevention: the resting order of the same account gives way."""
        self.markets[order.symbol].book.remove(order)
        self._close(order, Status.EXPIRED_IN_MATCH, "TRADE_PREVENTION")

    def _report(self, report: Report) -> None:
        self._happened.reports.append(report)
        self._happened.orders[report.order.id] = self.orders[report.order.id]

    def _withdraw_quotes(self, market: Market, side: Side, levels: dict[int, int]) -> None:
        standing = market.quotes[side]
        for price in [price for price in standing if price not in levels]:
            market.book.remove(standing.pop(price))

    def _place_quote(self, market: Market, side: Side, price: int, quantity: int) -> None:
        order = self._house_order(market.rules.symbol, side, OrderType.LIMIT, price, quantity)
        self._trade(market, order)
        if order.open_quantity:
            market.quotes[side][price] = order
            market.book.add(order)

    def _house_order(self, symbol: str, side: Side, kind: OrderType, price: int, quantity: int) -> Order:
        self._next_house_id -= 1
        return Order(self._next_house_id, None, symbol, side, kind, TimeInForce.GTC, price, quantity)

    def _print(self, market: Market, trade: Trade) -> None:
        symbol = market.rules.symbol
        self._close_minute(symbol, market, trade.time_ms)
        market.tape.append(trade)
        market.candles.add(trade)
        self._happened.trades.append((symbol, trade))
        if market.waiting:
            self._watch(market, trade)

    def _close_minute(self, symbol: str, market: Market, now_ms: int) -> None:
        closed = market.candles.take_closed(now_ms)
        if closed is not None:
            self._happened.closed.append((symbol, closed))

    def _advance_to(self, now_ms: int) -> None:
        # Time never runs backwards, whatever the caller's clock does.
        self.now_ms = max(self.now_ms, now_ms)


def _held(market: Market, order: Order, quantity: int) -> tuple[str, int]:
    """Asset and amount that are locked for so much of an order."""
    return funds(market.rules, order.side, order.price if order.has_limit else order.held_price, quantity)
