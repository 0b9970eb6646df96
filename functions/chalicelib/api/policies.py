"""Policies: what is in force, a change of it, and what a change would have meant."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from chalicelib.api.endpoint import Call, Input, Resource
from chalicelib.api.inputs import DOCUMENT, Moment, Reason
from chalicelib.runtime import wiring
from volexswarm.rulebook.desk import Wanted
from volexswarm.security.roles import Permission
from volexswarm.views.policies import Policy, PolicyActivation, WhatIf

resource = Resource(__name__)
blueprint = resource.blueprint


class Proposed(Input):
    """Either the whole `policy`, or `changes` of some fields.

    An entry of a mapping is named as `max_order_value.USDT`; null takes it away.
    """

    policy: Annotated[dict[str, Any], DOCUMENT] | None = None
    changes: Annotated[dict[str, Any], DOCUMENT] | None = None

    @property
    def wanted(self) -> Wanted:
        return Wanted(whole=self.policy, changes=self.changes)


class ActivationRequest(Proposed):
    """A change, why, and the version that it was made on."""

    reason: Reason
    expected_version: Annotated[int, Field(ge=0)]


class WhatIfRequest(Proposed):
    """A change to try on the decisions of a time (market time); of all time unless said."""

    since: Moment | None = None
    until: Moment | None = None


@resource.route("GET", "/policies/{name}", Policy, permission=Permission.COMPLIANCE_READ)
def policy(_: Call[Any, Any, Any], name: str) -> Policy:
    """The policy in force, and its versions with who, when and why. There are `risk`, `compliance` and `tasks`."""
    return wiring.policy_reader().policy(name)


@resource.route(
    "POST",
    "/policies/{name}",
    PolicyActivation,
    permission=Permission.SYSTEM_CONTROL,
    body=ActivationRequest,
    failures=(409,),
)
def activate(call: Call[Any, ActivationRequest, Any], name: str) -> PolicyActivation:
    """Put a new version in force, for every decision from then on.

    409 if another version than `expected_version` is in force: somebody else has changed it.
    """
    wanted = call.body
    done = wiring.policy_desk().activate(
        name,
        wanted.wanted,
        expected_version=wanted.expected_version,
        actor=call.caller.username,
        reason=wanted.reason,
    )
    return PolicyActivation(name=name, version=done.version, changed=dict(done.changed))


@resource.route("POST", "/policies/{name}/what-if", WhatIf, permission=Permission.COMPLIANCE_READ, body=WhatIfRequest)
def what_if(call: Call[Any, WhatIfRequest, Any], name: str) -> WhatIf:
    """The policy time machine: what a policy would have decided otherwise, and what that would have been worth.

    Nothing is changed. Effects are of the first order; `caveats`, `not_asked` and `kept` say what the numbers do not.
    """
    wanted = call.body
    return wiring.time_machine().what_if(name, wanted.wanted, wanted.since, wanted.until)
