"""What every message has in common: CloudEvents 1.0 around a typed payload, and the one way to write and read it.

An event's id is derived from what caused it, so that doing the same work twice gives the same message twice, and whoever
receives it can drop the second.
"""

from __future__ import annotations

import base64
import uuid
import zlib
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, ClassVar, Generic, Literal, Protocol, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, PlainSerializer, TypeAdapter, ValidationError

from volexswarm.errors import InvalidInput

NAMESPACE = uuid.UUID("6f0c8b1e-9a0b-5d5e-8b51-6d1f6f1c7a11")

PREFIX = "volexswarm."

MAX_MESSAGE_BYTES = 262_144
"""256 KiB: what every SQS, old or new, and every emulator takes."""


def _plain(value: Decimal) -> str:
    return format(value, "f")


Money = Annotated[Decimal, PlainSerializer(_plain, return_type=str, when_used="json")]
"""An exact amount or price; a plain decimal string on the wire, never an exponent."""


def _all_plain(values: list[Decimal]) -> list[str]:
    return [format(value, "f") for value in values]


MoneyColumn = Annotated[list[Decimal], PlainSerializer(_all_plain, return_type=list[str], when_used="json")]
"""Many of them, written in one call: there are two for each trade, and a call for each would be a third of the writing."""


class Queue(StrEnum):
    """The queues by their short names; a FIFO queue's name ends in `.fifo`, as SQS wants it."""

    TICKS = "ticks"
    CANDLES = "candles"
    SIGNALS = "signals"
    PROPOSALS = "proposals"
    ORDERS = "orders.fifo"
    FILLS = "fills.fifo"
    TASKS = "tasks"
    EVENTS = "events"
    PUSHES = "pushes.fifo"

    @property
    def is_fifo(self) -> bool:
        return self.value.endswith(".fifo")

    @property
    def dead_letters(self) -> str:
        """Short name of the queue's dead-letter queue."""
        return f"{self.value.removesuffix('.fifo')}-dead{'.fifo' if self.is_fifo else ''}"


class Channel(StrEnum):
    """What people may watch live: each channel numbers its updates, and is a message group of the queue `pushes.fifo`."""

    QUOTES = "quotes"
    CANDLES = "candles"
    SIGNALS = "signals"
    ORDERS = "orders"
    PORTFOLIO = "portfolio"
    TASKS = "tasks"
    DELIBERATIONS = "deliberations"
    AGENTS = "agents"
    ALERTS = "alerts"


class Payload(BaseModel):
    """The `data` of an event. A class names its type on the wire and the queue that carries it on, if any.

    A bulky one is `DEFLATED`: compressed into CloudEvents' `data_base64`. `CHANNELS` are those on which people see it live.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    QUEUE: ClassVar[Queue | None] = None
    DEFLATED: ClassVar[bool] = False
    CHANNELS: ClassVar[tuple[Channel, ...]] = ()

    @classmethod
    def type_name(cls) -> str:
        """CloudEvents `type`, for example `volexswarm.CandleClosed`."""
        return PREFIX + cls.__name__

    @property
    def group(self) -> str | None:
        """Message group: what must stay in order among itself on a FIFO queue."""
        return None


class Instrument(Payload):
    """A payload that speaks of one symbol at one venue."""

    venue: str
    symbol: str

    @property
    def key(self) -> str:
        return f"{self.venue}:{self.symbol}"


DataT = TypeVar("DataT", bound=Payload)


class Cause(Protocol):
    """What led to a message: an event, or the memory of one that is stored elsewhere."""

    @property
    def id(self) -> str: ...

    @property
    def correlationid(self) -> str: ...


class Event(BaseModel, Generic[DataT]):
    """CloudEvents 1.0 envelope. `correlationid` is shared by the whole chain; `causationid` is the message that led here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: str
    subject: str
    time: AwareDatetime
    correlationid: str
    causationid: str | None = None
    data: DataT

    @classmethod
    def root(cls, data: DataT, *, source: str, subject: str, identity: str, time: datetime) -> Event[DataT]:
        """The first message of a chain. `identity` says what makes it unique: the same identity gives the same id."""
        event_id = root_id(type(data), identity)
        return cls(
            id=event_id,
            source=source,
            type=data.type_name(),
            subject=subject,
            time=time,
            correlationid=event_id,
            data=data,
        )

    @classmethod
    def caused_by(
        cls,
        cause: Cause,
        data: DataT,
        *,
        source: str,
        subject: str,
        time: datetime,
        correlationid: str | None = None,
        new_chain: bool = False,
    ) -> Event[DataT]:
        """The next message of a chain; its id is derived from the cause, the type and the subject.

        It stays in the cause's chain, unless `correlationid` puts it into another (a fill belongs to its order's story) or
        `new_chain` starts one (a closed candle begins the story of a trade).
        """
        event_id = str(uuid.uuid5(NAMESPACE, f"{cause.id}/{data.type_name()}/{subject}"))
        return cls(
            id=event_id,
            source=source,
            type=data.type_name(),
            subject=subject,
            time=time,
            correlationid=event_id if new_chain else correlationid or cause.correlationid,
            causationid=cause.id,
            data=data,
        )


def root_id(kind: type[Payload], identity: str) -> str:
    """The id that the first message of a chain has, by what it carries and what makes it unique."""
    return str(uuid.uuid5(NAMESPACE, f"{kind.type_name()}/{identity}"))


_DEFLATED = "deflate"

_ENVELOPE = TypeAdapter(dict[str, Any])


def encode(event: Event[Any]) -> str:
    """One event as JSON text for a queue."""
    if not event.data.DEFLATED:
        return event.model_dump_json()
    envelope = event.model_dump(mode="json", exclude={"data"})
    packed = zlib.compress(event.data.model_dump_json().encode(), level=1)  # level 3: twice the time for 5 % less
    envelope |= {"contentencoding": _DEFLATED, "data_base64": base64.b64encode(packed).decode()}
    return _ENVELOPE.dump_json(envelope).decode()


def decode(body: str, expected: type[DataT]) -> Event[DataT]:
    """Read one message and check it against its type; `Payload` itself stands for any type there is.

    Raises
    ------
    InvalidInput
        If it is no CloudEvent, of another type, or its data does not fit.
    """
    try:
        raw = _ENVELOPE.validate_json(body)
        if raw.pop("contentencoding", None) == _DEFLATED:
            packed = base64.b64decode(raw.pop("data_base64"))
            raw["data"] = _ENVELOPE.validate_json(zlib.decompress(packed))
        kind = _known_types().get(raw.get("type", ""), expected) if expected is Payload else expected
        if raw.get("type") != kind.type_name():
            raise InvalidInput("type", raw.get("type"), expected.type_name())
        return Event[kind].model_validate(raw)  # type: ignore[valid-type]
    except (ValidationError, ValueError, zlib.error, KeyError) as error:
        raise InvalidInput("message", body[:200], f"a {expected.type_name()} event ({error})") from error


@cache
def _known_types() -> dict[str, type[Any]]:
    """Every payload that may travel, by its name on the wire."""
    found: list[type[Payload]] = [Payload]
    for kind in found:  # grows while it is walked
        found += kind.__subclasses__()
    return {kind.type_name(): kind for kind in found}
