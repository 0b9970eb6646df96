"""Execution agent: orders out to the exchange, fills into the books, and a keeper for what got no answer."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from chalice.app import Blueprint

from chalicelib.runtime import wiring
from chalicelib.runtime.batch import BatchResponse, each_command, each_message, seconds_left
from chalicelib.runtime.chores import each_chore
from chalicelib.runtime.hearing import testimony
from chalicelib.runtime.observability import observed
from chalicelib.runtime.steps import step
from chalicelib.runtime.wakers import woken
from volexswarm.messages import (
    AcceptDifference,
    CancelOrder,
    ExecutionReported,
    OrderApproved,
    PlaceSlice,
    PriceReached,
    ReconcileAccount,
    ReviewProtections,
    TradingHalted,
    TradingResumed,
)

blueprint = Blueprint(__name__)


@woken(blueprint, "execution-orders")
@observed("execution-orders")
def on_orders(event: Any) -> BatchResponse:
    """Place each approved order once, and carry out every other command about orders."""
    wiring.call_time().begin(event)
    return each_command(
        event,
        {
            OrderApproved: lambda command: wiring.execution_agent().execute(command),
            PlaceSlice: lambda command: wiring.slicer().place(command),
            CancelOrder: lambda command: wiring.execution_agent().cancel(command),
            ReviewProtections: lambda command: wiring.guard().review(command),
            PriceReached: lambda command: wiring.guard().exit(command),
            ReconcileAccount: lambda command: wiring.reconciler(command.data.account).on_command(command),
            AcceptDifference: lambda command: wiring.acceptance().carry_out(command),
            TradingHalted: lambda command: wiring.halting().carry_out(command),
            TradingResumed: lambda _: wiring.guard().look_after(),
        },
    )


@woken(blueprint, "execution-fills")
@observed("execution-fills")
def on_fills(event: Any) -> BatchResponse:
    """Apply each of the exchange's reports to order, ledger and position."""
    return each_message(event, ExecutionReported, wiring.execution_agent().apply)


@woken(blueprint, "execution-keeper")
@observed("execution-keeper")
def on_schedule(event: Any) -> None:
    """Open the books, settle a halt, see to open orders, plans and protections, compare with the exchange, value."""

    wiring.call_time().begin(event)

    def keep() -> None:
        accounts = wiring.accounts()
        each_chore(
            *(partial(_open_books, account) for account in accounts),
            wiring.halting().look_after,
            wiring.execution_agent().resolve_open,
            wiring.slicer().look_after,
            wiring.guard().look_after,
            *(partial(_compare, account) for account in accounts),
            *(partial(_value_books, account) for account in accounts),
            first=int(wiring.clock().now().timestamp() // 60),
            seconds_left=partial(seconds_left, event),
        )

    each_chore(keep)


def _open_books(account: str) -> None:
    wiring.portfolio_agent(account).open_account()


def _compare(account: str) -> None:
    wiring.reconciler(account).look()


def _value_books(account: str) -> None:
    wiring.portfolio_agent(account).snapshot()


@step(blueprint, "portfolio-voice")
def on_task(event: Mapping[str, Any]) -> dict[str, Any]:
    """Say what the account holds and how it fares."""
    return testimony(event, wiring.portfolio_voice().testify)
