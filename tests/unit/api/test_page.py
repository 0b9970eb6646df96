"""The pages: public, without a secret, and allowed to do no more than they need."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from chalice.test import Client

from chalicelib.runtime import wiring
from tests.fakes.api import SETTINGS, FakeSwarm
from tests.unit.api.test_routes import ENDPOINTS, ask

PAGES = {"/control/page": "STOP ALL TRADING", "/tasks/page": "Waiting for a person"}
CONNECTS = {"/control/page": "'self'", "/tasks/page": "'self' ws://127.0.0.1:1"}
OTHER = {"/control/page": "../tasks/page", "/tasks/page": "../control/page"}

every_page = pytest.mark.parametrize("path", PAGES)


@every_page
def test_it_is_shown_to_anybody_and_asks_nothing_of_the_swarm(client: Client, swarm: FakeSwarm, path: str) -> None:
    response = client.http.get(path)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert PAGES[path] in response.body.decode()
    assert swarm.asked == []


@every_page
def test_it_may_run_its_own_scripts_and_nothing_else(client: Client, path: str) -> None:
    response = client.http.get(path)
    policy = dict(part.split(" ", 1) for part in response.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == CONNECTS[path]
    assert policy["frame-ancestors"] == "'none'"
    text = response.body.decode()
    for tag in ("script", "style"):
        contents = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert len(contents) == 2  # what the pages share, and its own
        digests = [base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() for content in contents]
        assert policy[f"{tag}-src"] == " ".join(f"'sha256-{digest}'" for digest in digests)


@every_page
def test_it_needs_nothing_from_elsewhere_and_keeps_nothing(client: Client, path: str) -> None:
    text = client.http.get(path).body.decode()
    assert "<!--" not in text  # all that it shares is in it
    assert re.findall(r"https?://|\bsrc=|@import|url\(", text) == []
    assert re.findall(r'\bhref="([^"]*)"', text) == [OTHER[path]]
    assert re.findall(r"localStorage|sessionStorage|document\.cookie|indexedDB|\bon\w+=", text) == []


@every_page
def test_words_from_outside_can_become_nothing_but_text(client: Client, path: str) -> None:
    text = client.http.get(path).body.decode()
    makers = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|setHTML|DOMParser|createContextual|\beval\b|Function\("
    )
    assert re.findall(makers, text) == []


def test_where_nobody_can_watch_the_page_of_tasks_asks_the_api_alone(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring, "settings", lambda: SETTINGS.model_copy(update={"push_url": None}))
    policy = client.http.get("/tasks/page").headers["Content-Security-Policy"]
    assert "connect-src 'self';" in policy


def test_the_page_of_tasks_is_no_task_of_that_name(client: Client) -> None:
    assert client.http.get("/tasks/page").headers["Content-Type"].startswith("text/html")
    assert ask(client, "GET", "/tasks/pag").status_code in (404, 400)


@every_page
def test_whatever_it_asks_of_the_api_is_a_route(client: Client, path: str) -> None:
    text = client.http.get(path).body.decode()
    asked = {
        (method, "/" + re.sub(r", (?!\")[\w.]+", "/{}", parts or plain).replace(", ", "/").replace('"', ""))
        for method, parts, plain in re.findall(r'\bask\("(\w+)", (?:path\(([^)]*)\)|("[^"?]*))', text)
    }
    served = {(method, re.sub(r"{\w+}", "{}", route)) for method, route in ENDPOINTS}
    assert ("POST", "/login") in asked
    assert asked <= served
