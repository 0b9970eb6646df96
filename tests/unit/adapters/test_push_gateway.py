"""The way to connected clients: however slow they are, it takes no longer than it is given."""

import threading
import time

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from volexswarm.adapters.push_gateway import ApiGatewayOutlet
from volexswarm.errors import Unavailable
from volexswarm.push.model import Delivery

GONE = ClientError({"Error": {"Code": "GoneException"}, "ResponseMetadata": {"HTTPStatusCode": 410}}, "Post")
BUSY = ClientError({"Error": {"Code": "LimitExceeded"}, "ResponseMetadata": {"HTTPStatusCode": 429}}, "Post")


class Connections:
    """@connections, where clients do as they are said to: an error, or `hangs`, which is to answer at the test's end."""

    def __init__(self, **clients):
        self.clients = clients
        self.taken = []
        self.over = threading.Event()

    def post_to_connection(self, *, ConnectionId, Data):  # noqa: N803 - as boto3 names them
        self._meet(ConnectionId)
        self.taken.append((ConnectionId, Data.decode()))

    def get_connection(self, *, ConnectionId):  # noqa: N803
        self._meet(ConnectionId)

    delete_connection = get_connection

    def _meet(self, client):
        way = self.clients.get(client)
        if way == "hangs":
            self.over.wait(10)
        elif way is not None:
            raise way


@pytest.fixture
def meet():
    met = []

    def outlet(**clients):
        met.append(Connections(**clients))
        return met[-1], ApiGatewayOutlet("https://gateway", met[-1])

    yield outlet
    for api in met:
        api.over.set()


def test_each_client_gets_its_frames_in_order(meet):
    api, outlet = meet(gone=GONE, busy=BUSY, silent=ReadTimeoutError(endpoint_url="https://gateway"))
    frames = [(one, str(n)) for n in range(3) for one in ("ann", "gone", "busy", "silent")]
    assert outlet.post(frames, 5) == {
        "ann": Delivery.DONE,
        "gone": Delivery.GONE,
        "busy": Delivery.SLOW,
        "silent": Delivery.SLOW,
    }
    assert api.taken == [("ann", "0"), ("ann", "1"), ("ann", "2")]


@pytest.mark.parametrize("others", [(), ("ann",)])
@pytest.mark.parametrize(
    "ask",
    [
        lambda outlet, ids: outlet.post([(one, "x") for one in ids], 0.2),
        lambda outlet, ids: outlet.close(ids, 0.2),
        lambda outlet, ids: outlet.gone(ids, 0.2),
    ],
    ids=["post", "close", "gone"],
)
def test_a_client_that_hangs_takes_no_more_than_the_time_there_is(meet, ask, others):
    _, outlet = meet(slow="hangs")
    started = time.monotonic()
    ask(outlet, ["slow", *others])
    assert time.monotonic() - started < 5


def test_who_is_gone_is_who_the_gateway_does_not_know(meet):
    _, outlet = meet(gone=GONE, busy=BUSY)
    assert outlet.gone(["ann", "gone", "busy"], 5) == {"gone"}


def test_without_a_gateway_nobody_is_connected():
    with pytest.raises(Unavailable, match="VOLEX_PUSH_URL"):
        ApiGatewayOutlet(None).post([("ann", "x")], 1)
