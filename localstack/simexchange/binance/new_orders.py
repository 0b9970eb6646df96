"""How a request becomes an order, and a placed order its answer."""

import re
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from simexchange.binance import errors, payloads
from simexchange.binance.asked import Asked
from simexchange.binance.errors import ApiError
from simexchange.engine.orders import Fill, NewOrder, Order, OrderType, Side, TimeInForce

CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")


def new_order(asked: Asked) -> NewOrder:
    """The order that a request describes.

    Raises
    ------
    ApiError
        If a parameter is missing, cannot be read, or does not go with the order's type.
    """
    kind = asked.one_of(OrderType, "type", errors.INVALID_TYPE)
    side = asked.one_of(Side, "side", errors.INVALID_SIDE)
    new = NewOrder(asked.account, client_id_of(asked), asked.text("symbol"), side, kind)
    new = _limited(asked, new) if kind.has_limit else _at_market(asked, new)
    if kind.waits:
        return _triggered(asked, new)
    asked.refuse("stopPrice", "trailingDelta")
    return new


def _limited(asked: Asked, new: NewOrder) -> NewOrder:
    asked.refuse("quoteOrderQty")
    time_in_force = TimeInForce.GTC
    if new.type is not OrderType.LIMIT_MAKER:
        time_in_force = asked.one_of(TimeInForce, "timeInForce", errors.INVALID_TIME_IN_FORCE)
    return replace(new, time_in_force=time_in_force, price=asked.amount("price"), quantity=asked.amount("quantity"))


def _at_market(asked: Asked, new: NewOrder) -> NewOrder:
    asked.refuse("price", "timeInForce")
    if "quoteOrderQty" in asked.parameters:
        if new.type is not OrderType.MARKET or "quantity" in asked.parameters:
            raise errors.not_required("quoteOrderQty")
        return replace(new, quote_quantity=asked.amount("quoteOrderQty"))
    return replace(new, quantity=asked.amount("quantity"))


def _triggered(asked: Asked, new: NewOrder) -> NewOrder:
    if "stopPrice" not in asked.parameters and "trailingDelta" not in asked.parameters:
        raise ApiError(-1102, "Param 'stopPrice' or 'trailingDelta' must be sent, but both were empty/null!")
    stop_price = asked.amount("stopPrice") if "stopPrice" in asked.parameters else 0
    return replace(new, stop_price=stop_price, trailing_delta=asked.whole("trailingDelta") or 0)


def response_of(asked: Asked) -> Callable[[Order, list[Fill]], dict[str, Any]]:
    """How a placed order is answered: as fully as `newOrderRespType` asks for, or as usual for its type."""
    usual = "FULL" if asked.parameters.get("type") in {OrderType.LIMIT, OrderType.MARKET} else "ACK"
    wanted = asked.parameters.get("newOrderRespType", usual)
    if wanted not in payloads.RESPONSES:
        raise ApiError(-1101, f"Invalid newOrderRespType; it must be one of {', '.join(payloads.RESPONSES)}.")
    return payloads.RESPONSES[wanted]


def client_id_of(asked: Asked, name: str = "newClientOrderId") -> str:
    """The client id that a request gives, or a random one."""
    given = asked.parameters.get(name)
    if given is None:
        return secrets.token_hex(11)
    if not CLIENT_ID.fullmatch(given):
        raise errors.malformed(name, f"^{CLIENT_ID.pattern}$")
    return given
