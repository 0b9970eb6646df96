"""Watching: a snapshot, then every update in order and once, whatever gets lost on the way."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.transaction import START
from tests.unit.push.stage import Stage, order_event, quote_event
from volexswarm.errors import Conflict, InvalidInput, Unavailable
from volexswarm.messages import AccountOpened, Channel, Event, FillRecorded, Side
from volexswarm.push.model import Limits
from volexswarm.security.roles import Role


@pytest.fixture
def stage():
    stage = Stage()
    stage.enter("ann", "bob")
    return stage


def numbers(messages):
    return [message["number"] for message in messages if message["type"] == "update"]


def test_a_subscription_begins_with_a_snapshot_and_goes_on_with_numbered_updates(stage):
    stage.happen(order_event(1))
    (begun,) = stage.say("ann", "subscribe", channel="orders", id="7")
    assert (begun["type"], begun["id"], begun["number"], begun["epoch"]) == ("subscribed", "7", 1, "epoch-1")
    assert begun["snapshot"] == {"of": "orders", "filters": {}}
    stage.happen(order_event(2), order_event(3))
    updates = stage.heard("ann")
    assert [(u["number"], u["after"]) for u in updates] == [(2, 1), (3, 2)]
    first = updates[0]
    assert (first["channel"], first["event"], first["simulated"]) == ("orders", "OrderChanged", True)
    assert first["data"]["filled"] == "2"
    assert stage.heard("bob") == []


def test_what_is_delivered_twice_is_told_once(stage):
    stage.say("ann", "subscribe", channel="orders")
    stage.happen(order_event(1))
    stage.happen(order_event(1), order_event(2))
    assert numbers(stage.heard("ann")) == [1, 2]


def test_an_update_from_between_the_snapshot_and_its_sending_follows_it(stage):
    ask = stage.snapshots.snapshot

    def slowly(*arguments):
        answer = ask(*arguments)
        stage.happen(order_event(1))  # while the snapshot is on its way
        return answer

    stage.snapshots.snapshot = slowly
    begun, update = stage.say("ann", "subscribe", channel="orders")
    assert (begun["type"], begun["number"], update["number"], update["after"]) == ("subscribed", 0, 1, 0)


def test_filters_let_through_what_names_their_values_and_leave_no_gap(stage):
    stage.say("ann", "subscribe", channel="orders", filters={"symbol": ["BTC/USDT"]})
    stage.happen(order_event(1), order_event(2, "ETH/USDT"))
    stage.happen(order_event(3, "ETH/USDT"))
    stage.happen(order_event(4))
    assert [(u["number"], u["after"]) for u in stage.heard("ann")] == [(1, 0), (4, 1)]


def test_subscribing_again_replaces_the_filters(stage):
    stage.say("ann", "subscribe", channel="orders", filters={"symbol": ["BTC/USDT"]})
    stage.say("ann", "subscribe", channel="orders", filters={"event": ["OrderChanged"], "symbol": ["ETH/USDT"]})
    stage.happen(order_event(1), order_event(2, "ETH/USDT"))
    assert numbers(stage.heard("ann")) == [2]


def unjudged(stage):
    stage.snapshots.failing = InvalidInput("symbol", "DOGE/USDT", "a market that is traded")


def without_snapshot(stage):
    stage.snapshots.failing = Unavailable("database", "away")


def undelivered(stage):
    stage.outlet.refuses = lambda frame: "subscribed" in frame


def placeless(stage):
    def away(*_):
        raise Unavailable("updates", "away")

    stage.log.place = away


@pytest.mark.parametrize("hindrance", [unjudged, without_snapshot, undelivered, placeless])
def test_a_refused_subscription_leaves_the_one_that_runs(stage, hindrance):
    stage.say("ann", "subscribe", channel="orders", filters={"symbol": ["BTC/USDT"]})
    stage.happen(order_event(1))
    hindrance(stage)
    *_, error = stage.say("ann", "subscribe", channel="orders", filters={"symbol": ["DOGE/USDT"]})
    assert error["type"] == "error"
    stage.happen(order_event(2, "DOGE/USDT"), order_event(3))
    assert [(u["number"], u["after"]) for u in stage.heard("ann")] == [(3, 1)]


def test_an_update_amid_another_subscription_comes_by_its_filters_once_it_has_begun(stage):
    """Between snapshot and first frame, and between first frame and storing: no update is lost, none comes by both filters."""
    stage.say("ann", "subscribe", channel="orders", filters={"symbol": ["BTC/USDT"]})
    ask, post = stage.snapshots.snapshot, stage.outlet.post

    def slowly(*arguments):
        answer = ask(*arguments)
        stage.happen(order_event(1), order_event(2, "ETH/USDT"))
        return answer

    def posted(frames, seconds):
        outcome = post(frames, seconds)
        if any("subscribed" in frame for _, frame in frames):
            stage.happen(order_event(3), order_event(4, "ETH/USDT"))
        return outcome

    stage.snapshots.snapshot, stage.outlet.post = slowly, posted
    before, begun, *updates = stage.say("ann", "subscribe", channel="orders", filters={"symbol": ["ETH/USDT"]})
    assert (before["type"], before["number"]) == ("update", 1)  # what ran until then
    assert (begun["type"], begun["number"]) == ("subscribed", 0)
    assert [(u["number"], u["after"]) for u in updates] == [(2, 0), (4, 2)]
    stage.happen(order_event(5), order_event(6, "ETH/USDT"))
    assert [(u["number"], u["after"]) for u in stage.heard("ann")] == [(6, 4)]


def test_after_unsubscribing_nothing_comes(stage):
    stage.say("ann", "subscribe", channel="orders")
    assert stage.say("ann", "unsubscribe", channel="orders", id="x") == [
        {"type": "unsubscribed", "channel": "orders", "id": "x"}
    ]
    stage.happen(order_event(1))
    assert stage.heard("ann") == []
    (error,) = stage.say("ann", "unsubscribe", channel="orders")
    assert error["code"] == "InvalidInput"


def test_a_client_that_comes_back_gets_what_it_has_missed(stage):
    (begun,) = stage.say("ann", "subscribe", channel="orders")
    stage.happen(order_event(1))
    stage.gate.disconnect("ann")
    stage.happen(order_event(2), order_event(3, "ETH/USDT"), order_event(4))
    stage.enter("ann-again")
    words = {"channel": "orders", "epoch": begun["epoch"], "number": 1, "filters": {"symbol": ["BTC/USDT"]}}
    resumed, *missed = stage.say("ann-again", "resume", **words)
    assert (resumed["type"], resumed["number"]) == ("resumed", 1)
    assert [(u["number"], u["after"]) for u in missed] == [(2, 1), (4, 2)]


@pytest.mark.parametrize(("epoch", "number"), [("another", 1), ("epoch-1", 99), ("epoch-1", 0)])
def test_a_client_whose_place_is_gone_begins_again(epoch, number):
    stage = Stage(kept=2)
    stage.enter("ann")
    stage.happen(*(order_event(n) for n in range(5)))
    (reset,) = stage.say("ann", "resume", channel="orders", epoch=epoch, number=number)
    assert (reset["type"], reset["number"], reset["epoch"]) == ("reset", 5, "epoch-1")
    assert reset["snapshot"] == {"of": "orders", "filters": {}}
    stage.happen(order_event(6))
    assert numbers(stage.heard("ann")) == [6]


def test_when_the_log_is_lost_everybody_begins_again_by_itself(stage):
    stage.say("ann", "subscribe", channel="orders")
    stage.happen(order_event(1))
    stage.heard("ann")
    stage.log.lose()
    stage.happen(order_event(2))
    (reset,) = stage.heard("ann")
    assert (reset["type"], reset["epoch"], reset["number"]) == ("reset", "epoch-2", 1)
    stage.happen(order_event(3))
    assert numbers(stage.heard("ann")) == [2]


def test_who_must_begin_again_waits_for_a_snapshot_that_can_be_had(stage):
    stage.say("ann", "subscribe", channel="orders")
    stage.log.lose()
    stage.snapshots.failing = Unavailable("database", "away")
    stage.happen(order_event(2))
    assert stage.heard("ann") == []
    stage.snapshots.failing = None
    assert [m["type"] for m in stage.say("ann", "ping")] == ["pong", "reset"]


def refusing(stage, error, symbol="ETH/USDT"):
    """From here on there is no snapshot for filters that name the symbol."""
    ask = stage.snapshots.snapshot

    def snapshot(channel, filters, principal):
        if symbol in filters.get("symbol", ()):
            raise error
        return ask(channel, filters, principal)

    stage.snapshots.snapshot = snapshot


def both_watch(stage):
    stage.say("ann", "subscribe", channel="orders", filters={"symbol": ["ETH/USDT"]})
    stage.say("bob", "subscribe", channel="orders", filters={"symbol": ["BTC/USDT"]})


@pytest.mark.parametrize("error", [Conflict("0e9e fits several tasks"), RuntimeError("broken")])
def test_one_whose_snapshot_cannot_be_had_is_told_and_holds_up_nobody(stage, error):
    both_watch(stage)
    refusing(stage, error)
    stage.log.lose()
    stage.happen(order_event(1), order_event(2, "ETH/USDT"))
    assert [m["type"] for m in stage.heard("bob")] == ["reset"]
    (told,) = stage.heard("ann")
    assert (told["type"], told["channel"], told["code"]) == ("error", "orders", type(error).__name__)
    assert set(stage.state.subscriptions) == {("bob", Channel.ORDERS)}
    stage.happen(order_event(3), order_event(4, "ETH/USDT"))
    assert (numbers(stage.heard("bob")), stage.heard("ann")) == ([3], [])


def test_a_subscription_without_snapshot_ends_only_once_its_client_has_been_told(stage):
    both_watch(stage)
    refusing(stage, Conflict("0e9e fits several tasks"))
    stage.log.lose()
    stage.outlet.slow = {"ann"}
    stage.happen(order_event(1))
    assert set(stage.state.subscriptions) == {("ann", Channel.ORDERS), ("bob", Channel.ORDERS)}
    stage.outlet.slow = set()
    assert [m["type"] for m in stage.say("ann", "ping")] == ["pong", "error"]
    assert set(stage.state.subscriptions) == {("bob", Channel.ORDERS)}


def test_a_subscription_that_was_replaced_meanwhile_does_not_end(stage):
    both_watch(stage)
    refusing(stage, Conflict("0e9e fits several tasks"))
    stage.log.lose()
    post = stage.outlet.post

    def replaced(frames, seconds):
        stage.outlet.post = post
        outcome = post(frames, seconds)
        stage.say_raw("ann", "subscribe", channel="orders")
        return outcome

    refused = [one for one in stage.state.subscribers(Channel.ORDERS) if one.subscription.connection_id == "ann"]
    stage.outlet.post = replaced
    stage.courier.serve(Channel.ORDERS, refused, 10)
    assert [m["type"] for m in stage.heard("ann")] == ["error", "subscribed"]
    stage.happen(order_event(1))
    assert numbers(stage.heard("ann")) == [1]


def test_one_that_left_without_a_snapshot_is_forgotten(stage):
    both_watch(stage)
    refusing(stage, Conflict("0e9e fits several tasks"))
    stage.log.lose()
    stage.outlet.left = {"ann"}
    stage.happen(order_event(1))
    assert set(stage.state.clients) == {"bob"}


def test_nobody_waits_for_the_snapshot_of_another(stage):
    both_watch(stage)
    stage.log.forget(Channel.ORDERS, ["ann"])
    heard = []
    ask = stage.snapshots.snapshot

    def late(*arguments):
        heard.extend(stage.heard("bob"))
        return ask(*arguments)

    stage.snapshots.snapshot = late
    stage.happen(order_event(1))
    assert numbers(heard) == [1]
    assert [m["type"] for m in stage.heard("ann")] == ["reset"]


def test_snapshots_are_taken_as_long_as_there_is_time(stage):
    both_watch(stage)
    stage.log.lose()
    ask = stage.snapshots.snapshot

    def slow(*arguments):
        stage.clock.advance(timedelta(seconds=11))
        return ask(*arguments)

    stage.snapshots.snapshot = slow
    stage.happen(order_event(1))
    assert [len(stage.heard(one)) for one in ("ann", "bob")] == [1, 0]
    stage.happen(order_event(2))
    assert [m["type"] for m in stage.heard("bob")] == ["reset"]


def test_what_fails_in_one_channel_does_not_keep_the_keeper_from_the_next(stage):
    for channel in ("orders", "tasks"):
        stage.say("ann", "subscribe", channel=channel)
    cursors = stage.log.cursors

    def broken(channel, connections):
        if channel is Channel.ORDERS:
            raise RuntimeError("broken")
        return cursors(channel, connections)

    stage.log.cursors = broken
    stage.log.forget(Channel.TASKS, ["ann"])
    stage.keeper.look_after_if_due(lambda: 10.0)
    assert [(m["type"], m["channel"]) for m in stage.heard("ann")] == [("reset", "tasks")]


def test_a_farewell_takes_none_of_the_time_of_those_who_stay(stage):
    stage.enter("early", minutes=1)
    for client in ("early", "bob"):
        stage.say(client, "subscribe", channel="orders")
    stage.clock.advance(timedelta(minutes=2))
    heard = []
    stage.outlet.close = lambda *_: heard.extend(stage.heard("bob"))
    stage.happen(order_event(1))
    assert numbers(heard) == [1]
    assert set(stage.state.clients) == {"ann", "bob"}


def test_a_slow_client_gets_every_order_later(stage):
    stage.say("ann", "subscribe", channel="orders")
    stage.outlet.slow = {"ann"}
    stage.happen(order_event(1))
    stage.happen(order_event(2))
    stage.outlet.slow = set()
    stage.happen(order_event(3))
    assert stage.heard("ann") == []  # it is let be for a moment
    stage.clock.advance(timedelta(seconds=2))
    stage.happen(order_event(4))
    assert numbers(stage.heard("ann")) == [1, 2, 3, 4]


def test_a_slow_client_gets_only_the_newest_quote_of_each_symbol(stage):
    stage.say("ann", "subscribe", channel="quotes")
    stage.outlet.slow = {"ann"}
    for n in range(3):
        stage.happen(quote_event(n, "BTC/USDT", "ETH/USDT"))
    stage.outlet.slow = set()
    stage.clock.advance(timedelta(seconds=2))
    updates = [m for m in stage.say("ann", "ping") if m["type"] == "update"]
    assert [(u["number"], u["after"], u["data"]["symbol"], u["data"]["bid"]) for u in updates] == [
        (5, 0, "BTC/USDT", "102"),
        (6, 5, "ETH/USDT", "102"),
    ]


def test_an_old_quote_is_no_news(stage):
    stage.say("ann", "subscribe", channel="quotes")
    late = quote_event(1)
    stage.clock.advance(timedelta(seconds=6))
    stage.happen(late)
    assert stage.heard("ann") == []


def test_a_client_that_is_gone_is_forgotten_and_holds_up_nobody(stage):
    for client in ("ann", "bob"):
        stage.say(client, "subscribe", channel="orders")
    stage.outlet.left = {"ann"}
    stage.happen(order_event(1))
    assert numbers(stage.heard("bob")) == [1]
    assert set(stage.state.clients) == {"bob"}
    assert set(stage.log.places[Channel.ORDERS]) == {"bob"}


def test_a_store_that_is_away_loses_nothing(stage, monkeypatch, caplog):
    stage.say("ann", "subscribe", channel="orders")

    def away(*_):
        raise Unavailable("database", "away")

    with monkeypatch.context() as patch:
        patch.setattr(stage.state.__class__, "subscribers", away)
        stage.happen(order_event(1))
    assert "told later" in caplog.text
    stage.happen(order_event(2))
    assert numbers(stage.heard("ann")) == [1, 2]


def test_nobody_is_told_what_no_channel_carries(stage):
    data = AccountOpened(venue="binance", account="main", balances={}, as_of=stage.clock.now())
    event = Event.root(data, source="x", subject="x", identity="x", time=stage.clock.now())
    with pytest.raises(InvalidInput, match="people watch"):
        stage.broadcaster.record(event)


def test_an_event_of_two_channels_is_numbered_in_each(stage):
    stage.log.append(Channel.ORDERS, "before", [])
    stage.say("ann", "subscribe", channel="portfolio")
    stage.say("bob", "subscribe", channel="orders")
    stage.happen(order_event(1), fill_event())
    assert [m["event"] for m in stage.heard("bob")] == ["OrderChanged", "FillRecorded"]
    assert [(m["event"], m["number"]) for m in stage.heard("ann")] == [("FillRecorded", 1)]


def fill_event():
    one = Decimal(1)
    data = FillRecorded(
        venue="binance", symbol="BTC/USDT", account="main", order_id="o1", trade_id="t", side=Side.BUY, price=one,
        amount=one, fee=one, fee_currency="USDT", realised_pnl=one, position_amount=one, position_average_price=one,
        as_of=START,
    )  # fmt: skip
    return Event.root(data, source="execution", subject=data.key, identity="fill", time=START)


def test_many_updates_are_split_into_frames_and_none_is_too_long():
    stage = Stage(limits=Limits(frame_bytes=2000))
    stage.enter("ann")
    stage.say("ann", "subscribe", channel="orders")
    stage.happen(*(order_event(n) for n in range(20)))
    frames = stage.outlet.frames["ann"]
    assert len(frames) > 1
    assert max(map(len, frames)) <= 2000
    assert numbers(stage.heard("ann")) == list(range(1, 21))


def test_what_is_longer_than_a_frame_is_named_and_left_out():
    stage = Stage(limits=Limits(frame_bytes=300))
    stage.enter("ann")
    stage.say("ann", "subscribe", channel="orders")
    stage.happen(order_event(1))
    (update,) = stage.heard("ann")
    assert (update["number"], update["data"]) == (1, None)
    assert "HTTP API" in update["omitted"]


def test_a_viewer_watches_what_a_viewer_may_read(stage):
    stage.enter("vic", role=Role.VIEWER)
    for channel in Channel:
        (begun,) = stage.say("vic", "subscribe", channel=channel.value)
        assert begun["type"] == "subscribed"


STEPS = ("btc", "eth", "twice", "slow", "quick", "leave", "back", "again", "lose", "ping")


@given(st.lists(st.sampled_from(STEPS), max_size=40))
def test_whatever_happens_a_client_that_follows_the_protocol_misses_no_order(steps):
    """The client keeps the numbers it has, drops what it has already, and asks again from there when it comes back."""
    stage = Stage(kept=10)
    client = _Follower(stage)
    happened = []

    def order(symbol):
        happened.append(order_event(len(happened), symbol))
        stage.happen(happened[-1])

    deeds = {
        "btc": lambda: order("BTC/USDT"),
        "eth": lambda: order("ETH/USDT"),
        "twice": lambda: stage.happen(*happened[-1:]),
        "slow": lambda: stage.outlet.slow.add(client.name),
        "quick": stage.outlet.slow.clear,
        "leave": client.leave,
        "back": client.come_back,
        "again": client.subscribe,
        "lose": stage.log.lose,
        "ping": client.ping,
    }
    for step in [*steps, "quick", "back", "ping"]:
        deeds[step]()
        stage.clock.advance(timedelta(seconds=2))
        client.listen()
    assert client.state == {event.data.symbol: str(event.data.filled) for event in happened}


class _Follower:
    """A client that keeps the latest order of each symbol, from snapshots and updates alike."""

    def __init__(self, stage):
        self.stage, self.names, self.here = stage, 0, False
        self.state, self.last, self.epoch = {}, 0, ""
        self.truth = {}
        record = stage.broadcaster.record

        def remembered(event):
            self.truth[event.data.symbol] = str(event.data.filled)
            return record(event)

        stage.broadcaster.record = remembered
        stage.snapshots.snapshot = lambda *_: dict(self.truth)
        self.come_back()

    @property
    def name(self):
        return f"client-{self.names}"

    def leave(self):
        if self.here:
            self.listen()
            self.stage.outlet.left.add(self.name)
            self.here = False

    def come_back(self):
        if self.here:
            return
        self.names += 1
        self.here = True
        self.stage.outlet.slow.clear()
        self.stage.enter(self.name)
        if self.epoch:
            self.stage.say_raw(self.name, "resume", channel="orders", epoch=self.epoch, number=self.last)
        else:
            self.stage.say_raw(self.name, "subscribe", channel="orders")
        self.listen()

    def subscribe(self):
        """Anew, over the same connection; if the answer can't be delivered, what ran goes on."""
        if self.here:
            self.stage.say_raw(self.name, "subscribe", channel="orders")

    def ping(self):
        if self.here:
            self.stage.say_raw(self.name, "ping")

    def listen(self):
        if not self.here:
            return
        for message in self.stage.heard(self.name):
            if message["type"] in ("subscribed", "reset"):
                self.state, self.last, self.epoch = dict(message["snapshot"]), message["number"], message["epoch"]
            elif message["type"] == "update" and message["number"] > self.last:
                assert message["after"] <= self.last
                self.state[message["data"]["symbol"]] = message["data"]["filled"]
                self.last = message["number"]
