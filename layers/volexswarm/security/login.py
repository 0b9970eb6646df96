"""Logging in: Vault judges the password, and whoever fails too often has to wait, right password or not.

An attempt is counted before Vault is asked and the count is forgotten on success, so that guesses made at the same moment
count like guesses made one after another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from volexswarm.errors import TooManyAttempts, Unauthorized, VolexError
from volexswarm.security.roles import Role, role_of
from volexswarm.security.tokens import Token, TokenIssuer

MAX_FAILURES = 5
LOCKED_FOR = timedelta(minutes=30)


class Directory(Protocol):
    """Knows users, their passwords and their policies."""

    def login(self, username: str, password: str) -> Sequence[str]:
        """The user's policies. Raises Unauthorized if name or password are wrong, Unavailable if it does not answer."""
        ...


class Attempts(Protocol):
    """Counts what happens within a span of time. All raise Unavailable if it can't be counted."""

    def count(self, key: str, limit: int, span: timedelta) -> timedelta | None:
        """Count one attempt, and forget all of the key's when `span` has passed without a counted one.

        Returns
        -------
        timedelta or None
            None if it was counted; if `limit` had been reached before, how long until attempts are counted again.
        """
        ...

    def take_back(self, key: str) -> None:
        """Uncount one attempt: it was none."""
        ...

    def forget(self, key: str) -> None:
        """Start counting the key from zero."""
        ...


@dataclass(frozen=True)
class Session:
    """What a login gives."""

    token: Token
    username: str
    role: Role


class Login:
    """Gives tokens to those who know their password."""

    def __init__(self, directory: Directory, attempts: Attempts, issuer: TokenIssuer) -> None:
        self._directory = directory
        self._attempts = attempts
        self._issuer = issuer

    def log_in(self, username: str, password: str) -> Session:
        """A token with the rights of the user's role, in the user's one name: Vault takes it in capitals, too.

        Raises
        ------
        Unauthorized
            If name or password are wrong.
        Forbidden
            If the user has no role.
        TooManyAttempts
            After `MAX_FAILURES` failures, until `LOCKED_FOR` has passed.
        Unavailable
            If Vault or the count of failures can't be had; this is no failure of the user's.
        """
        username = username.lower()  # else one person could be two: who asked for a trade, and who approves it
        wait = self._attempts.count(username, MAX_FAILURES, LOCKED_FOR)
        if wait is not None:
            raise TooManyAttempts(f"too many failed logins: {username} is locked for another {_minutes(wait)}", wait)
        try:
            role = role_of(self._directory.login(username, password))
            session = Session(self._issuer.issue(username, role), username, role)
        except Unauthorized:
            raise
        except VolexError:
            self._attempts.take_back(username)
            raise
        self._attempts.forget(username)
        return session


def _minutes(wait: timedelta) -> str:
    minutes = -(-int(wait.total_seconds()) // 60)
    return f"{minutes} minute{'' if minutes == 1 else 's'}"
