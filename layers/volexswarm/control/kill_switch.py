"""The kill switch: from its commit on nobody can send an order; the command to clear the exchange goes out with it.

Whoever sends an order holds the state of trading while it stores that it does so. The switch waits for those who hold it, and
whoever reads it afterwards finds the halt.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace

from volexswarm.clock import Clock
from volexswarm.control.model import Halted
from volexswarm.control.ports import ControlTransaction
from volexswarm.errors import Conflict, require
from volexswarm.messages import Event, TradingHalted, TradingResumed
from volexswarm.ports import Halt, Store

SOURCE = "api"
SUBJECT = "trading"


class KillSwitch:
    """Stops all trading and lets it go on. `new_id` makes a new unique id for each halt."""

    def __init__(
        self, store: Store[ControlTransaction], clock: Clock, *, new_id: Callable[[], str] = lambda: str(uuid.uuid4())
    ) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id

    def halt(self, *, actor: str, reason: str, flatten: bool) -> Halted:
        """Stop all trading; with `flatten`, also sell what the account in force holds.

        Halting what is halted already changes nothing, except that `flatten` is added if it was not asked for before.

        Raises
        ------
        InvalidInput
            If no reason is given.
        Unavailable
            If nothing can be stored: trading is not halted then.
        """
        _require_reason(reason)
        with self._store.transaction() as tx:
            tx.hold_trading()
            now = self._clock.now()  # after the wait: whatever was about to be sent was so before this moment
            halt = tx.halt_in_force()
            if halt is None:
                halt = Halt(self._new_id(), actor, reason, flatten, now, None)
                tx.add_halt(halt)
                tx.publish(self._halted(halt, SUBJECT))
                return Halted(halt, repeated=False)
            if halt.flatten or not flatten:
                return Halted(halt, repeated=True)
            tx.ask_to_empty(halt.id)
            halt = replace(halt, flatten=True, settled_at=None)
            tx.publish(self._halted(halt, f"{SUBJECT}:flatten"))
            return Halted(halt, repeated=False)

    def resume(self, *, actor: str, reason: str) -> Halt:
        """Let trading go on; the halt that is lifted.

        Raises
        ------
        InvalidInput
            If no reason is given.
        Conflict
            If trading is not halted, or the halt is not settled: orders may still stand at the exchange.
        """
        _require_reason(reason)
        with self._store.transaction() as tx:
            tx.hold_trading()
            halt = tx.halt_in_force()
            if halt is None:
                raise Conflict("trading is not halted")
            if halt.settled_at is None:
                raise Conflict(
                    "the halt is not settled: orders may still stand at the exchange; it is settled as soon as the exchange"
                    " says that none does"
                )
            now = self._clock.now()
            tx.lift_halt(halt.id, actor, reason, now)
            resumed = TradingResumed(halt_id=halt.id, actor=actor, reason=reason, resumed_at=now)
            tx.publish(Event.caused_by(halt, resumed, source=SOURCE, subject=SUBJECT, time=now))
            return halt

    def _halted(self, halt: Halt, subject: str) -> Event[TradingHalted]:
        halted = TradingHalted(
            halt_id=halt.id, actor=halt.actor, reason=halt.reason, flatten=halt.flatten, halted_at=halt.halted_at
        )
        return Event.caused_by(halt, halted, source=SOURCE, subject=subject, time=self._clock.now())


def _require_reason(reason: str) -> None:
    require(bool(reason.strip()), "reason", reason, "a reason in words: it is kept")
