"""What is sent to clients: one JSON object a frame, or a list of updates, none longer than the gateway takes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from volexswarm.messages import Channel
from volexswarm.push.model import Cursor, Filters, Head, Numbered, Update


def encoded(message: Any) -> str:
    return json.dumps(message, separators=(",", ":"), allow_nan=False)


def chosen(updates: Sequence[Numbered], after: int, filters: Filters, *, conflated: bool) -> list[Numbered]:
    """What a client gets of the updates after a number: what fits its filters; where that is enough, the newest of each key."""
    wanted = [one for one in updates if one.number > after and one.update.fits(filters)]
    if not conflated:
        return wanted
    return sorted({one.update.key: one for one in wanted}.values(), key=lambda one: one.number)


def update_frames(channel: Channel, updates: Sequence[Numbered], cursor: Cursor, longest: int) -> list[str]:
    """Frames of updates in order. `after` in each is the number of the one that the client got before it.

    A client that finds another number in `after` than the last it knows has missed something, and resumes.
    """
    after, texts = cursor.sent, []
    for one in updates:
        texts.append(_update(channel, one, after, longest))
        after = one.number
    return [texts_of[0] if len(texts_of) == 1 else f"[{','.join(texts_of)}]" for texts_of in _filled(texts, longest)]


def _update(channel: Channel, one: Numbered, after: int, longest: int) -> str:
    update = one.update
    message = {"type": "update", "channel": channel.value, "number": one.number, "after": after, **shown(update)}
    text = encoded(message)
    if len(text.encode()) > longest:
        return encoded(message | {"data": None, "omitted": "longer than a frame: ask the HTTP API"})
    return text


def shown(update: Update) -> dict[str, Any]:
    """An update as clients read it."""
    return {
        "event": update.event,
        "key": update.key,
        "time": update.time.isoformat(),
        "simulated": update.simulated,
        "data": update.data,
    }


def _filled(texts: Iterable[str], longest: int) -> Iterator[list[str]]:
    """Put as many into a frame as it takes."""
    frame: list[str] = []
    size = 2
    for text in texts:
        length = len(text.encode()) + 1
        if frame and size + length > longest:
            yield frame
            frame, size = [], 2
        frame.append(text)
        size += length
    if frame:
        yield frame


def state_frame(
    kind: str,
    channel: Channel,
    filters: Filters,
    head: Head,
    snapshot: Any,
    *,
    longest: int,
    reply_to: str | None = None,
) -> str:
    """`subscribed` or `reset`: where the channel is, and what was the case there or later."""
    message: dict[str, Any] = {
        "type": kind,
        "channel": channel.value,
        "filters": {field: list(values) for field, values in filters.items()},
        "epoch": head.epoch,
        "number": head.number,
        "snapshot": snapshot,
    }
    if reply_to is not None:
        message["id"] = reply_to
    text = encoded(message)
    if len(text.encode()) > longest:
        return encoded(message | {"snapshot": None, "omitted": "longer than a frame: ask the HTTP API"})
    return text
