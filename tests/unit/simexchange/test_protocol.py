"""The protocol's own promises: who is let in, how much, and what becomes of a slow reader."""

import asyncio
import hmac
from hashlib import sha256

import pytest

from simexchange.binance.auth import Authenticator, Credentials, load_or_create, payload_of
from simexchange.binance.connection import Connection
from simexchange.binance.errors import ApiError
from simexchange.binance.weights import WeightMeter

NOW = 1_700_000_000_000
KEY = Credentials("key", "secret")


def ask(*, timestamp=NOW, window=None, key="key", secret="secret", tamper=""):
    query = f"symbol=BTCUSDT&timestamp={timestamp}" + (f"&recvWindow={window}" if window else "")
    signature = hmac.new(secret.encode(), query.encode(), sha256).hexdigest()
    parameters = dict(part.split("=") for part in f"{query}&signature={signature}".split("&"))
    payload = payload_of(f"{query}&signature={signature}{tamper}", "")
    return Authenticator(KEY, "main", lambda: NOW).signed(key, payload, parameters)


@pytest.mark.parametrize("asked", [{}, {"timestamp": NOW - 5_000}, {"timestamp": NOW - 9_000, "window": 9_000}])
def test_a_request_signed_in_time_is_let_in(asked):
    assert ask(**asked) == "main"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"timestamp": NOW - 5_001}, -1021),
        ({"timestamp": NOW + 1_001}, -1021),
        ({"window": 60_001}, -1131),
        ({"secret": "other"}, -1022),
        ({"tamper": "&quantity=9"}, -1022),
        ({"key": "other"}, -2015),
        ({"key": None}, -2014),
    ],
)
def test_a_request_that_is_late_forged_or_unknown_is_turned_away(asked, code):
    with pytest.raises(ApiError) as error:
        ask(**asked)
    assert error.value.code == code


def test_new_credentials_are_for_their_owner_only_and_stay(tmp_path):
    path = tmp_path / "credentials.json"
    made = load_or_create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_or_create(path) == made
    assert load_or_create(path, KEY) == load_or_create(path) == KEY


def test_who_asks_too_much_waits_for_the_next_minute_and_the_deaf_are_banned():
    seconds = [0.0]
    meter = WeightMeter(10, lambda: seconds[0])
    assert meter.charge("a", 10) == 10
    with pytest.raises(ApiError) as warned:
        meter.charge("a", 1)
    assert (warned.value.http, warned.value.retry_after) == (429, 61)
    assert meter.charge("b", 1) == 1
    seconds[0] = 61
    assert meter.charge("a", 1) == 1
    codes = []
    for _ in range(12):
        with pytest.raises(ApiError) as refused:
            meter.charge("a", 10)
        codes.append(refused.value.http)
    assert codes == [429] * 10 + [418] * 2


class Socket:
    """A client that reads nothing until it is told to."""

    def __init__(self):
        self.reading = asyncio.Event()
        self.received = []
        self.all_read = asyncio.Event()
        self.closed = None

    async def send_frame(self, message, _):
        await self.reading.wait()
        self.received.append(message)
        if message == b"last":
            self.all_read.set()

    async def close(self, *, code, message):
        self.closed = (code, message)


async def test_a_reader_that_is_hopelessly_behind_is_cut_off_without_holding_up_the_sender():
    socket = Socket()
    connection = Connection(socket, max_queued=5)
    writer = asyncio.create_task(connection.write())
    for n in range(8):
        connection.send(b"%d" % n)
    socket.reading.set()
    await asyncio.wait_for(writer, 5)
    assert connection.dropped
    assert socket.closed == (1008, b"too slow")


async def test_messages_are_sent_in_order():
    socket = Socket()
    socket.reading.set()
    connection = Connection(socket)
    writer = asyncio.create_task(connection.write())
    messages = [b"%d" % n for n in range(1000)] + [b"last"]
    for message in messages:
        connection.send(message)
    await asyncio.wait_for(socket.all_read.wait(), 5)
    writer.cancel()
    assert socket.received == messages
