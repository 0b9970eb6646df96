"""The life of an order: which state may follow which, and which state the evidence amounts to.

A state follows from what is known (the exchange's furthest word, and the fills that are booked), never from which message came
last: reports may come late, twice or in any order, and the order ends in the same state.
"""

from __future__ import annotations

from decimal import Decimal

from volexswarm.errors import Stop
from volexswarm.messages import OrderState

_S = OrderState
_AT_THE_EXCHANGE = frozenset({_S.ACCEPTED, _S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELED, _S.REJECTED, _S.EXPIRED})

TRANSITIONS: dict[OrderState | None, frozenset[OrderState]] = {
    None: frozenset({_S.INTENDED}),
    # straight to the exchange's states: evidence of an order whose sending our database has forgotten (restored from a backup)
    _S.INTENDED: _AT_THE_EXCHANGE | {_S.SUBMITTED},
    _S.SUBMITTED: _AT_THE_EXCHANGE | {_S.UNKNOWN, _S.SUBMITTED, _S.INTENDED},
    _S.UNKNOWN: _AT_THE_EXCHANGE | {_S.SUBMITTED},
    _S.ACCEPTED: _AT_THE_EXCHANGE - {_S.ACCEPTED},
    _S.PARTIALLY_FILLED: frozenset({_S.FILLED, _S.CANCELED, _S.EXPIRED}),
    _S.FILLED: frozenset(),
    _S.CANCELED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.EXPIRED: frozenset(),
}
"""All legal transitions. From `submitted` to `submitted` goes another attempt, after evidence that the first came to nothing;
back to `intended` goes one that certainly has not left us."""


def check(before: OrderState | None, after: OrderState) -> None:
    """Raise Stop unless the transition is legal: an order that jumps means that our picture of it is wrong."""
    if after not in TRANSITIONS[before]:
        raise Stop(f"an order can't go from {before or 'nothing'} to {after}")


def furthest(
    known: OrderState | None, known_filled: Decimal, told: OrderState, told_filled: Decimal
) -> tuple[OrderState, Decimal]:
    """Of two words of the exchange on one order the one that came later in its life, and what the order waits for to be booked.

    A final word is exact, whatever was told before: taken for the most that was ever told, one count too many would let the
    order wait for ever for a fill that there never was. Until then it is the most that was told.
    """
    if known is None or told.is_final:
        return told, told_filled
    if known.is_final:
        return known, known_filled
    filled = max(known_filled, told_filled)
    return (known if known is _S.PARTIALLY_FILLED else told), filled


def settle(
    current: OrderState, amount: Decimal, booked: Decimal, reported: OrderState, reported_filled: Decimal
) -> OrderState:
    """The state that the evidence amounts to.

    An order is final only when every fill that the exchange counts is booked: until then its money is still on the way, and
    limits must go on counting it.

    Parameters
    ----------
    current : OrderState
        Where the order is; a final state stays.
    amount, booked : Decimal
        What was ordered, and the sum of its booked fills.
    reported, reported_filled : OrderState, Decimal
        The furthest word of the exchange.
    """
    if current.is_final:
        return current
    if booked >= amount:
        return _S.FILLED
    if reported.is_final and booked >= reported_filled:
        return reported
    return _S.PARTIALLY_FILLED if booked else _S.ACCEPTED
