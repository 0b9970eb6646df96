"""Holds a buy against the circuit breakers: they look at the market, and trip, cool down or close with the decision itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from volexswarm.clock import Clock
from volexswarm.messages import BreakerChanged, Check, OrderType, Quote, SignalRaised, TimeInForce
from volexswarm.risk import limits
from volexswarm.risk.breakers import Breaker, Cooldowns, Finding, Probe, advance, fresh, probing
from volexswarm.risk.conditions import Scene, findings
from volexswarm.risk.model import currencies
from volexswarm.risk.policy import RiskPolicy
from volexswarm.risk.ports import RiskTransaction
from volexswarm.risk.situation import BINDING, Inquiry, Situation


@dataclass(frozen=True)
class Watched:
    """One breaker before and after a look, what it saw, and whether the trade may be its probe."""

    before: Breaker
    after: Breaker
    finding: Finding
    may_probe: bool

    @property
    def probed(self) -> bool:
        """Whether the trade, if it is made, tries this breaker."""
        return self.may_probe and self.after.state == "half_open" and self.after.probe_id is None


@dataclass(frozen=True)
class Watch:
    """All breakers that a buy must pass."""

    breakers: Sequence[Watched] = ()

    @property
    def probe(self) -> bool:
        """Whether the trade, if it is made, tries a breaker."""
        return any(watched.probed for watched in self.breakers)

    def checks(self) -> tuple[Check, ...]:
        """Each breaker's answer."""
        return tuple(limits.breaker(watched.after, watched.finding, probe=watched.probed) for watched in self.breakers)

    def changed(self, probe_id: str | None) -> Iterator[Breaker]:
        """What is to be stored; `probe_id` is the proposal that came of it, None if the trade was refused."""
        for watched in self.breakers:
            tried = probe_id is not None and watched.probed
            after = probing(watched.after, probe_id) if tried and probe_id is not None else watched.after
            if after != watched.before:
                yield after

    def turned(self, venue: str, account: str, as_of: datetime) -> Iterator[BreakerChanged]:
        """What is to be told: the breakers that went from one state to another."""
        for watched in self.breakers:
            if watched.after.state != watched.before.state:
                yield changed(watched.before, watched.after, venue, account, as_of)


def changed(before: Breaker, after: Breaker, venue: str, account: str, as_of: datetime) -> BreakerChanged:
    """The news of a breaker that has changed its state."""
    return BreakerChanged(
        venue=venue,
        account=account,
        scope=after.scope,
        breaker=after.kind.value,
        before=before.state,
        after=after.state,
        reason=after.reason,
        as_of=as_of,
    )


def watch(
    tx: RiskTransaction, inquiry: Inquiry, found: Situation, policy: RiskPolicy, signal: SignalRaised, clock: Clock
) -> Watch:
    """Let every breaker that a buy of this symbol must pass look at the market. Nothing is stored."""
    account, now = found.state.account, clock.now()
    scene = Scene(
        symbol=signal.symbol,
        side=signal.side,
        quote=found.board.usable(signal.symbol),
        quote_age=found.board.age(signal.symbol),
        bars=inquiry.window(tx, found, policy, signal.symbol),
        bar_length=inquiry.finest.length,
        usual_volatility=inquiry.usual_volatility(tx, found, policy, currencies(signal.symbol)[0]),
        surroundings=tx.surroundings(
            found.venue,
            account,
            signal.symbol,
            found.as_of - timedelta(minutes=policy.breaker_window),
            now - timedelta(minutes=policy.breaker_errors_window),
        ),
    )
    stored = {
        (breaker.kind, breaker.scope): (breaker, probe)
        for breaker, probe in tx.breakers(found.venue, account, now - BINDING)
    }
    nothing: tuple[Breaker | None, Probe | None] = (None, None)
    cooldowns = Cooldowns(timedelta(seconds=policy.breaker_cooldown), timedelta(seconds=policy.breaker_max_cooldown))
    may_probe, watched = good_at_once(signal, scene.quote), []
    for finding in findings(policy, scene):
        before, probe = stored.get((finding.kind, finding.scope), nothing)
        before = before or fresh(finding, found.as_of)
        after = advance(before, finding, probe, cooldowns, found.as_of)
        watched.append(Watched(before, after, finding, may_probe))
    return Watch(watched)


def good_at_once(signal: SignalRaised, quote: Quote | None) -> bool:
    """Whether a buy is filled or over as soon as it is placed: what rests far from the market tells nothing of it."""
    if signal.order_type is not OrderType.LIMIT:
        return signal.order_type is OrderType.MARKET
    if signal.time_in_force is not TimeInForce.GTC:
        return signal.time_in_force in (TimeInForce.IOC, TimeInForce.FOK)
    return quote is not None and signal.limit_price is not None and signal.limit_price >= quote.ask
