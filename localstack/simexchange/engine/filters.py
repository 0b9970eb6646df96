"""The rules that a market sets for orders, checked before anything is locked or matched."""

from dataclasses import dataclass

from simexchange.engine.errors import Reason, Refused
from simexchange.engine.units import ONE, product, text


@dataclass(frozen=True, slots=True)
class MarketRules:
    """One market and its filters, in units of 10^-8.

    Raises
    ------
    ValueError
        If tick times step is no whole number of 10^-8 quote: amounts would need rounding.
    """

    base: str
    quote: str
    tick: int
    step: int
    min_notional: int
    max_quantity: int = 9_000_000 * ONE
    max_price: int = 1_000_000 * ONE

    def __post_init__(self) -> None:
        if self.tick <= 0 or self.step <= 0 or self.tick * self.step % ONE:
            raise ValueError(f"{self.name}: tick {text(self.tick)} x step {text(self.step)} must be a multiple of 1e-8")

    @property
    def name(self) -> str:
        """The unified symbol, such as BTC/USDT."""
        return f"{self.base}/{self.quote}"

    @property
    def symbol(self) -> str:
        """The exchange's own symbol, such as BTCUSDT."""
        return f"{self.base}{self.quote}"

    @property
    def min_quantity(self) -> int:
        """The smallest order: one step."""
        return self.step

    def check_price(self, price: int) -> None:
        """Refuse a price off the grid or out of range."""
        if not self.tick <= price <= self.max_price or price % self.tick:
            raise Refused(Reason.PRICE_FILTER, text(price))

    def check_quantity(self, quantity: int, *, market: bool) -> None:
        """Refuse a quantity off the grid or out of range."""
        if not self.min_quantity <= quantity <= self.max_quantity or quantity % self.step:
            raise Refused(Reason.MARKET_LOT_SIZE if market else Reason.LOT_SIZE, text(quantity))

    def check_notional(self, price: int, quantity: int) -> None:
        """Refuse an order worth less than the minimum."""
        self.check_quote_amount(product(price, quantity))

    def check_quote_amount(self, amount: int) -> None:
        """Refuse an amount of quote below the minimum."""
        if amount < self.min_notional:
            raise Refused(Reason.NOTIONAL, text(amount))

    def whole_steps(self, quantity: int) -> int:
        """The quantity, rounded down to the grid."""
        return quantity - quantity % self.step
