"""What clearing the exchange after a halt reads and writes, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from tests.fakes.execution import FakeExecutionTransaction
from volexswarm.execution.model import Order
from volexswarm.messages import OrderState, Purpose
from volexswarm.ports import Halt, TradingState


class FakeHaltingTransaction(FakeExecutionTransaction):
    """`halt` in force; `outcome` of settling as (canceled, left); `prices` by symbol."""

    def __init__(self) -> None:
        super().__init__()
        self.halt: Halt | None = None
        self.outcome: tuple[int, list[str]] | None = None
        self.prices = {"BTC/USDT": Decimal(100)}

    def press(self, halt: Halt) -> None:
        """As the kill switch does: nobody can claim an order from here on."""
        self.halt = halt
        self.state = TradingState("main", "simulated", None, halt.words, self.state.since)

    def halt_in_force(self) -> Halt | None:
        return self.halt

    def accounts_at(self, venue: str) -> Sequence[str]:
        return sorted({self.state.account, *(account for _, account in self.accounts)})

    def stop_plans(self, venue: str, reason: str, at: datetime) -> None:
        for key, plan in self.plans.items():
            if plan.state == "working":
                self.plans[key] = replace(plan, state="stopped", reason=reason)

    def sales_of(self, halt_id: str, account: str, symbol: str) -> Sequence[Order]:
        own = [o for o in self.orders.values() if o.purpose is Purpose.FLATTEN and o.correlation_id == halt_id]
        own = [order for order in own if (order.account, order.symbol) == (account, symbol)]
        return sorted(own, key=lambda order: order.sequence)

    def last_price(self, venue: str, symbol: str) -> Decimal | None:
        return self.prices.get(symbol)

    def canceled_since(self, venue: str, moment: datetime) -> int:
        ended = [order for order in self.orders.values() if order.state is OrderState.CANCELED]
        return sum(self.touched[order.id] >= moment for order in ended)

    def settle_halt(self, halt: Halt, canceled: int, left: Sequence[str], at: datetime) -> bool:
        if self.halt != halt:
            return False
        self.halt = replace(halt, settled_at=at)
        self.outcome = (canceled, list(left))
        return True
