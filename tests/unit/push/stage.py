"""Everything of live watching with the outside in memory, and a client's view of it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from tests.fakes.push import (
    FakeCommands,
    FakeOutlet,
    FakePace,
    FakePushTransaction,
    FakeSnapshots,
    FakeTickets,
    FakeUpdateLog,
    FakeVerifier,
    principal,
)
from tests.fakes.transaction import START, FakeStore, FixedClock
from volexswarm.messages import Event, OrderChanged, OrderState, Quote, QuotesMoved
from volexswarm.push.broadcaster import Broadcaster
from volexswarm.push.courier import Courier
from volexswarm.push.desk import Parts, SubscriptionDesk
from volexswarm.push.gate import Gate
from volexswarm.push.keeper import ConnectionKeeper
from volexswarm.push.model import Connection, Limits
from volexswarm.security.roles import Role


def order_event(number: int, symbol: str = "BTC/USDT", order: str = "o1") -> Event[OrderChanged]:
    data = OrderChanged(
        venue="binance", symbol=symbol, account="main", order_id=order, client_order_id=f"c{number}",
        exchange_order_id=None, before=None, after=OrderState.ACCEPTED, filled=Decimal(number), cause="test", as_of=START,
    )  # fmt: skip
    return Event.root(data, source="execution", subject=data.key, identity=f"order {number} {symbol}", time=START)


def quote_event(number: int, *symbols: str, clock: FixedClock | None = None) -> Event[QuotesMoved]:
    now = START if clock is None else clock.now()
    quote = Quote(bid=Decimal(100 + number), ask=Decimal(101 + number), as_of=now, received_at=now)
    data = QuotesMoved(venue="binance", quotes=dict.fromkeys(symbols or ("BTC/USDT",), quote))
    return Event.root(data, source="realtime-data", subject="binance", identity=f"quotes {number}", time=now)


def described(error: Exception) -> dict[str, Any]:
    return {"code": type(error).__name__, "message": str(error), "details": {}}


class Stage:
    """`say` is what a client does, `heard` what it gets."""

    def __init__(self, limits: Limits | None = None, kept: int = 1000) -> None:
        self.limits = limits or Limits()
        self.clock = FixedClock()
        self.state = FakePushTransaction()
        self.store = FakeStore(self.state)
        self.log = FakeUpdateLog(kept)
        self.outlet = FakeOutlet()
        self.snapshots = FakeSnapshots()
        self.tickets = FakeTickets()
        self.verifier = FakeVerifier()
        self.pace = FakePace()
        self.courier = Courier(
            store=self.store, log=self.log, outlet=self.outlet, snapshots=self.snapshots, clock=self.clock,
            limits=self.limits, describe=described,
        )  # fmt: skip
        self.gate = Gate(
            store=self.store, verifier=self.verifier, tickets=self.tickets, clock=self.clock, limits=self.limits
        )
        self.desk = SubscriptionDesk(
            Parts(
                store=self.store, log=self.log, outlet=self.outlet, courier=self.courier, snapshots=self.snapshots,
                commands=FakeCommands(), verifier=self.verifier, pace=self.pace, clock=self.clock, limits=self.limits,
                describe=described,
            )
        )  # fmt: skip
        self.broadcaster = Broadcaster(
            store=self.store, log=self.log, courier=self.courier, clock=self.clock, is_simulated=lambda _: True
        )
        self.keeper = ConnectionKeeper(
            store=self.store, log=self.log, outlet=self.outlet, courier=self.courier, clock=self.clock,
            limits=self.limits,
        )  # fmt: skip

    def enter(self, *names: str, role: Role = Role.ADMIN, minutes: float = 60) -> None:
        for name in names:
            now = self.clock.now()
            self.state.add_connection(Connection(name, principal(role, minutes=minutes), now, now))

    def say(self, client: str, action: str, **fields: Any) -> list[dict[str, Any]]:
        """Do something and give what came since."""
        self.heard(client)
        self.say_raw(client, action, **fields)
        return self.heard(client)

    def say_raw(self, client: str, action: str, **fields: Any) -> None:
        self.desk.take(client, json.dumps({"action": action, **fields}))

    def heard(self, client: str) -> list[dict[str, Any]]:
        """What a client got since it was asked last; lists of updates one by one."""
        found: list[dict[str, Any]] = []
        for frame in self.outlet.frames.pop(client, []):
            message = json.loads(frame)
            found += message if isinstance(message, list) else [message]
        return found

    def happen(self, *events: Event[Any]) -> None:
        """As in one call of the broadcasting function."""
        round_ = self.broadcaster.round()
        for event in events:
            round_.take(event)
        round_.tell(lambda: 10.0)
