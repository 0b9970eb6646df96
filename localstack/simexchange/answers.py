"""How every JSON answer is written."""

from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web


def json_answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """An answer with a JSON body."""
    return web.Response(body=orjson.dumps(body), status=status, headers=headers, content_type="application/json")
