"""Outbox and inbox on a real PostgreSQL: published if and only if committed, sent at least once, answered once."""

import contextlib
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.outbox import Relay, recall
from volexswarm.adapters.postgres.store import PostgresStore, PostgresTransaction
from volexswarm.errors import InvalidInput, Unavailable
from volexswarm.messages import (
    MAX_MESSAGE_BYTES,
    AcceptDifference,
    CancelOrder,
    DifferenceFound,
    Event,
    OrderApproved,
    PlaceSlice,
    ReviewProtections,
    SignalRaised,
)

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
AT_ONCE = timedelta(seconds=-1)


class Crash(Exception):
    """What ends a transaction midway."""


class Sender:
    """Remembers what was sent; refuses everything while `away`, the ids in `refused`, and fails for queues in `broken`."""

    def __init__(self):
        self.sent, self.away, self.refused, self.broken = [], False, set(), {}

    def send(self, queue, messages):
        if self.away:
            raise Unavailable("queue", "away")
        if queue in self.broken:
            raise self.broken[queue]
        accepted = [message for message in messages if message[0] not in self.refused]
        self.sent += [(queue, event_id) for event_id, _, _ in accepted]
        return {event_id for event_id, _, _ in accepted}


def event(identity, reason="test"):
    data = SignalRaised(
        venue="binance", symbol="BTC/USDT", strategy_id="s", strategy="rsi", side="buy", confidence=0.5,
        price=Decimal(1), as_of=NOON, reason=reason,
    )  # fmt: skip
    return Event.root(data, source="test", subject="binance:BTC/USDT", identity=identity, time=NOON)


@pytest.fixture
def sender():
    return Sender()


@pytest.fixture
def database(database_dsn):
    database = Database(lambda: database_dsn)
    yield database
    database.close()


@pytest.fixture
def relay(database, sender):
    return Relay(database, sender)


@pytest.fixture
def store(database, relay):
    return PostgresStore(database, PostgresTransaction, relay)


def publish(store, *identities):
    with store.transaction() as tx:
        tx.publish(*(event(identity) for identity in identities))


def test_what_is_committed_is_sent_to_its_own_queue_and_to_events_and_then_to_those_who_watch(store, sender):
    publish(store, "1")
    assert sender.sent == [(queue, event("1").id) for queue in ("events", "signals", "pushes.fifo")]


def test_what_is_rolled_back_is_neither_sent_nor_journalled(store, sender, database):
    with contextlib.suppress(Crash), store.transaction() as tx:
        tx.publish(event("1"))
        raise Crash
    with database.connection() as connection:
        assert connection.execute("SELECT count(*) AS n FROM events").fetchone()["n"] == 0
    assert sender.sent == []


def test_the_sweep_sends_what_a_crash_or_an_outage_left_behind_and_only_once(store, sender, relay):
    sender.away = True
    publish(store, "1", "2")
    sender.away = False
    assert relay.sweep(older_than=AT_ONCE) == 6
    assert relay.sweep(older_than=AT_ONCE) == 0
    assert len(sender.sent) == 6


def test_a_message_that_the_queue_refused_stays_for_the_next_sweep(store, sender, relay):
    sender.refused = {event("1").id}
    publish(store, "1", "2")
    sender.refused = set()
    assert relay.sweep(older_than=AT_ONCE) == 3


@pytest.mark.parametrize("failure", [Unavailable("queue events", "away"), InvalidInput("message", "1 GB", "less")])
def test_a_queue_that_fails_keeps_its_messages_and_holds_up_no_other(store, sender, relay, caplog, failure):
    sender.away = True
    publish(store, "1", "2", "3")
    sender.away, sender.broken = False, {"events": failure}
    assert relay.sweep(older_than=AT_ONCE, limit=2) == 4  # also where the failing queue alone would fill the sweep
    assert relay.sweep(older_than=AT_ONCE, limit=2) == 2
    assert "for queue events" in caplog.text
    sender.broken = {}
    assert relay.sweep(older_than=AT_ONCE) == 3
    assert sorted(sender.sent) == sorted((q, event(i).id) for q in ("events", "pushes.fifo", "signals") for i in "123")


def test_what_one_queue_took_at_once_is_not_sent_again_because_another_failed(store, sender, relay):
    sender.broken = {"signals": Unavailable("queue signals", "away")}
    publish(store, "1")
    sender.broken = {}
    assert relay.sweep(older_than=AT_ONCE) == 1
    assert sender.sent == [(queue, event("1").id) for queue in ("events", "pushes.fifo", "signals")]


