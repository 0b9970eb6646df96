"""What each venue can do for us: the table that says whether an order may be sent there, and what must be done by the system.

A line stands for what the venue documents and the requests that ccxt makes of it prove
(`tests/unit/adapters/test_venue_requests.py`). What is not proven is not possible, and the gateway refuses it in words before
anything is sent. So it is with waiting orders where they are a thing apart from orders, which changes its id, or its direction,
on its way to the book (bybit, okx, kucoin, bitget, gate): the system holds them itself.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Final

from volexswarm.execution.model import Capabilities
from volexswarm.messages import OrderType, TimeInForce

_PLAIN: Final = frozenset({OrderType.MARKET, OrderType.LIMIT})
_SECONDS_5: Final = timedelta(seconds=5)

_BAND: Final = Decimal("0.01")
"""How far above the best ask a purchase "at market" may go where the venue takes only an amount to spend: an immediate-or-cancel
limit order takes its place, whose amount is in base."""

CAPABILITIES: Final = {
    "binance": Capabilities(
        venue="binance",
        client_ids=True,
        finds_by_client_id=True,
        cancels_by_client_id=True,
        order_types=frozenset(OrderType),
        times_in_force=frozenset(TimeInForce),
        acceptance_window=_SECONDS_5,  # recvWindow
        trigger_orders=5,
        sandbox=True,
    ),
    "bitget": Capabilities(
        venue="bitget",
        client_ids=True,
        finds_by_client_id=True,
        cancels_by_client_id=True,
        order_types=_PLAIN,
        times_in_force=frozenset(TimeInForce),
        acceptance_window=_SECONDS_5,  # receiveWindow after requestTime
        trigger_orders=0,
        sandbox=True,
        remembers=timedelta(hours=2),
        market_buy_band=_BAND,
    ),
    "bybit": Capabilities(
        venue="bybit",
        client_ids=True,
        finds_by_client_id=True,
        cancels_by_client_id=True,
        order_types=_PLAIN,  # a stop has no direction there: one that was passed on its way would wait for the price to come back
        times_in_force=frozenset(TimeInForce),
        acceptance_window=_SECONDS_5,  # X-BAPI-RECV-WINDOW
        trigger_orders=0,
        sandbox=True,
        remembers=timedelta(days=7),
    ),
    "coinbase": Capabilities(
        venue="coinbase",
        client_ids=True,
        finds_by_client_id=False,
        cancels_by_client_id=False,
        order_types=frozenset(
            {OrderType.MARKET, OrderType.LIMIT, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT}
        ),
        times_in_force=frozenset(TimeInForce),
        acceptance_window=timedelta(seconds=120),  # end of the token that a request is signed with
        trigger_orders=None,
        sandbox=False,
        market_buy_band=_BAND,
        transfers=False,  # ccxt asks for one wallet's at a time, and leaves out those in cryptocurrencies
    ),
    "gate": Capabilities(
        venue="gate",
        client_ids=True,
        finds_by_client_id=True,
        cancels_by_client_id=False,
        order_types=_PLAIN,
        times_in_force=frozenset(TimeInForce),
        acceptance_window=_SECONDS_5,  # x-gate-exptime
        trigger_orders=0,
        sandbox=False,
        remembers=timedelta(minutes=30),
        market_buy_band=_BAND,
    ),
    "kraken": Capabilities(
        venue="kraken",
        client_ids=True,
        finds_by_client_id=True,
        cancels_by_client_id=True,
        order_types=frozenset(OrderType),
        times_in_force=frozenset({TimeInForce.GTC, TimeInForce.IOC, TimeInForce.POST_ONLY}),
        acceptance_window=_SECONDS_5,  # deadline
        trigger_orders=None,
        sandbox=False,
    ),
    "kucoin": Capabilities(
        venue="kucoin",
        client_ids=True,
        finds_by_client_id=True,
        cancels_by_client_id=True,
        order_types=_PLAIN,
        times_in_force=frozenset(TimeInForce),
        acceptance_window=_SECONDS_5,  # KC-API-TIMESTAMP may be so old
        trigger_orders=0,
        sandbox=False,
        remembers=timedelta(days=3),
    ),
    "okx": Capabilities(
        venue="okx",
        client_ids=True,
        finds_by_client_id=True,
        cancels_by_client_id=True,
        order_types=_PLAIN,
        times_in_force=frozenset(TimeInForce),
        acceptance_window=_SECONDS_5,  # expTime
        trigger_orders=0,
        sandbox=True,
        remembers=timedelta(hours=2),
    ),
}
"""By the venue's name in ccxt."""
