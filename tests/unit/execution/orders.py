"""An execution desk on fakes, and the messages that reach it."""

import uuid
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from decimal import Decimal

from tests.fakes.execution import FakeExchange, FakeExecutionTransaction, FakeSecrets, execution
from tests.fakes.transaction import START, FakeStore, FixedClock
from volexswarm.execution.agent import ExecutionAgent
from volexswarm.execution.model import Proposal
from volexswarm.messages import Event, ExecutionReported, OrderApproved, OrderState, OrderType, Side
from volexswarm.portfolio.bookkeeping import Bookkeeper
from volexswarm.ports import Fill

OPENED = START - timedelta(hours=1)


@dataclass
class Desk:
    """The agent with all that is around it."""

    agent: ExecutionAgent[FakeExecutionTransaction]
    tx: FakeExecutionTransaction
    exchange: FakeExchange
    secrets: FakeSecrets
    clock: FixedClock

    def confirm(self, trade: OrderApproved) -> None:
        """Let our records say the same as the command."""
        terms = {field.name: getattr(trade, field.name) for field in fields(Proposal) if field.name != "state"}
        self.tx.proposals.setdefault(trade.proposal_id, Proposal(state="approved", **terms))

    def place(self, event: Event[OrderApproved]) -> None:
        """Deliver a command that our records confirm."""
        self.confirm(event.data)
        self.agent.execute(event)


def desk(*mishaps: str, parts: int = 1, opened_at: datetime | None = OPENED) -> Desk:
    clock, tx, secrets = FixedClock(), FakeExecutionTransaction(), FakeSecrets()
    if opened_at is not None:
        tx.add_account("binance", "main", opened_at, "simulated")
    exchange = FakeExchange(clock, list(mishaps), parts)
    agent = execution(FakeStore(tx), exchange, secrets, Bookkeeper(clock), clock).agent
    return Desk(agent, tx, exchange, secrets, clock)


def approved(
    number: int = 1,
    side: Side = Side.BUY,
    amount: str = "1",
    order_type: OrderType = OrderType.MARKET,
    limit_price: str | None = None,
) -> Event[OrderApproved]:
    order = OrderApproved(
        venue="binance",
        symbol="BTC/USDT",
        account="main",
        signal_id=str(uuid.UUID(int=100 + number)),
        strategy_id="ma-cross",
        side=side,
        order_type=order_type,
        amount=Decimal(amount),
        limit_price=None if limit_price is None else Decimal(limit_price),
        reference_price=Decimal(100),
        as_of=START,
        proposal_id=str(uuid.UUID(int=number)),
    )
    return Event.root(order, source="compliance", subject=order.key, identity=str(number), time=START)


def reported(
    state: OrderState,
    filled: str,
    fill: Fill | None = None,
    client_order_id: str | None = None,
    exchange_order_id: str = "e1",
) -> Event[ExecutionReported]:
    report = ExecutionReported(
        venue="binance",
        symbol="BTC/USDT",
        account="main",
        client_order_id=client_order_id,
        exchange_order_id=exchange_order_id,
        side=fill.side if fill else Side.BUY,
        state=state,
        filled=Decimal(filled),
        trade_id=fill.trade_id if fill else None,
        price=fill.price if fill else None,
        amount=fill.amount if fill else None,
        fee=fill.fee if fill else None,
        fee_currency=fill.fee_currency if fill else None,
        is_maker=fill.is_maker if fill else None,
        as_of=fill.as_of if fill else START,
    )
    identity = f"{exchange_order_id}/{fill.trade_id if fill else (state, filled)}"
    return Event.root(report, source="realtime-data", subject=report.key, identity=identity, time=START)
