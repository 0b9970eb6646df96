"""Errors that tell the caller what to do: correct the input, try again, ask the exchange, or stop.

Business refusals (a risk limit, a compliance rule) are no errors: they are verdicts, stored and published.
"""

from __future__ import annotations

from datetime import datetime, timedelta


class VolexError(Exception):
    """Root of every error the domain raises on purpose."""


class InvalidInput(VolexError):
    """What was given can't be used; trying again with the same input can't help.

    Parameters
    ----------
    field : str
        Name of the field, parameter or setting.
    got : object
        What was given.
    expected : str
        What would be accepted, in words a user can act on.
    """

    def __init__(self, field: str, got: object, expected: str) -> None:
        super().__init__(f"{field}: expected {expected}, got {got!r}")
        self.field = field
        self.got = got
        self.expected = expected


class Retry(VolexError):
    """Nothing is wrong with the message, but now is not the time: deliver it again.

    Parameters
    ----------
    reason : str
        Why, in words for the log.
    after : timedelta
        How long to wait before the next delivery.
    """

    def __init__(self, reason: str, after: timedelta = timedelta(seconds=5)) -> None:
        super().__init__(reason)
        self.after = after


class NotYet(Retry):
    """The message came before its time: deliver it again after just so long, however often that was."""


class Unavailable(Retry):
    """A part that the work depends on does not answer (database, cache, vault, queue, exchange).

    Fail closed: the caller does nothing with money and tries again later.
    """

    def __init__(self, part: str, reason: str, after: timedelta = timedelta(seconds=5)) -> None:
        super().__init__(f"{part} is unavailable: {reason}", after)
        self.part = part


class MarketClosed(Unavailable):
    """The venue has the market and does not trade it at the moment: what is wanted there waits until it opens."""

    def __init__(self, venue: str, symbol: str) -> None:
        super().__init__("market", f"{venue} does not trade {symbol} at the moment")


class Rejected(VolexError):
    """The exchange refused the order for good, and said why; it has not been placed."""

    def __init__(self, reason: str, code: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class OutcomeUnknown(VolexError):
    """An order was sent and no answer came: it may or may not stand at the exchange.

    Only the exchange's evidence resolves it; it must never be sent again blindly.
    """

    def __init__(self, client_order_id: str, reason: str) -> None:
        super().__init__(f"outcome of order {client_order_id} is unknown: {reason}")
        self.client_order_id = client_order_id
        self.reason = reason


class Unauthorized(VolexError):
    """The caller is not known, or its token is not valid (any more): log in again."""


class Forbidden(VolexError):
    """The caller is known and may not do this."""

    def __init__(self, permission: str) -> None:
        super().__init__(f"this needs the permission {permission}")
        self.permission = permission


class NotFound(VolexError):
    """There is no such thing."""

    def __init__(self, kind: str, key: str) -> None:
        super().__init__(f"no {kind} {key}")
        self.kind = kind
        self.key = key


class Conflict(VolexError):
    """The request contradicts what is there already, or fits several things at once."""


class ConfirmationRequired(VolexError):
    """Nothing was done: whoever means it sends the same again with this code, before it expires."""

    def __init__(self, reason: str, code: str, expires_at: datetime) -> None:
        super().__init__(reason)
        self.code = code
        self.expires_at = expires_at


class TooManyAttempts(VolexError):
    """Asked too often: nothing was tried, and nothing will be before `after` has passed."""

    def __init__(self, reason: str, after: timedelta) -> None:
        super().__init__(reason)
        self.after = after


class Stop(VolexError):
    """Trading must not go on until a person has looked: books differ, or an invariant is broken."""


def require(condition: bool, field: str, got: object, expected: str) -> None:
    """Raise InvalidInput unless the condition holds."""
    if not condition:
        raise InvalidInput(field, got, expected)
