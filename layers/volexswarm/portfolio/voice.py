"""The books' testimony in a deliberation: what the account is worth, what of it lies in cash and in the symbol, how it fares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal

from volexswarm.board import BoardReader
from volexswarm.clock import Clock
from volexswarm.messages import Question, Testimony
from volexswarm.policies import money, percent
from volexswarm.portfolio import valuation
from volexswarm.portfolio.model import LedgerAccount, Position, Valuation
from volexswarm.portfolio.ports import PortfolioTransaction
from volexswarm.ports import QuoteBoard, Store
from volexswarm.testimony import Findings
from volexswarm.units import units_after
from volexswarm.valuation import Markets

AGENT = "portfolio"


class PortfolioVoice:
    """Values the account at this moment; nothing is stored.

    Parameters
    ----------
    store : Store[PortfolioTransaction]
    quotes : QuoteBoard
        Present prices.
    clock : Clock
        Wall time.
    currency : str
        What is valued in.
    symbols : sequence of str
        Markets whose quotes are kept.
    quote_max_age : timedelta
        Wall time after which a quote is no price any more.
    """

    def __init__(
        self,
        *,
        store: Store[PortfolioTransaction],
        quotes: QuoteBoard,
        clock: Clock,
        currency: str,
        symbols: Sequence[str],
        quote_max_age: timedelta,
    ) -> None:
        self._store = store
        self._boards = BoardReader(quotes, clock, quote_max_age)
        self._currency = currency
        self._symbols = tuple(symbols)
        self._markets = Markets(self._symbols)

    def testify(self, question: Question) -> Testimony:
        """The account in the valuation currency, at present prices.

        Features: `equity` (valuation currency), `cash_share` and `position_share` (of the equity: the currency itself, the
        symbol's base), `unrealised_share` (gain of the symbol's position by the present price, of the equity), `drawdown` (share
        by which a unit is worth less than it ever was). While a price is missing nothing is told: the equity is not known then.

        Raises
        ------
        Unavailable
            If database or quotes can't be asked.
        """
        board = self._boards.read(question.venue, self._symbols)
        found = Findings(AGENT, question)
        venue, account = question.venue, question.account
        with self._store.transaction() as tx:
            units = tx.units(venue, account)
            balances = tx.balances(venue, account, LedgerAccount.ASSETS)
            position = tx.position(venue, account, question.symbol)
            flows = tx.unvalued_flows(venue, account)
            peak = tx.peak_worth(venue, account, self._currency)
            last_worth = tx.last_worth(venue, account, self._currency)
        if units is None:
            return found.testimony(f"the books of {account} have never been valued")
        worth = valuation.value(balances, flows, self._markets, board.mids, self._currency)
        if worth.equity is None or worth.equity <= 0:
            lacking = board.without_price(worth.missing) if worth.missing else f"the books of {account} are empty"
            return found.testimony(lacking)
        _tell_shares(found, worth, worth.equity, question.symbol)
        _tell_position(found, worth, worth.equity, position, question.symbol, board.mids)
        present = units_after(units, worth.equity, worth.flow, last_worth)
        if present and peak:
            _tell_drawdown(found, worth.equity / present, peak)
        return found.testimony("nothing is known")


def _tell_shares(found: Findings, worth: Valuation, equity: Decimal, symbol: str) -> None:
    base = symbol.partition("/")[0]
    found.know("equity", equity, f"the account is worth {money(equity, worth.currency)}")
    cash = worth.cash / equity
    found.know("cash_share", cash, f"{percent(cash)} of it are {worth.currency}")
    held = worth.values.get(base, Decimal(0)) / equity
    found.know("position_share", held, f"{percent(held)} of it are {base}")


def _tell_position(
    found: Findings,
    worth: Valuation,
    equity: Decimal,
    position: Position,
    symbol: str,
    mids: Mapping[str, Decimal],
) -> None:
    """The gain is in quote currency: it is told where that has a price."""
    quote = symbol.partition("/")[2]
    rate = Decimal(1) if quote == worth.currency else worth.prices.get(quote)
    mid = mids.get(symbol)
    if not position.amount:
        found.know("unrealised_share", 0.0, f"no position of {symbol} is open")
    elif rate is not None and mid is not None:
        gain = position.amount * (mid - position.average_price) * rate
        words = f"the position of {position.amount:f} at {position.average_price:.8g} has gained {money(gain, worth.currency)}"
        found.know("unrealised_share", gain / equity, words)


def _tell_drawdown(found: Findings, unit: Decimal, peak: Decimal) -> None:
    fall = max(Decimal(0), 1 - unit / max(unit, peak))
    found.know("drawdown", fall, f"the account is {percent(fall)} below its best, deposits and withdrawals not counted")
