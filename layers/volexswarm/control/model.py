"""What control keeps: which mode is in force, and the codes that confirm a switch to real money."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from volexswarm.ports import Halt


@dataclass(frozen=True)
class ModeInForce:
    """What trading is in force at a venue. `cap` is the most that may be exposed in live mode, in the valuation currency."""

    venue: str
    account: str
    mode: str
    cap: Decimal | None
    switched_by: str
    reason: str
    switched_at: datetime


@dataclass(frozen=True)
class Confirmation:
    """A code as stored: its digest, for whom and for what it is good, and until when."""

    digest: str
    venue: str
    actor: str
    mode: str
    cap: Decimal
    expires_at: datetime


@dataclass(frozen=True)
class Halted:
    """The halt in force; `repeated` if this call changed nothing."""

    halt: Halt
    repeated: bool
