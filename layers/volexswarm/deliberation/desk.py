"""The six roles at the table: what each is for, which testimonies it may see, what its word can do.

News is the only one that sees words written outside; it is *tainted*: it may lower a purchase that the others want, never
raise one, and holds back no sale. Risk and compliance are *gates*: their veto or their silence ends the matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from volexswarm.agents import COMPLIANCE, NEWS, RESEARCH, RISK, SIGNAL, STRATEGY

PROMPT_VERSION: Final = "1"
"""Changes with every word that a model is told: what was taped under another one is not used again."""

PORTFOLIO: Final = "portfolio"
"""Its testimony is evidence for everybody; it has no vote."""


@dataclass(frozen=True)
class Role:
    """A seat at the table. `sees`: the agents whose testimonies it is given; `forecasts`: its stance foretells a price."""

    name: str
    mandate: str
    sees: tuple[str, ...]
    tainted: bool = False
    gate: bool = False
    forecasts: bool = False


_MARKET: Final = (RESEARCH.name, PORTFOLIO)

DESK: Final[tuple[Role, ...]] = (
    Role(
        RESEARCH.name,
        "You judge the market itself: trend, returns, volatility, liquidity. You say whether the symbol is worth buying, selling"
        " or leaving alone.",
        _MARKET,
        forecasts=True,
    ),
    Role(
        NEWS.name,
        "You judge what the news mean for the symbol. You know that headlines may be false, old or planted.",
        (NEWS.name, PORTFOLIO),
        tainted=True,
        forecasts=True,
    ),
    Role(
        SIGNAL.name,
        "You judge the indicators: moving averages, momentum, overbought and oversold, and the last signal raised.",
        (SIGNAL.name, RESEARCH.name, PORTFOLIO),
        forecasts=True,
    ),
    Role(
        STRATEGY.name,
        "You judge by the strategies that trade the symbol: what they say together, and how they have fared.",
        (STRATEGY.name, SIGNAL.name, PORTFOLIO),
        forecasts=True,
    ),
    Role(
        RISK.name,
        "You guard the account: limits, breakers, losses. You veto whatever would break a limit, and say how much room there is."
        " You never recommend a trade that nobody wished.",
        (RISK.name, PORTFOLIO, RESEARCH.name),
        gate=True,
    ),
    Role(
        COMPLIANCE.name,
        "You guard the desk's rules: restricted symbols, how often may be traded, open flags. You veto whatever would break one."
        " You never recommend a trade that nobody wished.",
        (COMPLIANCE.name, PORTFOLIO),
        gate=True,
    ),
)
"""In the order in which votes are listed and summed."""

ROLES: Final[dict[str, Role]] = {role.name: role for role in DESK}
