"""The life of a flag: raised with a review, escalated by a person or by time, cleared by a person who says why.

A flag is one matter: the same rule about the same subject on the same day of market time only counts up. What is cleared stays
cleared; the next day's matter is another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from volexswarm.clock import Clock
from volexswarm.compliance.model import Finding, Flag
from volexswarm.compliance.policy import CompliancePolicy
from volexswarm.compliance.ports import ComplianceTransaction, FlagTransaction
from volexswarm.errors import Conflict, require
from volexswarm.messages import Event, FlagChanged, TradeProposed
from volexswarm.policies import in_force
from volexswarm.ports import Store

SOURCE = "compliance"
AT_ONCE = 100


def raise_flags(
    tx: ComplianceTransaction, event: Event[TradeProposed], findings: Sequence[Finding], now: datetime
) -> None:
    """Store and publish a flag for each concern of a review, within its transaction."""
    for finding in findings:
        if finding.concern is None:
            continue
        flag = _flag(event, finding.check.name, finding.concern, now)
        if tx.raise_flag(flag):
            changed = _changed(flag, None, SOURCE, finding.concern)
            subject = f"{flag.subject}:{flag.rule}"
            tx.publish(Event.caused_by(event, changed, source=SOURCE, subject=subject, time=now))


def _flag(event: Event[TradeProposed], rule: str, concern: str, now: datetime) -> Flag:
    trade = event.data
    return Flag(
        rule=rule,
        venue=trade.venue,
        account=trade.account,
        subject=trade.key,
        day=trade.as_of.astimezone(UTC).date(),
        detail=concern,
        first_as_of=trade.as_of,
        last_as_of=trade.as_of,
        raised_at=now,
        correlation_id=event.correlationid,
    )


class FlagDesk:
    """Where flags are answered.

    Parameters
    ----------
    store : Store[FlagTransaction]
    clock : Clock
        Wall time: a flag waits for a person.
    """

    def __init__(self, store: Store[FlagTransaction], clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def escalate(self, key: str, *, actor: str, reason: str) -> Flag:
        """Put an open flag, by its id or the beginning of it, before whoever is above.

        Raises
        ------
        InvalidInput
            Without a reason.
        NotFound
            If there is no such flag.
        Conflict
            If it is not open, or several begin so.
        """
        _give(reason)
        with self._store.transaction() as tx:
            flag = tx.flag(key)
            if flag.state != "open":
                raise Conflict(f"flag {flag.id} is {flag.state}: only an open one can be escalated")
            return self._escalate(tx, flag, actor, reason)

    def clear(self, key: str, *, actor: str, reason: str) -> Flag:
        """Close the matter; raises as `escalate`, but an escalated one can be cleared."""
        _give(reason)
        now = self._clock.now()
        with self._store.transaction() as tx:
            flag = tx.flag(key)
            if flag.state == "cleared":
                raise Conflict(f"flag {flag.id} was cleared by {flag.cleared_by}: {flag.clearing_reason}")
            before: Literal["open", "escalated"] = flag.state
            cleared = replace(flag, state="cleared", cleared_by=actor, cleared_at=now, clearing_reason=reason)
            tx.save_flag(cleared)
            tx.publish(_event(cleared, before, actor, reason, now))
        return cleared

    def escalate_unanswered(self) -> int:
        """Escalate what has waited for longer than the policy in force allows; how many flags that were.

        Without a valid policy its default counts: a broken policy must not leave flags unseen.
        """
        with self._store.transaction() as tx:
            policy = in_force(CompliancePolicy, tx.newest_policy()).policy or CompliancePolicy()
            hours = policy.flag_escalation_hours
            waiting = tx.unanswered_flags(self._clock.now() - timedelta(hours=hours), AT_ONCE)
            for flag in waiting:
                self._escalate(tx, flag, SOURCE, f"nobody has answered it for {hours} hours")
        return len(waiting)

    def _escalate(self, tx: FlagTransaction, flag: Flag, actor: str, reason: str) -> Flag:
        now = self._clock.now()
        escalated = replace(flag, state="escalated", escalated_by=actor, escalated_at=now, escalation_reason=reason)
        tx.save_flag(escalated)
        tx.publish(_event(escalated, "open", actor, reason, now))
        return escalated


def _give(reason: str) -> None:
    require(bool(reason.strip()), "reason", reason, "why, in words")


def _changed(flag: Flag, before: Literal["open", "escalated"] | None, actor: str, reason: str) -> FlagChanged:
    return FlagChanged(
        flag_id=flag.id,
        rule=flag.rule,
        subject=flag.subject,
        before=before,
        after=flag.state,
        actor=actor,
        reason=reason,
        as_of=flag.last_as_of,
    )


def _event(
    flag: Flag, before: Literal["open", "escalated"], actor: str, reason: str, now: datetime
) -> Event[FlagChanged]:
    changed = _changed(flag, before, actor, reason)
    identity = f"{flag.id}/{before}/{flag.state}"
    return Event.root(changed, source=SOURCE, subject=f"{flag.subject}:{flag.rule}", identity=identity, time=now)
