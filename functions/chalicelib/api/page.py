"""The control page: a public shell that holds nothing of the swarm. Whoever opens it logs in, and it speaks to the API.

The browser is told to run just this script and this style, to speak to this API alone, and to show the page in no frame.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

from chalice.app import Blueprint, Response

from chalicelib import dashboard

blueprint = Blueprint(__name__)

_FILE = Path(dashboard.__file__).with_name("control.html")


@blueprint.route("/control/page", methods=["GET"])
def control_page() -> Response:
    """The page, which anybody may see."""
    text = _page()
    headers: dict[str, str | list[str]] = {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-store",
        "Content-Security-Policy": _policy(text),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    return Response(text, headers)


@cache
def _page() -> str:
    return _FILE.read_text(encoding="utf-8")


@cache
def _policy(text: str) -> str:
    rules = {
        "default-src": "'none'",
        "script-src": _only("script", text),
        "style-src": _only("style", text),
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _only(tag: str, text: str) -> str:
    """The digests of the page's own elements of this kind, as browsers compare them."""
    contents = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
    return " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(c.encode()).digest()).decode()}'" for c in contents)
