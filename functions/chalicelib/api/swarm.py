"""The state of the swarm at a glance. A part that is away is reported, it does not hide the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chalicelib.api.endpoint import Call, Resource
from chalicelib.runtime import wiring
from volexswarm.errors import Unavailable
from volexswarm.security.roles import Permission
from volexswarm.views.swarm import Health, Part, Status

resource = Resource(__name__)
blueprint = resource.blueprint

DATABASE = "database"
MONITOR = "monitor"


@resource.route("GET", "/status", Status, permission=Permission.SYSTEM_READ)
def status(_: Call[Any, Any, Any]) -> Status:
    """The swarm at a glance.

    Overall is healthy only if every part was seen healthy lately; nobody having looked is unknown.
    """
    settings = wiring.settings()
    opened, feeds, governing = None, [], None
    try:
        governing, reader = wiring.control_reader().control(), wiring.swarm_reader()
        seen, feeds, opened = reader.parts(), reader.feeds(), reader.account_opened_at()
        # the monitor's word on the database is older than ours
        parts = [_just_seen(DATABASE, Health.HEALTHY, "answers"), *(part for part in seen if part.part != DATABASE)]
        if not seen:
            parts.append(_just_seen(MONITOR, Health.UNKNOWN, "has not reported yet"))
    except Unavailable as error:
        parts = [_just_seen(DATABASE, Health.UNHEALTHY, f"{error.part} does not answer")]
    return Status(
        overall=_overall(parts),
        mode=governing and governing.trading.mode,
        simulated=settings.mode != "live" if governing is None else governing.trading.simulated,
        target=settings.target,
        venue=settings.venue,
        account=governing and governing.trading.account,
        halt=governing and governing.halt,
        account_opened_at=opened,
        now=wiring.clock().now(),
        parts=sorted(parts, key=lambda part: part.part),
        feeds=feeds,
    )


def _just_seen(name: str, health: Health, detail: str) -> Part:
    return Part(part=name, health=health, detail=detail, checked_at=wiring.clock().now(), age_seconds=0.0)


def _overall(parts: Sequence[Part]) -> Health:
    seen = {part.health for part in parts}
    for worst in (Health.UNHEALTHY, Health.UNKNOWN):
        if worst in seen:
            return worst
    return Health.HEALTHY
