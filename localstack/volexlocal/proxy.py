"""Gives the API one stable local address: `http://127.0.0.1:8004/api/…`, whatever id the emulator gave it.

It hands requests through unchanged, adds nothing to the answers, and says in the API's own envelope when the API is not there:
503 when a request could not be sent, 504 when it was sent and no answer came.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    web,
)
from aiohttp.hdrs import CONTENT_TYPE
from multidict import CIMultiDict
from yarl import URL

BODY_LIMIT = 1024 * 1024
PATIENCE = ClientTimeout(total=40, connect=3)  # API Gateway itself gives up after 29 seconds

HOP_BY_HOP = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
_NOT_FORWARDED = HOP_BY_HOP | {"host", "content-length"}
_NOT_SENT = (ClientConnectorError, ConnectionTimeoutError)  # after any other error it may have arrived
_NOT_RETURNED = HOP_BY_HOP | {"content-length", "content-encoding", "date", "server"}

logger = logging.getLogger("volexlocal.proxy")


class Deployment:
    """The ids of the APIs, read from the deployment's outputs again whenever they change."""

    def __init__(self, outputs: Path) -> None:
        self._outputs = outputs
        self._read_at = -1
        self._found: dict[str, Any] = {}

    def api_id(self) -> str | None:
        """The HTTP API's; None while nothing is deployed."""
        found: str | None = self._read().get("api_id")
        return found

    def socket_id(self) -> str | None:
        """The WebSocket API's; None while nothing is deployed, or where the stack has none."""
        found: str | None = self._read().get("values", {}).get("WebSocketId")
        return found

    def _read(self) -> dict[str, Any]:
        try:
            changed = self._outputs.stat().st_mtime_ns
            if changed != self._read_at:
                self._found = json.loads(self._outputs.read_text())
                self._read_at = changed
        except (OSError, ValueError):
            return {}
        return self._found


class Proxy:
    """Request handlers.

    Parameters
    ----------
    gateway : str
        Address of the emulator.
    deployment : Deployment
        Tells the API's id.
    session : ClientSession
        For calls to the emulator.
    """

    def __init__(self, gateway: str, deployment: Deployment, session: ClientSession) -> None:
        self._gateway = gateway
        self._deployment = deployment
        self._session = session

    async def index(self, _: web.Request) -> web.Response:
        """What there is to find here."""
        links = {"openapi": "/api/openapi.json", "status": "/api/status", "login": "/api/login"}
        return web.json_response(
            {"name": "VolexSwarm", "simulated": True, "deployed": self._is_deployed(), "links": links}
        )

    async def forward(self, request: web.Request) -> web.StreamResponse:
        """Hand a request to the API and its answer back."""
        api_id = self._deployment.api_id()
        if api_id is None:
            return unavailable("the API is not deployed yet: wait until `volexlocal status` shows it, or run `make up`")
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return failure(413, "too_large", f"the body is larger than {BODY_LIMIT} bytes")
        url = f"{self._gateway}/_aws/execute-api/{api_id}{request.raw_path}"
        try:
            headers = without(request.headers, _NOT_FORWARDED)
            async with self._session.request(
                request.method,
                URL(url, encoded=True),
                headers=headers,
                skip_auto_headers=[CONTENT_TYPE],  # or aiohttp calls a missing body an octet stream
                data=body or None,
                allow_redirects=False,
            ) as answer:
                return web.Response(
                    status=answer.status, headers=without(answer.headers, _NOT_RETURNED), body=await answer.read()
                )
        except (ClientError, TimeoutError) as error:
            logger.warning("%s %s: %s", request.method, request.path, error or type(error).__name__)
            if isinstance(error, _NOT_SENT):
                return unavailable("the gateway does not answer: `volexlocal status` shows which part is down")
            return failure(
                504, "outcome_unknown", "the gateway took this and gave no answer: whether it was done is not known"
            )

    def _is_deployed(self) -> bool:
        return self._deployment.api_id() is not None


def application(gateway: str, outputs: Path) -> web.Application:
    """The proxy as an aiohttp application."""
    app = web.Application(client_max_size=BODY_LIMIT)

    async def serve(app: web.Application) -> AsyncIterator[None]:
        async with ClientSession(timeout=PATIENCE, cookie_jar=DummyCookieJar()) as session:
            app[_PROXY] = Proxy(gateway, Deployment(outputs), session)
            yield

    async def index(request: web.Request) -> web.StreamResponse:
        return await request.app[_PROXY].index(request)

    async def forward(request: web.Request) -> web.StreamResponse:
        return await request.app[_PROXY].forward(request)

    app.cleanup_ctx.append(serve)
    app.router.add_get("/", index)
    app.router.add_route("*", "/api", forward)
    app.router.add_route("*", "/api/{path:.*}", forward)
    return app


def without(headers: Mapping[str, str], names: Iterable[str]) -> CIMultiDict[str]:
    kept = CIMultiDict(headers)
    for name in names:
        kept.popall(name, None)
    return kept


def unavailable(message: str) -> web.Response:
    return failure(503, "unavailable", message)


def failure(status: int, code: str, message: str) -> web.Response:
    error = {"code": code, "message": message, "details": {}}
    envelope = {"status": "error", "error": error, "timestamp": datetime.now(UTC).isoformat()}
    return web.json_response(envelope, status=status)


_PROXY = web.AppKey("proxy", Proxy)
