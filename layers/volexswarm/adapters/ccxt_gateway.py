"""The exchange through ccxt: rules, balances, and orders that are sent once and found again by our own id.

Amounts are decimal strings in both directions (`number = str`), so that no digit passes through a float. What ccxt raises is
sorted by the one question that matters: is it certain that there is no order? Questions are asked again when the network fails
them, orders never.
"""

from __future__ import annotations

import math
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from functools import cached_property, partial
from importlib import import_module
from typing import Any, Final, TypeVar

from ccxt.base import errors as ccxt

from volexswarm.adapters.dialects import DIALECTS, MOST_PAGES, TooMany
from volexswarm.adapters.rate_limit import Bucket, RateLimits
from volexswarm.adapters.venues import connection
from volexswarm.clock import from_ms, to_ms
from volexswarm.errors import MarketClosed, OutcomeUnknown, Rejected, Unavailable, require
from volexswarm.execution.model import Balance, Capabilities, Evidence, MarketRules, OrderRequest, StandingOrder
from volexswarm.messages import OrderState, OrderType, Side, TimeInForce
from volexswarm.ports import Fill, SecretStore, Transfer

_TIMEOUT_MS: Final = 5_000
_ATTEMPTS: Final = 3
_PATIENCE_SECONDS: Final = 10.0  # no further attempt of a question after so long
_FIRST_PAUSE_SECONDS: Final = 0.2  # at most; twice as long at most after each attempt
_NEEDED_SECONDS: Final = (
    10.0  # of a call of ours, for one more request that is not answered, and to store what came of it
)
# How long a list of markets holds: filters change once in days, and a new one costs 20 of binance's 6000 weight a minute and up
# to half a second of CPU.
_LISTED: Final = timedelta(minutes=10)
_JUST_LISTED: Final = timedelta(seconds=10)  # an older list turns nobody away: the market may have opened since
_SILENCE: Final = timedelta(seconds=10)  # for a venue that does not say how long it wants to be left alone

_REFUSALS: Final = (
    ccxt.ArgumentsRequired,
    ccxt.AuthenticationError,
    ccxt.BadRequest,
    ccxt.InsufficientFunds,
    ccxt.InvalidOrder,
    ccxt.NotSupported,
    ccxt.OperationRejected,
)
_TOO_MUCH: Final = (ccxt.DDoSProtection, ccxt.RateLimitExceeded)
_STATES: Final = {
    "canceled": OrderState.CANCELED,
    "canceling": OrderState.ACCEPTED,
    "closed": OrderState.FILLED,
    "expired": OrderState.EXPIRED,
    "open": OrderState.ACCEPTED,
    "rejected": OrderState.REJECTED,
}
_UNREADABLE: Final = (ArithmeticError, LookupError, TypeError, ValueError)

# That an order of this id stands already: binance and bybit in words, the others by their codes.
_DUPLICATE: Final = re.compile(r"duplicat|already exist|\b(51016|12141|170141|43118|40786|102426)\b", re.IGNORECASE)
_QUERY: Final = re.compile(r"\?\S*=\S*")

T = TypeVar("T")


class _Refused(Unavailable):
    """The venue answered a question, and did not like it."""


