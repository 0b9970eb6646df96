"""Whatever is done to the exchange, nothing is made or lost, no one gets a worse price than the book held, and all is kept."""

from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from simexchange.engine.accounts import HOUSE
from simexchange.engine.errors import Refused
from simexchange.engine.exchange import Exchange
from simexchange.engine.orders import OrderType, Side, Status, TimeInForce
from simexchange.engine.units import ONE, text
from simexchange.journal import Journal
from tests.unit.simexchange.trading import RULES, SYMBOL, Desk

ACCOUNTS = st.sampled_from(["alice", "bob"])
SIDES = st.sampled_from(list(Side))
PRICES = st.integers(9_000, 11_000).map(lambda ticks: ticks * RULES.tick)
QUANTITIES = st.integers(1, 500_000).map(lambda steps: steps * RULES.step)


WAITING = st.sampled_from([kind for kind in OrderType if kind.waits])
ENDS = {Status.FILLED, Status.CANCELED, Status.EXPIRED, Status.EXPIRED_IN_MATCH}
LEGAL = {
    None: {Status.NEW},
    Status.NEW: {Status.NEW, Status.PARTIALLY_FILLED, *ENDS},
    Status.PARTIALLY_FILLED: {Status.PARTIALLY_FILLED, *ENDS},
    **{end: set() for end in ENDS},
}


class Trading(RuleBasedStateMachine):
    """Users, market makers and takers act in any order."""

    def __init__(self):
        super().__init__()
        self.desk = Desk()
        self.now = 0
        self.status = {}
        self.outside = {"BTC": 0, "USDT": 0}
        self.folder = TemporaryDirectory()
        self.path = Path(self.folder.name) / "journal.jsonl"
        self.journal = Journal(self.path)

    @initialize(middle=st.integers(9_500, 10_500))
    def open_market(self, middle):
        self.quote(middle, 100_000 * RULES.step)
        self.take(Side.BUY, RULES.step)

    @rule(account=ACCOUNTS, side=SIDES, price=PRICES, quantity=QUANTITIES, tif=st.sampled_from(list(TimeInForce)))
    def limit(self, account, side, price, quantity, tif):
        book = self.desk.exchange.markets[SYMBOL].book
        queue = [(maker.id, maker.price) for maker in book.resting(side.opposite) if maker.account != account]
        waiting = len(self.desk.exchange.markets[SYMBOL].waiting)
        try:
            _, fills = self.desk.order(account, side, text(quantity), text(price), tif=tif)
        except Refused:
            return
        # What it set off may have met what was left of it: there it was the maker, at its own price.
        assert all(fill.price == price for fill in fills if fill.is_maker)
        prices = [fill.price for fill in fills if not fill.is_maker]
        # Filled at exactly the best prices that others offered, in that order, and never beyond the limit.
        assert prices == [price for _, price in queue[: len(prices)]]
        assert all(p <= price if side is Side.BUY else p >= price for p in prices)
        if waiting == len(self.desk.exchange.markets[SYMBOL].waiting):  # else these trades set off others
            left = [(maker.id, maker.price) for maker in book.resting(side.opposite) if maker.account != account]
            assert left == queue[len(queue) - len(left) :]

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

    @rule(account=ACCOUNTS, side=SIDES, kind=WAITING, price=PRICES, limit=PRICES, quantity=QUANTITIES)
    def waiting(self, account, side, kind, price, limit, quantity):
        self.place_waiting(account, side, kind, quantity, limit, stop=text(price))

    @rule(account=ACCOUNTS, side=SIDES, kind=WAITING, delta=st.integers(10, 600), limit=PRICES, quantity=QUANTITIES)
    def trailing(self, account, side, kind, delta, limit, quantity):
        self.place_waiting(account, side, kind, quantity, limit, trailing=delta)

    def place_waiting(self, account, side, kind, quantity, limit, **more):
        price = text(limit) if kind.has_limit else None
        try:
            order, fills = self.desk.order(account, side, text(quantity), price, kind=kind, **more)
        except Refused:
            return
        assert (order.waiting, fills) == (True, [])

    @rule(account=ACCOUNTS, asset=st.sampled_from(["BTC", "USDT"]), amount=st.integers(-(10**15), 10**14))
    def transfer(self, account, asset, amount):
        try:
            self.desk.exchange.transfer(account, asset, amount, self.now)
        except Refused:
            assert self.desk.free(account, asset) < -amount
            return
        self.outside[asset] += amount

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
            buys = sum(o.held_price * o.open_quantity // ONE for o in orders if o.side is Side.BUY)
            sells = sum(o.open_quantity for o in orders if o.side is Side.SELL)
            assert (self.desk.locked(account, "USDT"), self.desk.locked(account, "BTC")) == (buys, sells)

    @invariant()
    def what_came_from_outside_is_what_the_transfers_say(self):
        transfers = self.desk.exchange.transfers
        assert {a: sum(t.amount for t in transfers if t.asset == a) for a in self.outside} == self.outside

    @invariant()
    def orders_only_change_as_they_may(self):
        happened = self.desk.exchange.drain()
        for report in happened.reports:
            before, after = self.status.get(report.order.id), report.order.status
            assert after in LEGAL[before]
            self.status[report.order.id] = after
        self.journal.append(happened, self.now)
        for order_id, order in self.desk.exchange.orders.items():
            assert order.status is self.status[order_id]

    @invariant()
    def nobody_waits_whose_price_was_paid(self):
        market = self.desk.exchange.markets[SYMBOL]
        assert not market.fired
        assert all(order.waiting and order.is_open for order in market.waiting.values())
        assert {o.id for o in market.open.values() if o.waiting} == set(market.waiting)

    def teardown(self):
        self.journal.close()
        kept, exchange = Journal(self.path).kept, self.desk.exchange
        back = Exchange([RULES])
        for trade in exchange.markets[SYMBOL].tape:
            back.markets[SYMBOL].tape.append(trade)
        for account, assets in kept.balances.items():
            for asset, (free, locked) in assets.items():
                back.accounts.restore(account, asset, free, locked)
        before = state_of(exchange)
        back.restore(kept.orders.values(), kept.fills, kept.transfers)
        assert state_of(back) == before
        self.folder.cleanup()

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


def state_of(exchange):
    """All that users could notice, and the order in which their orders trade."""
    market, accounts = exchange.markets[SYMBOL], exchange.accounts
    held = {name: {a: (b.free, b.locked) for a, b in accounts.assets(name).items()} for name in accounts.names}
    queues = {side: [o.id for o in market.book.resting(side) if o.account] for side in Side}
    # Priorities are counted anew at a restart: only their order matters, and that is the queues'.
    orders = [{**asdict(order), "priority": 0} for order in exchange.orders.values()]
    return held, queues, set(market.waiting), exchange.fills, exchange.transfers, orders


Trading.TestCase.settings = settings(stateful_step_count=30, deadline=None)
TestTrading = Trading.TestCase
