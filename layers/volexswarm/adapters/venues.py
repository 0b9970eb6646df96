"""How ccxt reaches a venue: the constructor's configuration for its own host, its sandbox, or the simulated exchange.

Kept apart so that the feed, the order gateway and the tests connect in exactly the same way.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from ccxt.base.errors import OperationFailed

from volexswarm.errors import InvalidInput, require

SANDBOXES: Final = frozenset({"binance", "bitget", "bybit", "coinbaseexchange", "gemini", "okx"})
"""Venues whose sandbox ccxt reaches by configuration alone; the others raise on `set_sandbox_mode`."""

KEEP_ALIVE_MS: Final = 10_000  # ccxt's default, 180 s, hides half-open sockets for minutes
TRADES_KEPT: Final = (
    200_000  # ccxt drains the socket into a ring of this size; its default, 1000, loses trades in bursts
)


def connection(venue: str, exchange_url: str | None, mode: str) -> dict[str, Any]:
    """Configuration for `ccxt.<venue>` and `ccxt.pro.<venue>`, without credentials.

    Parameters
    ----------
    venue : str
        As ccxt names it.
    exchange_url : str or None
        Base URL of a simulated exchange (`http://host:port`), or None for the venue's own host.
    mode : str
        `simulated` (needs `exchange_url`), `sandbox` or `live` (must not have one: real keys stay with the venue).

    Returns
    -------
    dict
        A fresh dictionary; the caller adds `apiKey` and `secret`.

    Raises
    ------
    InvalidInput
        If mode and URL contradict each other, or the venue has no sandbox or no simulation.
    """
    config: dict[str, Any] = {
        "enableRateLimit": mode
        != "simulated",  # costs 12 to 107 ms a call, and the simulated exchange counts by itself
        "newUpdates": True,
        "options": {
            "defaultType": "spot",
            "fetchMarkets": {"types": ["spot"]},
            "fetchMargins": False,
            "fetchCurrencies": False,
            "tradesLimit": TRADES_KEPT,
            "ordersLimit": TRADES_KEPT,
            "ws": {"compress": 0},  # inflating costs more than a trade's few bytes save
        },
        "streaming": {"keepAlive": KEEP_ALIVE_MS},
    }
    if mode == "simulated":
        return config | _simulated(venue, exchange_url)
    require(exchange_url is None, "exchange_url", exchange_url, f"none in mode {mode}: real keys go to the venue only")
    if mode == "sandbox":
        require(venue in SANDBOXES, "venue", venue, f"one with a sandbox: {', '.join(sorted(SANDBOXES))}")
        return config | {"sandbox": True}
    require(mode == "live", "mode", mode, "simulated, sandbox or live")
    return config


def _simulated(venue: str, exchange_url: str | None) -> dict[str, Any]:
    require(venue == "binance", "venue", venue, "binance: the simulated exchange speaks its protocol only")
    if exchange_url is None:
        raise InvalidInput("exchange_url", None, "the simulated exchange's base URL, as mode is simulated")
    parts = urlsplit(exchange_url)
    require(
        parts.scheme in {"http", "https"} and bool(parts.netloc), "exchange_url", exchange_url, "http(s)://host[:port]"
    )
    http = exchange_url.rstrip("/")
    socket = ("wss" if parts.scheme == "https" else "ws") + http.removeprefix(parts.scheme)
    streams = f"{socket}/stream"  # ccxt takes a URL for spot only if it holds "/stream"
    return {
        "urls": {
            "api": {
                "public": f"{http}/api/v3",
                "private": f"{http}/api/v3",
                "sapi": f"{http}/sapi/v1",
                "ws": {"spot": streams, "margin": streams, "ws-api": {"spot": f"{socket}/ws-api/v3"}},
            }
        },
        # ccxt maps this code only on the venue's real host
        "exceptions": {"exact": {"-1008": OperationFailed}},
    }
