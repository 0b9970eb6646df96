"""A task as it is stored, the ways its status may go, and what it traded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, Literal

from volexswarm.errors import Conflict
from volexswarm.messages import Priority, Side, TaskKind, TaskStatus
from volexswarm.tasks.requests import Request

_S = TaskStatus


def plain(number: Decimal) -> str:
    """A number for people: no exponent, no zeros at its end."""
    return format(number.normalize(), "f")


WAYS: Final[Mapping[TaskStatus, frozenset[TaskStatus]]] = MappingProxyType(
    {
        _S.UNCONFIRMED: frozenset({_S.WAITING, _S.CANCELED, _S.EXPIRED}),
        _S.WAITING: frozenset({_S.RUNNING, _S.FAILED, _S.CANCELED, _S.EXPIRED}),
        _S.RUNNING: frozenset({_S.AWAITING_APPROVAL, _S.SUCCEEDED, _S.REJECTED, _S.FAILED, _S.CANCELED, _S.EXPIRED}),
        _S.AWAITING_APPROVAL: frozenset({_S.RUNNING, _S.FAILED, _S.CANCELED, _S.EXPIRED}),
        _S.SUCCEEDED: frozenset(),
        # tried again, as the next attempt
        _S.REJECTED: frozenset({_S.WAITING}),
        _S.FAILED: frozenset({_S.WAITING}),
        _S.CANCELED: frozenset({_S.WAITING}),
        _S.EXPIRED: frozenset({_S.WAITING}),
    }
)
"""From each status to those that may follow it."""


@dataclass(frozen=True)
class Task:
    """One task. `reason` says why it is in its status; `dispatched_at` when the state machine took the present attempt."""

    id: str
    request: Request
    priority: Priority
    status: TaskStatus
    attempt: int
    requested_by: str
    idempotency_key: str
    understood: str
    reason: str
    created_at: datetime
    words: str | None = None
    ignored: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    deadline: datetime | None = None
    confirm_by: datetime | None = None
    started_at: datetime | None = None
    dispatched_at: datetime | None = None
    ended_at: datetime | None = None
    explanation: tuple[str, ...] = ()

    @property
    def kind(self) -> TaskKind:
        return self.request.kind

    @property
    def flow(self) -> str:
        """The name of the present attempt's execution: the same attempt can't be executed twice."""
        return f"task-{self.id}-{self.attempt}"

    def is_late(self, now: datetime) -> bool:
        return self.deadline is not None and now >= self.deadline

    def require_way(self, after: TaskStatus) -> None:
        """Raise Conflict unless the task may go to this status."""
        if after not in WAYS[self.status]:
            raise Conflict(f"task {self.id} is {self.status}: {self.reason}; it can't become {after}")


@dataclass(frozen=True)
class PlannedTrade:
    """One trade of an attempt: `amount` in base, decided and sized at `price`, `share` of the equity; `why` in words.

    `mode` says for which money it was decided, as `ports.TradingState` does: with no other is it ordered. `worst_price` is the
    last price at which it is still ordered. Both prices are the market's middle, in quote per base.
    """

    leg: int
    symbol: str
    side: Side
    amount: Decimal
    price: Decimal
    worst_price: Decimal
    share: Decimal
    why: str
    mode: str

    @property
    def in_words(self) -> str:
        base, quote = self.symbol.split("/")
        size = f"{self.side} {plain(self.amount)} {base} at about {plain(self.price)} {quote}"
        return f"{size} ({self.share * 100:.2f} % of the equity)"

    @property
    def bound_in_words(self) -> str:
        side = "above" if self.side is Side.BUY else "below"
        quote = self.symbol.split("/")[1]
        return f"decided at {plain(self.price)} {quote}, and not ordered {side} {plain(self.worst_price)} {quote}"


@dataclass(frozen=True)
class RaisedTrade(PlannedTrade):
    """A planned trade and how far it went: `intended_at` before its signal, `signal_id` after it, `refusal` instead of it."""

    intended_at: datetime | None = None
    signal_id: str | None = None
    refusal: str | None = None


def trade_key(task: Task, leg: int) -> str:
    """By what the desk knows a trade of the task's attempt again."""
    return f"task/{task.id}/{task.attempt}/{leg}"


@dataclass(frozen=True)
class OrderOutcome:
    """An order that came of a trade. `cost` in quote currency of what is filled.

    `cancelable`: open and not being canceled yet, or the newest slice of a large order of which more slices follow.
    """

    id: str
    state: str
    amount: Decimal
    filled: Decimal
    cost: Decimal
    reason: str | None
    cancelable: bool


@dataclass(frozen=True)
class FillOutcome:
    """One fill: `price` in quote per base, `fee` in `fee_currency`, `slippage` as a share of the decision price."""

    order_id: str
    price: Decimal
    amount: Decimal
    fee: Decimal
    fee_currency: str
    slippage: Decimal | None


@dataclass(frozen=True)
class TradeOutcome:
    """What has become of a raised trade. `refused` by whom and why; `working` while anything may still happen.

    `unsliced` is the trade's signal while it is a large order of which no slice is made yet.
    """

    refused: str | None
    orders: tuple[OrderOutcome, ...]
    fills: tuple[FillOutcome, ...]
    working: bool
    unsliced: str | None = None

    @property
    def cancelable(self) -> tuple[str, ...]:
        """By what the desk can be asked to cancel what is left of it."""
        orders = tuple(order.id for order in self.orders if order.cancelable)
        return orders if self.unsliced is None else (*orders, self.unsliced)

    @property
    def filled(self) -> Decimal:
        return sum((order.filled for order in self.orders), Decimal(0))

    @property
    def cost(self) -> Decimal:
        return sum((order.cost for order in self.orders), Decimal(0))


NOTHING_YET: Final = TradeOutcome(None, (), (), working=True)
"""Of a trade that was raised a moment ago."""


@dataclass(frozen=True)
class Approval:
    """What a person is asked. `verdict` None while nobody has spoken."""

    id: str
    task_id: str
    attempt: int
    question: str
    reasons: tuple[str, ...]
    token: str
    asked_at: datetime
    expires_at: datetime
    verdict: Literal["approved", "rejected", "expired"] | None = None
    actor: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Cost:
    """What the deliberations of an attempt took; `usd` of a model's price."""

    calls: int = 0
    tokens: int = 0
    usd: float = 0.0


@dataclass(frozen=True)
class Story:
    """Everything that an attempt left behind: the answers of its steps by name and symbol ('' for the whole task).

    `outcomes` by a trade's leg.
    """

    task: Task
    answers: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    approval: Approval | None = None
    trades: tuple[RaisedTrade, ...] = ()
    outcomes: Mapping[int, TradeOutcome] = field(default_factory=dict)
    cost: Cost = Cost()

    def answer(self, step: str, symbol: str = "") -> Mapping[str, Any] | None:
        return self.answers.get((step, symbol))
