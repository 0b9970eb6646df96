"""Whatever is done to the exchange, nothing is made or lost, and no one gets a worse price than the book held."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from simexchange.engine.accounts import HOUSE
from simexchange.engine.errors import Refused
from simexchange.engine.orders import OrderType, Side, TimeInForce
from simexchange.engine.units import ONE, text
from tests.unit.simexchange.trading import RULES, SYMBOL, Desk

ACCOUNTS = st.sampled_from(["alice", "bob"])
SIDES = st.sampled_from(list(Side))
PRICES = st.integers(9_000, 11_000).map(lambda ticks: ticks * RULES.tick)
QUANTITIES = st.integers(1, 500_000).map(lambda steps: steps * RULES.step)


class Trading(RuleBasedStateMachine):
    """Users, market makers and takers act in any order."""

    def __init__(self):
        super().__init__()
        self.desk = Desk()
        self.now = 0

    @rule(account=ACCOUNTS, side=SIDES, price=PRICES, quantity=QUANTITIES, tif=st.sampled_from(list(TimeInForce)))
    def limit(self, account, side, price, quantity, tif):
        book = self.desk.exchange.markets[SYMBOL].book
        before = [maker.price for maker in book.resting(side.opposite) if maker.account != account]
        try:
            _, fills = self.desk.order(account, side, text(quantity), text(price), tif=tif)
        except Refused:
            return
        prices = [fill.price for fill in fills]
        # Filled at exactly the best prices that others offered, in that order, and never beyond the limit.
        assert prices == before[: len(prices)]
        assert all(p <= price if side is Side.BUY else p >= price for p in prices)

    @rule(account=ACCOUNTS, side=SIDES, price=PRICES, quantity=QUANTITIES)
    def maker_only(self, account, side, price, quantity):
        try:
            _, fills = self.desk.order(account, side, text(quantity), text(price), kind=OrderType.LIMIT_MAKER)
        except Refused:
            return
        assert fills == []

    @rule(account=ACCOUNTS, side=SIDES, quantity=QUANTITIES, by_quote=st.booleans())
    def market(self, account, side, quantity, by_quote):
        amounts = {"quantity": "0", "quote": text(quantity * 100)} if by_quote else {"quantity": text(quantity)}
        try:
            order, _ = self.desk.order(account, side, **amounts)
        except Refused:
            return
        assert not order.is_open
        assert order.quote_filled <= (order.quote_quantity or order.quote_filled)

    @rule(account=ACCOUNTS, nth=st.integers(0, 20))
    def cancel(self, account, nth):
        orders = self.desk.exchange.open_orders(account)
        if orders:
            self.desk.exchange.cancel(account, orders[nth % len(orders)], self.now)

    @rule(middle=st.integers(9_100, 10_900), size=QUANTITIES)
    def quote(self, middle, size):
        self.now += 1
        bids = {(middle - rung) * RULES.tick: size for rung in range(1, 5)}
        asks = {(middle + rung) * RULES.tick: size for rung in range(1, 5)}
        self.desk.exchange.quote(SYMBOL, bids, asks, self.now)

    @rule(side=SIDES, quantity=QUANTITIES)
    def take(self, side, quantity):
        self.now += 1
        self.desk.exchange.take(SYMBOL, side, quantity, self.now)

    @invariant()
    def nothing_is_made_or_lost(self):
        accounts = self.desk.exchange.accounts
        assert [accounts.total(asset) for asset in ("BTC", "USDT")] == [0, 0]

    @invariant()
    def only_the_house_owes(self):
        accounts = self.desk.exchange.accounts
        for account in accounts.names:
            for balance in accounts.assets(account).values():
                assert balance.locked >= 0
                assert balance.free >= 0 or account == HOUSE

    @invariant()
    def locked_is_what_open_orders_need(self):
        for account in ("alice", "bob"):
            orders = self.desk.exchange.open_orders(account)
            buys = sum(o.price * o.open_quantity // ONE for o in orders if o.side is Side.BUY)
            sells = sum(o.open_quantity for o in orders if o.side is Side.SELL)
            assert (self.desk.locked(account, "USDT"), self.desk.locked(account, "BTC")) == (buys, sells)

    @invariant()
    def the_book_is_never_crossed_and_its_levels_add_up(self):
        book = self.desk.exchange.markets[SYMBOL].book
        bid, ask = book.best(Side.BUY), book.best(Side.SELL)
        assert bid is None or ask is None or bid[0] < ask[0]
        for side in Side:
            total = sum(order.open_quantity for order in book.resting(side))
            assert total == sum(quantity for _, quantity in book.levels(side, 10_000))

    @invariant()
    def public_ids_are_consecutive(self):
        ids = [trade.id for trade in self.desk.exchange.markets[SYMBOL].tape]
        assert ids == list(range(1, len(ids) + 1))


Trading.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestTrading = Trading.TestCase
