"""Who did what that governs trading, and why."""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime

from volexswarm.views.shape import View


class AuditEntry(View):
    """One deed from the journal, at wall time. `actor` is a person, or the part of the swarm that did it by itself.

    `details` is what the event carries.
    """

    id: str
    at: AwareDatetime
    action: str
    actor: str
    subject: str
    reason: str
    details: dict[str, Any]
    correlation_id: str
