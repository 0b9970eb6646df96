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

    `equity` is None while a needed price is missing (`missing` names the assets): it is not guessed. Assets that no known
    market leads to the currency are never part of it, and named in `outside`.
    """

    currency: str
    equity: Decimal | None
    cash: Decimal
    values: Mapping[str, Decimal]
    missing: tuple[str, ...]
    outside: tuple[str, ...]
