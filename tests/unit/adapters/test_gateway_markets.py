"""A market's rules are those of the present: it may be closed for a while, and its filters change while a process lives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.adapters.wire import SYMBOL, Keys, Sent, Unanswered, Wire
from volexswarm.adapters.ccxt_gateway import CcxtGateway
from volexswarm.errors import MarketClosed, Rejected, Unavailable

MINUTE = timedelta(minutes=1)


def listed(status: str = "TRADING", step: str = "0.00001") -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "status": status,
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "orderTypes": ["LIMIT", "MARKET"],
        "isSpotTradingAllowed": True,
        "permissions": ["SPOT"],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01"},
            {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000.00", "stepSize": step},
            {"filterType": "NOTIONAL", "minNotional": "5.00"},
        ],
    }


@dataclass
class Venue:
    """Binance as its gateway sees it; `markets` are what it lists, None while it does not answer."""

    markets: list[dict[str, Any]] | None
    at: float = 0.0
    wire: Wire = field(default_factory=Wire)
    gateway: CcxtGateway = field(init=False)

    def __post_init__(self) -> None:
        self.gateway = CcxtGateway(
            venue="binance",
            account="main",
            exchange_url=None,
            mode="live",
            secrets=Keys(),
            pause=lambda _seconds: None,
            now=lambda: self.at,
        )
        client = self.gateway._client
        client.enableRateLimit = False
        self.wire.attach(client)
        self.wire.answers["/exchangeInfo"] = self._answer

    def _answer(self, _: Sent) -> Any:
        if self.markets is None:
            raise Unanswered
        return {"symbols": self.markets}

    def later(self, span: timedelta) -> None:
        self.at += span.total_seconds()

    @property
    def lists(self) -> int:
        """How often the markets were asked for."""
        return sum(sent.path.endswith("/exchangeInfo") for sent in self.wire.sent)


def test_a_market_that_was_closed_when_the_process_started_is_traded_when_it_opens() -> None:
    venue = Venue([listed("BREAK")])
    with pytest.raises(MarketClosed, match="does not trade BTC/USDT at the moment"):
        venue.gateway.rules(SYMBOL)
    venue.markets = [listed()]
    venue.later(MINUTE)
    assert venue.gateway.rules(SYMBOL).amount_step == Decimal("0.00001")


@pytest.mark.parametrize(
    ("market", "refusal"),
    [(listed("BREAK"), MarketClosed), (listed() | {"symbol": "ETHUSDT", "baseAsset": "ETH"}, Rejected)],
)
def test_who_is_turned_away_is_so_by_a_list_of_this_moment(market: dict[str, Any], refusal: type[Exception]) -> None:
    venue = Venue([listed()])
    venue.gateway.rules(SYMBOL)
    venue.later(11 * MINUTE)
    venue.markets = [market]
    for _ in range(2):
        with pytest.raises(refusal):
            venue.gateway.rules(SYMBOL)
    assert venue.lists == 2  # not once more for what was listed just now
    venue.later(MINUTE)
    with pytest.raises(refusal):
        venue.gateway.rules(SYMBOL)
    assert venue.lists == 3


@pytest.mark.parametrize(("age", "step"), [(9 * MINUTE, "0.00001"), (11 * MINUTE, "0.1")])
def test_changed_filters_hold_after_some_minutes(age: timedelta, step: str) -> None:
    venue = Venue([listed()])
    venue.gateway.rules(SYMBOL)
    venue.markets = [listed(step="0.1")]
    venue.later(age)
    assert venue.gateway.rules(SYMBOL).amount_step == Decimal(step)


@pytest.mark.parametrize("question", [CcxtGateway.rules, CcxtGateway.fees])
def test_a_list_that_does_not_come_is_no_list(question: Callable[[CcxtGateway, str], object]) -> None:
    venue = Venue([listed()])
    question(venue.gateway, SYMBOL)
    venue.markets = None
    venue.later(11 * MINUTE)
    with pytest.raises(Unavailable, match="exchange is unavailable"):
        question(venue.gateway, SYMBOL)
