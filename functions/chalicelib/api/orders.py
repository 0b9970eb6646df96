"""Orders, their stories, and a person's own trade."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field

from chalicelib.api.endpoint import Call, Headers, Input, Resource
from chalicelib.api.inputs import PageOf, Reason, Symbol, known, may_be_key
from chalicelib.runtime import wiring
from volexswarm.adapters.task_trader import standing
from volexswarm.desk.agent import Wish
from volexswarm.errors import require
from volexswarm.messages import OrderState, OrderType, Protection, Side, TimeInForce
from volexswarm.security.roles import Permission
from volexswarm.views.protections import GuardedPosition
from volexswarm.views.shape import Page
from volexswarm.views.story import Story
from volexswarm.views.trading import CancelAccepted, LargeOrder, Order, TradeAccepted

resource = Resource(__name__)
blueprint = resource.blueprint

Amount = Annotated[Decimal, Field(gt=0, max_digits=30, decimal_places=18, allow_inf_nan=False)]


class OrdersOf(PageOf):
    """A page of orders."""

    state: OrderState | None = None


class TradeRequest(Input):
    """What to trade: `amount` in base currency, prices in quote currency.

    `price` for types with a limit and `trigger_price` for those that wait for one, and only then; `time_in_force` other than gtc
    for type limit; `protection` how what is bought is to be left.
    """

    symbol: Symbol
    side: Side
    amount: Amount
    type: OrderType
    price: Amount | None = None
    trigger_price: Amount | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    protection: Protection | None = None


class CancelRequest(Input):
    """Why an order is canceled."""

    reason: Reason


class ProtectionsOf(PageOf):
    """A page of protections."""

    state: Literal["armed", "exiting", "closed"] | None = None


class IdempotencyKey(Headers):
    """The caller's own name for the request: sent again with it, a request is not done again.

    After an answer of 500 or more, or none, whether it was done is not known: it is sent again with the same key.
    """

    key: Annotated[
        str,
        Field(
            alias="idempotency-key",
            pattern=r"^[A-Za-z0-9_-]{8,100}$",
            description="8 to 100 letters, digits, - or _, new for each trade",
        ),
    ]


@resource.route("GET", "/orders", Page[Order], permission=Permission.TRADE_READ, query=OrdersOf)
def orders(call: Call[OrdersOf, Any, Any]) -> Page[Order]:
    """Orders, newest first."""
    query = call.query
    page = wiring.trading_reader().orders(query.symbol, query.state, query.limit, query.cursor)
    known(
        query.symbol, found=bool(page.items or query.state or query.cursor)
    )  # narrowed, it may be empty for any symbol
    return page


@resource.route("GET", "/orders/{order}", Order, permission=Permission.TRADE_READ, failures=(409,))
def one_order(_: Call[Any, Any, Any], order: str) -> Order:
    """One order, by its id, the id's unambiguous beginning, or its client order id."""
    return wiring.trading_reader().order(_key(order))


@resource.route("GET", "/orders/{order}/explain", Story, permission=Permission.TRADE_READ, failures=(409,))
def explain(_: Call[Any, Any, Any], order: str) -> Story:
    """The story of an order: tape, candle, signal, verdicts, transitions, fills, ledger, position."""
    return wiring.story_reader().story(_key(order))


@resource.route(
    "POST",
    "/orders/{order}/cancel",
    CancelAccepted,
    permission=Permission.TRADE_WRITE,
    body=CancelRequest,
    status=202,
    failures=(404, 409),
)
def cancel(call: Call[Any, CancelRequest, Any], order: str) -> CancelAccepted:
    """Cancel an open order; what of it is filled stays filled. Of a large one in slices any slice will do, and the id of
    its signal also before the first: no other follows.

    202 says that the command is on its way, `GET /orders/{order}` what became of the order: it may have been filled first.
    """
    found = wiring.trading_reader().named(_key(order))
    wiring.trading_desk().cancel(standing(found), requested_by=call.caller.username, reason=call.body.reason)
    if isinstance(found, LargeOrder):
        return CancelAccepted(order_id=None, symbol=found.symbol, state=None, simulated=found.simulated)
    return CancelAccepted(order_id=found.id, symbol=found.symbol, state=found.state, simulated=found.simulated)


@resource.route("GET", "/protections", Page[GuardedPosition], permission=Permission.TRADE_READ, query=ProtectionsOf)
def protections(call: Call[ProtectionsOf, Any, Any]) -> Page[GuardedPosition]:
    """Positions that are left by themselves: how, who holds that, and what became of it. Newest first."""
    query = call.query
    return wiring.protection_reader().protections(query.symbol, query.state, query.limit, query.cursor)


def _key(order: str) -> str:
    require(may_be_key(order), "order", order, "an order's id or its beginning")
    return order


@resource.route(
    "POST",
    "/trade",
    TradeAccepted,
    permission=Permission.TRADE_WRITE,
    body=TradeRequest,
    headers=IdempotencyKey,
    status=202,
    failures=(409,),
)
def trade(call: Call[Any, TradeRequest, IdempotencyKey]) -> TradeAccepted:
    """Ask for a trade.

    It goes through risk and compliance like a strategy's: 202 says that it is on its way, `GET /signals/{signal}` what became
    of it.
    """
    wanted = call.body
    taken = wiring.trading_desk().take(
        Wish(
            wanted.symbol,
            wanted.side,
            wanted.amount,
            wanted.type,
            wanted.price,
            wanted.trigger_price,
            wanted.time_in_force,
            wanted.protection,
        ),
        requested_by=call.caller.username,
        idempotency_key=call.headers.key,
    )
    return TradeAccepted(
        signal_id=taken.event_id,
        correlation_id=taken.correlation_id,
        symbol=taken.signal.symbol,
        side=taken.signal.side,
        amount=wanted.amount,
        order_type=taken.signal.order_type,
        limit_price=taken.signal.limit_price,
        trigger_price=taken.signal.trigger_price,
        time_in_force=taken.signal.time_in_force,
        protection=taken.signal.protection,
        price=taken.signal.price,
        as_of=taken.signal.as_of,
        simulated=taken.mode != "live",
        repeated=taken.repeated,
    )
