"""Who may do what."""

from __future__ import annotations

import pytest

from volexswarm.errors import Forbidden
from volexswarm.security.roles import Permission, Role, role_of


@pytest.mark.parametrize(
    ("permission", "roles"),
    [
        (Permission.TRADE_READ, "admin trader analyst viewer"),
        (Permission.TRADE_WRITE, "admin trader"),
        (Permission.TRADE_HALT, "admin trader"),
        (Permission.STRATEGY_READ, "admin trader analyst viewer"),
        (Permission.STRATEGY_WRITE, "admin trader analyst"),
        (Permission.AGENT_READ, "admin trader analyst viewer"),
        (Permission.AGENT_CONTROL, "admin trader"),
        (Permission.SYSTEM_READ, "admin trader analyst viewer"),
        (Permission.SYSTEM_CONTROL, "admin"),
        (Permission.COMPLIANCE_READ, "admin trader analyst viewer"),
        (Permission.AUDIT_READ, "admin trader analyst"),
    ],
)
def test_a_permission_belongs_to_these_roles(permission, roles):
    assert " ".join(role for role in Role if permission in role.permissions) == roles


def test_every_permission_is_somebodys():
    assert set().union(*(role.permissions for role in Role)) == set(Permission)


@pytest.mark.parametrize(
    ("policies", "role"),
    [
        (["default", "role-viewer"], Role.VIEWER),
        (["role-viewer", "role-trader", "default"], Role.TRADER),
        (["role-admin"], Role.ADMIN),
    ],
)
def test_the_strongest_policy_gives_the_role(policies, role):
    assert role_of(policies) is role


@pytest.mark.parametrize("policies", [[], ["default"], ["role-emperor"], ["admin"]])
def test_who_has_no_role_gets_no_further(policies):
    with pytest.raises(Forbidden):
        role_of(policies)
