"""Tickets: which address they are good at."""

from __future__ import annotations

import pytest
from chalice.test import Client

from chalicelib.runtime import wiring
from tests.fakes.api import SETTINGS
from tests.unit.api.test_routes import ask, error_of

OWN = "https://abc.execute-api.eu-west-1.amazonaws.com/live"


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({"push_url": OWN}, "wss://abc.execute-api.eu-west-1.amazonaws.com/live"),
        ({"push_url": "http://127.0.0.1:14566/x/live"}, "ws://127.0.0.1:14566/x/live"),
        ({"push_url": "http://127.0.0.1:14566/x/live", "socket_url": "ws://127.0.0.1:8005"}, "ws://127.0.0.1:8005"),
    ],
)
def test_a_ticket_names_the_address_where_clients_connect(
    client: Client, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], address: str
) -> None:
    monkeypatch.setattr(wiring, "settings", lambda: SETTINGS.model_copy(update=settings))
    given = ask(client, "POST", "/ws/ticket", {}).json_body["data"]
    assert given["url"] == address
    policy = client.http.get("/tasks/page").headers["Content-Security-Policy"]
    assert address.removesuffix("/live").removesuffix("/x") in policy


def test_a_proxy_alone_is_no_websocket_api(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = {"push_url": None, "socket_url": "ws://127.0.0.1:8005"}
    monkeypatch.setattr(wiring, "settings", lambda: SETTINGS.model_copy(update=changed))
    refused = ask(client, "POST", "/ws/ticket", {})
    assert refused.status_code == 404
    assert error_of(refused)["code"] == "not_found"
