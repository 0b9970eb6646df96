"""The account's endpoints: balances, orders, fills, transfers. An order is acknowledged only after it was stored."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from simexchange.binance import errors, payloads
from simexchange.binance.asked import Asked
from simexchange.binance.errors import ApiError
from simexchange.binance.new_orders import client_id_of, new_order, response_of
from simexchange.engine.accounts import Transfer
from simexchange.engine.errors import Reason, Refused
from simexchange.engine.exchange import Exchange
from simexchange.engine.market import Market
from simexchange.engine.orders import Fill, NewOrder, Order


class ReplaceMode(StrEnum):
    """What becomes of the new order when the old one cannot be cancelled."""

    STOP_ON_FAILURE = "STOP_ON_FAILURE"
    ALLOW_FAILURE = "ALLOW_FAILURE"


class Trading:
    """Handlers of an account's endpoints; each takes what was asked and returns the JSON of the answer.

    Parameters
    ----------
    exchange : Exchange
        What is asked.
    now_ms : callable
        Simulated time of commands.
    commit : callable
        Stores and publishes what a command did.
    """

    def __init__(self, exchange: Exchange, *, now_ms: Callable[[], int], commit: Callable[[], None]) -> None:
        self._exchange = exchange
        self._now_ms = now_ms
        self._commit = commit

    def account(self, asked: Asked) -> dict[str, Any]:
        """Balances."""
        accounts = self._exchange.accounts
        rules = [market.rules for market in self._exchange.markets.values()]
        assets = {asset: accounts.balance(asked.account, asset) for r in rules for asset in (r.base, r.quote)}
        assets |= accounts.assets(asked.account)
        if asked.parameters.get("omitZeroBalances") == "true":
            assets = {asset: balance for asset, balance in assets.items() if balance.free or balance.locked}
        return payloads.account(assets, self._now_ms())

    def place(self, asked: Asked) -> dict[str, Any]:
        """A new order."""
        new, shaped = new_order(asked), response_of(asked)
        order, fills = self._exchange.place(new, self._now_ms())
        self._commit()
        return shaped(order, fills)

    def order(self, asked: Asked) -> dict[str, Any]:
        """One order."""
        return payloads.order(self._find(asked, "orderId", "origClientOrderId"))

    def cancel(self, asked: Asked) -> dict[str, Any]:
        """Cancel one order."""
        answer = self._cancelled(asked, "orderId", "origClientOrderId", client_id_of(asked))
        self._commit()
        return answer

    def cancel_all(self, asked: Asked) -> list[Any]:
        """Cancel all of an account's orders in a market."""
        orders = self._exchange.open_orders(asked.account, self._market(asked).rules.symbol)
        if not orders:
            raise ApiError(*errors.CANCEL_REJECTED)
        request_id = client_id_of(asked)
        for order in orders:
            self._exchange.cancel(asked.account, order, self._now_ms(), request_id)
        self._commit()
        return [payloads.cancelled(order, request_id) for order in orders]

    def cancel_replace(self, asked: Asked) -> dict[str, Any]:
        """Cancel an order and place another, stored as one change."""
        mode = asked.one_of(ReplaceMode, "cancelReplaceMode", errors.INVALID_REPLACE_MODE)
        new, shaped = new_order(asked), response_of(asked)
        request_id = client_id_of(asked, "cancelNewClientOrderId")
        cancelled = _attempted(lambda: self._cancelled(asked, "cancelOrderId", "cancelOrigClientOrderId", request_id))
        placed: dict[str, Any] | ApiError | None = None
        if not isinstance(cancelled, ApiError) or mode is ReplaceMode.ALLOW_FAILURE:
            placed = _attempted(lambda: shaped(*self._placed(new)))
        self._commit()
        return payloads.replaced(cancelled, placed)

    def open_orders(self, asked: Asked) -> list[Any]:
        """Open orders of a market, or of all."""
        symbol = self._market(asked).rules.symbol if "symbol" in asked.parameters else None
        return [payloads.order(order) for order in self._exchange.open_orders(asked.account, symbol)]

    def all_orders(self, asked: Asked) -> list[Any]:
        """Orders of a market, whatever became of them."""
        (start, end), limit = asked.day(), asked.limit(500, 1000)
        found = self._market(asked).orders.page(
            asked.account, limit, first_id=asked.whole("orderId") or 0, start_ms=start, end_ms=end
        )
        return [payloads.order(order) for order in found]

    def my_trades(self, asked: Asked) -> list[Any]:
        """Fills of a market, or of one order."""
        (start, end), limit, first = asked.day(), asked.limit(500, 1000), asked.whole("fromId") or 0
        market, of_order = self._market(asked), asked.whole("orderId")
        fills = market.fills if of_order is None else self._exchange.fills_of(of_order)
        found: list[Fill] = fills.page(asked.account, limit, first_id=first, start_ms=start, end_ms=end)
        return [payloads.my_trade(fill) for fill in found if fill.symbol == market.rules.symbol]

    def deposits(self, asked: Asked) -> list[Any]:
        """Funds that came from outside."""
        return [payloads.deposited(transfer) for transfer in self._transfers(asked, sign=1)]

    def withdrawals(self, asked: Asked) -> list[Any]:
        """Funds that went outside."""
        return [payloads.withdrawn(transfer) for transfer in self._transfers(asked, sign=-1)]

    def _transfers(self, asked: Asked, sign: int) -> list[Transfer]:
        """Deposits (`sign` 1) or withdrawals (-1), newest first, as Binance lists them."""
        start, end, coin = asked.whole("startTime") or 0, asked.whole("endTime"), asked.parameters.get("coin")
        found = [
            transfer
            for transfer in reversed(self._exchange.transfers)
            if transfer.account == asked.account
            and transfer.amount * sign > 0
            and coin in (None, transfer.asset)
            and start <= transfer.time_ms
            and (end is None or transfer.time_ms <= end)
        ]
        offset = asked.whole("offset") or 0
        return found[offset : offset + asked.limit(1000, 1000)]

    def _market(self, asked: Asked) -> Market:
        return self._exchange.market(asked.text("symbol"))

    def _placed(self, new: NewOrder) -> tuple[Order, list[Fill]]:
        return self._exchange.place(new, self._now_ms())

    def _cancelled(self, asked: Asked, id_name: str, client_id_name: str, request_id: str) -> dict[str, Any]:
        try:
            order = self._find(asked, id_name, client_id_name)
        except Refused as refused:
            if refused.reason is Reason.UNKNOWN_ORDER:
                raise ApiError(*errors.CANCEL_REJECTED) from refused
            raise
        self._exchange.cancel(asked.account, order, self._now_ms(), request_id)
        return payloads.cancelled(order, request_id)

    def _find(self, asked: Asked, id_name: str, client_id_name: str) -> Order:
        order_id, client_id = asked.whole(id_name), asked.parameters.get(client_id_name)
        if order_id is None and client_id is None:
            raise ApiError(-1102, f"Param '{client_id_name}' or '{id_name}' must be sent, but both were empty/null!")
        return self._exchange.find(asked.account, self._market(asked).rules.symbol, order_id, client_id)


def _attempted(act: Callable[[], dict[str, Any]]) -> dict[str, Any] | ApiError:
    try:
        return act()
    except ApiError as error:
        return error
    except Refused as refused:
        return errors.of_refusal(refused)
