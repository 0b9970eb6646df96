"""From a signal and the state of the account to a verdict with every check, and a size if it is approved. Pure.

What brings in anything but the valuation currency is held against limits: a purchase against all, a sale that is paid in
something else against those on what it brings in. Any other trade only ever reduces what hangs on prices (spot, no short
positions), so that neither a loss nor a limit may trap a position: it needs an open account, a fresh price and something to give.
A strategy's sell closes the symbol's whole free position; a person's order trades the amount the person gave.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from volexswarm.board import Board
from volexswarm.messages import Check, Protection, Quote, Side, SignalRaised
from volexswarm.risk import limits, sizing
from volexswarm.risk.intake import Book, Intake
from volexswarm.risk.model import ZERO, Bar, Holdings, currencies
from volexswarm.risk.policy import RiskPolicy
from volexswarm.risk.purchase import Market, Purchase
from volexswarm.risk.stops import Stop, completed, entry_stop, protection, trailing


@dataclass(frozen=True)
class Assessment:
    """What risk decides: the checks; the trade's amount, stop and ways out, and the story of its size; None without one.

    `room` is the share of the equity for which limits and cash would still let the symbol be bought; None where nobody asked.
    `distance` is how far below the price of the purchase the stop is, as a share of it.
    """

    checks: tuple[Check, ...]
    amount: Decimal | None = None
    stop_price: Decimal | None = None
    sizing: str = ""
    protection: Protection | None = None
    room: Decimal | None = None
    distance: Decimal | None = None

    @property
    def approved(self) -> bool:
        return self.amount is not None and all(check.passed for check in self.checks)


def preconditions(signal: SignalRaised, age: timedelta, board: Board, policy: RiskPolicy) -> tuple[Check, ...]:
    """What must hold before anything can be weighed: a fresh signal, a fresh quote, a sound price and amount."""
    quote = board.usable(signal.symbol)
    checks = [
        limits.signal_fresh(age, timedelta(seconds=policy.max_signal_age)),
        limits.data_fresh(signal.symbol, board.age(signal.symbol), board.max_age, quote is not None),
    ]
    if quote is not None:
        given_away = _given_away(signal, quote.mid)
        checks.append(limits.price_near_market(signal.price, quote.mid, policy.max_price_deviation, given_away))
    if signal.amount is not None:
        checks.append(limits.amount_positive(signal.amount))
    if signal.order_type.has_limit:
        checks.append(limits.limit_price_given(signal.limit_price))
    if signal.order_type.has_trigger:
        checks.append(limits.trigger_price_given(signal.trigger_price))
    return tuple(checks)


def assess_purchase(
    signal: SignalRaised, policy: RiskPolicy, book: Book, market: Market, candles: Sequence[Bar], *, probe: bool
) -> Assessment:
    """Weigh a buy whose preconditions hold, of an account whose equity is known. `candles` as the stop's method needs them."""
    price = _price(signal, market.quote)
    stop = _stop(signal, policy, price, candles)
    sides = [limits.stop_on_the_right_side(price, stop.price)]
    if signal.protection is not None:
        sides += limits.ways_out_on_the_right_side(price, signal.protection)
    if not all(check.passed for check in sides):
        return Assessment(tuple(sides))
    purchase = Purchase(signal, policy, book, market, price, _dearest(signal, price), stop, probe)
    amount, story = purchase.size()
    return Assessment(
        checks=(*sides, *purchase.checks(amount)),
        amount=amount,
        stop_price=stop.price,
        sizing=story,
        protection=_ways_out(signal, policy, price, stop),
        room=purchase.room,
        distance=1 - stop.price / price,
    )


def assess_sale(
    signal: SignalRaised,
    policy: RiskPolicy,
    holdings: Holdings,
    equity: Decimal | None,
    market: Market,
    book: Book | None,
) -> Assessment:
    """Weigh a sale whose preconditions hold. `equity` is the present one, else the last that was known, else None.

    `book` is the account in detail where the sale is paid in something that hangs on prices, else None.
    """
    base = currencies(signal.symbol)[0]
    if signal.amount is None:
        free = holdings.sellable_position(signal.symbol)
        amount, story = free, f"the whole free position of {free:f} {base}"
    else:
        free = holdings.sellable(signal.symbol)
        amount, story = signal.amount, f"the amount given, {signal.amount:f} {base}"
    checks = (
        limits.position_to_sell(amount, free, base),
        *_check_of_dust(signal, amount, policy, equity, market),
        *(() if book is None else _checks_of_proceeds(signal, amount, policy, book, market)),
    )
    return Assessment(checks, amount if all(check.passed for check in checks) else None, sizing=story)


