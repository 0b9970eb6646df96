"""What a model wrote, read strictly: an opinion, or an abstention that says what was wrong with it.

Accepted is one JSON object of the opinion's fields and nothing else. It may stand alone, in a Markdown code block, or be the
arguments of a call of `submit_opinion`; nothing is searched for in prose, where a quoted headline would be found, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Any, Final

from pydantic import ValidationError

from volexswarm.deliberation.domain import RATIONALE_LENGTH, Abstention, Answer, Opinion, Silence
from volexswarm.deliberation.fencing import cleaned
from volexswarm.expectations import in_words
from volexswarm.messages import Stance

LONGEST: Final = 16_384
"""Characters of the longest answer that is looked at; an opinion has a tenth of that."""

RAW: Final = 4000
TOOL: Final = "submit_opinion"

_BLOCK = re.compile(r"\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*", re.DOTALL | re.IGNORECASE)
_ROLE = re.compile(r"[a-z][a-z-]{0,39}")

SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "stance": {"type": "string", "enum": [stance.value for stance in Stance]},
        "confidence": {"type": "number", "description": "0 to 1"},
        "size_frac": {"type": "number", "description": "share of the equity to trade, 0 to 1"},
        "rationale": {"type": "string", "description": f"at most {RATIONALE_LENGTH} characters"},
        "evidence": {"type": "array", "items": {"type": "string"}, "description": "ids of evidence that was given"},
        "objection_to": {"type": ["string", "null"], "description": "the role whose reasoning this disputes, or null"},
    },
    "required": ["stance", "confidence", "size_frac", "rationale", "evidence", "objection_to"],
    "additionalProperties": False,
}
"""The form of an opinion, within what every provider's strict mode understands: bounds are checked here, not there."""


class Form(StrEnum):
    """How a model is made to answer in the opinion's form, the surest first."""

    SCHEMA = "schema"
    """The provider holds the model to a JSON schema."""
    TOOL = "tool"
    """It has to call `submit_opinion`."""
    JSON = "json"
    """It has to write some JSON; the prompt says which."""


def storable(text: str) -> str:
    """The text as databases and JSON take it, cut to what is worth keeping: without NUL and lone surrogates."""
    return text[:RAW].replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def abstention(why: Silence, reason: str) -> Abstention:
    """An abstention whose reason is one clean line, however it came about."""
    return Abstention(why=why, reason=cleaned(reason, RATIONALE_LENGTH))


def read_text(text: str, evidence: Collection[str]) -> Answer:
    """The answer that a text is.

    Parameters
    ----------
    text : str
        All that the model wrote.
    evidence : collection of str
        Ids that it may cite.
    """
    if not text.strip():
        return abstention(Silence.REFUSED, "the model said nothing, as it does when it declines")
    if len(text) > LONGEST:
        return abstention(Silence.MALFORMED, f"an answer of {len(text)} characters, where {LONGEST} are read")
    try:
        opinion = _opinion(text)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        return abstention(Silence.MALFORMED, f"{field}: expected {in_words(first)}")
    except (ValueError, RecursionError) as error:
        return abstention(Silence.MALFORMED, f"no JSON object of an opinion: {error}")
    unknown = [cited for cited in opinion.evidence if cited not in evidence]
    if unknown:
        return abstention(Silence.UNKNOWN_EVIDENCE, f"cites evidence that was not given: {', '.join(unknown)}")
    return opinion


def read_calls(calls: Sequence[tuple[str, str]], evidence: Collection[str]) -> Answer:
    """The answer that tool calls are, given as (name, arguments). The same call twice is one; two that differ are none."""
    if wrong := [name for name, _ in calls if name != TOOL]:
        return abstention(Silence.MALFORMED, f"calls the tool {wrong[0]}, which there is not")
    answers = [read_text(arguments, evidence) for _, arguments in calls]
    if any(answer != answers[0] for answer in answers):
        return abstention(Silence.MALFORMED, f"gives {len(answers)} opinions that differ")
    return answers[0]


def json_object(text: str) -> dict[str, Any]:
    """The one JSON object that a text is, alone or in a Markdown code block. Raises ValueError, or RecursionError."""
    block = _BLOCK.fullmatch(text)
    bare = (block[1] if block else text).removeprefix("\ufeff")
    fields = json.loads(bare, object_pairs_hook=_without_repetition, parse_constant=_no_such_number)
    if not isinstance(fields, dict):
        raise ValueError(f"it is a {type(fields).__name__}")  # noqa: TRY004 -- a wrong value of theirs, not a type of ours
    return fields


def _opinion(text: str) -> Opinion:
    fields = json_object(text)
    if isinstance(fields.get("rationale"), str):
        fields["rationale"] = cleaned(
            fields["rationale"], RATIONALE_LENGTH
        )  # words alone: too many are no reason to refuse
    objection = fields.get("objection_to")
    if isinstance(objection, str) and not _ROLE.fullmatch(objection):
        raise ValueError("objection_to is no role's name")
    # encoded, so that half of a surrogate pair, which no database takes, is refused here
    return Opinion.model_validate_json(json.dumps(fields, ensure_ascii=False).encode(), strict=True)


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a field is there twice")
    return fields


def _no_such_number(name: str) -> float:
    raise ValueError(f"{name} is no number")
