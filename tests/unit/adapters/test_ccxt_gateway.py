"""What the gateway makes of answers that ccxt can read and we can't."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.execution import FakeSecrets
from volexswarm.adapters.ccxt_gateway import CcxtGateway
from volexswarm.errors import Unavailable
from volexswarm.messages import OrderState

ORDER = {"id": "7", "status": "closed", "filled": "1", "timestamp": "1767614400000"}
TRADE = {
    "id": "1",
    "order": "7",
    "symbol": "BTC/USDT",
    "side": "buy",
    "price": "100",
    "amount": "1",
    "timestamp": "1767614400000",
    "fee": {"cost": "0.001", "currency": "BTC"},
}


class Client:
    """ccxt with these answers."""

    def __init__(self, order: dict[str, Any], trade: dict[str, Any]) -> None:
        self._order, self._trade = order, trade

    def fetch_order(self, _id: str, _symbol: str, _parameters: dict[str, Any]) -> dict[str, Any]:
        return self._order

    def fetch_order_trades(self, _id: str, _symbol: str) -> list[dict[str, Any]]:
        return [self._trade]


def gateway(order: dict[str, Any], trade: dict[str, Any]) -> CcxtGateway:
    secrets = FakeSecrets()
    made = CcxtGateway(
        venue="binance", account="main", exchange_url="http://127.0.0.1:1", mode="simulated", secrets=secrets
    )
    made.__dict__["_client"] = Client(order, trade)  # where its cached property keeps it
    return made


def test_an_answer_that_can_be_read_is_evidence() -> None:
    found = gateway(ORDER, TRADE).find("v1", "BTC/USDT")
    assert found is not None
    assert (found.state, len(found.fills)) == (OrderState.FILLED, 1)


@pytest.mark.parametrize(
    ("order", "trade"),
    [
        (ORDER | {"status": "PENDING_NEW"}, TRADE),  # as ccxt passes on what it has no word for
        (ORDER | {"status": None}, TRADE),
        (ORDER, TRADE | {"fee": None}),
        (ORDER, TRADE | {"fee": {"cost": None, "currency": None}}),
        (ORDER, TRADE | {"price": "much"}),
    ],
)
def test_an_answer_that_can_not_be_read_is_no_answer(order: dict[str, Any], trade: dict[str, Any]) -> None:
    """The order stays what it is, and is asked for again."""
    with pytest.raises(Unavailable, match="can't be read"):
        gateway(order, trade).find("v1", "BTC/USDT")
