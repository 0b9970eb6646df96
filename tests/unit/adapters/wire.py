"""The gateway over real ccxt clients, whose requests are caught and answered where they would leave the process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ccxt.base import errors as ccxt

from tests.fakes.execution import FakeSecrets
from volexswarm.adapters.capabilities import CAPABILITIES
from volexswarm.adapters.ccxt_gateway import CcxtGateway

SYMBOL = "BTC/USDT"
MARKET_IDS = {
    "binance": "BTCUSDT",
    "bitget": "BTCUSDT",
    "bybit": "BTCUSDT",
    "coinbase": "BTC-USDT",
    "gate": "BTC_USDT",
    "kraken": "XBTUSDT",
    "kucoin": "BTC-USDT",
    "okx": "BTC-USDT",
}
ORDER_TYPES = ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"]


class Unanswered(ccxt.RequestTimeout):  # type: ignore[misc]
    """The request has left, and nothing comes back."""


@dataclass(frozen=True)
class Sent:
    """One request: `fields` are those of the query, the form or the JSON body, nested ones by their path with dots."""

    method: str
    path: str
    fields: dict[str, Any]
    headers: dict[str, str]


@dataclass
class Wire:
    """Catches what a client sends. `answers` by the end of the path, the first that fits, with these `headers`; without one
    nothing comes back.
    """

    sent: list[Sent] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def attach(self, client: Any) -> None:
        client.fetch = lambda url, method="GET", headers=None, body=None: self._fetch(
            client, url, method, {**(headers or {}), **client.headers}, body
        )

    def _fetch(self, client: Any, url: str, method: str, headers: dict[str, str], body: str | None) -> Any:
        parts = urlsplit(url)
        self.sent.append(Sent(method, parts.path, _flat(_asked(parts.query, body)), headers))
        for end, answer in self.answers.items():
            if parts.path.endswith(end):
                client.last_response_headers = self.headers
                answered = answer(self.sent[-1]) if callable(answer) else answer
                text = json.dumps(answered)
                client.handle_errors(200, "OK", url, method, {}, text, answered, headers, body)
                return json.loads(text)
        raise Unanswered(url)


def _asked(query: str, body: str | None) -> Any:
    if body:
        return json.loads(body) if body.startswith(("{", "[")) else dict(parse_qsl(body))
    return dict(parse_qsl(query))


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {path: value}
    inner = [_flat(item, f"{path}.{name}" if path else name) for name, item in value.items()]
    return {name: item for each in inner for name, item in each.items()}


class Keys(FakeSecrets):
    """A vault with keys that every venue's signature can be made with."""

    def read(self, path: str) -> dict[str, str]:
        self.assert_unsealed()
        return {"api_key": "the-key", "secret": "dGhlc2VjcmV0c2VjcmV0", "passphrase": "the-passphrase"}


def market(client: Any, venue: str) -> Mapping[str, Any]:
    """One market of the venue, as ccxt would have read it."""
    made: Mapping[str, Any] = client.safe_market_structure(
        {
            "id": MARKET_IDS[venue],
            "symbol": SYMBOL,
            "base": "BTC",
            "quote": "USDT",
            "baseId": "BTC",
            "quoteId": "USDT",
            "type": "spot",
            "spot": True,
            "margin": False,
            "swap": False,
            "future": False,
            "option": False,
            "contract": False,
            "active": True,
            **({"taker": "0.002", "maker": "0.002"} if venue == "bitget" else {}),  # the others have rates for all
            "precision": {"amount": "0.00001", "price": "0.01"},
            "limits": {"amount": {"min": "0.00001", "max": None}, "cost": {"min": "5", "max": None}},
            "info": {"orderTypes": ORDER_TYPES},
        }
    )
    return made


def connected(venue: str, **more: Any) -> tuple[CcxtGateway, Wire]:
    """A gateway to a venue that nothing leaves, with one market."""
    assert venue in CAPABILITIES
    gateway = CcxtGateway(
        venue=venue, account="main", exchange_url=None, mode="live", secrets=Keys(), **({"pause": _no_time} | more)
    )
    client = gateway._client
    client.enableRateLimit = "limits" in more
    client.set_markets([market(client, venue)])
    wire = Wire()
    wire.attach(client)
    return gateway, wire


def _no_time(_seconds: float) -> None:
    """Nobody waits in a unit test."""
