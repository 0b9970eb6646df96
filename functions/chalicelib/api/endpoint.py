"""One table of routes: a decorator registers a view with Chalice and with the API's description at the same time.

A view gets its input checked against models and the caller already judged; it returns a view model, or raises the domain's
errors. Every protected route refuses by itself when no authorizer has spoken.
"""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from chalice.app import Blueprint, Request, Response
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from chalicelib.api import caller, envelope
from chalicelib.api.authorizer import authorizer
from chalicelib.runtime import observability, wiring
from volexswarm.errors import Unauthorized
from volexswarm.expectations import refusal
from volexswarm.security.roles import Permission
from volexswarm.security.tokens import Principal

logger = logging.getLogger(__name__)

MAX_BODY = 16 * 1024
ABOUT_FORM = frozenset(
    {
        "string_pattern_mismatch",
        "timezone_aware",
        "datetime_type",
        "datetime_parsing",
        "datetime_from_date_parsing",
        "datetime_object_invalid",
    }
)
"""pydantic's kinds of error that say that a text has another form than the field's description asks for."""


class Input(BaseModel):
    """A query, body or set of headers: an unknown or wrong field is refused by name."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Headers(BaseModel):
    """Headers that a route reads; a request has many others, which are none of its business."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class Nothing(Input):
    """No input."""


class NoHeaders(Headers):
    """No header is read."""


QueryT = TypeVar("QueryT", bound=Input)
BodyT = TypeVar("BodyT", bound=Input)
HeadersT = TypeVar("HeadersT", bound=Headers)


@dataclass(frozen=True)
class Call(Generic[QueryT, BodyT, HeadersT]):
    """A request that has passed: its checked input, and who calls (None on public routes only)."""

    query: QueryT
    body: BodyT
    headers: HeadersT
    principal: Principal | None

    @property
    def caller(self) -> Principal:
        """Who calls, on a protected route."""
        if self.principal is None:
            raise Unauthorized("log in first: this needs a bearer token")
        return self.principal


ViewFunction = Callable[..., BaseModel | envelope.Text]


@dataclass(frozen=True)
class Endpoint:
    """One route as the table knows it.

    `permission` None: a token suffices; `public`: not even that. `failures` beside those that every such route has; `texts` are
    media types in which it can answer instead of JSON.
    """

    method: str
    path: str
    name: str
    summary: str
    description: str
    answer: type[BaseModel]
    enveloped: bool
    status: int
    failures: tuple[int, ...]
    texts: tuple[str, ...]
    permission: Permission | None
    public: bool
    query: type[Input]
    body: type[Input]
    headers: type[Headers]
    view: ViewFunction

    @property
    def parameters(self) -> list[str]:
        """Names in the path."""
        return re.findall(r"{(\w+)}", self.path)


@dataclass
class Resource:
    """A blueprint and the table of its routes."""

    import_name: str
    blueprint: Blueprint = field(init=False)
    endpoints: list[Endpoint] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.blueprint = Blueprint(self.import_name)

    def route(  # noqa: PLR0913 - the columns of the table
        self,
        method: str,
        path: str,
        answer: type[BaseModel],
        *,
        enveloped: bool = True,
        permission: Permission | None = None,
        public: bool = False,
        query: type[Input] = Nothing,
        body: type[Input] = Nothing,
        headers: type[Headers] = NoHeaders,
        status: int = 200,
        failures: tuple[int, ...] = (),
        texts: tuple[str, ...] = (),
    ) -> Callable[[ViewFunction], ViewFunction]:
        """Decorator: the view is called with a Call and the path's parameters; its docstring describes the route."""

        def register(view: ViewFunction) -> ViewFunction:
            summary, _, description = (view.__doc__ or "").partition("\n")
            endpoint = Endpoint(
                method=method,
                path=path,
                name=view.__name__,
                summary=summary.rstrip("."),
                description=" ".join(description.split()),
                answer=answer,
                enveloped=enveloped,
                status=status,
                failures=failures,
                texts=texts,
                permission=permission,
                public=public,
                query=query,
                body=body,
                headers=headers,
                view=view,
            )
            self.endpoints.append(endpoint)

            @functools.wraps(view)
            def handle(**parameters: str) -> Response:
                return _answer(endpoint, self.blueprint.current_request, parameters)

            # any content type reaches the view, which refuses wrong ones in the house's envelope
            self.blueprint.route(path, methods=[method], authorizer=None if public else authorizer, content_types=[])(
                handle
            )
            return view

        return register


