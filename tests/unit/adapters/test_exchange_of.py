"""Which gateway moves the money of a mode."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.fakes.execution import FakeSecrets
from tests.fakes.transaction import FakeQuoteBoard
from volexswarm.adapters.capabilities import CAPABILITIES
from volexswarm.adapters.ccxt_gateway import CcxtGateway
from volexswarm.adapters.exchange_of import gateway_for
from volexswarm.adapters.paper.gateway import PaperGateway
from volexswarm.adapters.postgres.database import Database
from volexswarm.errors import InvalidInput
from volexswarm.execution.ports import ExchangeGateway
from volexswarm.messages import OrderType
from volexswarm.settings import Settings


def gateway(of: str, **settings: Any) -> ExchangeGateway:
    stated: dict[str, Any] = {
        "target": "embedded",
        "symbols": "BTC/USDT",
        "timeframes": "1m",
        "redis_url": "redis://127.0.0.1:1/0",
        "vault_url": "http://127.0.0.1:1",
        "exchange_url": "http://127.0.0.1:1",
    }
    chosen = Settings(**(stated | settings))
    return gateway_for(chosen, of, FakeSecrets(), Database(lambda: ""), FakeQuoteBoard())


def test_the_exchanges_own_money_moves_by_ccxt() -> None:
    made = gateway("simulated")
    assert isinstance(made, CcxtGateway)
    assert made.capabilities == CAPABILITIES["binance"]


@pytest.mark.parametrize("venue", sorted(CAPABILITIES))
def test_every_venue_can_be_traded_on_live_and_on_paper(venue: str) -> None:
    live = {"venue": venue, "mode": "live", "exchange_url": None}
    assert isinstance(gateway("live", **live), CcxtGateway)
    paper = gateway("paper", **live)
    assert isinstance(paper, PaperGateway)
    assert paper.capabilities.order_types == frozenset(OrderType)


@pytest.mark.parametrize(("mode", "offered"), [("live", "simulated, paper"), ("sandbox", "simulated, paper")])
def test_a_mode_that_the_deployment_does_not_offer_is_refused(mode: str, offered: str) -> None:
    with pytest.raises(InvalidInput, match=offered):
        gateway(mode)


def test_a_venue_that_is_not_in_the_table_is_refused() -> None:
    with pytest.raises(InvalidInput, match="binance, bitget, bybit"):
        gateway("live", venue="gemini", mode="live", exchange_url=None)


@pytest.mark.parametrize("funds", ["USDT", "USDT:", "usdt:1", "USDT:1,", "USDT:-1", "USDT:1 BTC:2"])
def test_paper_money_that_can_not_be_read_is_refused(funds: str) -> None:
    with pytest.raises(ValueError, match="paper_balances"):
        gateway("paper", paper_balances=funds)


def test_paper_money_can_be_in_several_currencies() -> None:
    made = gateway("paper", paper_balances="USDT:1000.50,BTC:2")
    assert isinstance(made, PaperGateway)
    assert made._terms.balances == {"USDT": Decimal("1000.50"), "BTC": Decimal(2)}
