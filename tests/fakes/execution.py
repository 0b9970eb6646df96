"""Execution's tables in memory, a vault that can be sealed, and an exchange that can lose every answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.fakes.portfolio import FakePortfolioTransaction
from tests.fakes.protections import FakeProtections
from tests.fakes.transaction import START, FixedClock
from volexswarm.clock import Clock
from volexswarm.errors import NotFound, OutcomeUnknown, Rejected, Unavailable
from volexswarm.execution.agent import ExecutionAgent
from volexswarm.execution.guard import Guard, GuardCall
from volexswarm.execution.model import (
    Balance,
    Capabilities,
    Evidence,
    MarketRules,
    Order,
    OrderPlan,
    OrderRequest,
    Proposal,
    StandingOrder,
)
from volexswarm.execution.orders import Orders
from volexswarm.execution.ports import ExchangeGateway
from volexswarm.execution.record import Record
from volexswarm.execution.slicing import Slicer
from volexswarm.messages import Event, OrderApproved, OrderState, OrderType, PlaceSlice, Purpose, Side, TimeInForce
from volexswarm.ports import Books, Fill, SecretStore, Store, Transfer

RULES = MarketRules(Decimal("0.001"), Decimal("0.01"), Decimal("0.001"), None, Decimal("5"))


@dataclass(frozen=True)
class Execution:
    """The parts that work orders."""

    agent: ExecutionAgent[Any]
    guard: Guard[Any]
    orders: Orders[Any]
    record: Record[Any]
    slicer: Slicer[Any]


def execution(
    store: Store[Any], exchange: ExchangeGateway, secrets: SecretStore, books: Books[Any], clock: Clock
) -> Execution:
    """They are put together as the functions do it."""
    record = Record(books, clock, [GuardCall(clock)])
    orders = Orders(
        store=store,
        exchange=exchange,
        secrets=secrets,
        record=record,
        clock=clock,
        mode="simulated",
        release=lambda sale: guard.make_room(sale),  # noqa: PLW0108 - the guard comes after
    )
    guard = Guard(store=store, orders=lambda _: orders, exchange=lambda _: exchange, record=record, clock=clock)
    slicer = Slicer(store=store, orders=lambda _: orders, exchange=lambda _: exchange, record=record, clock=clock)
    agent = ExecutionAgent(store=store, orders=lambda _: orders, slicer=slicer, record=record, clock=clock)
    return Execution(agent, guard, orders, record, slicer)


CAPABILITIES = Capabilities(
    venue="binance",
    client_ids=True,
    finds_by_client_id=True,
    cancels_by_client_id=True,
    order_types=frozenset(OrderType),
    times_in_force=frozenset(TimeInForce),
    acceptance_window=timedelta(seconds=5),
    trigger_orders=5,
    sandbox=True,
)


class Killed(BaseException):
    """The process is gone; nothing after this line was done."""


class FakeExecutionTransaction(FakeProtections, FakePortfolioTransaction):
    """`proposals`; `orders` by id with `touched` times; `transitions` as (order id, before, after, cause).

    `sold_again` names the later sale of a purchase's strategy, by the purchase's proposal.
    """

    def __init__(self) -> None:
        super().__init__()
        self.proposals: dict[str, Proposal] = {}
        self.proposed: dict[str, datetime] = {}
        self.orders: dict[str, Order] = {}
        self.touched: dict[str, datetime] = {}
        self.plans: dict[str, OrderPlan] = {}
        self.planned: dict[str, datetime] = {}
        self.commands: dict[str, Event[OrderApproved]] = {}
        self.traded: Decimal | None = None
        self.sold_again: dict[str, str] = {}
        self.transitions: list[tuple[str, OrderState | None, OrderState, str]] = []

    def proposal(self, proposal_id: str) -> Proposal | None:
        return self.proposals.get(proposal_id)

    def proposed_at(self, proposal_id: str) -> datetime:
        return self.proposed.get(proposal_id, START)

    def add_order(self, order: Order) -> bool:
        if any(known.client_order_id == order.client_order_id for known in self.orders.values()):
            return False
        self.save_order(order, order.intended_at)
        return True

    def order_named(self, client_order_id: str) -> Order:
        return next(order for order in self.orders.values() if order.client_order_id == client_order_id)

    def order(self, order_id: str) -> Order:
        if order_id not in self.orders:
            raise NotFound("order", order_id)
        return self.orders[order_id]

    def order_at_exchange(
        self, venue: str, account: str, symbol: str, client_order_id: str | None, exchange_order_id: str
    ) -> Order | None:
        for order in self.orders.values():
            named = client_order_id == order.client_order_id or exchange_order_id == order.exchange_order_id
            if named and order.symbol == symbol:
                return order
        return None

    def save_order(self, order: Order, updated_at: datetime) -> None:
        self.orders[order.id] = order
        self.touched[order.id] = updated_at

    def add_transition(
        self, order_id: str, before: OrderState | None, after: OrderState, cause: str, changed_at: datetime
    ) -> int:
        self.transitions.append((order_id, before, after, cause))
        return sum(1 for known, *_ in self.transitions if known == order_id)

    def booked(self, order_id: str) -> tuple[Decimal, Decimal]:
        own = [fill for fill, owner, _ in self.recorded.values() if owner == order_id]
        return sum((f.amount for f in own), Decimal(0)), sum((f.amount * f.price for f in own), Decimal(0))

    def open_orders(self, idle_since: datetime, limit: int) -> list[Order]:
        idle = [o for o in self.orders.values() if not o.state.is_final and self.touched[o.id] < idle_since]
        return sorted(idle, key=lambda order: self.touched[order.id])[:limit]

    def open_orders_of(self, venue: str, account: str, symbol: str | None = None) -> list[Order]:
        own = [o for o in self.orders.values() if (o.venue, o.account) == (venue, account) and not o.state.is_final]
        return sorted((o for o in own if symbol in (None, o.symbol)), key=lambda order: (order.intended_at, order.id))

    def plan(self, proposal_id: str) -> OrderPlan | None:
        return self.plans.get(proposal_id)

    def add_plan(self, plan: OrderPlan) -> None:
        assert plan.proposal_id not in self.plans
        self.save_plan(plan, plan.started_at)

    def save_plan(self, plan: OrderPlan, updated_at: datetime) -> None:
        self.plans[plan.proposal_id] = plan
        self.planned[plan.proposal_id] = updated_at

    def idle_plans(self, idle_since: datetime) -> list[OrderPlan]:
        working = [plan for plan in self.plans.values() if plan.state == "working"]
        return [plan for plan in working if self.planned[plan.proposal_id] < idle_since - plan.interval]

    def steps(self, proposal_id: str, number: int) -> list[Event[PlaceSlice]]:
        commands = [event for event in self.published if isinstance(event.data, PlaceSlice)]
        return [e for e in commands if (e.data.proposal_id, e.data.number) == (proposal_id, number)]

    def slices(self, proposal_id: str) -> dict[int, Order]:
        own = (order for order in self.orders.values() if order.proposal_id == proposal_id)
        return {order.sequence: order for order in own if order.purpose is Purpose.SLICE}

    def way_taken(self, proposal_id: str) -> Purpose | None:
        for entry in self.slices(proposal_id).values():
            guarded = self.protections.get(entry.id)
            sold = [order for order in self.orders.values() if order.parent_id == entry.id and order.filled]
            if guarded is not None and guarded.way is not None:
                return guarded.way
            if sold:
                return sold[0].purpose
        return None

    def later_sale(self, proposal_id: str) -> str | None:
        return self.sold_again.get(proposal_id)

    def has_order(self, client_order_id: str) -> bool:
        return any(order.client_order_id == client_order_id for order in self.orders.values())

    def command(self, proposal_id: str) -> Event[OrderApproved]:
        return self.commands[proposal_id]

    def traded_per_minute(self, venue: str, symbol: str, as_of: datetime) -> Decimal | None:
        return self.traded

    def states(self, order_id: str) -> list[OrderState]:
        """The order's life so far."""
        return [after for known, _, after, _ in self.transitions if known == order_id]


