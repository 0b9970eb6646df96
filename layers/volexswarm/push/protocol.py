"""What clients may say: one JSON object a message, of one of these forms. Anything else is refused by the field that is wrong."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from volexswarm.errors import InvalidInput
from volexswarm.expectations import in_words
from volexswarm.messages import Channel

_Word = Annotated[str, Field(max_length=1000)]


class Action(BaseModel):
    """What a client wants; `id` is its own name for it and comes back with the answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(max_length=64)] | None = None


class Watching(Action):
    """Concerns a channel. `filters`: by field, the values wanted."""

    channel: Channel
    filters: Annotated[dict[_Word, tuple[_Word, ...]], Field(max_length=10)] = Field(default_factory=dict)


class Subscribe(Watching):
    """Watch a channel, or watch it by other filters: a snapshot, then every update."""

    action: Literal["subscribe"]


class Resume(Watching):
    """Watch a channel from the number on that was seen last: what was missed, or a new beginning where that is gone."""

    action: Literal["resume"]
    epoch: Annotated[str, Field(max_length=100)]
    number: Annotated[int, Field(ge=0, le=2**53)]


class Unsubscribe(Action):
    """Watch a channel no more."""

    action: Literal["unsubscribe"]
    channel: Channel


class Ping(Action):
    """I am here; a client that fell behind gets what it has missed."""

    action: Literal["ping"]


class Auth(Action):
    """Go on with a newer token of the same user."""

    action: Literal["auth"]
    token: Annotated[str, Field(min_length=1, max_length=8000)]


class Command(Action):
    """Have something done: `command` by name, the rest as its HTTP twin takes it."""

    action: Literal["command"]
    command: Annotated[str, Field(min_length=1, max_length=40)]
    parameters: Annotated[dict[_Word, _Word], Field(max_length=5)] = Field(default_factory=dict)
    body: dict[str, Any] = Field(default_factory=dict)
    key: Annotated[str, Field(max_length=100)] | None = None


AnyAction = Annotated[Subscribe | Resume | Unsubscribe | Ping | Auth | Command, Field(discriminator="action")]
_ACTIONS: Final[TypeAdapter[AnyAction]] = TypeAdapter(AnyAction)
NAMES: Final = ("subscribe", "resume", "unsubscribe", "ping", "auth", "command")


class Unreadable(InvalidInput):
    """A message that is no action. `reply_to` is the id that it named, if it named any."""

    def __init__(self, field: str, expected: str, reply_to: str | None = None) -> None:
        super().__init__(field, "", expected)
        self.reply_to = reply_to


def read(text: str, longest: int) -> AnyAction:
    """The action of a message.

    Raises
    ------
    Unreadable
        If it is none: too long, no JSON, no object, an unknown action, a missing, unknown or wrong field.
    """
    given = text.encode(errors="surrogatepass")
    if len(given) > longest:
        raise Unreadable("message", f"at most {longest} bytes")
    try:
        raw = from_json(given, allow_inf_nan=False)
    except ValueError as error:
        raise Unreadable("message", "a JSON object in a text frame") from error
    if not isinstance(raw, dict):
        raise Unreadable("message", "a JSON object")
    try:
        return _ACTIONS.validate_python(raw)
    except ValidationError as error:
        raise _unreadable(raw, error) from error


def _unreadable(raw: dict[str, Any], error: ValidationError) -> Unreadable:
    given = raw.get("id")
    reply_to = given if isinstance(given, str) and len(given) <= 64 else None
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"].startswith("union_tag"):
        return Unreadable("action", f"one of {', '.join(NAMES)}", reply_to)
    field = ".".join(str(part)[:40] for part in first["loc"][1:]) or "message"
    return Unreadable(field, in_words(first), reply_to)
