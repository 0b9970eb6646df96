"""A real browser for the pages: this machine's Chromium. What a page says to its console is heard, and whom it asks is seen."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
NEEDED = "VOLEX_NEEDS_BROWSER"
"""Where this is set, a missing browser is a failure and not a reason to skip."""
QUIET = (
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"),
    *("--no-first-run", "--disable-gpu", "--disable-dev-shm-usage"),
)
PATIENCE = 60_000.0
"""Milliseconds that a page has to come to what is expected of it: the machine may be busy, and functions cold."""
ANSWERED = "Failed to load resource"
"""How Chromium's console begins to tell of an answer that is an error; the page tells it in its own words."""


@contextmanager
def browsers() -> Iterator[Browser]:
    """The browser, without a screen."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        missing = "there is no Chromium on this machine (Debian: apt install chromium)"
        if os.environ.get(NEEDED):
            pytest.fail(missing)
        pytest.skip(missing)
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=QUIET, chromium_sandbox=os.geteuid() != 0)
        try:
            yield browser
        finally:
            browser.close()


class Window:
    """A window of its own: no cookies, no memory of others.

    Parameters
    ----------
    browser : Browser
    origin : str
        Of the API, `http://host:port`.
    sockets : str
        Of the WebSocket API.

    `posted` are the paths of what the page has sent, in order; `sockets` how often it has dialled the WebSocket API.
    """

    def __init__(self, browser: Browser, origin: str, sockets: str) -> None:
        self._context = browser.new_context()
        self._places = {urlsplit(origin).netloc, urlsplit(sockets).netloc}
        self._origin = origin
        self.troubles: list[str] = []
        self.sockets = 0
        self.posted: list[str] = []
        self.page: Page = self._context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("dialog", self._dismiss)
        self.page.on("request", self._note)
        self.page.on("websocket", lambda socket: self._connect(socket.url))

    def open(self, path: str, username: str, password: str) -> Page:
        """Open a page and log in."""
        self.page.goto(f"{self._origin}/api/{path}")
        self.log_in(username, password)
        return self.page

    def log_in(self, username: str, password: str) -> None:
        self.page.get_by_label("User").fill(username)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Log in").click()

    def close(self) -> None:
        """End, and fail if the page was in trouble that a person would not see."""
        self._context.close()
        assert self.troubles == []

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(ANSWERED):
            self.troubles.append(message.text)

    def _dismiss(self, dialog: Dialog) -> None:
        self.troubles.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _note(self, request: Request) -> None:
        self._see(request.url)
        if request.method == "POST":
            self.posted.append(urlsplit(request.url).path)

    def _see(self, url: str) -> None:
        if urlsplit(url).netloc not in self._places:
            self.troubles.append(f"it asked {url}")

    def _connect(self, url: str) -> None:
        self._see(url)
        self.sockets += 1