def ask(
    endpoint: Endpoint,
    principal: Principal,
    *,
    parameters: Mapping[str, str],
    query: Mapping[str, str],
    body: str,
    headers: Mapping[str, str],
) -> BaseModel | envelope.Text:
    """A protected route's view, asked from inside by the rules that hold over HTTP: `body` is JSON, as it would be sent.

    Raises
    ------
    Forbidden
        If the principal lacks the permission.
    VolexError
        Whatever the input's checks or the view raise.
    """
    if endpoint.permission is not None:
        principal.demand(endpoint.permission)
    call = Call(
        principal=principal,
        query=_checked(endpoint.query, dict(query)),
        body=_parsed(endpoint, body),
        headers=_checked(endpoint.headers, dict(headers)),
    )
    return endpoint.view(call, **parameters)


def _answer(endpoint: Endpoint, request: Request, parameters: dict[str, str]) -> Response:
    """Check the request, call the view, and put what comes of it into the envelope."""
    observability.configure("api-handler")
    now = wiring.clock().now()
    request_id = str(getattr(request.lambda_context, "aws_request_id", ""))  # the one on every line of this call's log
    try:
        call = Call(
            principal=_principal(endpoint, request),  # first: a stranger learns nothing about the input
            query=_query(endpoint, request),
            body=_body(endpoint, request),
            headers=_checked(endpoint.headers, dict(request.headers)),
        )
        response = _shaped(endpoint.view(call, **parameters), endpoint, now)
    except Exception as error:
        response = envelope.failure(error, now, request_id)
    logger.info(
        "answered",
        extra={"route": f"{endpoint.method} {endpoint.path}", "status": response.status_code, "request_id": request_id},
    )
    return response


def _shaped(data: BaseModel | envelope.Text, endpoint: Endpoint, now: datetime) -> Response:
    if isinstance(data, envelope.Text):
        return envelope.text(data)
    return envelope.success(data, now, endpoint.status) if endpoint.enveloped else envelope.bare(data)


def _principal(endpoint: Endpoint, request: Request) -> Principal | None:
    if endpoint.public:
        return None
    principal = caller.from_context(request.context.get("authorizer"), wiring.clock().now())
    if endpoint.permission is not None:
        principal.demand(endpoint.permission)
    return principal


def _query(endpoint: Endpoint, request: Request) -> Input:
    given = request.query_params
    values = {name: given.getlist(name) for name in given} if given else {}
    repeated = [
        {"field": name, "message": "given more than once"} for name, all_of in values.items() if len(all_of) > 1
    ]
    if repeated:
        raise _invalid(repeated)
    return _checked(endpoint.query, {name: all_of[0] for name, all_of in values.items()})


def _body(endpoint: Endpoint, request: Request) -> Input:
    raw = request.raw_body
    if len(raw) > MAX_BODY:
        raise envelope.TooLarge(f"the body has {len(raw)} bytes: at most {MAX_BODY} are taken")
    media = request.headers.get("content-type", envelope.JSON).partition(";")[0].strip().lower()
    if media != envelope.JSON and endpoint.body is not Nothing:
        raise envelope.UnsupportedMedia(f"send {envelope.JSON}, not {media}")
    return _parsed(endpoint, raw)


def _parsed(endpoint: Endpoint, raw: str | bytes) -> Input:
    if endpoint.body is Nothing:
        return Nothing()
    try:
        return endpoint.body.model_validate_json(raw or "{}")
    except ValidationError as error:
        raise _refusal(endpoint.body, error) from error


ModelT = TypeVar("ModelT", bound=BaseModel)


def _checked(model: type[ModelT], values: dict[str, str]) -> ModelT:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _refusal(model, error) from error


def _refusal(model: type[BaseModel], error: ValidationError) -> envelope.InvalidRequest:
    # `input` stays out of it: it may be a password
    problems = error.errors(include_url=False, include_input=False)
    if problems[0]["type"] == "json_invalid":
        return envelope.InvalidRequest("invalid_json", f"the body is no JSON: {problems[0]['msg']}", [])
    described = _described(model)
    return _invalid(
        [
            {
                "field": ".".join(map(str, p["loc"])) or "body",
                "message": _words(p, described),
            }
            for p in problems
        ]
    )


def _described(model: type[BaseModel]) -> dict[str, str]:
    """What the fields that describe themselves expect, by the names they have in a request."""
    found = {}
    for name, schema in model.model_json_schema().get("properties", {}).items():
        for choice in (schema, *schema.get("anyOf", ())):
            if "description" in choice:
                found[name] = choice["description"]
    return found


def _words(problem: ErrorDetails, described: Mapping[str, str]) -> str:
    """A problem in words for people: a regular expression or a class of Python tells them nothing."""
    place = problem["loc"]
    name = str(place[0]) if place else ""
    if name in described and problem["type"] in ABOUT_FORM:
        return f"expected {described[name]}"
    return refusal(problem)


def _invalid(fields: Sequence[dict[str, str]]) -> envelope.InvalidRequest:
    words = "; ".join(f"{entry['field']}: {entry['message']}" for entry in fields)
    return envelope.InvalidRequest("invalid_input", words, list(fields))
