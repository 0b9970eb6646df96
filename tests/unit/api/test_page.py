"""The control page: public, without a secret, and allowed to do no more than it needs."""

from __future__ import annotations

import base64
import hashlib
import re

from chalice.test import Client

from tests.fakes.api import FakeSwarm


def test_it_is_shown_to_anybody_and_asks_nothing_of_the_swarm(client: Client, swarm: FakeSwarm) -> None:
    response = client.http.get("/control/page")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert b"STOP ALL TRADING" in response.body
    assert swarm.asked == []


def test_it_may_run_its_own_script_and_nothing_else(client: Client) -> None:
    response = client.http.get("/control/page")
    policy = dict(part.split(" ", 1) for part in response.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    text = response.body.decode()
    for tag in ("script", "style"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert policy[f"{tag}-src"] == f"'sha256-{digest}'"


def test_it_needs_nothing_from_elsewhere_and_keeps_nothing(client: Client) -> None:
    text = client.http.get("/control/page").body.decode()
    assert re.findall(r"https?://|\bsrc=|\bhref=|@import|url\(", text) == []
    assert re.findall(r"localStorage|sessionStorage|document\.cookie|indexedDB|innerHTML|\bon\w+=", text) == []
