"""What the comparisons with the exchange came to, and the differences."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from volexswarm.views.shape import View


class Comparison(View):
    """One comparison: how many orders and fills were held against each other, what was repaired and what stayed open.

    `as_of` is the exchange time through which everything was compared; the other times are wall time.
    """

    occasion: str
    started_at: AwareDatetime
    finished_at: AwareDatetime
    as_of: AwareDatetime
    orders: int
    fills: int
    transfers: int
    repaired: int
    open: int


class Difference(View):
    """What the exchange and our records say differently, why, and how it was settled."""

    id: str
    kind: str
    subject: str
    ours: str
    theirs: str
    cause: str
    state: Literal["open", "repaired", "accepted"]
    found_at: AwareDatetime
    seen_at: AwareDatetime
    times: int
    settled_by: str | None
    reason: str | None
    settled_at: AwareDatetime | None


class Reconciliation(View):
    """The last comparison (null before the first), and the differences that wait for a person."""

    venue: str
    account: str
    last: Comparison | None
    open: list[Difference]


class ReconciliationRequested(View):
    """A comparison is on its way; `GET /reconciliation` tells what it came to. `command_id` is the message's id."""

    command_id: str


class DifferenceAccepted(View):
    """The exchange's word holds as soon as a further comparison says the same; `GET /differences` tells."""

    id: str
