"""How ccxt is pointed at a simulated exchange."""

from typing import Any


def ccxt_config(base_url: str) -> dict[str, Any]:
    """Configuration for `ccxt.binance(...)` and `ccxt.pro.binance(...)`; add `apiKey` and `secret` to trade.

    Parameters
    ----------
    base_url : str
        Such as http://127.0.0.1:8090.

    Returns
    -------
    dict
        Plain and JSON-serialisable.
    """
    base = base_url.rstrip("/")
    sockets = "ws" + base.removeprefix("http")
    rest = dict.fromkeys(("public", "private", "v1", "v3"), f"{base}/api/v3")
    return {
        # ccxt takes a stream for a spot stream only if its URL contains "/stream".
        "urls": {
            "api": {
                **rest,
                "sapi": f"{base}/sapi/v1",
                "ws": {"spot": f"{sockets}/stream/ws", "ws-api": {"spot": f"{sockets}/ws-api/v3"}},
            }
        },
        "options": {
            "defaultType": "spot",
            "fetchMarkets": {"types": ["spot"]},
            "fetchMargins": False,
            "fetchCurrencies": False,
            # ccxt keeps the last trades in a ring and drains the socket into it: a small ring loses trades silently.
            "tradesLimit": 200_000,
        },
        "streaming": {"keepAlive": 10_000},
    }
