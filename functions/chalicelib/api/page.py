"""The pages: public shells that hold nothing of the swarm. Whoever opens one logs in, and it speaks to the API.

The browser is told to run just a page's own scripts and styles, to speak to this API alone (and to its WebSocket, where the page
watches), and to show the page in no frame.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from chalice.app import Blueprint, Response

from chalicelib import dashboard
from chalicelib.api import ws

blueprint = Blueprint(__name__)

_FOLDER = Path(dashboard.__file__).parent
_SHARED = {"page.css": "style", "session.js": "script"}
"""What the pages have in common, by file: it stands where a page has a comment of the file's name."""


@blueprint.route("/control/page", methods=["GET"])
def control_page() -> Response:
    """The page of the kill switch, which anybody may see."""
    return _response("control.html")


@blueprint.route("/tasks/page", methods=["GET"])
def tasks_page() -> Response:
    """The page of tasks and approvals, which anybody may see."""
    return _response("tasks.html", ws.address())


def _response(name: str, live: str | None = None) -> Response:
    text = _page(name)
    headers: dict[str, str | list[str]] = {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-store",
        "Content-Security-Policy": _policy(text, live),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    return Response(text, headers)


@cache
def _page(name: str) -> str:
    text = (_FOLDER / name).read_text(encoding="utf-8")
    for part, tag in _SHARED.items():
        content = (_FOLDER / part).read_text(encoding="utf-8")
        text = text.replace(f"<!-- {part} -->", f"<{tag}>\n{content}</{tag}>")
    return text


@cache
def _policy(text: str, live: str | None) -> str:
    place = None if live is None else urlsplit(live)
    rules = {
        "default-src": "'none'",
        "script-src": _only("script", text),
        "style-src": _only("style", text),
        "connect-src": "'self'" if place is None else f"'self' {place.scheme}://{place.netloc}",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _only(tag: str, text: str) -> str:
    """The digests of the page's own elements of this kind, as browsers compare them."""
    contents = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
    return " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(c.encode()).digest()).decode()}'" for c in contents)
