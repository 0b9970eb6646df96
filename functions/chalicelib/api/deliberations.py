"""Deliberations: who said what, how the verdict was computed, the same again from the tape, and what each role made of it."""

from __future__ import annotations

from typing import Any

from chalicelib.api.endpoint import Call, Resource
from chalicelib.api.inputs import key_of
from chalicelib.runtime import wiring
from volexswarm.security.roles import Permission
from volexswarm.views.deliberation import (
    Calibration,
    DeliberationList,
    DeliberationRecord,
    Replay,
    RoleEffect,
    RoleEffects,
)

resource = Resource(__name__)
blueprint = resource.blueprint


@resource.route(
    "GET", "/deliberations/{deliberation}", DeliberationRecord, permission=Permission.AGENT_READ, failures=(404, 409)
)
def one_deliberation(_: Call[Any, Any, Any], deliberation: str) -> DeliberationRecord:
    """A deliberation by its id or the beginning of it: the frozen facts, every word, and the verdict's arithmetic."""
    return wiring.deliberation_reader().record(_whole(deliberation))


@resource.route(
    "GET", "/tasks/{task}/deliberations", DeliberationList, permission=Permission.AGENT_READ, failures=(404, 409)
)
def deliberations_of(_: Call[Any, Any, Any], task: str) -> DeliberationList:
    """The deliberations of a task, of all its attempts."""
    task_id = wiring.task_reader().task_id(key_of("task", task))
    return DeliberationList(deliberations=list(wiring.deliberation_reader().records_of(task_id)))


@resource.route(
    "POST", "/deliberations/{deliberation}/replay", Replay, permission=Permission.AGENT_READ, failures=(404, 409)
)
def replay_deliberation(_: Call[Any, Any, Any], deliberation: str) -> Replay:
    """Decide again from the tape, without a call of a model, and say whether that is the same byte for byte."""
    replayed = wiring.replayer().replay(_whole(deliberation))
    again = replayed.decision
    return Replay(
        deliberation_id=replayed.deliberation_id,
        identical=replayed.identical,
        calls=replayed.calls,
        action=again.action,
        size_frac=again.size_frac,
        confidence=again.confidence,
        reason=again.reason,
    )


@resource.route(
    "GET",
    "/deliberations/{deliberation}/effects",
    RoleEffects,
    permission=Permission.AGENT_READ,
    failures=(404, 409),
)
def effects(_: Call[Any, Any, Any], deliberation: str) -> RoleEffects:
    """What each role made of the decision: the same deliberation replayed without it."""
    replayed = wiring.replayer().replay(_whole(deliberation))
    found = wiring.replayer().attribution(replayed.deliberation_id)
    return RoleEffects(
        deliberation_id=replayed.deliberation_id,
        action=replayed.decision.action,
        size_frac=replayed.decision.size_frac,
        effects=[RoleEffect.model_validate(effect.model_dump()) for effect in found],
    )


@resource.route("GET", "/calibration", Calibration, permission=Permission.AGENT_READ)
def calibration(_: Call[Any, Any, Any]) -> Calibration:
    """How each role's forecasts have fared since, and what its vote weighs for it."""
    return Calibration(roles=list(wiring.deliberation_reader().track_records()))


def _whole(deliberation: str) -> str:
    return wiring.deliberation_reader().deliberation_id(key_of("deliberation", deliberation))
