"""How far the market may go from the price at which a trade was decided, until it is not that trade any more. Pure.

Only what is worse for us counts: dearer for a purchase, cheaper for a sale. A better price is no reason to leave a trade alone.
"""

from __future__ import annotations

from decimal import Decimal

from volexswarm.arithmetic import wide
from volexswarm.errors import Conflict
from volexswarm.messages import Side
from volexswarm.tasks.model import PlannedTrade, plain


def worst_price(side: Side, decided: Decimal, max_drift: Decimal) -> Decimal:
    """The last price that will do, in quote per base: `max_drift` (0 up to 1) of the decided one away on the worse side."""
    with wide():
        return decided * (1 + max_drift if side is Side.BUY else 1 - max_drift)


def drift(side: Side, decided: Decimal, market: Decimal) -> Decimal:
    """The share of the decided price by which the market is worse for us; below 0 where it is better."""
    with wide():
        moved = (market - decided) / decided
    return moved if side is Side.BUY else -moved


def require_near(trade: PlannedTrade, market: Decimal) -> None:
    """Raise Conflict if the market is beyond the trade's worst price; at it the trade is still the one that was decided."""
    if market <= trade.worst_price if trade.side is Side.BUY else market >= trade.worst_price:
        return
    quote = trade.symbol.split("/")[1]
    moved = drift(trade.side, trade.price, market) * 100
    bound = drift(trade.side, trade.price, trade.worst_price) * 100
    raise Conflict(
        f"it was decided at {plain(trade.price)} {quote}, and at {plain(market)} the market is {moved:.2f} % worse: beyond the"
        f" bound of {bound:.2f} % ({plain(trade.worst_price)} {quote}) it is not ordered. Try the task again (volexswarm tasks"
        " retry), and it is decided anew at the market's price; if it has traded in part, give a new task for the rest"
    )