def _checks_of_proceeds(
    signal: SignalRaised, amount: Decimal, policy: RiskPolicy, book: Book, market: Market
) -> tuple[Check, ...]:
    """What a sale is paid in is bought with what is sold: a purchase where that is the valuation currency, else a swap."""
    base, quote = currencies(signal.symbol)
    price = max(_limit_price(signal) or ZERO, signal.price, market.quote.ask)
    value, intake = amount * price * market.marks.prices[quote], Intake(quote, policy, book)
    if base != market.marks.currency:
        return tuple(intake.checks_of_swap(value, base))
    return (*intake.checks_of_exposure(value), *intake.checks_of_conduct(), *intake.checks_of_tail(value))


def assess_return(
    signal: SignalRaised, policy: RiskPolicy, holdings: Holdings, equity: Decimal | None, market: Market
) -> Assessment:
    """Weigh a buy of the valuation currency whose preconditions hold: it is a sale of the quote, and needs no way out.

    A strategy's is worth the usual share of `equity` (as in `assess_sale`), as far as there is enough of the quote.
    """
    base, quote = currencies(signal.symbol)
    free, unit = holdings.free(quote), _dearest(signal, _price(signal, market.quote)) * (1 + policy.cost_buffer)
    if signal.amount is not None:
        amount, story = signal.amount, f"the amount given, {signal.amount:f} {base}"
    else:
        budgets = {"cash": sizing.affordable(free, unit), "max_trade": (equity or ZERO) * policy.max_trade}
        name, amount = sizing.tightest(budgets)
        story = f"{amount:f} {base}, set by {name}"
    checks = (limits.amount_positive(amount), limits.cash_available(amount * unit, free, quote))
    passed = all(check.passed for check in checks)
    return Assessment(checks, amount if passed else None, sizing=story, protection=signal.protection)


def _check_of_dust(
    signal: SignalRaised, amount: Decimal, policy: RiskPolicy, equity: Decimal | None, market: Market
) -> tuple[Check, ...]:
    """A strategy does not sell what rounding left over. Where nobody can tell what that is nothing is held back."""
    price = market.marks.prices.get(currencies(signal.symbol)[0])
    if signal.amount is not None or amount <= 0 or equity is None or price is None:
        return ()
    return (limits.more_than_dust(amount * price, equity * policy.dust, market.marks.currency),)


def _price(signal: SignalRaised, quote: Quote) -> Decimal:
    """What a unit costs as things are, in quote currency: by the price that the order waits for, else by the market's.

    A limit above that price buys no dearer.
    """
    trigger, limit = _trigger_price(signal), _limit_price(signal)
    if limit is not None:
        return min(limit, trigger or quote.ask)
    return trigger or max(signal.price, quote.ask)


def _dearest(signal: SignalRaised, price: Decimal) -> Decimal:
    """The most that a unit may cost, in quote currency: no less than what the proposal will bind (`Trade.counted_price`)."""
    return _limit_price(signal) or max(price, signal.price)


def _given_away(signal: SignalRaised, market: Decimal) -> Decimal:
    """The share by which the limit price is worse for us than the market that the order will meet; 0 where it is not."""
    limit, met = _limit_price(signal), _trigger_price(signal) or market
    if limit is None:
        return ZERO
    return max(ZERO, (limit - met if signal.side is Side.BUY else met - limit) / met)


def _limit_price(signal: SignalRaised) -> Decimal | None:
    """The limit price, where the order has a sound one."""
    price = signal.limit_price
    return price if signal.order_type.has_limit and price is not None and price > 0 else None


def _trigger_price(signal: SignalRaised) -> Decimal | None:
    """The price that the order waits for, where it waits for a sound one."""
    price = signal.trigger_price
    return price if signal.order_type.has_trigger and price is not None and price > 0 else None


def _stop(signal: SignalRaised, policy: RiskPolicy, price: Decimal, candles: Sequence[Bar]) -> Stop:
    """A person's stop stands, also one that trails; a strategy's counts where the policy's method is to ask it."""
    wanted = signal.protection or Protection()
    if wanted.stop_price is None and wanted.trailing_share is not None:
        return trailing(price, wanted.trailing_share)
    own = wanted.stop_price or signal.stop_price
    if own is not None and (signal.amount is not None or wanted.stop_price is not None):
        return Stop(own, "as wanted")
    wrong = own is not None and not 0 < own < price
    if own is not None and wrong and policy.stop_method == "strategy":
        return Stop(own, "the strategy's own")  # refused by name, not mended
    return entry_stop(policy, price, own, candles)


def _ways_out(signal: SignalRaised, policy: RiskPolicy, price: Decimal, stop: Stop) -> Protection | None:
    """As a person wants it, never without the stop that the trade was measured by; else as the policy does."""
    if signal.protection is None:
        return protection(policy, price, stop.price)
    return completed(signal.protection, policy, stop.price)
