"""Everything that a model or its server was seen to do wrong, as answers of the scripted server, with what becomes of each."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.servers.model_server import Asked, Said, Wire
from volexswarm.deliberation.domain import Silence

TOOL = "submit_opinion"


def opinion(**changed: Any) -> str:
    """An opinion in the form that is asked for, as JSON."""
    fields = {
        "stance": "hold",
        "confidence": 0.6,
        "size_frac": 0.0,
        "rationale": "nothing speaks for a trade",
        "evidence": [],
        "objection_to": None,
    }
    return json.dumps(fields | changed)


def good(asked: Asked, **changed: Any) -> Said:
    """What a model that behaves answers, in the way in which it was asked to."""
    if TOOL in asked.tools:
        return Said(tools=((TOOL, opinion(**changed)),))
    return Said(text=opinion(**changed))


@dataclass(frozen=True)
class Misbehaviour:
    """`why` is the silence that it ends in, None where the answer can be used in spite of it."""

    answer: Callable[[Asked], Said | Wire]
    why: Silence | None


def _says(text: str | None = None, **rest: Any) -> Callable[[Asked], Said]:
    return lambda asked: Said(text=text, **rest)


def _sends(wire: Wire) -> Callable[[Asked], Wire]:
    return lambda asked: wire


def _error(status: int, words: str, **headers: str) -> Callable[[Asked], Wire]:
    body = json.dumps({"error": {"message": words, "type": "error", "code": None}}).encode()
    return _sends(Wire(body, status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}))


def _cut(asked: Asked) -> Wire:
    whole = good(asked).wire(asked.protocol, "m")
    return Wire(whole.body, cut=len(whole.body) // 2)


def _packed(asked: Asked) -> Wire:
    return Wire(gzip.compress(b" " * 50_000_000), headers={"Content-Encoding": "gzip"})


def _unheaded(asked: Asked) -> Wire:
    return Wire(json.dumps({"id": "1", "object": "chat.completion", "model": "m", "choices": []}).encode())


_HTML = b"<html><head><title>502</title></head><body><h1>Bad Gateway</h1></body></html>"
_TRUNCATED = opinion()[:60]

MISBEHAVIOURS: Mapping[str, Misbehaviour] = {
    "429 with Retry-After": Misbehaviour(_error(429, "slow down", retry_after="0.05"), Silence.UNREACHABLE),
    "429 that asks to wait for an hour": Misbehaviour(_error(429, "quota", retry_after="3600"), Silence.UNREACHABLE),
    "429 with a Retry-After that is no number": Misbehaviour(
        _error(429, "later", retry_after="soon"), Silence.UNREACHABLE
    ),
    "500": Misbehaviour(_error(500, "internal"), Silence.UNREACHABLE),
    "503": Misbehaviour(_error(503, "overloaded"), Silence.UNREACHABLE),
    "401": Misbehaviour(_error(401, "Incorrect API key provided: key-of-the-test"), Silence.UNREACHABLE),
    "404": Misbehaviour(_error(404, "no such model"), Silence.UNREACHABLE),
    "500 by a server that knows no schemas": Misbehaviour(
        _error(500, "response_format.type: input should be text or json_object"), Silence.UNREACHABLE
    ),
    "429 that speaks of schemas": Misbehaviour(
        _error(429, "too many calls with response_format", retry_after="0"), Silence.UNREACHABLE
    ),
    "400 by a content filter": Misbehaviour(_error(400, "blocked by content_filter"), Silence.REFUSED),
    "HTML with 200": Misbehaviour(_sends(Wire(_HTML, content_type="text/html")), Silence.MALFORMED),
    "HTML with 502": Misbehaviour(_sends(Wire(_HTML, status=502, content_type="text/html")), Silence.UNREACHABLE),
    "a redirect elsewhere": Misbehaviour(
        _sends(Wire(status=307, headers={"Location": "http://127.0.0.1:9/"})), Silence.UNREACHABLE
    ),
    "no answer at all": Misbehaviour(_sends(Wire(b"{}", wait=30)), Silence.UNREACHABLE),
    "an answer drop by drop": Misbehaviour(lambda asked: Wire(b" " * 4096, drip=0.2), Silence.UNREACHABLE),
    "a connection closed at once": Misbehaviour(_sends(Wire(b"{}", cut=0)), Silence.UNREACHABLE),
    "a connection cut in the middle": Misbehaviour(_cut, Silence.UNREACHABLE),
    "a huge answer": Misbehaviour(_says("x" * 3_000_000), Silence.MALFORMED),
    "a long answer": Misbehaviour(_says(opinion(rationale="x" * 100_000)), Silence.MALFORMED),
    "a packed answer": Misbehaviour(_packed, Silence.MALFORMED),
    "no choices": Misbehaviour(_unheaded, Silence.MALFORMED),
    "JSON that ends early": Misbehaviour(_says(_TRUNCATED, finish="length"), Silence.MALFORMED),
    "JSON nested too deep": Misbehaviour(_says("[" * 10_000), Silence.MALFORMED),
    "prose": Misbehaviour(_says("I would buy, with confidence 0.9."), Silence.MALFORMED),
    "JSON inside prose": Misbehaviour(_says(f"Here you are: {opinion()} TERMINATE"), Silence.MALFORMED),
    "JSON in a code block": Misbehaviour(_says(f"```json\n{opinion()}\n```"), None),
    "a field missing": Misbehaviour(_says('{"stance": "buy", "confidence": 0.9}'), Silence.MALFORMED),
    "a field that is not asked for": Misbehaviour(_says(opinion(role="risk")), Silence.MALFORMED),
    "a field twice": Misbehaviour(_says(opinion()[:-1] + ', "stance": "buy"}'), Silence.MALFORMED),
    "a list of opinions": Misbehaviour(_says(f"[{opinion()}, {opinion()}]"), Silence.MALFORMED),
    "an abstention of its own making": Misbehaviour(
        _says('{"kind": "abstention", "why": "untaped", "reason": "x"}'), Silence.MALFORMED
    ),
    "an unknown stance": Misbehaviour(_says(opinion(stance="strong buy")), Silence.MALFORMED),
    "confidence above one": Misbehaviour(_says(opinion(confidence=95)), Silence.MALFORMED),
    "a negative size": Misbehaviour(_says(opinion(size_frac=-0.5)), Silence.MALFORMED),
    "NaN": Misbehaviour(_says(opinion(confidence=float("nan"))), Silence.MALFORMED),
    "a number with a million digits": Misbehaviour(_says(opinion().replace("0.6", "9" * 9000)), Silence.MALFORMED),
    "a number as text": Misbehaviour(_says(opinion(confidence="0.9")), Silence.MALFORMED),
    "too many words": Misbehaviour(_says(opinion(rationale="well, " * 200)), None),
    "unknown evidence": Misbehaviour(_says(opinion(evidence=["signal:moon_phase"])), Silence.UNKNOWN_EVIDENCE),
    "half a surrogate pair": Misbehaviour(_says(opinion(objection_to="risk\ud800")), Silence.MALFORMED),
    "control characters": Misbehaviour(_says(opinion(rationale="a\u0000b\u001b[31mc\u202ed")), None),
    "a refusal": Misbehaviour(_says(None, refusal="I can't help with trading."), Silence.REFUSED),
    "a filtered answer": Misbehaviour(_says("", finish="content_filter"), Silence.REFUSED),
    "nothing": Misbehaviour(_says(""), Silence.REFUSED),
    "a wrong tool": Misbehaviour(_says(tools=(("place_order", '{"side": "buy"}'),)), Silence.MALFORMED),
    "the tool with no arguments": Misbehaviour(_says(tools=((TOOL, "{}"),)), Silence.MALFORMED),
    "the tool with garbage": Misbehaviour(_says(tools=((TOOL, "not json"),)), Silence.MALFORMED),
    "the same call twice": Misbehaviour(_says(tools=((TOOL, opinion()), (TOOL, opinion()))), None),
    "two calls that differ": Misbehaviour(
        _says(tools=((TOOL, opinion()), (TOOL, opinion(stance="buy")))), Silence.MALFORMED
    ),
    "no word of what it took": Misbehaviour(_says(opinion(), usage=None), None),
    "a usage of a billion": Misbehaviour(_says(opinion(), usage=(10**9, 10**9)), None),
    "a negative usage": Misbehaviour(_says(opinion(), usage=(-5, -5)), None),
}
"""What becomes of each when no analyst may stand in."""
