"""Switches the mode of trading: only to what the deployment can offer, only while nothing stands open, to real money only twice.

Real money needs a cap and a second word: the first call gives a code, the second brings it back. The code is good once, for a
few minutes, for the same person, mode and cap; only its digest is kept.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from volexswarm.clock import Clock
from volexswarm.control import modes
from volexswarm.control.model import Confirmation, ModeInForce
from volexswarm.control.ports import ControlTransaction
from volexswarm.errors import ConfirmationRequired, Conflict, require
from volexswarm.messages import Event, ModeSwitched
from volexswarm.ports import Store

SOURCE = "api"
CONFIRM_WITHIN = timedelta(minutes=5)

PLACED_WITHIN = timedelta(hours=1)
"""What was decided longer ago and has no order never becomes one: it is too old for that."""


@dataclass(frozen=True)
class Wanted:
    """A switch that somebody asks for. `cap` in the valuation currency, for live mode only; `confirm` the code for it."""

    mode: str
    actor: str
    reason: str
    cap: Decimal | None = None
    confirm: str | None = None


class ModeSwitch:
    """The mode of one venue.

    Parameters
    ----------
    venue, account : str
        Where is traded, and what the books of the exchange's own account are called.
    environment : str
        What the exchange's own money is here: `simulated`, `sandbox` or `live`.
    new_code : callable
        Makes a code that nobody can guess.
    """

    def __init__(
        self,
        store: Store[ControlTransaction],
        clock: Clock,
        *,
        venue: str,
        account: str,
        environment: str,
        new_code: Callable[[], str] = lambda: secrets.token_hex(5),
    ) -> None:
        self._store = store
        self._clock = clock
        self._venue = venue
        self._account = account
        self._environment = environment
        self._new_code = new_code

    def switch(self, wanted: Wanted) -> ModeInForce:
        """Put a mode in force; the mode that is in force then. Asking for what is in force already changes nothing.

        Raises
        ------
        InvalidInput
            If the deployment has no such mode, no reason is given, or cap or code are missing or out of place.
        ConfirmationRequired
            With the code to send back, if real money is asked for without one.
        Conflict
            If orders of the present books are open or on their way, a halt is not settled, or the code is not good.
        """
        self._check(wanted)
        code = self._new_code() if wanted.mode == modes.LIVE and wanted.confirm is None else None
        with self._store.transaction() as tx:
            tx.hold_trading()
            now = self._clock.now()
            before = tx.mode_in_force(self._venue)
            if (before.mode, before.cap) == (wanted.mode, wanted.cap):
                return before
            self._require_rest(tx, before, now)
            if code is None:
                return self._put(tx, before, wanted, now)
            confirmation = self._confirmation(wanted, code, now + CONFIRM_WITHIN)
            tx.add_confirmation(confirmation)
        # outside of the transaction: what is raised inside would undo it
        raise ConfirmationRequired(
            f"this trades REAL MONEY, up to {wanted.cap}: send the same again with the confirmation {code}",
            code,
            confirmation.expires_at,
        )

    def _check(self, wanted: Wanted) -> None:
        offered = modes.available(self._environment)
        require(wanted.mode in offered, "mode", wanted.mode, f"one of {', '.join(offered)}")
        require(bool(wanted.reason.strip()), "reason", wanted.reason, "a reason in words: it is kept")
        if wanted.mode == modes.LIVE:
            capped = wanted.cap is not None and wanted.cap.is_finite() and wanted.cap > 0
            require(capped, "cap", wanted.cap, "the most that may be exposed, above 0: real money needs a cap")
        else:
            require(wanted.cap is None, "cap", wanted.cap, f"none in mode {wanted.mode}: it is for real money")
            require(wanted.confirm is None, "confirm", wanted.confirm, f"none: {wanted.mode} needs no confirmation")

    def _require_rest(self, tx: ControlTransaction, before: ModeInForce, now: datetime) -> None:
        halt = tx.halt_in_force()
        if halt is not None and halt.settled_at is None:
            raise Conflict("a halt is being settled: switch when it is")
        count = tx.open_orders(self._venue, before.account)
        if count:
            raise Conflict(
                f"{count} orders of the books {before.account} are open: cancel them first, or halt trading, which cancels all"
            )
        # what a halt holds up is not sent after it
        coming = 0 if halt is not None else tx.unplaced_trades(self._venue, before.account, now - PLACED_WITHIN)
        if coming:
            raise Conflict(
                f"{coming} trades of the books {before.account} are decided and have no order yet: wait for them, or halt"
                " trading, which keeps them from being sent"
            )

    def _put(self, tx: ControlTransaction, before: ModeInForce, wanted: Wanted, now: datetime) -> ModeInForce:
        if wanted.confirm is not None:
            confirmation = self._confirmation(wanted, wanted.confirm, now)
            if not tx.take_confirmation(confirmation, now):
                raise Conflict(
                    "this confirmation is not good: it is good once, for 5 minutes, for who asked, and for the same cap;"
                    " ask for another by leaving it out"
                )
        after = ModeInForce(
            venue=self._venue,
            account=modes.books_of(wanted.mode, self._account),
            mode=wanted.mode,
            cap=wanted.cap,
            switched_by=wanted.actor,
            reason=wanted.reason,
            switched_at=now,
        )
        tx.put_mode(after)
        tx.publish(_switched(before, after))
        return after

    def _confirmation(self, wanted: Wanted, code: str, expires_at: datetime) -> Confirmation:
        assert wanted.cap is not None  # checked: only real money is confirmed
        digest = hashlib.sha256(code.encode()).hexdigest()
        return Confirmation(digest, self._venue, wanted.actor, wanted.mode, wanted.cap, expires_at)


def _switched(before: ModeInForce, after: ModeInForce) -> Event[ModeSwitched]:
    switched = ModeSwitched(
        venue=after.venue,
        before=before.mode,
        after=after.mode,
        cap=after.cap,
        actor=after.switched_by,
        reason=after.reason,
        switched_at=after.switched_at,
    )
    identity = f"{after.venue}/{after.mode}/{after.switched_at.isoformat()}"
    return Event.root(switched, source=SOURCE, subject=after.venue, identity=identity, time=after.switched_at)
