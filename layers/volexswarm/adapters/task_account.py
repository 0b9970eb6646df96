"""The account as tasks see it: by the same reading and the same prices by which risk decides."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from volexswarm.errors import Unavailable
from volexswarm.ports import Store
from volexswarm.risk.ports import RiskTransaction
from volexswarm.risk.situation import Inquiry, Situation
from volexswarm.tasks.ports import AccountState

PART: Final = "account"


class RiskAccount:
    """`tasks.ports.Account` by risk's inquiry.

    Parameters
    ----------
    store : Store[RiskTransaction]
    inquiry : Inquiry
    venue : str
    """

    def __init__(self, store: Store[RiskTransaction], inquiry: Inquiry, venue: str) -> None:
        self._store = store
        self._inquiry = inquiry
        self._venue = venue

    def state(self, symbols: Sequence[str]) -> AccountState:
        """How it stands; of several markets the newest market time."""
        found = [self._situation(symbol) for symbol in symbols]
        first = found[0]
        if first.holdings is None:
            raise Unavailable(PART, f"{first.state.account} is not opened yet")
        if not first.is_of_this_money:
            raise Unavailable(PART, f"the books of {first.state.account} are of {first.holdings.mode} money")
        if missing := sorted({asset for situation in found for asset in situation.marks.missing}):
            raise Unavailable("market data", f"there is no fresh price of {', '.join(missing)}")
        worth = {asset: price for situation in found for asset, price in situation.marks.prices.items()}
        quotes = {symbol: situation.board.usable(symbol) for symbol, situation in zip(symbols, found, strict=True)}
        return AccountState(
            venue=self._venue,
            account=first.state.account,
            currency=first.marks.currency,
            equity=first.equity.amount,
            held=first.holdings.assets,
            sellable={symbol: first.holdings.sellable(symbol) for symbol in symbols},
            prices={symbol: quote.mid for symbol, quote in quotes.items() if quote is not None},
            worth=worth,
            as_of=max(situation.as_of for situation in found),
        )

    def moment(self, symbol: str) -> tuple[str, str, datetime]:
        """Venue, account, and the market time up to which the symbol may be looked at."""
        found = self._situation(symbol)
        quote = found.board.usable(symbol)
        return self._venue, found.state.account, found.as_of if quote is None else max(found.as_of, quote.as_of)

    def _situation(self, symbol: str) -> Situation:
        with self._store.transaction() as tx:
            return self._inquiry.situation(tx, self._venue, tx.trading_state(self._venue), symbol, None)
