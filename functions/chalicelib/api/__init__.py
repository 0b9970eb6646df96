"""One blueprint per REST resource, and the authorizer."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from chalice.app import Blueprint

if TYPE_CHECKING:
    from chalicelib.api.endpoint import Endpoint

RESOURCES = (
    "session",
    "swarm",
    "agents",
    "books",
    "performance",
    "control",
    "orders",
    "tasks",
    "approvals",
    "deliberations",
    "reconciliation",
    "risk",
    "signals",
    "research",
    "studies",
    "market",
    "compliance",
    "policies",
    "dead_letters",
    "logs",
    "ws",
    "openapi",
)
MODULES = ("authorizer", "page", *RESOURCES)


def blueprints() -> list[Blueprint]:
    """Every resource's routes. The modules must not import pandas, ccxt or AutoGen: the API's function imports them all."""
    return [import_module(f"{__name__}.{module}").blueprint for module in MODULES]


def endpoints() -> list[Endpoint]:
    """The table of all routes."""
    return [endpoint for module in RESOURCES for endpoint in import_module(f"{__name__}.{module}").resource.endpoints]
