"""Who is asked about a task: each agent's weight, from what it can, how much it has to do, and how it did. Pure.

The only place where these weights are made. They decide which optional voices are heard; risk, compliance and the portfolio are
always asked, for without them nothing is decided.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from volexswarm.messages import TaskKind
from volexswarm.tasks.policy import TasksPolicy
from volexswarm.tasks.ports import TrackRecord

VOICES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "research": "research",
        "news-sentiment": "news-sentiment",
        "signal": "signal-voice",
        "strategy": "strategy",
        "portfolio": "portfolio-voice",
        "risk": "risk-voice",
        "compliance": "compliance-voice",
    }
)
"""The agents that may be asked, and the function by which each speaks."""

ALWAYS: Final = frozenset({"portfolio", "risk", "compliance"})

_DECIDING: Final = MappingProxyType(
    {
        "research": 1.0,
        "news-sentiment": 0.6,
        "signal": 1.0,
        "strategy": 0.9,
        "portfolio": 1.0,
        "risk": 1.0,
        "compliance": 1.0,
    }
)

CAPABILITY: Final[Mapping[TaskKind, Mapping[str, float]]] = MappingProxyType(
    {
        TaskKind.TRADE: _DECIDING,
        TaskKind.REBALANCE: _DECIDING,
        TaskKind.ANALYZE: _DECIDING,
        TaskKind.RESEARCH: MappingProxyType({"research": 1.0, "news-sentiment": 1.0}),
    }
)
"""How much each agent can contribute to a kind of task, 0 (nothing) to 1."""

_NO_RECORD: Final = TrackRecord(0, 0, 0)
_HALF_LOAD: Final = 4.0
"""Steps at work at which an agent's load counts half."""


@dataclass(frozen=True)
class AgentWeight:
    """An agent's weight for a kind of task, and what it is made of; each between 0 and 1."""

    capability: float
    load: float
    performance: float
    weight: float
    asked: bool


def weights(
    kind: TaskKind,
    records: Mapping[str, TrackRecord],
    policy: TasksPolicy,
    calibration: Mapping[str, float] = MappingProxyType({}),
) -> dict[str, AgentWeight]:
    """Each voice's weight for a kind of task.

    Parameters
    ----------
    kind : TaskKind
    records : mapping
        By function, what its steps came to lately.
    policy : TasksPolicy
    calibration : mapping
        By agent, how well its opinions turned out, 0 to 1; those without outcomes are not in it.
    """
    capabilities = CAPABILITY.get(kind, {})
    return {
        agent: _weight(agent, capabilities.get(agent, 0.0), records.get(function, _NO_RECORD), policy, calibration)
        for agent, function in VOICES.items()
    }


def _weight(
    agent: str, capability: float, record: TrackRecord, policy: TasksPolicy, calibration: Mapping[str, float]
) -> AgentWeight:
    load = _HALF_LOAD / (_HALF_LOAD + record.at_work)
    # one answer in advance: who has not been asked yet is trusted, and a single failure is no verdict
    performance = (record.answered + 1) / (record.ended + 1) * calibration.get(agent, 1.0)
    parts = (
        (capability, policy.capability_weight),
        (load, policy.load_weight),
        (performance, policy.performance_weight),
    )
    total = sum(factor for _, factor in parts)
    weight = sum(part * factor for part, factor in parts) / total if total else capability
    asked = capability > 0 and (agent in ALWAYS or weight >= policy.min_weight)
    return AgentWeight(capability, load, performance, round(weight, 4), asked)
