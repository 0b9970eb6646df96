"""The WebSocket API, as far as the account's own events need it: `userDataStream.subscribe.signature` and what follows."""

from collections.abc import Callable
from typing import Any

import orjson

from simexchange.binance import disturbed, payloads
from simexchange.binance.auth import Authenticator
from simexchange.binance.connection import Connection, all_told
from simexchange.binance.errors import ApiError
from simexchange.engine.exchange import Exchange, Happened
from simexchange.faults import Faults


class UserStreams:
    """Tells accounts what happens to their orders and balances."""

    def __init__(self, exchange: Exchange, faults: Faults) -> None:
        self._exchange = exchange
        self.faults = faults
        self._sessions: set[UserSession] = set()

    @property
    def count(self) -> int:
        """Number of subscriptions."""
        return sum(len(session.accounts) for session in self._sessions)

    def add(self, session: "UserSession") -> None:
        """Tell this session from now on."""
        self._sessions.add(session)

    def discard(self, session: "UserSession") -> None:
        """Tell this session no more."""
        self._sessions.discard(session)

    def publish(self, happened: Happened) -> None:
        """Send execution reports and transfers in order, then the balances as they are after them."""
        if not self._sessions:
            return
        now_ms = self._exchange.now_ms
        for report in happened.reports:
            self._send(str(report.order.account), payloads.execution_report(report, now_ms))
        for transfer in happened.transfers:
            self._send(transfer.account, payloads.balance_update(transfer, now_ms))
        for account, changed in happened.balances.items():
            self._send(account, payloads.account_position(changed, now_ms))

    async def told(self) -> None:
        """Wait, for a while, until everyone has been sent everything."""
        await all_told(session.connection for session in self._sessions)

    def _send(self, account: str, event: dict[str, Any]) -> None:
        listeners = [session for session in self._sessions if account in session.accounts.values()]
        if listeners:
            for message in self.faults.sent("user", account, orjson.dumps(event)):
                for session in listeners:
                    session.tell(account, message)


class UserSession:
    """One client of the WebSocket API. `accounts` maps its subscription ids to accounts; `cut` ends the connection."""

    def __init__(
        self, streams: UserStreams, authenticator: Authenticator, connection: Connection, cut: Callable[[], None]
    ) -> None:
        self._streams = streams
        self._cut = cut
        self._authenticator = authenticator
        self.connection = connection
        self._next_subscription = 0
        self.accounts: dict[int, str] = {}
        streams.add(self)

    def tell(self, account: str, event: bytes) -> None:
        """Queue an event for every subscription to this account."""
        for subscription, subscribed in self.accounts.items():
            if subscribed == account:
                self.connection.send(b'{"subscriptionId":%d,"event":%b}' % (subscription, event))

    async def receive(self, text: str) -> None:
        """Answer one request, or do to it what a fault has in store."""
        try:
            request = orjson.loads(text)
        except orjson.JSONDecodeError:
            request = None
        found: dict[str, Any] = request if isinstance(request, dict) else {}

        async def act() -> dict[str, Any]:
            return self._answer(found)

        route = f"WS {found.get('method', '')}"
        answered = await disturbed.answer(self._streams.faults, route, act, _refusal, self._cut)
        if answered is not None:
            self.connection.send(orjson.dumps({"id": found.get("id"), **answered}))

    def hears(self, stream: str) -> bool:
        """Whether it is subscribed to an account's events."""
        return stream == "user" and bool(self.accounts)

    def close(self) -> None:
        """The client is gone."""
        self._streams.discard(self)

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"status": 200, "result": self._handle(request["method"], request.get("params", {}))}
        except ApiError as error:
            return _refusal(error)
        except (KeyError, TypeError, AttributeError):
            return _refusal(ApiError(-1000, "A request needs an id, a method and params."))

    def _handle(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        if method == "userDataStream.subscribe.signature":
            return self._subscribe({name: str(value) for name, value in params.items()})
        if method == "userDataStream.unsubscribe":
            self.accounts.pop(params.get("subscriptionId", 0), None)
            return {}
        if method == "ping":
            return {}
        raise ApiError(-1000, f"Unknown method {method}.")

    def _subscribe(self, params: dict[str, str]) -> dict[str, Any]:
        # What is signed here is every parameter but the signature, sorted by name.
        payload = "&".join(f"{name}={params[name]}" for name in sorted(params) if name != "signature")
        account = self._authenticator.signed(params.get("apiKey"), payload, params)
        subscription, self._next_subscription = self._next_subscription, self._next_subscription + 1
        self.accounts[subscription] = account
        return {"subscriptionId": subscription}


def _refusal(error: ApiError) -> dict[str, Any]:
    retry = {"data": {"retryAfter": error.retry_after}} if error.retry_after is not None else {}
    return {"status": error.http, "error": {**error.body, **retry}}
