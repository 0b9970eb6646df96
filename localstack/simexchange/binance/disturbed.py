"""How a request suffers the fault that strikes it, over REST and over the WebSocket API alike."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from math import ceil
from typing import TypeVar

from simexchange.binance.errors import ApiError, NoAnswer
from simexchange.faults import Fault, Faults, Kind

Answer = TypeVar("Answer")
Nothing = TypeVar("Nothing")


async def answer(
    faults: Faults,
    route: str,
    act: Callable[[], Awaitable[Answer]],
    refuse: Callable[[ApiError], Answer],
    cut: Callable[[], Nothing],
) -> Answer | Nothing:
    """Act on a request and answer it, unless a fault has it otherwise.

    Parameters
    ----------
    faults : Faults
        What is armed.
    route : str
        What the faults' routes are matched with.
    act : callable
        Does what was asked for and returns the answer.
    refuse : callable
        Turns an error into an answer.
    cut : callable
        Cuts the connection; what it returns reaches nobody.
    """
    fault = faults.of_request(route)
    if fault is None:
        return await act()
    if fault.kind is Kind.DELAY_REQUEST:
        await asyncio.sleep(fault.seconds)
        return await act()
    if fault.kind is Kind.LOSE_REQUEST:
        return cut()
    if fault.kind in {Kind.LOSE_RESPONSE, Kind.DELAY_RESPONSE}:
        answered = await act()
        if fault.kind is Kind.LOSE_RESPONSE:
            return cut()
        await asyncio.sleep(fault.seconds)
        return answered
    if fault.after:
        await act()
    return refuse(error_of(fault, faults.seconds_left(fault)))


def error_of(fault: Fault, seconds_left: float) -> ApiError:
    """What the client is told by a fault that answers."""
    wait = max(1, ceil(seconds_left))
    if fault.kind is Kind.RATE_LIMIT:
        return ApiError(-1003, "Too many requests; please use the websocket for live updates.", 429, retry_after=wait)
    if fault.kind is Kind.BAN:
        return ApiError(-1003, "Way too much request weight used; IP banned.", 418, retry_after=wait)
    if fault.kind is Kind.MAINTENANCE:
        return ApiError(1, "System is under maintenance.", 503)
    if fault.kind is Kind.STATUS:
        return NoAnswer(fault.status)
    return ApiError(fault.code, fault.message or "Injected by a fault.", fault.status or HTTPStatus.BAD_REQUEST)
