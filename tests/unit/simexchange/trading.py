"""A small exchange to trade on in tests, and orders written as a trader would say them."""

from typing import Any

from simexchange.engine.exchange import Exchange
from simexchange.engine.filters import MarketRules
from simexchange.engine.orders import Fill, NewOrder, Order, OrderType, Side, TimeInForce, Trade
from simexchange.engine.units import parse

RULES = MarketRules("BTC", "USDT", tick=parse("0.01"), step=parse("0.00001"), min_notional=parse("5"))
SYMBOL = RULES.symbol
RICH = "1000000"


class Desk:
    """An exchange with one market and accounts that can afford to trade."""

    def __init__(self, *accounts: str, public_executions: bool = True, rules: MarketRules = RULES) -> None:
        self.exchange = Exchange([rules], public_executions=public_executions)
        self._placed = 0
        for account in accounts or ("alice", "bob"):
            for asset in ("BTC", "USDT"):
                self.exchange.deposit(account, asset, parse(RICH))

    def order(
        self, account: str, side: str, quantity: str, price: str | None = None, **more: Any
    ) -> tuple[Order, list[Fill]]:
        """Place a limit order, or a market order where no price is given; `kind`, `stop`, `trailing` make another of it."""
        self._placed += 1
        kind = more.pop("kind", OrderType.MARKET if price is None else OrderType.LIMIT)
        new = NewOrder(
            account,
            more.pop("client_id", f"c{self._placed}"),
            SYMBOL,
            Side(side.upper()),
            kind,
            TimeInForce(more.pop("tif", "GTC")),
            price=parse(price or "0"),
            quantity=parse(quantity),
            quote_quantity=parse(more.pop("quote", "0")),
            stop_price=parse(more.pop("stop", "0")),
            trailing_delta=more.pop("trailing", 0),
        )
        return self.exchange.place(new, self._placed)

    def print(self, price: str, spread: str = "1") -> None:
        """The market trades at a price elsewhere (needs private executions), and the house quotes around it."""
        self._placed += 1
        at, off, size = parse(price), parse(spread), parse("100")
        last = self.exchange.markets[SYMBOL].tape.last
        self.exchange.publish(SYMBOL, Trade(last.id + 1 if last else 1, self._placed, at, parse("1"), True))
        self.exchange.quote(SYMBOL, {at - off: size}, {at + off: size}, self._placed)

    def free(self, account: str, asset: str) -> int:
        """Free balance in units."""
        return self.exchange.accounts.balance(account, asset).free

    def locked(self, account: str, asset: str) -> int:
        """Locked balance in units."""
        return self.exchange.accounts.balance(account, asset).locked
