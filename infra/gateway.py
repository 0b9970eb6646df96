"""What API Gateway says for itself, before or instead of the API's own functions: in the house's envelope all the same.

Only plain `$context` variables can be filled in here, no expressions. So `timestamp` is the gateway's own form of a time
(`23/Nov/2026:01:24:38 +0000`) and not RFC 3339 as in every other answer: `$context` has no variable in that form.

They are written into the API's OpenAPI document. As CloudFormation resources of their own (`AWS::ApiGateway::GatewayResponse`)
they would be lost with the first change of the document: it replaces the API with all that is attached to it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

EXTENSION = "x-amazon-apigateway-gateway-responses"
_HEADER = "gatewayresponse.header."


@dataclass(frozen=True)
class Answer:
    """One kind of answer. `status` None keeps the status that API Gateway has for the case; `message` None its own words."""

    kind: str
    code: str
    message: str | None = None
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()


ANSWERS = (
    Answer(
        "UNAUTHORIZED",
        "unauthorized",
        "log in with POST /api/login, then send its token as Authorization: Bearer TOKEN",
        401,
        (("WWW-Authenticate", "Bearer"),),
    ),
    Answer("ACCESS_DENIED", "forbidden", "this token may not call this route", 403),
    # What AWS calls a missing token is a path or a method that the API does not have.
    Answer(
        "MISSING_AUTHENTICATION_TOKEN",
        "not_found",
        "there is no such path, or not with this method: /api/openapi.json lists what there is",
        404,
    ),
    Answer(
        "THROTTLED",
        "too_many_requests",
        "too many requests at this moment: try again in a second",
        429,
        (("Retry-After", "1"),),
    ),
    Answer("DEFAULT_4XX", "bad_request"),
    Answer(
        "DEFAULT_5XX",
        "no_answer",
        "the API failed or took too long; whether the request was carried out is not known: look before you repeat it",
    ),
)


def documented() -> dict[str, Any]:
    """The answers as a part of the OpenAPI document, in the form that AWS reads."""
    return {EXTENSION: {answer.kind: _response(answer) for answer in ANSWERS}}


def _response(answer: Answer) -> dict[str, Any]:
    headers = {"Cache-Control": "no-store", **dict(answer.headers)}
    response: dict[str, Any] = {
        "responseParameters": {f"{_HEADER}{name}": f"'{value}'" for name, value in headers.items()},
        "responseTemplates": {"application/json": _envelope(answer)},
    }
    return response if answer.status is None else response | {"statusCode": str(answer.status)}


def _envelope(answer: Answer) -> str:
    # messageString comes with its quotes
    message = "$context.error.messageString" if answer.message is None else json.dumps(answer.message)
    details = '{"request_id":"$context.requestId","reason":"$context.error.responseType"}'
    error = f'{{"code":{json.dumps(answer.code)},"message":{message},"details":{details}}}'
    return f'{{"status":"error","error":{error},"timestamp":"$context.requestTime"}}'
