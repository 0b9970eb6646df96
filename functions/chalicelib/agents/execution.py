"""Execution agent: orders out to the exchange, fills into the books, and a keeper for what got no answer."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint

from chalicelib.runtime import wiring
from chalicelib.runtime.batch import BatchResponse, each_command, each_message
from chalicelib.runtime.chores import each_chore
from chalicelib.runtime.observability import observed
from chalicelib.runtime.wakers import woken
from volexswarm.messages import CancelOrder, ExecutionReported, OrderApproved

blueprint = Blueprint(__name__)


@woken(blueprint, "execution-orders")
@observed("execution-orders")
def on_orders(event: Any) -> BatchResponse:
    """Place each approved order once, and carry out every other command about orders."""
    return each_command(
        event,
        {
            OrderApproved: lambda command: wiring.execution_agent().execute(command),
            CancelOrder: lambda command: wiring.execution_agent().cancel(command),
        },
    )


@woken(blueprint, "execution-fills")
@observed("execution-fills")
def on_fills(event: Any) -> BatchResponse:
    """Apply each of the exchange's reports to order, ledger and position."""
    return each_message(event, ExecutionReported, wiring.execution_agent().apply)


@woken(blueprint, "execution-keeper")
@observed("execution-keeper")
def on_schedule(_event: Any) -> None:
    """Open the account's books, resolve orders without an answer, value the account."""
    portfolio = wiring.portfolio_agent()
    each_chore(portfolio.open_account, wiring.execution_agent().resolve_open, portfolio.snapshot)
