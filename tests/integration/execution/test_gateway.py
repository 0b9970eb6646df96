"""What each of the exchange's answers means: is it certain that there is no order?"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.fakes.execution import FakeSecrets
from volexswarm.adapters.ccxt_gateway import CcxtGateway
from volexswarm.errors import InvalidInput, OutcomeUnknown, Rejected, Unavailable
from volexswarm.execution.model import MarketRules, OrderRequest
from volexswarm.messages import OrderState, OrderType, Side

SYMBOL_INFO = {
    "symbol": "BTCUSDT",
    "status": "TRADING",
    "baseAsset": "BTC",
    "baseAssetPrecision": 8,
    "quoteAsset": "USDT",
    "quotePrecision": 8,
    "quoteAssetPrecision": 8,
    "orderTypes": ["LIMIT", "MARKET"],
    "isSpotTradingAllowed": True,
    "permissions": ["SPOT"],
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01"},
        {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000.00", "stepSize": "0.00001"},
        {"filterType": "NOTIONAL", "minNotional": "5.00"},
    ],
}
FILLED = {
    "symbol": "BTCUSDT",
    "orderId": 28,
    "clientOrderId": "v1",
    "transactTime": 1_507_725_176_595,
    "price": "0.00",
    "origQty": "0.10000001",
    "executedQty": "0.10000001",
    "cummulativeQuoteQty": "6012.34660123",
    "status": "FILLED",
    "type": "MARKET",
    "side": "BUY",
    "fills": [
        {
            "price": "60123.46",
            "qty": "0.10000001",
            "commission": "0.00010000",
            "commissionAsset": "BTC",
            "tradeId": 56,
        }
    ],
}


class CannedExchange:
    """Answers each "METHOD path" with a status and a body; without one it hangs up."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, object] | None] = {
            "GET exchangeInfo": (200, {"symbols": [SYMBOL_INFO], "rateLimits": [], "exchangeFilters": []})
        }
        self.asked: list[str] = []
        canned = self

        class Handler(BaseHTTPRequestHandler):
            def handle_call(self) -> None:
                name = f"{self.command} {self.path.partition('?')[0].removeprefix('/api/v3/')}"
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                canned.asked.append(f"{name} {self.path.partition('?')[2]}{body}")
                answer = canned.answers.get(name)
                if answer is None:
                    return
                status, content = answer
                self.send_response(status)
                self.end_headers()
                self.wfile.write((content if isinstance(content, str) else json.dumps(content)).encode())

            do_GET = do_POST = handle_call  # noqa: N815 - the names that http.server calls

            def log_message(self, *_: object) -> None:
                """The test says what matters."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)


@pytest.fixture
def canned() -> Iterator[CannedExchange]:
    exchange = CannedExchange()
    thread = threading.Thread(target=exchange.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield exchange
    exchange.server.shutdown()
    exchange.server.server_close()
    thread.join()


@pytest.fixture
def gateway(canned: CannedExchange) -> CcxtGateway:
    return CcxtGateway(
        venue="binance",
        account="main",
        exchange_url=f"http://127.0.0.1:{canned.server.server_port}",
        mode="simulated",
        secrets=FakeSecrets(),
        pause=lambda _seconds: None,
    )


def request(order_type: OrderType = OrderType.MARKET, limit_price: str | None = None) -> OrderRequest:
    return OrderRequest(
        client_order_id="v1",
        symbol="BTC/USDT",
        side=Side.BUY,
        order_type=order_type,
        amount=Decimal("0.10000"),
        limit_price=Decimal(limit_price) if limit_price else None,
        sent_at=datetime(2026, 1, 5, 12, 0, 0, 250_000, UTC),
    )


def refusal(code: int, words: str) -> dict[str, object]:
    return {"code": code, "msg": words}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, refusal(-2010, "Account has insufficient balance for requested action.")),
        (400, refusal(-2010, "Order would immediately match and take.")),
        (400, refusal(-1013, "Filter failure: LOT_SIZE")),
        (400, refusal(-1013, "Filter failure: NOTIONAL")),
        (400, refusal(-1111, "Parameter 'quantity' has too much precision.")),
        (401, refusal(-2015, "Invalid API-key, IP, or permissions for action.")),
        (400, refusal(-1022, "Signature for this request is not valid.")),
    ],
)
def test_a_refusal_is_certain(
    canned: CannedExchange, gateway: CcxtGateway, status: int, body: dict[str, object]
) -> None:
    canned.answers["POST order"] = (status, body)
    with pytest.raises(Rejected) as refused:
        gateway.place(request())
    assert str(body["msg"]) in refused.value.reason


@pytest.mark.parametrize(
    "answer",
    [
        None,  # hangs up
        (400, refusal(-1021, "Timestamp for this request is outside of the recvWindow.")),
        (400, refusal(-1006, "An unexpected response was received from the message bus. Execution status unknown.")),
        (504, refusal(-1007, "Timeout waiting for response from backend server.")),
        (503, refusal(-1008, "Server is currently overloaded with other requests.")),
        (400, refusal(-2010, "Duplicate order sent.")),  # it stands already
        (429, refusal(-1003, "Too many requests.")),
        (418, refusal(-1003, "Way too many requests; IP banned.")),
        (502, "<html>Bad Gateway</html>"),
        (200, "half of an ans"),
        (200, {"surprise": "no order"}),
        (400, refusal(-9999, "Something that nobody has told us of.")),
    ],
)
def test_everything_else_leaves_the_outcome_unknown(
    canned: CannedExchange, gateway: CcxtGateway, answer: tuple[int, object] | None
) -> None:
    canned.answers["POST order"] = answer
    with pytest.raises(OutcomeUnknown):
        gateway.place(request())
    assert sum(asked.startswith("POST order") for asked in canned.asked) == 1


def test_an_answer_is_read_without_losing_a_digit(canned: CannedExchange, gateway: CcxtGateway) -> None:
    canned.answers["POST order"] = (200, FILLED)
    evidence = gateway.place(request())
    (fill,) = evidence.fills
    assert evidence.state is OrderState.FILLED
    assert evidence.filled == fill.amount == Decimal("0.10000001")
    assert (fill.trade_id, fill.exchange_order_id, fill.fee_currency) == ("56", "28", "BTC")
    assert fill.price == Decimal("60123.46")
    assert fill.fee == Decimal("0.0001")
    assert fill.as_of == datetime(2017, 10, 11, 12, 32, 56, 595_000, UTC)


def test_an_answer_without_its_fills_whole_leaves_them_to_the_reports(
    canned: CannedExchange, gateway: CcxtGateway
) -> None:
    canned.answers["POST order"] = (200, FILLED | {"fills": [{"price": "60123.46", "qty": "0.10000001"}]})
    evidence = gateway.place(request())
    assert evidence.filled == Decimal("0.10000001")
    assert evidence.fills == ()


@pytest.mark.parametrize(
    ("order_type", "price", "priced"), [(OrderType.MARKET, None, False), (OrderType.LIMIT, "60000.10", True)]
)
def test_a_request_carries_our_id_and_the_time_of_the_attempt(
    canned: CannedExchange, gateway: CcxtGateway, order_type: OrderType, price: str | None, priced: bool
) -> None:
    canned.answers["POST order"] = (200, FILLED)
    gateway.place(request(order_type, price))
    sent = canned.asked[-1]
    assert "newClientOrderId=v1" in sent
    assert "timestamp=1767614400250" in sent
    assert "recvWindow=5000" in sent
    assert "quantity=0.1&" in sent
    assert ("price=60000.1&" in sent) is priced
    assert "quoteOrderQty" not in sent


def test_only_the_exchanges_own_word_says_that_there_is_no_such_order(
    canned: CannedExchange, gateway: CcxtGateway
) -> None:
    canned.answers["GET order"] = (400, refusal(-2013, "Order does not exist."))
    assert gateway.find("v1", "BTC/USDT") is None
    for answer in (None, (502, "<html>Bad Gateway</html>"), (429, refusal(-1003, "Too many requests."))):
        canned.answers["GET order"] = answer
        with pytest.raises(Unavailable):
            gateway.find("v1", "BTC/USDT")


def test_the_markets_rules_are_read_exactly(gateway: CcxtGateway) -> None:
    assert gateway.rules("BTC/USDT") == MarketRules(
        amount_step=Decimal("0.00001"),
        price_step=Decimal("0.01"),
        min_amount=Decimal("0.00001"),
        max_amount=Decimal(9000),
        min_notional=Decimal(5),
    )


def test_a_refused_key_is_read_again(canned: CannedExchange, gateway: CcxtGateway) -> None:
    secrets: FakeSecrets = gateway._secrets  # type: ignore[assignment]
    canned.answers["POST order"] = (401, refusal(-2015, "Invalid API-key, IP, or permissions for action."))
    with pytest.raises(Rejected):
        gateway.place(request())
    canned.answers["POST order"] = (200, FILLED)
    secrets.sealed = True  # had it kept the old key, it would not need the vault
    with pytest.raises(Unavailable, match=r"was not sent.*vault"):
        gateway.place(request())


def test_a_venue_that_is_not_proven_is_refused() -> None:
    with pytest.raises(InvalidInput, match="venue"):
        CcxtGateway(venue="gemini", account="main", exchange_url=None, mode="live", secrets=FakeSecrets())
