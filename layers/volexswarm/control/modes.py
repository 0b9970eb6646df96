"""The modes of trading: with what money, in whose books, and which may be switched to where."""

from __future__ import annotations

SIMULATED, PAPER, SANDBOX, LIVE = MODES = ("simulated", "paper", "sandbox", "live")

_PAPER_SUFFIX = "-paper"


def paper_account(account: str) -> str:
    """Name of the books that trade on paper beside those of an account."""
    return account + _PAPER_SUFFIX
