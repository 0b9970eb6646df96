"""What the exchange says against what our records say: where they differ, and what probably made them. Pure.

Orders that are on their way (not sent yet, or without an answer) are no differences: they have their own way to an end. But one
whose absence proves nothing any more is: only a person can say what became of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from volexswarm.execution.model import Capabilities, Order, StandingOrder
from volexswarm.messages import OrderState
from volexswarm.ports import Fill

_AT_THE_EXCHANGE = (OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED)
_SENT = (OrderState.SUBMITTED, OrderState.UNKNOWN)
NOTHING = "nothing"


class Kind(StrEnum):
    """`FOREIGN_ORDER` was placed by somebody else in this account."""

    ORDER = "order"
    FOREIGN_ORDER = "foreign_order"
    FILL = "fill"
    BALANCE = "balance"


@dataclass(frozen=True)
class Difference:
    """One thing of which the two sides say different things. `subject` names it, the same at every comparison."""

    kind: Kind
    subject: str
    ours: str
    theirs: str
    cause: str


@dataclass
class Findings:
    """What a comparison came to: how many orders and fills were held against each other, and what was found.

    `moving` are currencies that differed otherwise at each look: of those nothing is certain, and what was open stays so.
    """

    orders: int = 0
    fills: int = 0
    transfers: int = 0
    repaired: list[Difference] = field(default_factory=list)
    open: list[Difference] = field(default_factory=list)
    moving: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class OrderComparison:
    """Which of our orders the exchange must be asked about, and which standing orders are not explained by our open ones.

    `moved` stand there with more filled than we know; `gone` stand with us, but not there any more.
    """

    moved: tuple[Order, ...]
    gone: tuple[Order, ...]
    unexplained: tuple[StandingOrder, ...]


def undecidable(order: Order, able: Capabilities, asked_at: datetime) -> str | None:
    """Why it proves nothing that the exchange has no such order, which was sent; None if it does, sooner or later."""
    if able.acceptance_window is None or order.sent_at is None:
        return "sets no limit to how late it may still take it"
    if able.remembers is not None and asked_at - order.sent_at > able.remembers:
        return f"forgets an order {able.remembers} after its end: it may have been filled"
    return None


def compare_orders(
    ours: Sequence[Order], theirs: Sequence[StandingOrder], lost: Callable[[Order], bool] = lambda _: False
) -> OrderComparison:
    """Match our open orders with the standing ones, by our id or by theirs; in linear time.

    `lost` tells of an order that was sent, and does not stand there, whether it has no way of its own to an end.
    """
    by_client_id = {s.client_order_id: s for s in theirs if s.client_order_id}
    by_exchange_id = {(s.symbol, s.evidence.exchange_order_id): s for s in theirs}
    explained: set[tuple[str, str]] = set()
    moved, gone = [], []
    for order in ours:
        standing = by_client_id.get(order.client_order_id)
        if standing is None and order.exchange_order_id is not None:
            standing = by_exchange_id.get((order.symbol, order.exchange_order_id))
        if standing is not None:
            explained.add((standing.symbol, standing.evidence.exchange_order_id))
            if standing.evidence.filled != order.filled:
                moved.append(order)
        elif order.state in _AT_THE_EXCHANGE or (order.state in _SENT and lost(order)):
            gone.append(order)
    rest = (s for s in theirs if (s.symbol, s.evidence.exchange_order_id) not in explained)
    return OrderComparison(tuple(moved), tuple(gone), tuple(rest))


def missing_fills(theirs: Iterable[Fill], booked: set[tuple[str, str]]) -> tuple[Fill, ...]:
    """Fills of the exchange that the books lack; `booked` holds (symbol, trade id)."""
    return tuple(fill for fill in theirs if (fill.symbol, fill.trade_id) not in booked)


def compare_balances(ours: Mapping[str, Decimal], theirs: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Theirs less ours by currency; what is equal is left out."""
    zero = Decimal(0)
    differences = {
        currency: theirs.get(currency, zero) - ours.get(currency, zero) for currency in ours.keys() | theirs.keys()
    }
    return {currency: amount for currency, amount in sorted(differences.items()) if amount}


def of_balance(currency: str, ours: Decimal, theirs: Decimal) -> Difference:
    """A balance that no fill and no transfer explains."""
    cause = "no trade and no transfer that the exchange lists explains it: a credit, a conversion or a fee from outside"
    return Difference(Kind.BALANCE, currency, f"{ours:f}", f"{theirs:f}", cause)


def of_fill(fill: Fill, order: Order | None) -> Difference:
    """A fill whose report never arrived."""
    whose = "an order placed by somebody else" if order is None else f"our order {order.id}"
    theirs = f"{fill.side} {fill.amount:f} at {fill.price:f}"
    return Difference(
        Kind.FILL, f"{fill.symbol}/{fill.trade_id}", NOTHING, theirs, f"its report did not reach us; of {whose}"
    )


def of_foreign(standing: StandingOrder) -> Difference:
    """An order that none of our decisions stands behind."""
    subject = f"{standing.symbol}/{standing.evidence.exchange_order_id}"
    theirs = f"{standing.side} {standing.amount:f}, {standing.evidence.state}"
    return Difference(Kind.FOREIGN_ORDER, subject, NOTHING, theirs, "somebody else has placed it in this account")


def of_ended(order: Order, found: str) -> Difference:
    """An order that stands in our records only."""
    cause = "its end was not reported to us" if found != NOTHING else "the exchange does not know the order any more"
    return Difference(Kind.ORDER, order.client_order_id, order.state, found, cause)


def of_revived(order: Order, standing: StandingOrder) -> Difference:
    """An order that ended with us and stands at the exchange."""
    return Difference(
        Kind.ORDER,
        order.client_order_id,
        order.state,
        standing.evidence.state,
        "it reached the exchange after we gave it up",
    )
