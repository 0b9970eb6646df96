"""The account as tasks see it: by the same reading and the same prices by which risk decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from volexswarm.errors import Unavailable
from volexswarm.market.timeframes import Timeframe
from volexswarm.ports import Store
from volexswarm.risk.model import currencies
from volexswarm.risk.ports import RiskTransaction
from volexswarm.risk.situation import Inquiry, Situation
from volexswarm.tasks.ports import AccountState, Outlook

PART: Final = "account"

ENOUGH: Final = 60
"""Candles by which indicators have warmed up."""


class RiskAccount:
    """`tasks.ports.Account` by risk's inquiry.

    Parameters
    ----------
    store : Store[RiskTransaction]
    inquiry : Inquiry
    venue : str
    timeframes : sequence
        Candles that are kept; those longer than an hour are not looked at, for they tell too late.
    """

    def __init__(
        self, store: Store[RiskTransaction], inquiry: Inquiry, venue: str, timeframes: Sequence[Timeframe]
    ) -> None:
        self._store = store
        self._inquiry = inquiry
        self._venue = venue
        coarsest_first = sorted(timeframes, key=lambda timeframe: timeframe.length, reverse=True)
        self._timeframes = [t for t in coarsest_first if t.length <= Timeframe.H1.length] or coarsest_first[-1:]

    def state(self, symbols: Sequence[str]) -> AccountState:
        """How it stands; of several markets the newest market time."""
        with self._store.transaction() as tx:
            found = [self._situation(tx, symbol) for symbol in symbols]
        first = found[0]
        if first.holdings is None:
            raise Unavailable(PART, f"{first.state.account} is not opened yet")
        if not first.is_of_this_money:
            raise Unavailable(PART, f"the books of {first.state.account} are of {first.holdings.mode} money")
        for situation in found:
            if situation.lacking is not None:
                raise Unavailable("market data", f"there is {situation.lacking}")
        worth = {asset: price for situation in found for asset, price in situation.marks.prices.items()}
        bases = {currencies(symbol)[0] for symbol in symbols}
        mids = {symbol: situation.board.mids.get(symbol) for symbol, situation in zip(symbols, found, strict=True)}
        return AccountState(
            venue=self._venue,
            account=first.state.account,
            mode=first.state.mode,
            currency=first.marks.currency,
            equity=first.equity.amount,
            held=first.holdings.assets,
            sellable={symbol: first.holdings.sellable(symbol) for symbol in symbols},
            coming={base: first.holdings.coming(base) for base in bases},
            leaving={base: first.holdings.leaving(base) for base in bases},
            prices={symbol: mid for symbol, mid in mids.items() if mid is not None},
            worth=worth,
            as_of=max(situation.as_of for situation in found),
        )

    def outlook(self, symbol: str) -> Outlook:
        """From where it is looked at: by the coarsest candles of which there are enough, by the finest where there are few."""
        with self._store.transaction() as tx:
            found = self._situation(tx, symbol)
            quote = found.board.usable(symbol)
            as_of = found.as_of if quote is None else max(found.as_of, quote.as_of)
            known = (t for t in self._timeframes if len(tx.bars(self._venue, symbol, t, as_of, ENOUGH)) == ENOUGH)
            timeframe = next(known, self._timeframes[-1])
        return Outlook(self._venue, found.state.account, as_of, timeframe)

    def _situation(self, tx: RiskTransaction, symbol: str) -> Situation:
        return self._inquiry.situation(tx, self._venue, tx.trading_state(self._venue), symbol, None)
