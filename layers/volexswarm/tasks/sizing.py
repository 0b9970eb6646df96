"""From a wish and the team's ruling to an exact trade: what is wished at most, and of a purchase no more than the team allows.

Selling is sized by the wish alone: the team decides whether, and a half-hearted exit would keep the risk that it wants to leave.
Amounts are rounded down. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Final

from volexswarm.arithmetic import wide
from volexswarm.messages import Ruling, Side
from volexswarm.tasks.policy import TasksPolicy
from volexswarm.tasks.ports import AccountState
from volexswarm.tasks.requests import TradeWish

_FINEST: Final = Decimal("1e-8")
_ZERO: Final = Decimal(0)


@dataclass(frozen=True)
class Aim:
    """What a task wants in one market: trade `amount` of its base (more than 0), that is `share` of the equity, because `why`."""

    symbol: str
    side: Side
    amount: Decimal
    share: Decimal
    why: str


@dataclass(frozen=True)
class Left:
    """A market in which nothing is traded, and why; `refused` by the team, or else because there is nothing to do."""

    symbol: str
    why: str
    refused: bool


def aim_of_wish(wish: TradeWish, account: AccountState) -> Aim | Left:
    """What a person's trade comes to in this account."""
    base = wish.symbol.split("/")[0]
    worth, price = account.worth[base], account.prices[wish.symbol]
    with wide():
        if wish.amount is not None:
            amount = wish.amount
        elif wish.cost is not None:
            amount = wish.cost / price
        elif wish.share is not None:
            amount = wish.share * account.equity / worth
        else:
            assert wish.position_share is not None  # a request has one of the four
            amount = wish.position_share * account.sellable.get(wish.symbol, _ZERO)
    return _aim(wish.symbol, wish.side, amount, account, wish.in_words)


def aim_of_target(symbol: str, target: Decimal, account: AccountState, policy: TasksPolicy) -> Aim | Left:
    """What it takes to bring an asset to its share of the equity; nothing where it is near enough, or on the way there.

    Whatever becomes of the trades that are under way, the target is not overshot: what is being sold is not sold again, and what
    is being bought is not bought again.
    """
    base = symbol.split("/", maxsplit=1)[0]
    coming, leaving = account.coming.get(base, _ZERO), account.leaving.get(base, _ZERO)
    with wide():
        held, wanted = account.held.get(base, _ZERO), target * max(_ZERO, account.equity) / account.worth[base]
        missing, surplus = wanted - (held + coming), (held - leaving) - wanted
        amount, side = (missing, Side.BUY) if missing > 0 else (surplus, Side.SELL)
        enough = amount * account.worth[base] < policy.min_trade * account.equity
        present = f"{base} is {_percent(held, base, account)} of the equity{_under_way(base, account)}"
    words = f"{present} and shall be {target * 100:.2f} %"
    if enough:
        why = "that is near enough" if not coming and not leaving else "what is under way comes first"
        return Left(symbol, f"{words}: {why}", refused=False)
    return _aim(symbol, side, amount, account, words)


def _under_way(base: str, account: AccountState) -> str:
    """What is being bought and sold of an asset, in words; empty if nothing is."""
    ways = ((account.coming, "on its way in"), (account.leaving, "on its way out"))
    found = [f"{_percent(amount, base, account)} {words}" for way, words in ways if (amount := way.get(base, _ZERO))]
    return f" ({', '.join(found)})" if found else ""


def _percent(amount: Decimal, base: str, account: AccountState) -> str:
    share = amount * account.worth[base] / account.equity if account.equity else _ZERO
    return f"{share * 100:.2f} %"


def ruled(aim: Aim, ruling: Ruling, account: AccountState, policy: TasksPolicy) -> Aim | Left:
    """What the team leaves of an aim."""
    if ruling.action != aim.side:
        said = f": {' '.join(ruling.vetoes)}" if ruling.vetoes else ""
        vetoes = f", vetoed by {' and '.join(ruling.vetoed_by)}{said}" if ruling.vetoed_by else ""
        return Left(aim.symbol, f"the team rules {ruling.action} on {aim.symbol}{vetoes}", refused=True)
    allowed = Decimal(str(ruling.size_frac))
    if aim.side is Side.BUY and allowed < aim.share:
        with wide():
            amount = aim.amount * allowed / aim.share
        why = f"{aim.why}; the team allows {allowed * 100:.2f} % of the equity of the {aim.share * 100:.2f} % wished"
        reduced = _aim(aim.symbol, aim.side, amount, account, why)
        if isinstance(reduced, Left):
            return Left(aim.symbol, why, refused=True)
        aim = reduced
    if aim.share < policy.min_trade:
        worth = f"{aim.share * 100:.4f} % of the equity"
        return Left(aim.symbol, f"{aim.why}: {worth} is less than a trade is worth", refused=allowed < policy.min_trade)
    return aim


def _aim(symbol: str, side: Side, amount: Decimal, account: AccountState, why: str) -> Aim | Left:
    base = symbol.split("/", maxsplit=1)[0]
    with wide():
        rounded = amount.quantize(_FINEST, rounding=ROUND_DOWN).normalize()
        share = (rounded * account.worth[base] / account.equity) if account.equity > 0 else _ZERO
    if rounded <= 0:
        nothing = f"there is no {base} to sell" if side is Side.SELL else "there is nothing to buy with"
        return Left(symbol, f"{why}: {nothing}", refused=False)
    return Aim(symbol, side, rounded, share, why)
