"""Double entry: what an opening, a fill or money from outside means in entries.

The entries of each currency sum to zero, always.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from volexswarm.arithmetic import exact
from volexswarm.errors import Stop
from volexswarm.messages import Side
from volexswarm.portfolio.model import Entry, Flow, FlowKind, LedgerAccount, Posting, PostingKind
from volexswarm.ports import Fill


def of_opening(venue: str, account: str, balances: Mapping[str, Decimal], as_of: datetime) -> Posting:
    """The exchange's balances at the beginning, as capital brought in. Currencies with nothing in them are left out."""
    entries: list[Entry] = []
    for currency, amount in sorted(balances.items()):
        entries += _move(LedgerAccount.CAPITAL, currency, amount)
    return _balanced(Posting(venue, account, PostingKind.OPENING, account, as_of, tuple(entries)))


def of_fill(fill: Fill) -> Posting:
    """What was bought against what was paid, and the fee in whichever currency it was charged (negative: a rebate)."""
    base, quote = fill.symbol.split("/")
    with exact():
        cost = fill.price * fill.amount
        sign = 1 if fill.side is Side.BUY else -1
        entries = (
            *_move(LedgerAccount.TRADING, base, sign * fill.amount),
            *_move(LedgerAccount.TRADING, quote, -sign * cost),
            *_move(LedgerAccount.FEES, fill.fee_currency, -fill.fee),
        )
    reference = f"{fill.symbol}/{fill.trade_id}"
    return _balanced(Posting(fill.venue, fill.account, PostingKind.FILL, reference, fill.as_of, entries))


def of_flow(flow: Flow) -> Posting:
    """A deposit, a withdrawal or an accepted difference, as capital; its fee as any other fee."""
    entries = (
        *_move(LedgerAccount.CAPITAL, flow.currency, flow.amount),
        *_move(LedgerAccount.FEES, flow.currency, -flow.fee),
    )
    if flow.kind is FlowKind.ADJUSTMENT:
        kind, reference = PostingKind.ADJUSTMENT, flow.reference
    else:  # a venue numbers deposits and withdrawals apart
        kind, reference = PostingKind.TRANSFER, f"{flow.kind}/{flow.reference}"
    return _balanced(Posting(flow.venue, flow.account, kind, reference, flow.as_of, entries))


def sums(entries: Iterable[Entry]) -> dict[tuple[LedgerAccount, str], Decimal]:
    """Change of each ledger account's balance in each currency."""
    totals: dict[tuple[LedgerAccount, str], Decimal] = {}
    with exact():
        for entry in entries:
            key = (entry.ledger_account, entry.currency)
            totals[key] = totals.get(key, Decimal(0)) + entry.amount
    return totals


def _move(source: LedgerAccount, currency: str, amount: Decimal) -> tuple[Entry, ...]:
    """An amount into the assets (out of them if negative), and where it came from."""
    if not amount:
        return ()
    with exact():
        return Entry(LedgerAccount.ASSETS, currency, amount), Entry(source, currency, -amount)


def _balanced(posting: Posting) -> Posting:
    rest: dict[str, Decimal] = {}
    for (_, currency), amount in sums(posting.entries).items():
        with exact():
            rest[currency] = rest.get(currency, Decimal(0)) + amount
    if any(rest.values()):
        raise Stop(f"posting {posting.kind} {posting.reference} does not sum to zero: {rest}")
    return posting
