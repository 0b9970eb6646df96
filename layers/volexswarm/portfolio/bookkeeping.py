"""Books each fill and each transfer once: ledger, balances, position, in the transaction of whoever learned of it.

A fill may come many times, by several ways and in any order; the books end the same. What happened up to the opening is part
of the opening balance and is not booked again.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from volexswarm.clock import Clock
from volexswarm.errors import Retry, require
from volexswarm.messages import Side
from volexswarm.portfolio import ledger, lots, positions
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
        the position are worked out anew, in the exchange's order.

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
        position, realised = self._position_after(tx, fill)
        tx.put_position(fill, position, now)
        tx.add_fill(
            fill,
            order_id=order_id,
            realised_pnl=realised,
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

    def _position_after(self, tx: PortfolioTransaction, fill: Fill) -> tuple[Position, Decimal]:
        if tx.has_later_fill(fill):
            return self._work_out_anew(tx, fill)
        position = tx.position(fill.venue, fill.account, fill.symbol)
        held = tx.lots(fill.venue, fill.account, fill.symbol) if fill.side is Side.SELL else []
        if fill.side is Side.SELL and lots.total(held) != position.amount:  # bought before lots were kept
            return self._work_out_anew(tx, fill)
        left, closings = lots.apply_fill(held, fill)
        before, after = set(held), set(left)
        tx.change_lots(
            fill, gone=[lot for lot in held if lot not in after], kept=[lot for lot in left if lot not in before]
        )
        tx.add_closings(fill, closings)
        return positions.apply_fill(position, fill)

    def _work_out_anew(self, tx: PortfolioTransaction, fill: Fill) -> tuple[Position, Decimal]:
        known = tx.fills(fill.venue, fill.account, fill.symbol)
        position, realised = positions.fold([*known, fill])
        for one in known:
            if positions.exchange_order(one) > positions.exchange_order(
                fill
            ):  # what came before it realised what it did
                tx.correct_realised(one, realised[one.trade_id])
        held, closings = lots.match([*known, fill])
        tx.forget_lots(fill)
        tx.change_lots(fill, gone=[], kept=held)
        tx.add_closings(fill, closings)
        return position, realised[fill.trade_id]


def _opening(tx: PortfolioTransaction, venue: str, account: str) -> datetime:
    """Exchange time up to which everything is part of the opening balance. Raises Retry if there are no books yet."""
    opened_at = tx.opened_at(venue, account)
    if opened_at is None:
        raise Retry(f"the books of {venue}/{account} are not opened yet")
    return opened_at
