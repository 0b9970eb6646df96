"""The way to connected clients: API Gateway's @connections, to many of them at the same time."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from volexswarm.errors import Unavailable
from volexswarm.push.model import Delivery

if TYPE_CHECKING:
    from concurrent.futures import Future

logger = logging.getLogger(__name__)

AT_ONCE: Final = 16
READ_SECONDS: Final = 3
GONE: Final = 410


def client(endpoint: str) -> Any:
    """An @connections client that gives up soon and tries nothing twice: the next update makes up for it."""
    config = Config(
        connect_timeout=1, read_timeout=READ_SECONDS, retries={"total_max_attempts": 1}, max_pool_connections=AT_ONCE
    )
    return boto3.client("apigatewaymanagementapi", endpoint_url=endpoint, config=config)


class ApiGatewayOutlet:
    """`push.ports.Outlet` over @connections.

    Parameters
    ----------
    endpoint : str or None
        Where connections are written to; None where there is no WebSocket API, and therefore nobody connected.
    monotonic : callable
        Seconds that only grow.
    """

    def __init__(self, endpoint: str | None, api: Any = None, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._endpoint = endpoint
        self._api = api
        self._monotonic = monotonic
        self._threads: ThreadPoolExecutor | None = None

    def post(self, frames: Sequence[tuple[str, str]], seconds: float) -> dict[str, Delivery]:
        """Send each client its frames in order; whoever has not got all of them in time counts as slow."""
        by_client: defaultdict[str, list[str]] = defaultdict(list)
        for connection, frame in frames:
            by_client[connection].append(frame)
        deadline = self._monotonic() + seconds
        return self._each(by_client, lambda one: self._send(one, by_client[one], deadline), deadline)

    def close(self, connection_ids: Collection[str], seconds: float) -> None:
        """Close what is still open; a connection that can't be closed ends with its client."""
        deadline = self._monotonic() + seconds
        self._each(connection_ids, lambda one: self._ask("delete_connection", ConnectionId=one), deadline)

    def gone(self, connection_ids: Sequence[str], seconds: float) -> set[str]:
        """Which of them the gateway does not know any more."""
        deadline = self._monotonic() + seconds
        found = self._each(connection_ids, lambda one: self._ask("get_connection", ConnectionId=one), deadline)
        return {connection for connection, outcome in found.items() if outcome is Delivery.GONE}

    def _each(
        self, connections: Collection[str], act: Callable[[str], Delivery], deadline: float
    ) -> dict[str, Delivery]:
        self._connected()
        futures: dict[Future[Delivery], str] = {self._pool().submit(act, one): one for one in connections}
        done, late = wait(futures, timeout=max(0.0, deadline - self._monotonic()))
        for future in late:
            future.cancel()
        return {futures[future]: future.result() for future in done}

    def _send(self, connection: str, texts: Sequence[str], deadline: float) -> Delivery:
        for text in texts:
            if self._monotonic() > deadline:
                return Delivery.SLOW
            outcome = self._ask("post_to_connection", ConnectionId=connection, Data=text.encode())
            if outcome is not Delivery.DONE:
                return outcome
        return Delivery.DONE

    def _ask(self, operation: str, **given: Any) -> Delivery:
        try:
            getattr(self._connected(), operation)(**given)
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == GONE:
                return Delivery.GONE
            logger.info("a client did not take it: %s", error)
            return Delivery.SLOW
        except BotoCoreError as error:
            logger.warning("the gateway of connections does not answer: %s", error)
            return Delivery.SLOW
        return Delivery.DONE

    def _connected(self) -> Any:
        if self._api is None:
            if self._endpoint is None:
                raise Unavailable("WebSocket API", "VOLEX_PUSH_URL is not set: there is none in this deployment")
            self._api = client(self._endpoint)
        return self._api

    def _pool(self) -> ThreadPoolExecutor:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="push")
        return self._threads
