"""Books each fill once: ledger, balances, position and the fill itself in the transaction of whoever learned of it.

A fill may come many times, by several ways and in any order; the books end the same. What happened up to the opening is part
of the opening balance and is not booked again.
"""

from __future__ import annotations

from decimal import Decimal

from volexswarm.clock import Clock
from volexswarm.errors import Retry
from volexswarm.portfolio import ledger, positions
from volexswarm.portfolio.model import Position
from volexswarm.portfolio.ports import PortfolioTransaction
from volexswarm.ports import Booked, Fill


class Bookkeeper:
    """Implements `volexswarm.ports.Books`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def record_fill(
        self, tx: PortfolioTransaction, fill: Fill, *, order_id: str | None, correlation_id: str
    ) -> Booked | None:
        """Book the fill once; None if the books hold it already (repeated, or part of the opening balance).

        A fill that comes later than one that it precedes at the exchange changes what the later ones realised: their rows and
        the position are worked out anew, in the exchange's order.

        Raises
        ------
        Retry
            If the account has not been opened yet.
        """
        opened_at = tx.opened_at(fill.venue, fill.account)
        if opened_at is None:
            raise Retry(f"the books of {fill.venue}/{fill.account} are not opened yet")
        if fill.as_of <= opened_at:
            return None
        if tx.knows_fill(fill):
            if order_id is not None:
                tx.give_fill(fill, order_id)
            return None
        now = self._clock.now()
        tx.post(ledger.of_fill(fill), correlation_id=correlation_id, posted_at=now)
        position, realised = self._position_after(tx, fill)
        tx.put_position(fill, position, now)
        tx.add_fill(fill, order_id=order_id, realised_pnl=realised, correlation_id=correlation_id, applied_at=now)
        return Booked(realised, position.amount, position.average_price)

    def _position_after(self, tx: PortfolioTransaction, fill: Fill) -> tuple[Position, Decimal]:
        if not tx.has_later_fill(fill):
            return positions.apply_fill(tx.position(fill.venue, fill.account, fill.symbol), fill)
        earlier_known = tx.fills(fill.venue, fill.account, fill.symbol)
        position, realised = positions.fold([*earlier_known, fill])
        for known in earlier_known:
            tx.correct_realised(known, realised[known.trade_id])
        return position, realised[fill.trade_id]
