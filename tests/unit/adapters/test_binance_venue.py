"""What the feed asks of Binance besides its streams: no more than it needs, and counted before it is sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.fakes.transaction import START
from volexswarm.adapters.binance_venue import BinanceVenue
from volexswarm.errors import Unavailable
from volexswarm.messages import OrderState

SYMBOL = "BTC/USDT"
KEYS = {"api_key": "the-key", "secret": "the-secret"}


@dataclass
class Room:
    """None while `full`."""

    full: bool = False
    taken: list[float] = field(default_factory=list)

    def take(self, weight: float) -> None:
        if self.full:
            raise Unavailable("exchange", "no room", timedelta(seconds=9))
        self.taken.append(weight)


@dataclass
class Binance:
    """Answers for one market: each of its `trades` is of the order of the same number."""

    trades: list[int]
    room: Room = field(default_factory=Room)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    venue: BinanceVenue = field(init=False)

    def __post_init__(self) -> None:
        self.venue = BinanceVenue(None, "live", "main", KEYS, self.room)  # type: ignore[arg-type]
        self.venue._ids, self.venue._symbols = {SYMBOL: "BTCUSDT"}, {"BTCUSDT": SYMBOL}
        self.venue._rest.fetch = self._fetch

    async def _fetch(self, url: str, *_: Any) -> Any:
        parts = urlsplit(url)
        asked = dict(parse_qsl(parts.query))
        self.asked.append((parts.path.rpartition("/")[2], asked))
        return self._order(asked["orderId"]) if parts.path.endswith("/order") else self._trades()

    def _trades(self) -> list[dict[str, Any]]:
        common = {"time": 1767614400000, "price": "100", "qty": "1", "commission": "0.1", "commissionAsset": "USDT"}
        return [common | {"id": n, "orderId": n, "isMaker": False} for n in self.trades]

    @staticmethod
    def _order(number: str) -> dict[str, Any]:
        return {"orderId": number, "clientOrderId": "v1", "side": "BUY", "status": "FILLED", "executedQty": "1"}


async def test_only_orders_of_fills_that_are_news_are_asked_for() -> None:
    binance = Binance([1, 2, 3])
    (fill,) = await binance.venue.own_fills(SYMBOL, 1, START, {"1", "3"})
    assert (fill.trade_id, fill.exchange_order_id, fill.state) == ("2", "2", OrderState.FILLED)
    assert [(path, asked.get("fromId"), asked.get("orderId")) for path, asked in binance.asked] == [
        ("myTrades", "1", None),
        ("order", None, "2"),
    ]
    await binance.venue.close()


async def test_each_request_takes_its_room_and_without_any_none_is_sent() -> None:
    binance = Binance([1])
    await binance.venue.own_fills(SYMBOL, None, START, ())
    trades, order = binance.room.taken
    assert trades > order > 0
    binance.asked.clear()
    binance.room.full = True
    with pytest.raises(Unavailable, match="no room"):
        await binance.venue.own_fills(SYMBOL, None, START, ())
    assert binance.asked == []
    await binance.venue.close()
