"""Arms, lists and clears faults over HTTP, and does to sockets at once what faults do to them."""

from typing import Any

import orjson
from aiohttp import web

from simexchange.answers import json_answer
from simexchange.binance.connection import Clients
from simexchange.faults import BadFault, Fault, Faults, Kind


class FaultAdmin:
    """Handlers of /admin/faults."""

    def __init__(self, faults: Faults, clients: Clients) -> None:
        self._faults = faults
        self._clients = clients

    def routes(self) -> list[web.RouteDef]:
        """What is served."""
        return [
            web.post("/admin/faults", self._arm),
            web.get("/admin/faults", self._list),
            web.delete("/admin/faults", self._clear),
        ]

    async def _arm(self, request: web.Request) -> web.Response:
        try:
            fault = self._faults.arm(_spec(await request.read()))
        except (orjson.JSONDecodeError, BadFault) as error:
            return json_answer({"error": str(error)}, 400)
        self._reach_sockets(fault)
        return json_answer(self._faults.described(fault))

    def _reach_sockets(self, fault: Fault) -> None:
        if fault.kind in {Kind.CUT_SOCKETS, Kind.MAINTENANCE}:
            fault.struck += self._clients.cut(fault.stream)
        elif fault.kind is Kind.STALL_SOCKETS:
            fault.struck += self._clients.stall(fault.stream, fault.seconds)

    async def _list(self, _: web.Request) -> web.Response:
        return json_answer(self._faults.listed())

    async def _clear(self, request: web.Request) -> web.Response:
        """All of them, or ?id=3 alone."""
        wanted = request.query.get("id")
        if wanted is not None and not wanted.isdigit():
            return json_answer({"error": "id is a number from GET /admin/faults; leave it out to clear all"}, 400)
        return json_answer({"cleared": self._faults.clear(int(wanted) if wanted else None)})


def _spec(body: bytes) -> dict[str, Any]:
    spec = orjson.loads(body)
    if not isinstance(spec, dict):
        raise BadFault('send {"kind": …} and the parameters of that kind')
    return spec