class CcxtGateway:
    """Orders, rules and balances of one account at one venue. Implements the ports of execution and portfolio.

    For one thread at a time.

    Parameters
    ----------
    venue : str
        As ccxt names it.
    account : str
        Our name of the account whose keys these are.
    exchange_url, mode : str
        As in `venues.connection`.
    secrets : SecretStore or None
        Holds the keys at `api_keys/<venue>` (`api_key`, `secret`, and `passphrase` where the venue gives one); read when the
        exchange is first needed. None for what everybody may ask: rules and the time.
    limits : RateLimits or None
        Counts every call against what the venue allows the key; None leaves that to the venue.
    seconds_left : callable
        How long the call may still last in which the exchange is asked. No request is begun that it might not outlast.
    pause, jitter : callable
        Seconds to wait before a question is asked again, and a share (0 to 1) of the longest such wait.
    now : callable
        Seconds of wall time, which also pass while a function is frozen between two calls.

    Raises
    ------
    InvalidInput
        If the venue can't be traded on safely, or mode and URL contradict each other.
    """

    def __init__(  # noqa: PLR0913 - ports and settings, by keyword
        self,
        *,
        venue: str,
        account: str,
        exchange_url: str | None,
        mode: str,
        secrets: SecretStore | None,
        limits: RateLimits | None = None,
        seconds_left: Callable[[], float] = lambda: math.inf,
        pause: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
        now: Callable[[], float] = time.time,
    ) -> None:
        require(venue in DIALECTS, "venue", venue, f"one of {', '.join(DIALECTS)}")
        self._venue = venue
        self._account = account
        self._simulated = mode == "simulated"
        self._dialect = DIALECTS[venue]
        self._config = connection(venue, exchange_url, mode)
        self._secrets = secrets
        self._limits = limits
        self._seconds_left = seconds_left
        self._pause = pause
        self._jitter = jitter
        self._now = now
        self._listed_at: float | None = None
        self._bucket: Bucket | None = None
        self._urgent = False

    @property
    def capabilities(self) -> Capabilities:
        """What the venue can do."""
        return self._dialect.capabilities

    def rules(self, symbol: str) -> MarketRules:
        """What the venue takes for the symbol.

        Raises
        ------
        Rejected
            If it does not have the symbol.
        MarketClosed
            While it has it and does not trade it.
        Unavailable
            If it does not answer.
        """
        market = self._market(symbol)
        try:
            return _rules(market)
        except _UNREADABLE as error:  # a market without its steps
            raise Unavailable("exchange", f"its rules for {symbol} can't be read: {_words(error)}") from error

    def fees(self, symbol: str) -> tuple[Decimal, Decimal]:
        """The venue's rates of taker and maker, as shares of what is traded; before any discount of the account.

        Raises
        ------
        Rejected, MarketClosed, Unavailable
            As `rules`.
        """
        market = self._market(symbol)
        try:
            return Decimal(str(market["taker"])), Decimal(str(market["maker"]))
        except ArithmeticError as error:  # not told
            raise Unavailable("exchange", f"its fees for {symbol} can't be read: {_words(error)}") from error

    def place(self, request: OrderRequest) -> Evidence:
        """Send an order, once.

        Raises
        ------
        Rejected
            The exchange refused, or can't be given such an order: it is certain that there is none.
        Unavailable
            Nothing was sent: what had to be known first is not, or the rate limit leaves no room.
        OutcomeUnknown
            Anything else: the order may stand. Also when the exchange says that it has an order of that id.
        """
        self._dialect.check(request)
        self._ready(request.client_order_id)
        request = self._bounded(request)
        kind = "limit" if request.order_type.has_limit else "market"
        price = None if request.limit_price is None or kind == "market" else format(request.limit_price, "f")
        parameters = self._dialect.parameters(request)
        try:
            with self._dated(request):
                answer = self._client.create_order(
                    request.symbol, kind, request.side.value, format(request.amount, "f"), price, parameters
                )
            if answer.get("status") is None and answer.get("id"):
                return self._acknowledged(request, answer["id"])
            return self._evidence(answer, self._fills_of_answer(answer))
        except Unavailable:  # by the rate limit, before it was sent
            raise
        except ccxt.BaseError as error:
            if self._is_refusal(error):
                raise self._refusal(error) from None
            self._heed(error)
            raise OutcomeUnknown(request.client_order_id, _words(error)) from None
        except Exception as error:  # also an answer that can't be read: the order was sent
            raise OutcomeUnknown(request.client_order_id, _words(error)) from error

    def find(self, client_order_id: str, symbol: str, exchange_order_id: str | None = None) -> Evidence | None:
        """The order by our id, or by theirs where ours does not suffice, with all its fills; None if the exchange has none.

        Raises
        ------
        Unavailable
            If it does not answer, or answers what is no answer.
        """
        found = self._ask(lambda: self._dialect.find(self._client, client_order_id, symbol, exchange_order_id))
        if found is None:
            return None
        try:
            trades = self._trades_of(found, symbol) if _some(found["filled"]) else []
            return self._evidence(found, self._fills(trades))
        except _UNREADABLE as error:  # a status that we do not know, a trade without its fee
            raise Unavailable("exchange", f"its answer can't be read: {_words(error)}") from error

    def cancel(self, client_order_id: str, symbol: str, exchange_order_id: str | None = None) -> bool:
        """Take an open order off the book; False if the exchange has no such open order. Raises Unavailable."""
        self._urgent = True
        try:
            self._ask(lambda: self._dialect.cancel(self._client, client_order_id, symbol, exchange_order_id))
        except ccxt.OrderNotFound:
            return False
        except _Refused as refusal:
            found = self.find(client_order_id, symbol, exchange_order_id)
            if found is None or found.state.is_final:  # some venues have no word of their own for that
                return False
            raise refusal from None
        finally:
            self._urgent = False
        return True

    def open_orders(self) -> list[StandingOrder]:
        """Every open order of the account, waiting triggers included. Raises Unavailable."""
        found = self._ask(lambda: self._dialect.open_orders(self._client))
        try:
            standing = [self._standing(order) for order in found]
        except _UNREADABLE as error:
            raise Unavailable("exchange", f"its answer can't be read: {_words(error)}") from error
        return [order for order in standing if not order.evidence.state.is_final]

    def fills_since(self, symbol: str, since: datetime) -> list[Fill]:
        """The account's own trades in a symbol from a moment of exchange time on, ascending; all pages. Raises Unavailable."""
        try:
            fills = self._fills(self._trades(symbol, since, {}))
        except _UNREADABLE as error:
            raise Unavailable("exchange", f"its answer can't be read: {_words(error)}") from error
        return sorted(fills, key=lambda fill: (fill.as_of, len(fill.trade_id), fill.trade_id))

    def transfers_since(self, since: datetime) -> list[Transfer]:
        """Deposits and withdrawals that are done, ascending by time.

        Raises
        ------
        Unavailable
            If the venue does not answer, or does not tell of all (`capabilities.transfers`).
        """
        if not self.capabilities.transfers:
            raise Unavailable("exchange", f"{self._venue} does not tell of all deposits and withdrawals")
        end = self.market_time() + timedelta(seconds=1)
        came = self._moved(self._client.fetch_deposits, since, end)
        left = self._moved(self._client.fetch_withdrawals, since, end)
        done = [self._transfer(entry, 1) for entry in came] + [self._transfer(entry, -1) for entry in left]
        return sorted(
            (entry for entry in done if entry is not None), key=lambda entry: (entry.as_of, entry.transfer_id)
        )

    def _moved(self, question: Callable[..., list[Any]], since: datetime, end: datetime) -> list[Mapping[str, Any]]:
        """All transfers of one kind; a time of which too many are told for one answer is asked about in halves."""
        size, waiting = self._dialect.transfers_size, list(_spans(since, end, self._dialect.transfers_window))
        found: dict[str, Mapping[str, Any]] = {}
        for _ in range(MOST_PAGES):
            if not waiting:
                return list(found.values())
            start, stop = waiting.pop()
            until = self._dialect.until(to_ms(stop))
            page = self._ask(lambda a=start, z=until: question(None, to_ms(a), size, z))  # type: ignore[misc]
            found |= {entry["id"]: entry for entry in page}
            if len(page) >= size:
                middle = start + (stop - start) / 2
                waiting += [(start, middle), (middle, stop)]
        raise Unavailable("exchange", f"more transfers since {since} than can be told in {MOST_PAGES} answers")

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

    def balance(self, asset: str) -> Balance:
        """Of one asset; all of it passes for free where the venue does not tell what is. Raises Unavailable."""
        answer = self._ask(self._client.fetch_balance)
        total = Decimal(answer["total"].get(asset) or 0)
        free = answer["free"].get(asset)
        return Balance(total, total if free is None else Decimal(free))

    def market_time(self) -> datetime:
        """The clock of the exchange's trades. Raises Unavailable."""
        if self._simulated:  # its `serverTime` is the wall clock, by which requests are signed
            return from_ms(int(self._ask(self._client.public_get_time)["simulatedTime"]))
        return from_ms(int(self._ask(self._client.fetch_time)))

    @cached_property
    def _client(self) -> Any:
        keys = {} if self._secrets is None else self._keys(self._secrets.read(f"api_keys/{self._venue}"))
        # the module itself: `import ccxt` would load a hundred exchanges
        exchange = getattr(import_module(f"ccxt.{self._venue}"), self._venue)
        config = {**self._config, **keys, "timeout": _TIMEOUT_MS, "has": {"fetchCurrencies": False}}
        config["options"] = {**config["options"], **self._dialect.options}
        client = exchange(config)
        client.number = str
        counts = client.throttle if client.enableRateLimit else None
        if self._limits is not None:
            self._bucket = self._limits.bucket(self._venue, keys.get("apiKey", "public"))
            counts = self._wait_for_room  # ccxt's own knows of no other process
        client.enableRateLimit, client.throttle = True, lambda cost=None: self._begin(cost, counts)
        client.fetch_markets = partial(self._list_markets, client.fetch_markets)  # ccxt does it by itself, too
        return client

    def _list_markets(self, fetch: Callable[..., T], *asked: Any) -> T:
        listed = fetch(*asked)
        self._listed_at = self._now()
        return listed

    def _keys(self, stored: Mapping[str, str]) -> dict[str, str]:
        keys = {"apiKey": stored["api_key"], "secret": stored["secret"]}
        if not self._dialect.needs_passphrase:
            return keys
        if "passphrase" not in stored:
            raise Unavailable("vault", f"api_keys/{self._venue} has no `passphrase`, which {self._venue} asks for")
        return keys | {"password": stored["passphrase"]}

    def _begin(self, cost: float | None, counts: Callable[[float | None], object] | None) -> None:
        """Called by ccxt before each request, with what its tables say that it counts. Raises Unavailable: it is not made."""
        if counts is not None:
            counts(cost)
        if (
            self._seconds_left() < _NEEDED_SECONDS
        ):  # cut off in the middle, its message would be out of reach for minutes
            raise Unavailable("exchange", "no time is left to wait for its answer: it is asked in the next call")

    def _wait_for_room(self, cost: float | None) -> None:
        assert self._bucket is not None  # set together with this method
        self._bucket.take(cost or 1.0, urgent=self._urgent)

    def _ready(self, client_order_id: str) -> None:
        """Have client and markets at hand, so that sending the order is one request and nothing else."""
        try:
            self._ask(self._client.load_markets)  # of any age: this is no moment to wait for another
        except Unavailable as error:
            raise Unavailable("exchange", f"order {client_order_id} was not sent: {error}", error.after) from error

    def _bounded(self, request: OrderRequest) -> OrderRequest:
        """A purchase at market, where the venue takes only an amount to spend: to a worst price, in base."""
        band = self.capabilities.market_buy_band
        if band is None or request.side is not Side.BUY or request.order_type is not OrderType.MARKET:
            return request
        ask = self._ask(lambda: self._client.fetch_ticker(request.symbol)).get("ask")
        if not _some(ask):
            raise Unavailable("exchange", f"order {request.client_order_id} was not sent: there is no ask price")
        worst = _step_down(Decimal(ask) * (1 + band), self.rules(request.symbol).price_step)
        return replace(request, order_type=OrderType.LIMIT, limit_price=worst, time_in_force=TimeInForce.IOC)

    @contextmanager
    def _dated(self, request: OrderRequest) -> Iterator[None]:
        """However late the request leaves, it bears the time of the attempt, and the venue refuses it after the window."""
        client, headers = self._client, self._client.headers
        client.headers = {**headers, **self._dialect.headers(request)}
        if self._dialect.signs_the_time:
            moment = to_ms(request.sent_at)
            client.milliseconds, client.seconds = lambda: moment, lambda: moment // 1000
        try:
            yield
        finally:
            client.headers = headers
            if self._dialect.signs_the_time:
                del client.milliseconds, client.seconds

    def _acknowledged(self, request: OrderRequest, exchange_order_id: str) -> Evidence:
        """The venue has taken the order and says no more: ask what became of it."""
        try:
            found = self.find(request.client_order_id, request.symbol, exchange_order_id)
        except Unavailable:
            found = None
        return found or Evidence(exchange_order_id, OrderState.ACCEPTED, Decimal(0), (), request.sent_at)

    def _trades_of(self, order: Mapping[str, Any], symbol: str) -> list[Mapping[str, Any]]:
        since = None if self._dialect.order_trades_are_timeless else from_ms(int(order["timestamp"]))
        trades = self._trades(symbol, since, self._dialect.of_order(order["id"]))
        return [trade for trade in trades if trade["order"] == order["id"]]

    def _trades(self, symbol: str, since: datetime | None, asked: dict[str, Any]) -> list[Mapping[str, Any]]:
        """The account's trades in a symbol, whole: all pages of all spans of time that the venue can be asked about at once."""
        pages = self._dialect.trades
        whole: list[tuple[datetime | None, datetime | None]] = [(since, None)]
        if since is not None and pages.window is not None:
            whole = list(_spans(since, self.market_time() + timedelta(seconds=1), pages.window))
        found: dict[str, Mapping[str, Any]] = {}
        for start, end in whole:
            until = {} if end is None else self._dialect.until(to_ms(end))

            def page(more: dict[str, Any], with_start: bool, a: Any = start, z: Any = until) -> list[Mapping[str, Any]]:
                begin = to_ms(a) if a is not None and with_start else None
                about = symbol if pages.by_symbol else None
                return self._ask(lambda: self._client.fetch_my_trades(about, begin, pages.size, {**asked, **z, **more}))

            try:
                found |= {trade["id"]: trade for trade in pages.read(page)}
            except TooMany as error:
                raise Unavailable("exchange", f"too many trades to be told at once: {error}") from error
        return [trade for trade in found.values() if trade["symbol"] == symbol]

    def _market(self, symbol: str) -> Mapping[str, Any]:
        """The market as it is listed now, or was a few minutes ago. Raises as `rules`."""
        found = self._listed(_LISTED).get(symbol)
        if not _is_open(found):
            found = self._listed(_JUST_LISTED).get(symbol)
        if found is None:
            raise Rejected(f"{self._venue} does not trade {symbol}")
        if not _is_open(found):
            raise MarketClosed(self._venue, symbol)
        return found

    def _listed(self, age: timedelta) -> Mapping[str, Mapping[str, Any]]:
        """The venue's markets by symbol, from a list that is no older than that."""
        is_old = self._listed_at is not None and self._now() - self._listed_at > age.total_seconds()
        self._ask(lambda: self._client.load_markets(is_old))
        markets: Mapping[str, Mapping[str, Any]] = self._client.markets
        return markets

    def _ask(self, question: Callable[[], T]) -> T:
        """Ask, and again if the network fails it. OrderNotFound is the caller's to read."""
        last = time.monotonic() + _PATIENCE_SECONDS
        for attempt in range(_ATTEMPTS):
            try:
                return question()
            except ccxt.OrderNotFound:
                raise
            except TooMany as error:
                raise Unavailable("exchange", str(error)) from error
            except _UNREADABLE as error:  # ccxt met what it did not expect
                raise Unavailable("exchange", f"its answer can't be read: {_words(error)}") from error
            except ccxt.BaseError as error:
                pause = self._jitter() * _FIRST_PAUSE_SECONDS * 2**attempt
                is_last = attempt + 1 == _ATTEMPTS or time.monotonic() + pause > last
                if is_last or not _may_pass(error):
                    raise self._unavailable(error) from None
                self._pause(pause)
        raise AssertionError  # the last attempt returns or raises

    def _is_refusal(self, error: ccxt.BaseError) -> bool:
        """Whether it is certain that there is no order. Not when the venue says that it has one of that id."""
        if isinstance(error, ccxt.DuplicateOrderId) or _DUPLICATE.search(str(error)):
            return False
        return isinstance(error, _REFUSALS) or self._dialect.refuses(error)

    def _heed(self, error: ccxt.BaseError) -> None:
        """A venue that says that we ask too much is not asked by anybody until it allows it."""
        if isinstance(error, _TOO_MUCH) and self._bucket is not None:
            headers = {name.lower(): value for name, value in (self._client.last_response_headers or {}).items()}
            told = str(headers.get("retry-after", ""))
            self._bucket.drain(timedelta(seconds=int(told)) if told.isdigit() else _SILENCE)

    def _unavailable(self, error: ccxt.BaseError) -> Unavailable:
        self._heed(error)
        self._forget_keys(error)
        kind = _Refused if isinstance(error, _REFUSALS) else Unavailable
        return kind("exchange", _words(error))

    def _refusal(self, error: ccxt.BaseError) -> Rejected:
        self._forget_keys(error)
        return Rejected(_words(error))

    def _forget_keys(self, error: ccxt.BaseError) -> None:
        """A key that is refused may have been replaced: read it again next time."""
        if isinstance(error, ccxt.AuthenticationError):
            self.__dict__.pop("_client", None)

    def _standing(self, order: Mapping[str, Any]) -> StandingOrder:
        return StandingOrder(
            order["symbol"],
            self._dialect.client_id(order["clientOrderId"]),
            Side(order["side"]),
            Decimal(order["amount"]),
            self._evidence(order, ()),
        )

    def _evidence(self, order: Mapping[str, Any], fills: tuple[Fill, ...]) -> Evidence:
        status = order["status"]
        state = self._dialect.states.get(status) or _STATES[status]
        filled = Decimal(order["filled"] if state is OrderState.FILLED else order["filled"] or 0)
        if state is OrderState.ACCEPTED and filled:
            state = OrderState.PARTIALLY_FILLED
        if state is OrderState.FILLED and filled < Decimal(order.get("amount") or 0):
            state = OrderState.CANCELED  # ccxt calls one closed that was canceled in part, too
        moment = order.get("lastUpdateTimestamp") or order.get("lastTradeTimestamp") or order["timestamp"]
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


