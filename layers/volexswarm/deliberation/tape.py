"""The key under which an answer stands on the tape: whatever could change a model's answer is in it."""

from __future__ import annotations

from functools import cache
from typing import Any

from volexswarm.deliberation.domain import Ask, ModelChoice, Opinion, digest


@cache
def opinion_schema() -> dict[str, Any]:
    """JSON schema of what a role submits; treat it as read-only."""
    return Opinion.model_json_schema()


def tape_key(ask: Ask, choice: ModelChoice) -> str:
    """SHA-256, hex, of model, parameters, prompt version, role, messages and schema. A repeated question has the same key."""
    messages = [["system", ask.system], ["user", ask.text]]
    asked = [
        choice.provider,
        choice.name,
        choice.params,
        ask.prompt_version,
        ask.role,
        ask.phase,
        ask.round,
        ask.fallback,
    ]
    return digest([*asked, messages, opinion_schema()])