def test_what_no_queue_could_take_is_refused_before_anything_is_stored(store, sender, database):
    def answer(long):
        with store.transaction() as tx:
            tx.first_delivery("risk", event("1").id)
            tx.publish(long)

    with pytest.raises(InvalidInput, match=r"SignalRaised.*bytes"):
        answer(event("1", reason="x" * MAX_MESSAGE_BYTES))
    with database.connection() as connection:
        stored = connection.execute(
            "SELECT (SELECT count(*) FROM inbox) + (SELECT count(*) FROM outbox) AS n"
        ).fetchone()
    assert (stored["n"], sender.sent) == (0, [])


def test_the_sweep_keeps_the_order_of_a_queue(store, sender, relay):
    sender.away = True
    identities = [str(number) for number in range(30)]
    for identity in identities:
        publish(store, identity)
    sender.away = False
    relay.sweep(older_than=AT_ONCE)
    assert [event_id for queue, event_id in sender.sent if queue == "signals"] == [event(i).id for i in identities]


def test_a_message_is_answered_once_per_consumer(store):
    answers = []
    for consumer in ("risk", "risk", "monitor"):
        with store.transaction() as tx:
            answers.append(tx.first_delivery(consumer, event("1").id))
    assert answers == [True, False, True]


def test_an_answer_that_was_rolled_back_may_be_given_again(store):
    with contextlib.suppress(Crash), store.transaction() as tx:
        tx.first_delivery("risk", event("1").id)
        raise Crash
    with store.transaction() as tx:
        assert tx.first_delivery("risk", event("1").id)


def test_what_lost_queues_held_is_sent_again_and_what_was_answered_is_not(store, sender, relay, database):
    publish(store, "answered", "lost")
    with store.transaction() as tx:
        tx.first_delivery("risk", event("answered").id)
        tx.first_delivery("monitor", event("answered").id)
        tx.first_delivery("monitor", event("lost").id)
    sender.sent.clear()
    assert recall(database) == 1
    relay.sweep(older_than=AT_ONCE)
    assert sender.sent == [("signals", event("lost").id)]


ORDER, PLANNED, GONE, OPEN, SETTLED, SLICE = (str(uuid.UUID(int=number)) for number in range(1, 7))


@pytest.fixture
def trading(database_dsn):
    """An accepted order, a proposal that is worked in slices of which two are made, and a difference open and one settled."""
    with psycopg.connect(database_dsn) as connection:
        for proposal in (ORDER, PLANNED):
            connection.execute(
                "INSERT INTO proposals (id, signal_id, strategy_id, venue, account, symbol, side, order_type, amount,"
                " reference_price, sizing, state, as_of, proposed_at, correlation_id)"
                " VALUES (%(id)s, %(id)s, 's', 'binance', 'main', 'BTC/USDT', 'buy', 'market', 1, 1, '', 'approved', %(at)s,"
                " %(at)s, %(id)s)",
                {"id": proposal, "at": NOON},
            )
        connection.execute(
            "INSERT INTO orders (id, proposal_id, signal_id, strategy_id, client_order_id, venue, account, symbol, side,"
            " order_type, amount, reference_price, state, as_of, intended_at, updated_at, correlation_id)"
            " VALUES (%(id)s, %(id)s, %(id)s, 's', 'v1', 'binance', 'main', 'BTC/USDT', 'buy', 'market', 1, 1, 'accepted',"
            " %(at)s, %(at)s, %(at)s, %(id)s)",
            {"id": ORDER, "at": NOON},
        )
        connection.execute(
            "INSERT INTO order_plans (proposal_id, venue, account, symbol, profile, amount, slices, next_slice,"
            " interval_seconds, worst_price, started_at, updated_at, correlation_id)"
            " VALUES (%(id)s, 'binance', 'main', 'BTC/USDT', 'default', 1, 4, 2, 60, 1, %(at)s, %(at)s, %(id)s)",
            {"id": PLANNED, "at": NOON},
        )
        connection.execute(
            "INSERT INTO orders (id, proposal_id, signal_id, strategy_id, client_order_id, venue, account, symbol, side,"
            " order_type, amount, reference_price, state, purpose, as_of, intended_at, updated_at, correlation_id)"
            " VALUES (%(id)s, %(plan)s, %(plan)s, 's', 'v2', 'binance', 'main', 'BTC/USDT', 'buy', 'limit', 1, 1, 'filled',"
            " 'slice', %(at)s, %(at)s, %(at)s, %(plan)s)",
            {"id": SLICE, "plan": PLANNED, "at": NOON},
        )
        for difference, state in ((OPEN, "open"), (SETTLED, "accepted")):
            connection.execute(
                "INSERT INTO differences (id, venue, account, kind, subject, ours, theirs, cause, state, found_at, seen_at,"
                " as_of, correlation_id)"
                " VALUES (%(id)s, 'binance', 'main', 'balance', 'USDT', '1', '2', '', %(state)s, %(at)s, %(at)s, %(at)s, %(id)s)",
                {"id": difference, "state": state, "at": NOON},
            )


