"""Reads the exchange's report on an order as evidence."""

from __future__ import annotations

from volexswarm.errors import InvalidInput
from volexswarm.execution.model import Evidence
from volexswarm.messages import ExecutionReported
from volexswarm.ports import Fill


def evidence_of(report: ExecutionReported) -> Evidence:
    """State, filled amount and, if the report is of a trade, the fill.

    Raises
    ------
    InvalidInput
        If it names a trade without its price, amount or fee: such a fill can't be booked, and nothing is guessed.
    """
    fills = (_fill(report, report.trade_id),) if report.trade_id is not None else ()
    return Evidence(report.exchange_order_id, report.state, report.filled, fills, report.as_of)


def _fill(report: ExecutionReported, trade_id: str) -> Fill:
    if report.price is None or report.amount is None or report.fee is None or report.fee_currency is None:
        raise InvalidInput("report", report.model_dump(mode="json"), "price, amount, fee and its currency of the trade")
    return Fill(
        venue=report.venue,
        account=report.account,
        symbol=report.symbol,
        trade_id=trade_id,
        exchange_order_id=report.exchange_order_id,
        side=report.side,
        price=report.price,
        amount=report.amount,
        fee=report.fee,
        fee_currency=report.fee_currency,
        is_maker=report.is_maker,
        as_of=report.as_of,
    )