def _may_pass(error: ccxt.BaseError) -> bool:
    """Whether a question may be answered if it is asked again at once."""
    return isinstance(error, ccxt.OperationFailed) and not isinstance(error, _TOO_MUCH)


def _whole(trade: Mapping[str, Any]) -> bool:
    fee = trade.get("fee") or {}
    needed = [trade.get(key) for key in ("id", "order", "symbol", "side", "price", "amount", "timestamp")]
    return None not in (*needed, fee.get("cost"), fee.get("currency"))


def _is_open(market: Mapping[str, Any] | None) -> bool:
    """Whether it is traded; a venue that does not say so trades what it lists."""
    return market is not None and market.get("active") is not False


def _rules(market: Mapping[str, Any]) -> MarketRules:
    limits = market["limits"]
    return MarketRules(
        amount_step=Decimal(str(market["precision"]["amount"])),
        price_step=Decimal(str(market["precision"]["price"])),
        min_amount=_decimal(limits["amount"]["min"]),
        max_amount=_decimal(limits["amount"]["max"]),
        min_notional=_decimal(limits["cost"]["min"]),
    )


def _spans(start: datetime, end: datetime, longest: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """The time from start to end in parts that a venue can be asked about."""
    while start < end:
        yield start, min(start + longest, end)
        start += longest


def _step_down(price: Decimal, step: Decimal) -> Decimal:
    return (price / step).to_integral_value(ROUND_DOWN) * step


def _some(amount: str | None) -> bool:
    return bool(Decimal(amount or 0))


def _decimal(limit: str | None) -> Decimal | None:
    return None if limit is None else Decimal(str(limit))


def _words(error: BaseException) -> str:
    """What happened, for records and logs: without the query of a URL, for ccxt quotes it whole, signature and all.

    For the same reason its error is never the cause of ours: a traceback would show it.
    """
    return _QUERY.sub("?…", f"{type(error).__name__}: {error}")[:300]
