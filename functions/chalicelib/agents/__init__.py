"""One module per agent: its handlers, each a few lines. Lambda imports only the module of the function it runs."""

from __future__ import annotations

from importlib import import_module

from chalice.app import Blueprint

MODULES = (
    "market_data",
    "signal",
    "risk",
    "compliance",
    "execution",
    "monitor",
    "meta",
    "deliberation",
    "push",
    "research",
    "news",
    "strategy",
    "backtest",
    "optimize",
    "discovery",
)


def blueprints() -> list[Blueprint]:
    """The handlers of every deployed agent."""
    return [import_module(f"{__name__}.{module}").blueprint for module in MODULES]
