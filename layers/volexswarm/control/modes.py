"""The modes of trading: with what money, in whose books, and which of them a deployment can offer."""

from __future__ import annotations

from volexswarm.errors import InvalidInput

SIMULATED, PAPER, SANDBOX, LIVE = MODES = ("simulated", "paper", "sandbox", "live")

_PAPER_SUFFIX = "-paper"


def paper_account(account: str) -> str:
    """Name of the books that trade on paper beside those of an account."""
    return account + _PAPER_SUFFIX


def available(environment: str) -> tuple[str, ...]:
    """The modes that may be in force where the exchange's own money is `environment`: that one, and paper."""
    return (environment, PAPER)


def books_of(mode: str, account: str) -> str:
    """Name of the books in which a mode trades; `account` names those of the exchange's own account."""
    return paper_account(account) if mode == PAPER else account


def mode_of(books: str, account: str, environment: str) -> str:
    """The mode whose books these are.

    Raises
    ------
    InvalidInput
        If they are neither those of the exchange's account nor the paper books beside them.
    """
    modes = {books_of(mode, account): mode for mode in available(environment)}
    if books not in modes:
        raise InvalidInput("account", books, f"one of {', '.join(modes)}")
    return modes[books]
