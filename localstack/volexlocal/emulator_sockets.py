"""Corrections of ministack's WebSocket APIs: how a connection is opened or refused, and what is not written to one.

Made for ministack 1.5.33, as `volexlocal.emulator`; each has a test that fails as soon as the original behaves well without it.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Any

from ministack.services import apigateway

MESSAGE_LIMIT = 128 * 1024
WAITING_MESSAGES = 256
WAITING_BYTES = 4 * 1024 * 1024
"""What may wait for a client that does not read. AWS has such a limit without telling it."""

_FAILED = 502
"""What the original makes of a function that raised."""

Message = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]
Answer = tuple[int, dict[str, str], bytes]

_connect_answer: ContextVar[dict[str, Any] | None] = ContextVar("connect_answer", default=None)


def return_nothing_to_the_client() -> None:
    """It sends on what the function returns, stack traces too; AWS sends nothing, and of a failure only that it is one."""
    invoke = apigateway._invoke_ws_lambda

    async def silent(*arguments: Any, **named: Any) -> Any:
        answer = await invoke(*arguments, **named)
        connection_id, event_type, request_id = arguments[5:8]
        if event_type != "MESSAGE" or not isinstance(answer, dict):
            return answer
        failure = {"message": "Internal server error", "connectionId": connection_id, "requestId": request_id}
        return {"body": json.dumps(failure) if answer.get("statusCode") == _FAILED else ""}

    apigateway._invoke_ws_lambda = silent


def open_as_the_function_answers() -> None:
    """It drops what the function of $connect answers besides refusing; at AWS its subprotocol and its status reach the client."""
    handle, invoke = apigateway.handle_websocket, apigateway._invoke_ws_lambda

    async def noted(*arguments: Any, **named: Any) -> Any:
        answer = await invoke(*arguments, **named)
        found = _connect_answer.get()
        if found is not None and not found and isinstance(answer, dict):
            found.update(answer)  # the first call of a connection is $connect
        return answer

    async def opened(scope: Message, receive: Any, send: Send, *rest: Any, **named: Any) -> None:
        answer: dict[str, Any] = {}
        _connect_answer.set(answer)
        await handle(scope, receive, _opening(scope, send, answer), *rest, **named)

    apigateway._invoke_ws_lambda = noted
    apigateway.handle_websocket = opened


def _opening(scope: Message, send: Send, answer: Mapping[str, Any]) -> Send:
    """Sends on, with the function's answer put into what opens the connection or refuses it."""
    is_open = False

    async def sent(message: Message) -> None:
        nonlocal is_open
        if message["type"] == "websocket.accept":
            is_open = True
            chosen = subprotocol(answer)
            await send(message | ({"subprotocol": chosen} if chosen else {}))
        elif message["type"] == "websocket.close" and not is_open and answer:
            await apigateway._refuse_ws_handshake(scope, send, int(answer["statusCode"]), "Forbidden", "", "")
        else:
            await send(message)

    return sent


def subprotocol(answer: Mapping[str, Any]) -> str | None:
    """What the function of $connect chose; None if nothing."""
    headers: Mapping[str, Any] = answer.get("headers") or {}
    return next((str(value) for name, value in headers.items() if name.lower() == "sec-websocket-protocol"), None)


def hold_the_limits_of_connections() -> None:
    """It takes messages of any size, and any number for a client that does not read; AWS answers 413 and 429."""
    handle = apigateway.handle_connections_api

    async def limited(
        method: str, api_id: str, stage: str, connection_id: str, body: bytes, headers: dict[str, str]
    ) -> Answer:
        connection = apigateway._ws_connections.get(connection_id)
        if method == "POST" and connection is not None:
            if len(body) > MESSAGE_LIMIT:
                return _refusal(413, "PayloadTooLargeException", f"a message has at most {MESSAGE_LIMIT} bytes")
            if _is_full(list(connection["outbox"]._queue)):
                return _refusal(429, "LimitExceededException", "the buffer of the client is full")
        answer: Answer = await handle(method, api_id, stage, connection_id, body, headers)
        return answer

    apigateway.handle_connections_api = limited


def _is_full(waiting: list[str | None]) -> bool:
    return len(waiting) >= WAITING_MESSAGES or sum(len(text or "") for text in waiting) >= WAITING_BYTES


def _refusal(status: int, kind: str, message: str) -> Answer:
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": kind}
    return status, headers, json.dumps({"message": message}).encode()
