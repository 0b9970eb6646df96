"""Books each fill and each transfer once: ledger, balances, position, in the transaction of whoever learned of it.

A fill may come many times, by several ways and in any order; the books end the same. What happened up to the opening is part
of the opening balance and is not booked again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from volexswarm.arithmetic import exact
from volexswarm.clock import Clock
from volexswarm.errors import Retry, require
from volexswarm.messages import Side
from volexswarm.portfolio import ledger, lots, positions
from volexswarm.portfolio.lots import Closing, Lot
from volexswarm.portfolio.model import Flow, FlowKind, Position
from volexswarm.portfolio.ports import PortfolioTransaction
from volexswarm.ports import Booked, Fill, Transfer


class Bookkeeper:
    """Implements `volexswarm.ports.Books`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def record_fill(
        self,
        tx: PortfolioTransaction,
        fill: Fill,
        *,
        order_id: str | None,
        correlation_id: str,
        slippage: Decimal | None = None,
    ) -> Booked | None:
        """Book the fill once; None if the books hold it already (repeated, or part of the opening balance).

        A fill that comes later than one that it precedes at the exchange changes what the later ones realised: their rows and
        the position are worked out anew, in the exchange's order, from where the books stood before it.

        Raises
        ------
        Retry
            If the account has not been opened yet.
        """
        if fill.as_of <= _opening(tx, fill.venue, fill.account):
            return None
        if tx.knows_fill(fill):
            if order_id is not None:
                tx.give_fill(fill, order_id)
            return None
        now = self._clock.now()
        tx.post(ledger.of_fill(fill), correlation_id=correlation_id, posted_at=now)
        position, realised, after = self._position_after(tx, fill)
        tx.put_position(fill, position, now)
        tx.add_fill(
            fill,
            order_id=order_id,
            realised_pnl=realised,
            after=after,
            slippage=slippage,
            correlation_id=correlation_id,
            applied_at=now,
        )
        return Booked(realised, position.amount, position.average_price)

    def record_transfer(
        self, tx: PortfolioTransaction, venue: str, account: str, transfer: Transfer, *, correlation_id: str
    ) -> bool:
        """Book a deposit or a withdrawal once, as capital; False if the books hold it already (repeated, or part of the opening).

        Raises
        ------
        InvalidInput
            If nothing was transferred, or its fee is negative.
        Retry
            If the account has not been opened yet.
        """
        if transfer.as_of <= _opening(tx, venue, account):
            return False
        kind = FlowKind.DEPOSIT if transfer.amount > 0 else FlowKind.WITHDRAWAL
        reference, currency = transfer.transfer_id, transfer.currency
        flow = Flow(venue, account, kind, reference, currency, transfer.amount, transfer.fee, transfer.as_of)
        return self._record_flow(tx, flow, correlation_id)

    def record_adjustment(
        self,
        tx: PortfolioTransaction,
        venue: str,
        account: str,
        currency: str,
        amount: Decimal,
        *,
        reference: str,
        as_of: datetime,
        correlation_id: str,
    ) -> bool:
        """Book a difference that a person accepts, once, as capital; False if what `reference` names is booked already.

        Raises
        ------
        InvalidInput
            If there is no difference.
        Retry
            If the account has not been opened yet.
        """
        _opening(tx, venue, account)
        flow = Flow(venue, account, FlowKind.ADJUSTMENT, reference, currency, amount, Decimal(0), as_of)
        return self._record_flow(tx, flow, correlation_id)

    def _record_flow(self, tx: PortfolioTransaction, flow: Flow, correlation_id: str) -> bool:
        require(bool(flow.amount), f"amount of {flow.kind} {flow.reference}", flow.amount, "an amount that is not 0")
        require(flow.fee >= 0, f"fee of {flow.kind} {flow.reference}", flow.fee, "0 or more")
        now = self._clock.now()
        if not tx.add_flow(flow, correlation_id=correlation_id, booked_at=now):
            return False
        tx.post(ledger.of_flow(flow), correlation_id=correlation_id, posted_at=now)
        return True

    def _position_after(self, tx: PortfolioTransaction, fill: Fill) -> tuple[Position, Decimal, Position]:
        """The position with the fill, what the fill realised, and the position right after it."""
        if tx.has_later_fill(fill):
            return _work_out_anew(tx, fill, _before(tx, fill) or _nothing(tx, fill))
        position = tx.position(fill.venue, fill.account, fill.symbol)
        held = tx.lots(fill.venue, fill.account, fill.symbol) if fill.side is Side.SELL else []
        if fill.side is Side.SELL and lots.total(held) != position.amount:  # bought before lots were kept
            return _work_out_anew(tx, fill, _nothing(tx, fill))
        left, closings = lots.apply_fill(held, fill)
        before, after = set(held), set(left)
        tx.change_lots(
            fill, gone=[lot for lot in held if lot not in after], kept=[lot for lot in left if lot not in before]
        )
        tx.add_closings(fill, closings)
        position, realised = positions.apply_fill(position, fill)
        return position, realised, position


@dataclass(frozen=True)
class _Standing:
    """Where a symbol's books stood at a moment, and which recorded fills came after it."""

    position: Position
    lots: Sequence[Lot]
    following: Sequence[Fill]


def _nothing(tx: PortfolioTransaction, fill: Fill) -> _Standing:
    return _Standing(Position(), (), tx.fills(fill.venue, fill.account, fill.symbol))


def _before(tx: PortfolioTransaction, fill: Fill) -> _Standing | None:
    """Where the books stood before a late fill; None if they don't tell, being older than what is kept of that."""
    stood = tx.position_before(fill)
    if stood is None:
        return None
    amount, average_price = stood
    held = [lots.left_of(purchase, sold) for purchase, sold in tx.open_purchases(fill)]
    if lots.total(held) != amount:
        return None
    following = tx.fills_after(fill)
    now = tx.position(fill.venue, fill.account, fill.symbol)
    with exact():
        realised = now.realised_pnl - sum((gain for _, gain in following), Decimal(0))
        fees = now.fees - sum((positions.fee_in_quote(one) for one, _ in following), Decimal(0))
    return _Standing(Position(amount, average_price, realised, fees), held, [one for one, _ in following])


def _work_out_anew(tx: PortfolioTransaction, fill: Fill, start: _Standing) -> tuple[Position, Decimal, Position]:
    """Book the fill among those that follow, and correct what they made of it."""
    following = sorted([*start.following, fill], key=positions.exchange_order)
    position, held, closings = start.position, list(start.lots), list[Closing]()
    made: dict[str, tuple[Decimal, Position]] = {}
    for one in following:
        position, realised = positions.apply_fill(position, one)
        held, closed = lots.apply_fill(held, one)
        closings += closed
        made[one.trade_id] = realised, position
    tx.correct_fills(fill, [(one, *made[one.trade_id]) for one in start.following])
    tx.forget_lots(following[0])
    tx.change_lots(fill, gone=[], kept=held)
    tx.add_closings(fill, closings)
    return position, *made[fill.trade_id]


def _opening(tx: PortfolioTransaction, venue: str, account: str) -> datetime:
    """Exchange time up to which everything is part of the opening balance. Raises Retry if there are no books yet."""
    opened_at = tx.opened_at(venue, account)
    if opened_at is None:
        raise Retry(f"the books of {venue}/{account} are not opened yet")
    return opened_at