class FakeSecrets:
    """A vault; `sealed` closes it."""

    def __init__(self) -> None:
        self.sealed = False

    def read(self, path: str) -> dict[str, str]:
        self.assert_unsealed()
        return {"api_key": "key", "secret": "secret"}

    def assert_unsealed(self) -> None:
        if self.sealed:
            raise Unavailable("vault", "it is sealed")


@dataclass
class Standing:
    """An order at the fake exchange."""

    id: str
    request: OrderRequest
    state: OrderState
    fills: list[Fill] = field(default_factory=list)

    @property
    def filled(self) -> Decimal:
        return sum((fill.amount for fill in self.fills), Decimal(0))


@dataclass
class FakeExchange:
    """Fills a market order at once in `parts`, at 100 with a fee of 0.1 % of what is received; limit orders stand.

    `mishaps` are taken one per call of the exchange: "lost" (the request never arrives), "mute" (it is carried out and the
    answer is lost), "late" (it arrives when `deliver_late` is called), "killed" (it is carried out and our process dies),
    "refused", or "" for nothing. It accepts what binance accepts: one order of an id at a time among the open ones, and no
    request after the window. What is in `meanwhile` happens while we wait for the market's rules.
    """

    clock: FixedClock
    mishaps: list[str] = field(default_factory=list)
    parts: int = 1
    window: timedelta | None = timedelta(seconds=5)
    standing: list[Standing] = field(default_factory=list)
    late: list[OrderRequest] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    meanwhile: list[Callable[[], None]] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    windfall: dict[str, Decimal] = field(default_factory=dict)
    trades: int = 0

    @property
    def capabilities(self) -> Capabilities:
        return replace(CAPABILITIES, acceptance_window=self.window)

    def rules(self, symbol: str) -> MarketRules:
        self._maybe_lost(self._mishap("rules"))
        if self.meanwhile:
            self.meanwhile.pop()()
        return RULES

    def place(self, request: OrderRequest) -> Evidence:
        mishap = self._mishap("place")
        if mishap == "refused":
            raise Rejected("InsufficientFunds: not enough", "-2010")
        if mishap == "late":
            self.late.append(request)
        if mishap in ("late", "lost"):
            raise OutcomeUnknown(request.client_order_id, "RequestTimeout")
        order = self._accept(request)
        if mishap == "killed":
            raise Killed
        if mishap == "mute":
            raise OutcomeUnknown(request.client_order_id, "ExchangeNotAvailable")
        return self._evidence(order)

    def cancel(self, client_order_id: str, symbol: str, exchange_order_id: str | None = None) -> bool:
        mishap = self._mishap("cancel")
        if mishap != "mute":
            self._maybe_lost(mishap)
        own = [o for o in self.standing if o.request.client_order_id == client_order_id and not o.state.is_final]
        for order in own:
            order.state = OrderState.CANCELED
        self._maybe_lost(mishap)
        return bool(own)

    def find(self, client_order_id: str, symbol: str, exchange_order_id: str | None = None) -> Evidence | None:
        mishap = self._mishap("find")
        self._maybe_lost(mishap)
        own = [order for order in self.standing if order.request.client_order_id == client_order_id]
        return self._evidence(own[-1]) if own else None

    def open_orders(self) -> list[StandingOrder]:
        self._maybe_lost(self._mishap("open_orders"))
        return [
            StandingOrder(
                order.request.symbol,
                order.request.client_order_id,
                order.request.side,
                order.request.amount,
                self._evidence(order),
            )
            for order in self.standing
            if not order.state.is_final
        ]

    def fills_since(self, symbol: str, since: datetime) -> list[Fill]:
        self._maybe_lost(self._mishap("fills_since"))
        return [
            fill for order in self.standing for fill in order.fills if fill.symbol == symbol and fill.as_of >= since
        ]

    def transfers_since(self, since: datetime) -> list[Transfer]:
        self._maybe_lost(self._mishap("transfers_since"))
        return [transfer for transfer in self.transfers if transfer.as_of >= since]

    def market_time(self) -> datetime:
        return START + timedelta(seconds=self.trades + 1)

    def balances(self) -> dict[str, Decimal]:
        """What all fills and transfers made of nothing, and what came out of nowhere."""
        held = dict(self.windfall)
        for transfer in self.transfers:
            change = transfer.amount - transfer.fee
            held[transfer.currency] = held.get(transfer.currency, Decimal(0)) + change
        for order in self.standing:
            for fill in order.fills:
                sign = 1 if fill.side is Side.BUY else -1
                for currency, change in (
                    ("BTC", sign * fill.amount),
                    ("USDT", -sign * fill.amount * fill.price),
                    (fill.fee_currency, -fill.fee),
                ):
                    held[currency] = held.get(currency, Decimal(0)) + change
        return held

    def balance(self, asset: str) -> Balance:
        """Open sales lock what they have not sold."""
        total = self.balances().get(asset, Decimal(0))
        sales = [
            order
            for order in self.standing
            if not order.state.is_final
            and order.request.side is Side.SELL
            and order.request.symbol.startswith(f"{asset}/")
        ]
        return Balance(total, total - sum((order.request.amount - order.filled for order in sales), Decimal(0)))

    def deliver_late(self) -> None:
        """Requests that were under way arrive now; the exchange refuses those whose window has passed."""
        arriving, self.late = self.late, []
        for request in arriving:
            if self.window is None or self.clock.now() <= request.sent_at + self.window:
                self._accept(request)

    def fill(self, order: Standing, amount: str, price: str = "100") -> Fill:
        """Somebody takes a standing order."""
        self.trades += 1
        quantity = Decimal(amount)
        buy = order.request.side is Side.BUY
        fee = (quantity if buy else quantity * Decimal(price)) * Decimal("0.001")
        fill = Fill(
            venue="binance",
            account="main",
            symbol=order.request.symbol,
            trade_id=str(self.trades),
            exchange_order_id=order.id,
            side=order.request.side,
            price=Decimal(price),
            amount=quantity,
            fee=fee,
            fee_currency="BTC" if buy else "USDT",
            is_maker=False,
            as_of=START + timedelta(seconds=self.trades),
        )
        order.fills.append(fill)
        whole = order.filled == order.request.amount
        order.state = OrderState.FILLED if whole else OrderState.PARTIALLY_FILLED
        return fill

    def _mishap(self, call: str) -> str:
        self.calls.append(call)
        return self.mishaps.pop(0) if self.mishaps else ""

    @staticmethod
    def _maybe_lost(mishap: str) -> None:
        if mishap == "killed":
            raise Killed
        if mishap in ("lost", "mute", "late"):
            raise Unavailable("exchange", "RequestTimeout")

    def _accept(self, request: OrderRequest) -> Standing:
        mine = [order for order in self.standing if order.request.client_order_id == request.client_order_id]
        if any(not order.state.is_final for order in mine):
            raise OutcomeUnknown(request.client_order_id, "InvalidOrder: Duplicate order sent.")
        order = Standing(f"e{len(self.standing) + 1}", request, OrderState.ACCEPTED)
        self.standing.append(order)
        if request.order_type is OrderType.MARKET:
            for _ in range(self.parts):
                self.fill(order, str(request.amount / self.parts))
        return order

    def _evidence(self, order: Standing) -> Evidence:
        as_of = order.fills[-1].as_of if order.fills else START + timedelta(seconds=1)
        return Evidence(order.id, order.state, order.filled, tuple(replace(fill) for fill in order.fills), as_of)
