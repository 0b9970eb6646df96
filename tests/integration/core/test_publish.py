"""Publishing many events at once: every one is journalled and queued, in the order given."""

from datetime import UTC, datetime
from decimal import Decimal

import psycopg

from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.outbox import Relay
from volexswarm.adapters.postgres.store import PostgresStore, PostgresTransaction
from volexswarm.messages import AccountOpened, Event, OrderApproved, SignalRaised, decode, encode

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
ORDER = {
    "venue": "binance", "symbol": "BTC/USDT", "account": "main", "signal_id": "s", "strategy_id": "x", "side": "buy",
    "order_type": "market", "amount": Decimal("0.10"), "reference_price": Decimal(100), "as_of": NOON, "proposal_id": "p",
}  # fmt: skip
SIGNAL = {
    "venue": "binance", "symbol": "BTC/USDT", "strategy_id": "x", "strategy": "rsi", "side": "buy", "confidence": 0.5,
    "price": Decimal("1E-8"), "as_of": NOON, "reason": 'quotes "here", braces {} and \\ too', "indicators": {"rsi": 30.5},
}  # fmt: skip


class Sender:
    """Remembers queue, group and body of everything, in order."""

    def __init__(self):
        self.sent = []

    def send(self, queue, messages):
        self.sent += [(queue, group, body) for _, group, body in messages]
        return {message[0] for message in messages}


def root(data, identity):
    return Event.root(data, source="test", subject="x", identity=identity, time=NOON)


def test_many_events_at_once_keep_order_groups_and_content(database_dsn):
    orders = [root(OrderApproved(**ORDER | {"proposal_id": str(i)}), f"order {i}") for i in range(30)]
    events = [root(SignalRaised(**SIGNAL), "signal"), *orders, root(
        AccountOpened(venue="binance", account="main", balances={"USDT": Decimal("10.50")}, as_of=NOON), "opening"
    )]  # fmt: skip
    database, sender = Database(lambda: database_dsn), Sender()
    with PostgresStore(database, PostgresTransaction, Relay(database, sender)).transaction() as transaction:
        transaction.publish(*events)
        transaction.publish()
    database.close()

    bodies = {queue: [body for q, _, body in sender.sent if q == queue] for queue, _, _ in sender.sent}
    assert bodies["events"] == [encode(event) for event in events]
    assert bodies["orders.fifo"] == [encode(event) for event in orders]
    assert [decode(body, SignalRaised) for body in bodies["signals"]] == events[:1]
    assert {group for queue, group, _ in sender.sent if queue == "orders.fifo"} == {"main:binance:BTC/USDT"}
    assert {group for queue, group, _ in sender.sent if queue in ("events", "signals")} == {None}
    assert [(queue, group) for queue, group, _ in sender.sent if queue == "pushes.fifo"] == [("pushes.fifo", "signals")]
    assert bodies["pushes.fifo"] == [encode(events[0])]
    with psycopg.connect(database_dsn) as connection:
        journal = dict(connection.execute("SELECT id::text, data FROM events").fetchall())
        waiting = connection.execute("SELECT count(*) FROM outbox WHERE published_at IS NULL").fetchone()
    assert journal == {event.id: event.data.model_dump(mode="json") for event in events}
    assert waiting == (0,)