def command(kind, **fields):
    about = {"venue": "binance", "account": "main", "symbol": "BTC/USDT"}
    data = kind.model_validate({name: about[name] for name in about.keys() & kind.model_fields.keys()} | fields)
    return Event.root(data, source="test", subject="s", identity=repr(fields), time=NOON)


def approved(proposal):
    return command(
        OrderApproved, proposal_id=proposal, signal_id=proposal, strategy_id="s", side="buy", order_type="market",
        amount="1", reference_price="1", as_of=NOON,
    )  # fmt: skip


def accepted(difference):
    return command(
        AcceptDifference, difference_id=difference, ours="1", theirs="2", accepted_by="ann", reason="a deposit"
    )


@pytest.mark.parametrize(
    ("lost", "comes_again"),
    [
        (approved(GONE), True),
        (approved(PLANNED), False),
        (command(PlaceSlice, proposal_id=PLANNED, number=2, due_at=NOON), True),
        (command(PlaceSlice, proposal_id=PLANNED, number=1, due_at=NOON), False),
        (command(CancelOrder, order_id=ORDER, requested_by="ann", reason="r"), True),
        (command(CancelOrder, order_id=GONE, requested_by="ann", reason="r"), False),
        (command(CancelOrder, order_id=SLICE, requested_by="ann", reason="r"), True),
        (command(CancelOrder, proposal_id=PLANNED, requested_by="ann", reason="r"), True),
        (command(CancelOrder, proposal_id=GONE, requested_by="ann", reason="r"), False),
        (accepted(OPEN), True),
        (accepted(SETTLED), False),
        (command(ReviewProtections, order_id=ORDER), False),
    ],
)
def test_a_command_is_recalled_while_what_it_asks_for_is_not_done(
    store, relay, database, sender, trading, lost, comes_again
):
    with store.transaction() as tx:
        tx.publish(lost)
    with store.transaction() as tx:
        tx.first_delivery("monitor", lost.id)
    assert recall(database) == int(comes_again)


def test_an_acceptance_that_was_refused_is_not_recalled(store, database, sender, trading):
    lost = accepted(OPEN)
    changed = DifferenceFound(
        difference_id=OPEN, venue="binance", account="main", kind="balance", subject="USDT", ours="1", theirs="3", cause="",
        as_of=NOON,
    )  # fmt: skip
    told = Event.caused_by(lost, changed, source="execution", subject=OPEN, time=NOON)
    with store.transaction() as tx:
        tx.publish(lost, told)
    with store.transaction() as tx:
        assert all(tx.first_delivery("monitor", event.id) for event in (lost, told))
    assert recall(database) == 0


def test_a_connection_that_the_server_closed_is_replaced_unseen(store, database, database_dsn):
    publish(store, "1")
    with psycopg.connect(database_dsn, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    publish(store, "2")


def test_a_database_that_does_not_answer_is_unavailable():
    away = Database(lambda: "host=127.0.0.1 port=1 dbname=x user=x connect_timeout=1", timeout=0.5)
    with pytest.raises(Unavailable, match="database"), away.connection():
        pass


def test_a_database_that_takes_no_writes_is_unavailable(store, database, database_dsn):
    name = psycopg.conninfo.conninfo_to_dict(database_dsn)["dbname"]
    with psycopg.connect(database_dsn, autocommit=True) as owner:
        owner.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    with pytest.raises(Unavailable, match="read-only"), store.transaction() as tx:
        tx.publish(event("refused"))
