"""The four roles of people and what each may do. A user's role is a policy in Vault named `role-<role>`."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from volexswarm.errors import Forbidden

POLICY_PREFIX = "role-"


class Permission(StrEnum):
    TRADE_READ = "trade:read"
    TRADE_WRITE = "trade:write"
    TRADE_HALT = "trade:halt"
    STRATEGY_READ = "strategy:read"
    STRATEGY_WRITE = "strategy:write"
    AGENT_READ = "agent:read"
    AGENT_CONTROL = "agent:control"
    SYSTEM_READ = "system:read"
    SYSTEM_CONTROL = "system:control"
    COMPLIANCE_READ = "compliance:read"
    COMPLIANCE_WRITE = "compliance:write"
    AUDIT_READ = "audit:read"


class Role(StrEnum):
    """From the strongest to the weakest."""

    ADMIN = "admin"
    TRADER = "trader"
    ANALYST = "analyst"
    VIEWER = "viewer"

    @property
    def permissions(self) -> frozenset[Permission]:
        return _PERMISSIONS[self]

    @property
    def policy(self) -> str:
        """Name of the Vault policy that gives this role."""
        return POLICY_PREFIX + self.value


_VIEWER = frozenset(
    {
        Permission.TRADE_READ,
        Permission.STRATEGY_READ,
        Permission.AGENT_READ,
        Permission.SYSTEM_READ,
        Permission.COMPLIANCE_READ,
    }
)
_ANALYST = _VIEWER | {Permission.STRATEGY_WRITE, Permission.AUDIT_READ}
_TRADER = _ANALYST | {Permission.TRADE_WRITE, Permission.TRADE_HALT, Permission.AGENT_CONTROL}

_PERMISSIONS = {
    Role.ADMIN: frozenset(Permission),
    Role.TRADER: _TRADER,
    Role.ANALYST: _ANALYST,
    Role.VIEWER: _VIEWER,
}


def role_of(policies: Iterable[str]) -> Role:
    """The strongest role among a user's Vault policies.

    Raises
    ------
    Forbidden
        If none of them is a role.
    """
    held = set(policies)
    for role in Role:
        if role.policy in held:
            return role
    raise Forbidden("of a role: ask an administrator for one")
