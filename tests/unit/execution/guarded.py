"""A desk whose positions are guarded: commands are delivered as they are published, trades are shown to exchange and watches."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from tests.fakes.execution import FakeExecutionTransaction, FakeSecrets, Killed, execution
from tests.fakes.transaction import START, FakeStore, FixedClock
from tests.fakes.trigger_exchange import TriggerExchange
from tests.unit.execution.orders import OPENED, approved
from volexswarm.errors import Retry
from volexswarm.execution.model import Order, Proposal
from volexswarm.execution.protection import Guarded
from volexswarm.messages import (
    Event,
    OrderApproved,
    OrderType,
    PriceReached,
    Protection,
    ProtectionChanged,
    ReviewProtections,
    Side,
)
from volexswarm.portfolio.bookkeeping import Bookkeeper
from volexswarm.ports import Reached, Transfer


class QuickStore(FakeStore[FakeExecutionTransaction]):
    """Remembers the tables without their rows, which nobody changes in place: many transactions take no time."""

    @contextmanager
    def transaction(self) -> Iterator[FakeExecutionTransaction]:
        before = {name: copy.copy(table) for name, table in self.state.__dict__.items()}
        try:
            yield self.state
        except BaseException:
            self.state.__dict__.update(before)
            raise


MARKET = ("binance", "main", "BTC/USDT")


def protection(
    stop: str | None = None, target: str | None = None, trail: str | None = None, hold: int | None = None
) -> Protection:
    def money(text: str | None) -> Decimal | None:
        return None if text is None else Decimal(text)

    return Protection(
        stop_price=money(stop), take_profit_price=money(target), trailing_share=money(trail), max_holding=hold
    )


class GuardedDesk:
    """Everything about the positions of one market."""

    def __init__(self, *mishaps: str) -> None:
        self.clock, self.tx = FixedClock(), FakeExecutionTransaction()
        self.tx.add_account("binance", "main", OPENED, "simulated")
        self.exchange = TriggerExchange(self.clock, list(mishaps))
        self.secrets = FakeSecrets()
        store = QuickStore(self.tx)
        parts = execution(store, self.exchange, self.secrets, Bookkeeper(self.clock), self.clock)
        self.guard, self.orders, self.record, self.slicer = parts.guard, parts.orders, parts.record, parts.slicer
        self.store = store
        self.delivered = 0
        self.waiting: list[Event] = []
        self.second = 0

    def buy(
        self, number: int = 1, amount: str = "1", wanted: Protection | None = None, limit: str | None = None
    ) -> str:
        return self._trade(number, Side.BUY, amount, wanted, limit)

    def sell(self, number: int, amount: str, limit: str | None = None) -> str:
        return self._trade(number, Side.SELL, amount, None, limit)

    def _trade(self, number: int, side: Side, amount: str, wanted: Protection | None, limit: str | None) -> str:
        event = approved(number, side, amount, OrderType.LIMIT if limit else OrderType.MARKET, limit)
        if wanted is not None:
            self.tx.wanted[event.data.proposal_id] = wanted
        self.waiting.append(event)
        self.deliver()
        return event.id

    def execute(self, event: Event[OrderApproved]) -> None:
        trade = event.data
        terms = (
            "venue",
            "account",
            "symbol",
            "side",
            "order_type",
            "amount",
            "limit_price",
            "trigger_price",
            "time_in_force",
        )
        self.tx.proposals.setdefault(
            trade.proposal_id, Proposal(state="approved", **{name: getattr(trade, name) for name in terms})
        )
        with self.store.transaction() as tx:
            order = self.record.intend(tx, event)
        self.orders.go_on(order)

    def deliver(self, rounds: int = 10) -> None:
        """Deliver what was published and what came back, until nothing waits or the rounds are over."""
        for _ in range(rounds):
            fresh = self.tx.published[self.delivered :]
            self.delivered = len(self.tx.published)
            self.waiting += [e for e in fresh if isinstance(e.data, ReviewProtections | PriceReached)]
            if not self.waiting:
                return
            batch, self.waiting = self.waiting, []
            for event in batch:
                if not self._handled(event):
                    self.waiting.append(event)
            if self.waiting:
                self.clock.advance(timedelta(seconds=4))
                self.exchange.deliver_late()

    def _handled(self, event: Event) -> bool:
        try:
            if isinstance(event.data, OrderApproved):
                self.execute(event)
            elif isinstance(event.data, PriceReached):
                self.guard.exit(event)
            else:
                self.guard.review(event)
        except (Retry, Killed):
            return False
        return True

    def trade_at(self, *prices: str | Decimal, exchange_first: bool = True, heard: bool = True) -> None:
        """Trades are printed at these prices, a second apart: the exchange fills what waits, the feed shows them to watches."""
        for price in map(Decimal, prices):
            self.second += 1
            at = START + timedelta(hours=1, seconds=self.second)
            if exchange_first:
                self.exchange.trade_at(price)
            self.tx.tape.append((at, price))
            for watch in [w for key, w in self.tx.watches.items() if key not in self.tx.done]:
                reached = self.tx.show(watch, self.tx.tape[-1:])
                if reached is not None:
                    self.tx.publish(self._reached(watch.id, reached))
            self.exchange.price = price
            if heard:
                self.hear()
                self.deliver()

    def _reached(self, watch_id: str, reached: Reached) -> Event[PriceReached]:
        watch = self.tx.watches[watch_id]
        venue, account, symbol = MARKET
        data = PriceReached(
            venue=venue,
            account=account,
            symbol=symbol,
            watch_id=watch_id,
            reason=watch.reason,
            price=reached.price,
            as_of=reached.as_of,
        )
        return Event.caused_by(watch, data, source="realtime-data", subject=data.key, time=self.clock.now())

    def hear(self) -> None:
        """The exchange's reports on our open orders arrive."""
        for order in [o for o in self.tx.orders.values() if not o.state.is_final and o.sent_at is not None]:
            mishaps, self.exchange.mishaps = self.exchange.mishaps, []
            evidence = self.exchange.find(order.client_order_id, order.symbol)
            self.exchange.mishaps = mishaps
            if evidence is not None:
                with self.store.transaction() as tx:
                    self.record.absorb(tx, tx.order(order.id), evidence, order, "the exchange's report")

    def keep(self, rounds: int = 1) -> None:
        """The keeper comes by."""
        for _ in range(rounds):
            self.clock.advance(timedelta(minutes=1))
            self.exchange.deliver_late()
            self.hear()
            with suppress(Killed):
                self.guard.look_after()
            self.deliver()

    def move_coins(self, amount: str | Decimal, *, booked: bool = True) -> None:
        """Base comes to the account, or leaves it if negative; the books know of it, or not yet."""
        number = len(self.exchange.transfers) + 1
        transfer = Transfer(f"t{number}", "BTC", Decimal(amount), Decimal(0), START + timedelta(minutes=number))
        self.exchange.transfers.append(transfer)
        if booked:
            self.compare()

    def compare(self) -> None:
        """The books take over what the exchange tells of transfers."""
        for transfer in self.exchange.transfers:
            with self.store.transaction() as tx:
                self.record.book_transfer(tx, "binance", "main", transfer, transfer.transfer_id)

    def halt(self, reason: str | None) -> None:
        self.tx.state = replace(self.tx.state, halt=reason)

    def guarded(self, entry: str) -> Guarded:
        return self.tx.guarded(entry)

    def ways_out(self, entry: str) -> list[Order]:
        return [order for order in self.tx.orders.values() if order.parent_id == entry]

    @property
    def told(self) -> list[tuple[str | None, str, str | None, str]]:
        return [(c.before, c.after, c.holder, format(c.amount, "f")) for c in self.tx.of(ProtectionChanged)]

    @property
    def sold(self) -> Decimal:
        fills: Iterable = (fill for order in self.exchange.standing for fill in order.fills)
        return sum((fill.amount for fill in fills if fill.side is Side.SELL), Decimal(0))

    @property
    def held(self) -> Decimal:
        return self.exchange.balances().get("BTC", Decimal(0))
