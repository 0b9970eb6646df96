"""Policies are stored data with versions; this reads the one in force, and fails closed where there is none to be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, Field, ValidationError

from volexswarm.expectations import refusal
from volexswarm.messages import Check, Money

NONE_IN_FORCE = 0

Share = Annotated[Money, Field(gt=0, le=1)]
"""A part of a whole: 0.02 is two percent."""

PolicyT = TypeVar("PolicyT", bound=BaseModel)


@dataclass(frozen=True)
class StoredPolicy:
    """A policy as the database has it: not validated yet."""

    version: int
    body: Mapping[str, Any]


@dataclass(frozen=True)
class InForce(Generic[PolicyT]):
    """The policy to apply, or None with a failed check that says why."""

    version: int
    policy: PolicyT | None
    check: Check


def in_force(model: type[PolicyT], stored: StoredPolicy | None) -> InForce[PolicyT]:
    """Validate the newest stored policy. An older version is no substitute: somebody meant to replace it."""
    wanted = "a valid policy in force"
    if stored is None:
        return InForce(NONE_IN_FORCE, None, Check(name="policy", limit=wanted, value="none stored", passed=False))
    try:
        policy = model.model_validate(stored.body)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        value = f"version {stored.version} is invalid: {field}: {refusal(first)}"
        return InForce(stored.version, None, Check(name="policy", limit=wanted, value=value, passed=False))
    return InForce(
        stored.version, policy, Check(name="policy", limit=wanted, value=f"version {stored.version}", passed=True)
    )


def percent(share: Decimal) -> str:
    """A share for people: `2.00 %`."""
    return f"{share * 100:.2f} %"


def money(amount: Decimal, currency: str) -> str:
    """An amount for people: two decimals, or six significant digits where two decimals would hide it."""
    text = f"{amount:.2f}" if abs(amount) >= 100 or amount == 0 else format(Decimal(f"{amount:.6g}"), "f")
    return f"{text} {currency}"


def listed(words: Sequence[str], most: int = 5) -> str:
    """The first few names, and how many more there are: a decision travels in a message."""
    more = len(words) - most
    return ", ".join(words[:most]) + (f" and {more} more" if more > 0 else "")
