"""Changes of a policy: made on the policy as a whole or field by field, checked against its model, and told in words.

A field within a mapping is named with a dot: `max_order_value.USDT`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ValidationError

from volexswarm.errors import InvalidInput
from volexswarm.expectations import in_words
from volexswarm.rulebook.ports import Body

ABSENT = "none"


def applied(body: Body, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The body with some fields changed; an entry of a mapping is taken away by None. Not checked yet."""
    changed = dict(body)
    for path, value in changes.items():
        field, _, entry = path.partition(".")
        if not entry:
            changed[field] = value
            continue
        entries = changed.get(field)
        if not isinstance(entries, Mapping):
            raise InvalidInput(path, value, f"a field of the policy: {field} has no entries")
        kept = {name: old for name, old in entries.items() if name != entry}
        changed[field] = kept if value is None else {**kept, entry: value}
    return changed


def checked(model: type[BaseModel], body: Body) -> BaseModel:
    """The policy of this body.

    Raises
    ------
    InvalidInput
        With the first field that does not fit, and what would.
    """
    try:
        return model.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "policy"
        known = f"one of the fields {', '.join(model.model_fields)}"
        expected = known if first["type"] == "extra_forbidden" else in_words(first)
        raise InvalidInput(field, first["input"], expected) from error


def in_full(model: type[BaseModel], body: Body) -> Body:
    """The body with every field, those too that were not there yet when it was stored; as it is if it does not fit."""
    try:
        return model.model_validate(body).model_dump(mode="json")
    except ValidationError:
        return body


def differences(before: Body, after: Body) -> dict[str, str]:
    """Every field whose value changed, as `0.01 → 0.02`, by its dotted name in order."""
    old, new = dict(leaves(before)), dict(leaves(after))
    names = [name for name in {**new, **old} if not equal(old.get(name), new.get(name))]
    return {name: f"{_words(old, name)} → {_words(new, name)}" for name in names}


def equal(one: Any, another: Any) -> bool:
    """Whether two values of a field are the same: numbers by what they are worth, for money is text that may end in zeros."""
    if one == another:
        return True
    try:
        return Decimal(str(one)) == Decimal(str(another))
    except ArithmeticError:
        return False


def leaves(body: Body, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Fields and the entries of mappings, by dotted names."""
    for name, value in body.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _words(body: Body, name: str) -> str:
    value = body.get(name)
    if value is None or value == []:
        return ABSENT
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value)
