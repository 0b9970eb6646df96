"""Connections and subscriptions in a real PostgreSQL."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.push import principal
from tests.fakes.transaction import START
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.outbox import Relay
from volexswarm.adapters.postgres.push import PushTransaction
from volexswarm.adapters.postgres.store import PostgresStore
from volexswarm.messages import Channel
from volexswarm.push.model import Connection, Subscriber, Subscription
from volexswarm.security.roles import Role

ANN = Connection("c1", principal(Role.TRADER, "ann"), START, START)
BOB = Connection("c2", principal(Role.VIEWER, "bob"), START + timedelta(seconds=1), START)
ORDERS = Subscription("c1", Channel.ORDERS, {"symbol": ("BTC/USDT", "ETH/USDT")})


class Nobody:
    def send(self, queue, messages):
        raise AssertionError("nothing is published here")


@pytest.fixture
def store(database_dsn):
    database = Database(lambda: database_dsn)
    yield PostgresStore(database, PushTransaction, Relay(database, Nobody()))
    database.close()


@pytest.fixture
def tx(store):
    with store.transaction() as tx:
        tx.add_connection(ANN)
        tx.add_connection(BOB)
        yield tx


def test_connections_come_back_as_they_were(tx):
    tx.add_connection(replace(ANN, seen_at=START + timedelta(hours=1)))  # a second delivery changes nothing
    assert tx.connection_of("c1") == ANN
    assert tx.connection_of("c9") is None
    assert tx.connections() == [ANN, BOB]
    tx.lock_door()
    assert tx.count("ann") == (2, 1)
    later = START + timedelta(minutes=5)
    newer = replace(ANN.principal, token_id="newer", expires_at=later, role=Role.VIEWER, permissions=frozenset())
    tx.seen("c1", later)
    tx.renew("c1", newer)
    assert tx.connection_of("c1") == Connection("c1", newer, START, later)


def test_a_subscription_comes_back_with_who_holds_it(tx):
    assert tx.subscribers(Channel.ORDERS) == []
    tx.put_subscription(ORDERS)
    expected = [Subscriber(ORDERS, ANN.principal)]
    assert tx.subscribers(Channel.ORDERS) == expected
    assert tx.subscribers_of("c1") == expected
    assert tx.subscribers(Channel.QUOTES) == tx.subscribers_of("c2") == []


def test_a_subscription_that_rests_goes_on_as_it_was_or_is_replaced(tx):
    tx.rest("c1", Channel.ORDERS)  # where there is none nothing happens
    tx.go_on("c1", Channel.ORDERS)
    assert tx.subscribers_of("c1") == []
    tx.put_subscription(ORDERS)
    tx.rest("c1", Channel.ORDERS)
    assert tx.subscribers(Channel.ORDERS) == tx.subscribers_of("c1") == []
    tx.go_on("c1", Channel.ORDERS)
    assert tx.subscribers(Channel.ORDERS) == [Subscriber(ORDERS, ANN.principal)]
    tx.rest("c1", Channel.ORDERS)
    tx.put_subscription(replace(ORDERS, filters={}))
    assert [one.subscription.filters for one in tx.subscribers(Channel.ORDERS)] == [{}]


def test_with_a_connection_go_its_subscriptions(tx):
    tx.put_subscription(ORDERS)
    tx.remove_connections(["c1", "unknown"])
    assert tx.subscribers(Channel.ORDERS) == []
    tx.put_subscription(ORDERS)  # of one that has left meanwhile
    assert tx.subscribers(Channel.ORDERS) == []


def test_just_the_subscription_that_is_meant_ends(tx):
    tx.put_subscription(replace(ORDERS, filters={}))
    assert not tx.end_subscription(ORDERS)
    tx.put_subscription(ORDERS)
    assert [tx.end_subscription(ORDERS) for _ in range(2)] == [True, False]


def test_a_subscription_is_taken_back_once(tx):
    tx.put_subscription(ORDERS)
    assert [tx.remove_subscription("c1", Channel.ORDERS) for _ in range(2)] == [True, False]
