"""Policies with their history, and what a proposed one would have changed."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime

from volexswarm.messages import Money
from volexswarm.views.shape import View


class PolicyVersion(View):
    """A version: who put it in force (wall time) and why, and the fields that it changed, as `0.01 → 0.02`."""

    version: int
    activated_at: AwareDatetime
    activated_by: str
    reason: str
    changed: dict[str, str]


class Policy(View):
    """The policy in force, in full. `problem` says why it is not valid; while it is not, every trade is refused."""

    name: str
    version: int
    body: dict[str, Any]
    problem: str | None
    history: list[PolicyVersion]


class PolicyActivation(View):
    """A version that has come into force."""

    name: str
    version: int
    changed: dict[str, str]


class Worth(View):
    """Results of what would not have been traded, in quote currency and net of fees in base and quote.

    `losses_avoided` and `profits_missed` are both positive; `effect` is the one less the other. `unrealised` is the part of the
    results (a gain above zero) that is not closed yet; `unvalued` trades have no price for what they still hold.
    """

    currency: str
    losses_avoided: Money
    profits_missed: Money
    effect: Money
    unrealised: Money
    unvalued: int


class Tally(View):
    """How many decisions would have been otherwise under one heading."""

    name: str
    refused: int
    reduced: int
    allowed: int
    worth: list[Worth]


class Example(View):
    """A decision that would have been otherwise. `part` of it would not have been traded; P&L is of its whole."""

    signal_id: str
    symbol: str
    side: str
    strategy_id: str
    as_of: AwareDatetime
    effect: Literal["refused", "reduced", "allowed"]
    checks: list[str]
    part: Money
    order_ids: list[str]
    currency: str | None
    realised: Money | None
    unrealised: Money | None


class WhatIf(View):
    """What a policy would have changed in the decisions of a time (market time).

    `not_asked` are changed settings that no past decision says anything about; `kept` how often a check that stores no measure
    was kept as it was decided; `caveats` what the numbers do not say. A decision counts under each check that makes a difference.
    """

    name: str
    version: int
    changed: dict[str, str]
    simulated: bool
    since: AwareDatetime | None
    until: AwareDatetime | None
    decisions: int
    total: Tally
    exits_stopped: int
    by_check: list[Tally]
    by_symbol: list[Tally]
    by_strategy: list[Tally]
    by_day: list[Tally]
    examples: list[Example]
    not_asked: list[str]
    kept: dict[str, int]
    caveats: list[str]
