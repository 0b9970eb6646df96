"""The compliance agent: every proposal of risk becomes an approved order or a refusal that names each rule. Fails closed.

Reviews of one account happen one after the other, under a lock held to the commit, so that two proposals at the same moment
can't both take the last place under a limit.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from volexswarm.clock import Clock
from volexswarm.compliance import flags, rules
from volexswarm.compliance.model import Finding
from volexswarm.compliance.policy import CompliancePolicy
from volexswarm.compliance.ports import ComplianceTransaction
from volexswarm.messages import Event, OrderApproved, Trade, TradeProposed, TradeRefused, Verdict
from volexswarm.policies import InForce, in_force
from volexswarm.ports import Store

CONSUMER = "compliance"


class ComplianceAgent:
    """Holds proposals against the desk's rules.

    Parameters
    ----------
    store : Store[ComplianceTransaction]
    clock : Clock
        Wall time, for the record and for a proposal's age; all other rules count in market time.
    proposal_max_age : timedelta
        Wall time after which a proposal that lay in its queue is refused: what risk weighed is gone.
    """

    def __init__(
        self,
        *,
        store: Store[ComplianceTransaction],
        clock: Clock,
        proposal_max_age: timedelta = timedelta(minutes=15),
    ) -> None:
        self._store = store
        self._clock = clock
        self._proposal_max_age = proposal_max_age

    def review(self, event: Event[TradeProposed]) -> None:
        """Decide about a proposal once, store the decision with all its checks, and publish the order or the refusal.

        Raises
        ------
        Unavailable
            If the database can't be asked: nothing is stored, the message comes again.
        """
        with self._store.transaction() as tx:
            if not tx.first_delivery(CONSUMER, event.id):
                return
            tx.lock_account(event.data.venue, event.data.account)
            policy = in_force(CompliancePolicy, tx.newest_policy())
            findings = self._findings(tx, event, policy)
            verdict = Verdict.of("compliance", policy.version, [finding.check for finding in findings])
            self._conclude(tx, event, verdict)
            flags.raise_flags(tx, event, findings, self._clock.now())

    def consider(self, proposal: Event[TradeProposed]) -> Verdict:
        """What would be decided about a proposal at this moment, by the same rules. Nothing is stored, nothing published.

        Whether it stands in our records and waits there is not asked: one that is only considered does not.

        Raises
        ------
        Unavailable
            If the database can't be asked.
        """
        with self._store.transaction() as tx:
            policy = in_force(CompliancePolicy, tx.newest_policy())
            findings = self._findings(tx, proposal, policy, recorded=False)
        return Verdict.of("compliance", policy.version, [finding.check for finding in findings])

    def _findings(
        self,
        tx: ComplianceTransaction,
        event: Event[TradeProposed],
        policy: InForce[CompliancePolicy],
        *,
        recorded: bool = True,
    ) -> tuple[Finding, ...]:
        proposal = event.data
        first = [Finding(policy.check), Finding(rules.risk_approved(proposal.verdict))]
        if recorded:
            first.append(Finding(rules.proposal_waiting(tx.proposal_state(event.id))))
        first.append(Finding(rules.proposal_fresh(self._clock.now() - event.time, self._proposal_max_age)))
        if policy.policy is None:
            return tuple(first)
        return (*first, *rules.review(proposal, policy.policy, tx.activity(event, policy.policy.look)))

    def _conclude(self, tx: ComplianceTransaction, event: Event[TradeProposed], verdict: Verdict) -> None:
        now, proposal = self._clock.now(), event.data
        tx.record_decision(event, proposal.signal_id, verdict, proposal.as_of, now)
        if verdict.approved:
            tx.conclude(event.id, "approved")
            tx.publish(_order(event, now))
        else:
            tx.conclude(event.id, "refused")
            tx.publish(_refusal(event, verdict, now))


def _order(event: Event[TradeProposed], now: datetime) -> Event[OrderApproved]:
    proposal = event.data
    order = OrderApproved(proposal_id=event.id, **{name: getattr(proposal, name) for name in Trade.model_fields})
    return Event.caused_by(event, order, source=CONSUMER, subject=proposal.key, time=now)


def _refusal(event: Event[TradeProposed], verdict: Verdict, now: datetime) -> Event[TradeRefused]:
    proposal = event.data
    refusal = TradeRefused(
        venue=proposal.venue,
        symbol=proposal.symbol,
        account=proposal.account,
        signal_id=proposal.signal_id,
        side=proposal.side,
        verdict=verdict,
        as_of=proposal.as_of,
    )
    return Event.caused_by(event, refusal, source=CONSUMER, subject=proposal.key, time=now)
