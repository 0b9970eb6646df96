"""The server around a simulation: lets the market act a little at a time, and answers in between."""

import asyncio
import fcntl
import logging
import os
import time
from collections.abc import Callable

from aiohttp import web

from simexchange.admin import Admin
from simexchange.binance.auth import Authenticator, Credentials, load_or_create
from simexchange.binance.connection import Clients, Connection, Session
from simexchange.binance.rest import SPOT, WALLET, Rest
from simexchange.binance.streams import BadStream, MarketSession, MarketStreams
from simexchange.binance.weights import WeightMeter
from simexchange.binance.ws_api import UserSession, UserStreams
from simexchange.fault_admin import FaultAdmin
from simexchange.faults import Faults
from simexchange.settings import ACCOUNT, BadSettings, Settings
from simexchange.simulation import Simulation

log = logging.getLogger("simexchange")

BUDGET_SECONDS = 0.008
IDLE_SECONDS = 0.01
SHUTDOWN_SECONDS = 2.0


class SimExchangeServer:
    """A simulated exchange that listens.

    Parameters
    ----------
    settings : Settings
        What to run. Port 0 takes any free port; `url` tells which.
    wall : callable
        Real time in seconds since 1970, against which requests are signed.

    Raises
    ------
    BadSettings
        If the settings do not fit, or another process holds the data directory.
    """

    def __init__(self, settings: Settings, wall: Callable[[], float] = time.time) -> None:
        self._settings = settings
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        self._lock = _hold(settings)
        given = Credentials(settings.api_key, str(settings.secret)) if settings.api_key else None
        self.credentials = load_or_create(settings.data_dir / "credentials.json", given)
        self.simulation = Simulation(settings)
        exchange = self.simulation.exchange
        self._failed: OSError | None = None

        self._faults = Faults(time.monotonic)

        def wall_ms() -> int:
            return int(wall() * 1000) + self._faults.skew_ms()

        self._authenticator = Authenticator(self.credentials, ACCOUNT, wall_ms)
        self._streams = MarketStreams(exchange, time.monotonic, self._on_trades_wanted, self._faults)
        self._clients = Clients()
        self._users = UserStreams(exchange, self._faults)
        rest = Rest(
            exchange,
            self._authenticator,
            WeightMeter(settings.weight_limit, wall),
            faults=self._faults,
            now_ms=self.simulation.now_ms,
            commit=self._commit,
            wall_ms=wall_ms,
        )
        app = web.Application()
        app.add_routes(Admin(self.simulation, self._streams, self._users, self._commit).routes())
        app.add_routes(FaultAdmin(self._faults, self._clients).routes())
        for prefix in (SPOT, WALLET):
            app.router.add_route("*", prefix + "/{path:.*}", rest.serve)
        for path in ("/stream", "/stream/{rest:.*}", "/ws", "/ws/{rest:.*}"):
            app.router.add_get(path, self._serve_streams)
        app.router.add_get("/ws-api/v3", self._serve_users)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        self._market: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where it listens; only after `start`."""
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def start(self) -> None:
        """Listen and let the market run.

        Raises
        ------
        OSError
            If the port cannot be had.
        """
        self._commit()
        await self._runner.setup()
        await web.TCPSite(self._runner, self._settings.host, self._settings.port).start()
        self._market = asyncio.create_task(self._run_market())

    async def wait(self) -> None:
        """Run until the market fails; it raises what it failed of."""
        if self._market is not None:
            await self._market

    async def stop(self) -> None:
        """Stop the market, let clients go, and store everything."""
        if self._market is not None:
            self._market.cancel()
            await asyncio.gather(self._market, return_exceptions=True)
        await self._runner.cleanup()
        if self._failed is None:
            self.simulation.close()
        os.close(self._lock)

    async def _run_market(self) -> None:
        while True:
            due = self.simulation.advance(BUDGET_SECONDS)
            self._commit()
            await asyncio.sleep(0 if due else IDLE_SECONDS)

    def _commit(self) -> None:
        """Store what happened, then tell everyone. What cannot be stored is never told, and ends the exchange."""
        if self._failed is not None:
            raise self._failed
        try:
            happened = self.simulation.store()
        except OSError as error:
            self._failed = error
            raise
        self._streams.publish(happened)
        self._users.publish(happened)

    def _on_trades_wanted(self) -> None:
        if self._settings.wait_for_subscriber:
            self.simulation.clock.resume()

    async def _serve_streams(self, request: web.Request) -> web.WebSocketResponse:
        # /stream?streams=a/b is combined; /ws/<stream> and the path that ccxt uses, /stream/ws/<n>, are raw.
        combined = request.path == "/stream"
        names = [name for name in request.query.get("streams", "").split("/") if name]
        if request.path.startswith("/ws/") and "@" in request.path:
            names = request.path.removeprefix("/ws/").split("/")

        def open_session(connection: Connection, _: Callable[[], None]) -> Session:
            return MarketSession(self._streams, connection, combined=combined, names=names)

        try:
            return await self._serve_client(request, open_session)
        except BadStream as error:
            raise web.HTTPBadRequest(text=str(error)) from error

    async def _serve_users(self, request: web.Request) -> web.WebSocketResponse:
        def open_session(connection: Connection, cut: Callable[[], None]) -> Session:
            return UserSession(self._users, self._authenticator, connection, cut)

        return await self._serve_client(request, open_session)

    async def _serve_client(
        self, request: web.Request, open_session: Callable[[Connection, Callable[[], None]], Session]
    ) -> web.WebSocketResponse:
        maintenance = self._faults.maintenance()
        if maintenance is not None:
            maintenance.struck += 1
            raise web.HTTPServiceUnavailable(text="System is under maintenance.")
        return await self._clients.serve(request, open_session)


def _hold(settings: Settings) -> int:
    """Keep other processes out of the data directory for as long as the returned file is open."""
    path = settings.data_dir / "lock"
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        raise BadSettings(
            f"another simulated exchange runs on {settings.data_dir}: stop it, or use another --data-dir"
        ) from None
    return file
