"""What the books are made of. All amounts are exact Decimals; a currency goes with each."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from volexswarm.messages import NAMESPACE


class LedgerAccount(StrEnum):
    """`ASSETS` is what the exchange holds for us; the others say where it came from or went, with the sign turned."""

    ASSETS = "assets"
    CAPITAL = "capital"
    TRADING = "trading"
    FEES = "fees"


class PostingKind(StrEnum):
    OPENING = "opening"
    FILL = "fill"
    TRANSFER = "transfer"
    ADJUSTMENT = "adjustment"


class FlowKind(StrEnum):
    """How money came or went apart from trading; an adjustment is a difference that a person accepted."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    ADJUSTMENT = "adjustment"


@dataclass(frozen=True)
class Entry:
    """One line of a posting; `amount` is signed."""

    ledger_account: LedgerAccount
    currency: str
    amount: Decimal


@dataclass(frozen=True)
class Posting:
    """A ledger transaction. `reference` names what it books, so that the same thing can't be booked twice."""

    venue: str
    account: str
    kind: PostingKind
    reference: str
    as_of: datetime
    entries: tuple[Entry, ...]

    @property
    def id(self) -> str:
        return str(uuid.uuid5(NAMESPACE, f"ledger/{self.venue}/{self.account}/{self.kind}/{self.reference}"))


@dataclass(frozen=True)
class Flow:
    """Money that came (`amount` > 0) or went apart from trading; `fee` on top. `reference` names it within its kind."""

    venue: str
    account: str
    kind: FlowKind
    reference: str
    currency: str
    amount: Decimal
    fee: Decimal
    as_of: datetime


@dataclass(frozen=True)
class Position:
    """Base currency held through trades of one symbol.

    `average_price` in quote per base, fees included, 0 when flat; `realised_pnl` in quote, net of fees; `fees` in quote at
    each fill's price. A fee in a third currency has no price here: it is in the ledger alone.
    """

    amount: Decimal = Decimal(0)
    average_price: Decimal = Decimal(0)
    realised_pnl: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)


@dataclass(frozen=True)
class Valuation:
    """What the account is worth in one currency.

    `equity` is None while a needed price is missing (`missing` names the assets): it is not guessed. `flow` is how much of it
    came from outside since the last valuation (negative: went), `values` what each asset is worth, at `prices`. Assets that no
    known market leads to the currency are never part of it, and named in `outside`.
    """

    currency: str
    equity: Decimal | None
    cash: Decimal
    flow: Decimal
    values: Mapping[str, Decimal]
    prices: Mapping[str, Decimal]
    missing: tuple[str, ...]
    outside: tuple[str, ...]
