"""Which exchange gateway moves the money of a mode: the venue's own by ccxt, or the paper venue on its prices."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from volexswarm.adapters.ccxt_gateway import CcxtGateway
from volexswarm.adapters.paper.gateway import PaperGateway, PaperTerms
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.rate_limit import RateLimits
from volexswarm.adapters.redis_quotes import client
from volexswarm.clock import Clock, SystemClock
from volexswarm.control import modes
from volexswarm.errors import require
from volexswarm.execution.ports import ExchangeGateway
from volexswarm.ports import QuoteBoard, SecretStore
from volexswarm.settings import Settings


def gateway_for(
    settings: Settings,
    mode: str,
    secrets: SecretStore,
    database: Database,
    quotes: QuoteBoard,
    clock: Clock | None = None,
    seconds_left: Callable[[], float] = lambda: math.inf,
) -> ExchangeGateway:
    """The gateway to the books of a mode. Nothing is asked before it is used.

    Parameters
    ----------
    settings : Settings
        `mode` says what the exchange's own money is here; paper trading goes on beside it, on the prices of the same feed.
    database : Database
        Holds the paper venue. A gateway is not called within a transaction: it makes its own.
    seconds_left : callable
        How long the call may still last in which the gateway is used.

    Raises
    ------
    InvalidInput
        If the deployment does not offer the mode, or the venue can't be traded on.
    """
    offered = modes.available(settings.mode)
    require(mode in offered, "mode", mode, f"one that this deployment offers: {', '.join(offered)}")
    if mode != modes.PAPER:
        return _ccxt(settings, secrets, seconds_left)
    return PaperGateway(
        venue=settings.venue,
        account=modes.books_of(mode, settings.account),
        real=_ccxt(settings, None, seconds_left),
        database=database,
        quotes=quotes,
        clock=clock or SystemClock(),
        terms=PaperTerms(
            balances=_funds(settings.paper_balances),
            slippage=settings.paper_slippage,
            quote_max_age=timedelta(seconds=settings.quote_max_age),
        ),
    )


def _ccxt(settings: Settings, secrets: SecretStore | None, seconds_left: Callable[[], float]) -> CcxtGateway:
    counted = settings.mode != modes.SIMULATED  # the simulated exchange counts by itself
    return CcxtGateway(
        venue=settings.venue,
        account=settings.account,
        exchange_url=settings.exchange_url,
        mode=settings.mode,
        secrets=secrets,
        limits=RateLimits(client(settings.redis_url)) if counted else None,
        seconds_left=seconds_left,
    )


def _funds(stated: str) -> dict[str, Decimal]:
    pairs = (entry.split(":") for entry in stated.split(","))
    return {currency: Decimal(amount) for currency, amount in pairs}
