"""The exchange through ccxt: rules, balances, and orders that are sent once and found again by our own id.

Amounts are decimal strings in both directions (`number = str`), so that no digit passes through a float. What ccxt raises is
sorted by the one question that matters: is it certain that there is no order?
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from importlib import import_module
from typing import Any, Final, TypeVar

from ccxt.base import errors as ccxt

from volexswarm.adapters.venues import connection
from volexswarm.clock import from_ms, to_ms
from volexswarm.errors import OutcomeUnknown, Rejected, Unavailable, require
from volexswarm.execution.model import Capabilities, Evidence, MarketRules, OrderRequest, StandingOrder, Transfer
from volexswarm.messages import OrderState, OrderType, Side, TimeInForce
from volexswarm.ports import Fill, SecretStore

_TIMEOUT_MS: Final = 5_000
_PAGE: Final = 1000

# Only where the exchange can be made to refuse a late request, and finds orders by the client's id: then a lost order may be
# sent again (facts of each venue differ; one that is not proven here is not traded).
CAPABILITIES: Final = {
    "binance": Capabilities(
        venue="binance",
        client_ids=True,
        finds_by_client_id=True,
        cancels_by_client_id=True,
        order_types=frozenset(OrderType),
        times_in_force=frozenset(TimeInForce),
        acceptance_window=timedelta(seconds=5),
        trigger_orders=5,
        sandbox=True,
    )
}

_REFUSALS: Final = (
    ccxt.ArgumentsRequired,
    ccxt.AuthenticationError,
    ccxt.BadRequest,
    ccxt.InsufficientFunds,
    ccxt.InvalidOrder,
    ccxt.NotSupported,
    ccxt.OperationRejected,
)
_STATES: Final = {
    "canceled": OrderState.CANCELED,
    "canceling": OrderState.ACCEPTED,
    "closed": OrderState.FILLED,
    "expired": OrderState.EXPIRED,
    "open": OrderState.ACCEPTED,
    "rejected": OrderState.REJECTED,
}

_QUERY: Final = re.compile(r"\?\S*=\S*")

T = TypeVar("T")


class CcxtGateway:
    """Orders, rules and balances of one account at one venue. Implements the ports of execution and portfolio.

    Parameters
    ----------
    venue : str
        As ccxt names it.
    account : str
        Our name of the account whose keys these are.
    exchange_url, mode : str
        As in `venues.connection`.
    secrets : SecretStore
        Holds the keys at `api_keys/<venue>`; read when the exchange is first needed.

    Raises
    ------
    InvalidInput
        If the venue can't be traded on safely, or mode and URL contradict each other.
    """

    def __init__(self, *, venue: str, account: str, exchange_url: str | None, mode: str, secrets: SecretStore) -> None:
        require(venue in CAPABILITIES, "venue", venue, f"one of {', '.join(CAPABILITIES)}")
        self._venue = venue
        self._account = account
        self._simulated = mode == "simulated"
        self._config = connection(venue, exchange_url, mode)
        self._secrets = secrets

    @property
    def capabilities(self) -> Capabilities:
        """What the venue can do."""
        return CAPABILITIES[self._venue]

    def rules(self, symbol: str) -> MarketRules:
        """What the venue takes for the symbol.

        Raises
        ------
        Rejected
            If it does not trade the symbol.
        Unavailable
            If it does not answer.
        """
        self._ask(self._client.load_markets)
        market = self._client.markets.get(symbol)
        if market is None or market.get("active") is False:
            raise Rejected(f"{self._venue} does not trade {symbol}")
        limits = market["limits"]
        return MarketRules(
            amount_step=Decimal(market["precision"]["amount"]),
            price_step=Decimal(market["precision"]["price"]),
            min_amount=_decimal(limits["amount"]["min"]),
            max_amount=_decimal(limits["amount"]["max"]),
            min_notional=_decimal(limits["cost"]["min"]),
        )

    def place(self, request: OrderRequest) -> Evidence:
        """Send an order, once.

        Raises
        ------
        Rejected
            The exchange refused: it is certain that there is no order.
        OutcomeUnknown
            Anything else: the order may stand.
        """
        try:
            answer = self._client.create_order(
                request.symbol,
                request.order_type.value,
                request.side.value,
                format(request.amount, "f"),
                None if request.order_type is OrderType.MARKET else format(request.limit_price or 0, "f"),
                self._parameters(request),
            )
            return self._evidence(answer, self._fills_of_answer(answer))
        except _REFUSALS as error:
            if "duplicate" in str(error).lower():  # binance: InvalidOrder "Duplicate order sent.", so it stands
                raise OutcomeUnknown(request.client_order_id, _words(error)) from None
            raise self._refusal(error) from None
        except ccxt.BaseError as error:
            raise OutcomeUnknown(request.client_order_id, _words(error)) from None
        except Exception as error:  # also an answer that can't be read: the order was sent
            raise OutcomeUnknown(request.client_order_id, _words(error)) from error

    def find(self, client_order_id: str, symbol: str, exchange_order_id: str | None = None) -> Evidence | None:  # noqa: ARG002
        """The order by our id, with all its fills; None if the exchange says that it has none.

        Raises
        ------
        Unavailable
            If it does not answer, or answers what is no answer.
        """
        try:
            found = self._client.fetch_order("", symbol, {"clientOrderId": client_order_id})
        except ccxt.OrderNotFound:
            return None
        except ccxt.BaseError as error:
            raise self._unavailable(error) from None
        trades = (
            self._ask(lambda: self._client.fetch_order_trades(found["id"], symbol)) if _some(found["filled"]) else []
        )
        try:
            return self._evidence(found, self._fills(trades))
        except (
            ArithmeticError,
            LookupError,
            TypeError,
            ValueError,
        ) as error:  # a status that we do not know, a trade without its fee
            raise Unavailable("exchange", f"its answer can't be read: {_words(error)}") from error

    def cancel(self, client_order_id: str, symbol: str, exchange_order_id: str | None = None) -> bool:  # noqa: ARG002
        """Take an open order off the book; False if the exchange has no such open order. Raises Unavailable."""
        try:
            self._client.cancel_order("", symbol, {"clientOrderId": client_order_id})
        except ccxt.OrderNotFound:
            return False
        except ccxt.BaseError as error:
            raise self._unavailable(error) from None
        return True

    def open_orders(self) -> list[StandingOrder]:
        """Every open order of the account, waiting triggers included. Raises Unavailable."""
        found = self._ask(lambda: self._client.fetch_open_orders(params={"warnOnFetchOpenOrdersWithoutSymbol": False}))
        return [
            StandingOrder(
                order["symbol"],
                order["clientOrderId"],
                Side(order["side"]),
                Decimal(order["amount"]),
                self._evidence(order, ()),
            )
            for order in found
        ]

    def fills_since(self, symbol: str, since: datetime) -> list[Fill]:
        """The account's own trades in a symbol from a moment of exchange time on, ascending; all pages. Raises Unavailable."""
        found: dict[str, Mapping[str, Any]] = {}
        start = to_ms(since)
        while True:
            page = self._ask(lambda at=start: self._client.fetch_my_trades(symbol, at, _PAGE))  # type: ignore[misc]
            fresh = [trade for trade in page if trade["id"] not in found]
            found |= {trade["id"]: trade for trade in fresh}
            if len(page) < _PAGE or not fresh:
                return sorted(
                    self._fills(list(found.values())), key=lambda fill: (fill.as_of, len(fill.trade_id), fill.trade_id)
                )
            start = int(page[-1]["timestamp"])

    def transfers_since(self, since: datetime) -> list[Transfer]:
        """Deposits and withdrawals that are done, ascending by time. Raises Unavailable."""
        start = to_ms(since)
        came = self._ask(lambda: self._client.fetch_deposits(None, start))
        left = self._ask(lambda: self._client.fetch_withdrawals(None, start))
        done = [self._transfer(entry, 1) for entry in came] + [self._transfer(entry, -1) for entry in left]
        return sorted(
            (entry for entry in done if entry is not None), key=lambda entry: (entry.as_of, entry.transfer_id)
        )

    @staticmethod
    def _transfer(entry: Mapping[str, Any], sign: int) -> Transfer | None:
        if entry["status"] != "ok":
            return None
        fee = Decimal((entry.get("fee") or {}).get("cost") or 0)
        return Transfer(
            transfer_id=f"{entry['type']}/{entry['id']}",
            currency=entry["currency"],
            amount=sign * Decimal(entry["amount"]),
            fee=fee,
            as_of=from_ms(int(entry["timestamp"])),
        )

    def balances(self) -> dict[str, Decimal]:
        """Free and locked together, by asset. Raises Unavailable."""
        totals: Mapping[str, str] = self._ask(self._client.fetch_balance)["total"]
        return {asset: Decimal(amount) for asset, amount in totals.items()}

    def market_time(self) -> datetime:
        """The clock of the exchange's trades. Raises Unavailable."""
        if self._simulated:  # its `serverTime` is the wall clock, by which requests are signed
            return from_ms(int(self._ask(self._client.public_get_time)["simulatedTime"]))
        return from_ms(int(self._ask(self._client.fetch_time)))

    @cached_property
    def _client(self) -> Any:
        keys = self._secrets.read(f"api_keys/{self._venue}")
        # the module itself: `import ccxt` would load a hundred exchanges
        exchange = getattr(import_module(f"ccxt.{self._venue}"), self._venue)
        client = exchange({**self._config, "apiKey": keys["api_key"], "secret": keys["secret"], "timeout": _TIMEOUT_MS})
        client.number = str
        return client

    def _parameters(self, request: OrderRequest) -> dict[str, Any]:
        """Our id, and the time of the attempt: however late the request leaves, the exchange refuses it after the window."""
        return {
            "clientOrderId": request.client_order_id,
            "timestamp": to_ms(request.sent_at),
            "recvWindow": (self.capabilities.acceptance_window or timedelta(0)) // timedelta(milliseconds=1),
        }

    def _ask(self, question: Callable[[], T]) -> T:
        try:
            return question()
        except ccxt.BaseError as error:
            raise self._unavailable(error) from None

    def _unavailable(self, error: ccxt.BaseError) -> Unavailable:
        self._forget_keys(error)
        return Unavailable("exchange", _words(error))

    def _refusal(self, error: ccxt.BaseError) -> Rejected:
        self._forget_keys(error)
        return Rejected(_words(error))

    def _forget_keys(self, error: ccxt.BaseError) -> None:
        """A key that is refused may have been replaced: read it again next time."""
        if isinstance(error, ccxt.AuthenticationError):
            self.__dict__.pop("_client", None)

    def _evidence(self, order: Mapping[str, Any], fills: tuple[Fill, ...]) -> Evidence:
        filled = Decimal(order["filled"] or 0)
        state = _STATES[order["status"]]
        if state is OrderState.ACCEPTED and filled:
            state = OrderState.PARTIALLY_FILLED
        moment = order.get("lastUpdateTimestamp") or order["timestamp"]
        return Evidence(order["id"], state, filled, fills, from_ms(int(moment)))

    def _fills_of_answer(self, answer: Mapping[str, Any]) -> tuple[Fill, ...]:
        """The fills that the answer carries whole; none if any lacks something: reports and queries bring them."""
        side = {
            "order": answer["id"],
            "timestamp": answer["timestamp"],
            "symbol": answer["symbol"],
            "side": answer["side"],
        }
        trades = [
            trade | {key: value for key, value in side.items() if trade.get(key) is None} for trade in answer["trades"]
        ]
        return self._fills(trades) if all(_whole(trade) for trade in trades) else ()

    def _fills(self, trades: Sequence[Mapping[str, Any]]) -> tuple[Fill, ...]:
        return tuple(self._fill(trade) for trade in trades)

    def _fill(self, trade: Mapping[str, Any]) -> Fill:
        fee = trade["fee"]
        return Fill(
            venue=self._venue,
            account=self._account,
            symbol=trade["symbol"],
            trade_id=trade["id"],
            exchange_order_id=trade["order"],
            side=Side(trade["side"]),
            price=Decimal(trade["price"]),
            amount=Decimal(trade["amount"]),
            fee=Decimal(fee["cost"]),
            fee_currency=fee["currency"],
            is_maker=None if trade.get("takerOrMaker") is None else trade["takerOrMaker"] == "maker",
            as_of=from_ms(int(trade["timestamp"])),
        )


def _whole(trade: Mapping[str, Any]) -> bool:
    fee = trade.get("fee") or {}
    needed = [trade.get(key) for key in ("id", "order", "symbol", "side", "price", "amount", "timestamp")]
    return None not in (*needed, fee.get("cost"), fee.get("currency"))


def _some(amount: str | None) -> bool:
    return bool(Decimal(amount or 0))


def _decimal(limit: str | None) -> Decimal | None:
    return None if limit is None else Decimal(limit)


def _words(error: BaseException) -> str:
    """What happened, for records and logs: without the query of a URL, for ccxt quotes it whole, signature and all.

    For the same reason its error is never the cause of ours: a traceback would show it.
    """
    return _QUERY.sub("?…", f"{type(error).__name__}: {error}")[:300]
