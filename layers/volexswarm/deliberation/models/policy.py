"""The analysts, asked as any model is: the same tape, the same budget of calls, no cost."""

from __future__ import annotations

from volexswarm.deliberation.domain import NOTHING_USED, Ask, Usage
from volexswarm.deliberation.models.guarded import Heard, Speak, spoken


class PolicyModel:
    """Implements `guarded.Model` by the analysts' rules: offline, at once, always the same."""

    def __init__(self, speak: Speak) -> None:
        self._speak = speak

    def estimate(self, ask: Ask) -> Usage:  # noqa: ARG002
        return NOTHING_USED

    async def ask(self, ask: Ask, seconds: float) -> Heard:  # noqa: ARG002
        return Heard(spoken(self._speak, ask), "", NOTHING_USED)
