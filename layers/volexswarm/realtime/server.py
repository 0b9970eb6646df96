"""What the process says of itself: /health for whoever supervises it, /metrics for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest


@dataclass
class Report:
    """State of the process; `problems` is empty while it is healthy."""

    session: str
    problems: list[str] = field(default_factory=list)
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_healthy(self) -> bool:
        return not self.problems

    def body(self) -> dict[str, Any]:
        """As JSON for /health."""
        status = "healthy" if self.is_healthy else "unhealthy"
        return {"status": status, "session": self.session, "problems": self.problems, **self.details}


async def serve(host: str, port: int, report: Callable[[], Report], registry: CollectorRegistry) -> web.AppRunner:
    """Answer on this address until the runner is cleaned up. /health is 200 when healthy, else 503; the body says why.

    Raises
    ------
    OSError
        If the address is in use.
    """

    async def health(_request: web.Request) -> web.Response:
        now = report()
        return web.json_response(now.body(), status=200 if now.is_healthy else 503)

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    application = web.Application()
    application.add_routes([web.get("/health", health), web.get("/metrics", metrics)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner
