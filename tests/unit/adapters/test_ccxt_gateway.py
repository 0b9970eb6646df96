"""What the gateway makes of answers that ccxt can read and we can't."""

from __future__ import annotations

import traceback
from decimal import Decimal
from typing import Any

import pytest
from ccxt.base import errors as ccxt

from tests.fakes.execution import FakeSecrets
from tests.fakes.transaction import START
from volexswarm.adapters.ccxt_gateway import CcxtGateway
from volexswarm.errors import OutcomeUnknown, Rejected, Unavailable
from volexswarm.execution.model import OrderRequest
from volexswarm.messages import OrderState, OrderType, Side

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

    headers: dict[str, str] = {}  # noqa: RUF012 - as ccxt has them

    def __init__(self, order: dict[str, Any], trade: dict[str, Any]) -> None:
        self._order, self._trade = order, trade

    def fetch_order(self, _id: str, _symbol: str, _parameters: dict[str, Any]) -> dict[str, Any]:
        return self._order

    def load_markets(self) -> None:
        """They are the same each time."""

    def fetch_my_trades(self, _symbol: str, _since: None, _limit: int, asked: dict[str, Any]) -> list[dict[str, Any]]:
        assert asked == {"orderId": self._order["id"]}
        return [self._trade]


def gateway(order: dict[str, Any], trade: dict[str, Any]) -> CcxtGateway:
    secrets = FakeSecrets()
    made = CcxtGateway(
        venue="binance",
        account="main",
        exchange_url="http://127.0.0.1:1",
        mode="simulated",
        secrets=secrets,
        pause=lambda _seconds: None,
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


SIGNED = "/api/v3/order?symbol=BTCUSDT&timestamp=1767614400000&signature=5ec4e7"


@pytest.mark.parametrize(
    "error",
    [
        ccxt.RequestTimeout(f"binance GET https://api.binance.com{SIGNED}"),
        ccxt.NetworkError(f"HTTPSConnectionPool(host='x'): Max retries exceeded with url: {SIGNED} (Caused by reset)"),
        ccxt.AuthenticationError(f"binance GET https://api.binance.com{SIGNED} 401 Unauthorized"),
    ],
)
def test_no_signature_of_a_request_gets_into_our_words_or_tracebacks(error: Exception) -> None:
    class Failing(Client):
        def fetch_order(self, _id: str, _symbol: str, _parameters: dict[str, Any]) -> dict[str, Any]:
            raise error

        def create_order(self, *_of_the_order: Any) -> dict[str, Any]:
            raise error

        def fetch_balance(self) -> dict[str, Any]:
            raise error

    made = gateway(ORDER, TRADE)
    buy = OrderRequest("v1", "BTC/USDT", Side.BUY, OrderType.MARKET, Decimal(1), None, START)
    for question in (lambda: made.find("v1", "BTC/USDT"), made.balances, lambda: made.place(buy)):
        made.__dict__["_client"] = Failing(ORDER, TRADE)  # a refused key is forgotten, and the client with it
        with pytest.raises((Unavailable, OutcomeUnknown, Rejected), match="/api/v3/order") as raised:
            question()
        told = "".join(traceback.format_exception(raised.value))
        assert "5ec4e7" not in told
        assert type(error).__name__ in told
