"""The rules that a market sets for orders, checked before anything is locked or matched."""

from dataclasses import dataclass

from simexchange.engine.errors import Reason, Refused
from simexchange.engine.units import ONE, text


@dataclass(frozen=True, slots=True)
class MarketRules:
    """One market and its filters, in units of 10^-8.

    `max_position` None is no limit. A limit price may be at most `most_above_average` times the average price, and at least
    its `least_part_of_average`th part. Trailing deltas are basis points. `max_notional` does not bind market orders.

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
    max_market_quantity: int = 1_000_000 * ONE
    max_price: int = 1_000_000 * ONE
    max_notional: int = 9_000_000 * ONE
    max_position: int | None = None
    max_orders: int = 200
    max_waiting_orders: int = 5
    most_above_average: int = 5
    least_part_of_average: int = 5
    min_trailing_delta: int = 10
    max_trailing_delta: int = 2_000

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
        most = self.max_market_quantity if market else self.max_quantity
        if not self.min_quantity <= quantity <= most or quantity % self.step:
            raise Refused(Reason.MARKET_LOT_SIZE if market else Reason.LOT_SIZE, text(quantity))

    def check_price_against(self, average: int, price: int) -> None:
        """Refuse a limit price too far from what was paid on average."""
        if not average <= price * self.least_part_of_average or price > average * self.most_above_average:
            raise Refused(Reason.PERCENT_PRICE_BY_SIDE, text(price))

    def check_trailing_delta(self, delta: int) -> None:
        """Refuse to trail too closely or from too far."""
        if not self.min_trailing_delta <= delta <= self.max_trailing_delta:
            raise Refused(Reason.TRAILING_DELTA, str(delta))

    def check_notional(self, amount: int, *, market: bool) -> None:
        """Refuse an order worth too little quote, or too much."""
        if amount < self.min_notional or (not market and amount > self.max_notional):
            raise Refused(Reason.NOTIONAL, text(amount))

    def whole_steps(self, quantity: int) -> int:
        """The quantity, rounded down to the grid."""
        return quantity - quantity % self.step

    def whole_ticks_up(self, price: int) -> int:
        """The price, rounded up to the grid."""
        return -(-price // self.tick) * self.tick
