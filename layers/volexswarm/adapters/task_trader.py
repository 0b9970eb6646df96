"""The desk as tasks see it: their trades become wishes like anybody's, and go the one way of all money."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial

from volexswarm.desk.agent import Large, Standing, TradingDesk, Wish
from volexswarm.errors import Conflict
from volexswarm.messages import OrderType
from volexswarm.ports import TradingState
from volexswarm.tasks.drift import require_near
from volexswarm.tasks.model import PlannedTrade
from volexswarm.views.ports import TradingReader
from volexswarm.views.trading import LargeOrder, Order


class DeskTrader:
    """`tasks.ports.Trader` by the trading desk.

    Parameters
    ----------
    desk : TradingDesk
    orders : callable
        Gives the reader of the orders in force.
    """

    def __init__(self, desk: TradingDesk, orders: Callable[[], TradingReader]) -> None:
        self._desk = desk
        self._orders = orders

    def raise_trade(self, trade: PlannedTrade, requested_by: str, idempotency_key: str) -> str:
        """Raise it at the market's price, if the same money trades and that price will do; the same key gives the same signal."""
        wish = Wish(trade.symbol, trade.side, trade.amount, OrderType.MARKET)
        taken = self._desk.take(
            wish,
            requested_by=requested_by,
            idempotency_key=idempotency_key,
            accept=partial(_require_as_decided, trade),
        )
        return taken.event_id

    def signal_of(self, requested_by: str, idempotency_key: str) -> str:
        """The id of the signal that `raise_trade` gives for this key, before it has been raised, too."""
        return self._desk.signal_id(requested_by=requested_by, idempotency_key=idempotency_key)

    def cancel(self, key: str, requested_by: str, reason: str) -> None:
        """Command an order off the exchange, or end a large one by its signal's id."""
        self._desk.cancel(standing(self._orders().named(key)), requested_by=requested_by, reason=reason)


def standing(found: Order | LargeOrder) -> Standing | Large:
    """What the reader has found, as the desk is asked to cancel it."""
    if isinstance(found, LargeOrder):
        return Large(found.proposal_id, found.venue, found.account, found.symbol)
    goes_on = found.plan == "working"
    return Standing(found.id, found.venue, found.account, found.symbol, found.state, found.purpose, goes_on)


def _require_as_decided(trade: PlannedTrade, state: TradingState, market: Decimal) -> None:
    """Raise Conflict if it is for another money, or at a worse price, than it was decided and perhaps approved for."""
    if state.mode != trade.mode:
        raise Conflict(
            f"it was decided for {trade.mode} money, and trading is in mode {state.mode} now: try the task again (volexswarm"
            " tasks retry), and it is decided anew for the money that trades"
        )
    require_near(trade, market)
