"""What risk needs of the stored truth."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Protocol

from volexswarm.messages import Event, TradeProposed
from volexswarm.ports import DecisionTransaction
from volexswarm.risk.model import History, Holdings


class RiskTransaction(DecisionTransaction, Protocol):
    """One assessment, stored wholly or not at all."""

    def holdings(self, venue: str, account: str, symbol: str, binding_since: datetime) -> Holdings | None:
        """The books as one consistent view, never a fill counted half; None if the account is not opened.

        A proposal of before `binding_since` (wall time) that has not become an order binds nothing any more.
        """
        ...

    def history(self, venue: str, account: str, currency: str, day: datetime) -> History:
        """How the account has fared; `day` is the beginning of the market day."""
        ...

    def record_equity(
        self, venue: str, account: str, currency: str, equity: Decimal, cash: Decimal, as_of: datetime, at: datetime
    ) -> None:
        """Store what the account was worth at a moment of market time; a later valuation of that moment replaces it."""
        ...

    def record_proposal(self, event: Event[TradeProposed], at: datetime) -> None:
        """Store the proposal: from now on it binds money."""
        ...
