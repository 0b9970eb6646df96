"""What governs trading and what watches over it: halts, modes, policies, breakers, flags, differences, transfers."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import AwareDatetime

from volexswarm.messages.envelope import Channel, Money, Payload, Queue


class TradingHalted(Payload):
    """The kill switch is on: no order is sent any more, open ones are canceled; with `flatten`, positions are sold."""

    QUEUE: ClassVar[Queue | None] = Queue.ORDERS
    CHANNELS: ClassVar[tuple[Channel, ...]] = (Channel.ALERTS,)

    halt_id: str
    actor: str
    reason: str
    flatten: bool
    halted_at: AwareDatetime

    @property
    def group(self) -> str | None:
        return "halt"


class HaltSettled(Payload):
    """After a halt the exchange holds no open order of ours any more; with `flatten`, what could be sold is sold.

    `canceled` orders ended canceled since; `sold` amounts of base currency by symbol; `left` what is still held or stands, in
    words; `seconds` of wall time since the halt.
    """

    CHANNELS: ClassVar[tuple[Channel, ...]] = (Channel.ALERTS,)

    halt_id: str
    canceled: int
    sold: dict[str, Money]
    left: tuple[str, ...]
    seconds: float
    settled_at: AwareDatetime


class TradingResumed(Payload):
    """The kill switch was lifted: what waited for that goes on."""

    QUEUE: ClassVar[Queue | None] = Queue.ORDERS
    CHANNELS: ClassVar[tuple[Channel, ...]] = (Channel.ALERTS,)

    halt_id: str
    actor: str
    reason: str
    resumed_at: AwareDatetime

    @property
    def group(self) -> str | None:
        return "halt"


class ModeSwitched(Payload):
    """Trading goes on with other money. `cap` is the most that may be exposed in live mode, in the valuation currency."""

    CHANNELS: ClassVar[tuple[Channel, ...]] = (Channel.ALERTS,)

    venue: str
    before: str
    after: str
    cap: Money | None
    actor: str
    reason: str
    switched_at: AwareDatetime


class PolicyActivated(Payload):
    """A new version of a policy is in force."""

    CHANNELS: ClassVar[tuple[Channel, ...]] = (Channel.ALERTS,)

    name: str
    version: int
    actor: str
    reason: str
    changed: dict[str, str]


class BreakerChanged(Payload):
    """A circuit breaker went from `closed` to `open`, from there to `half_open`, and back to either.

    `scope` is a symbol, or `account` for all of them; `actor` who closed it by hand, None where it changed by itself.
    """

    CHANNELS: ClassVar[tuple[Channel, ...]] = (Channel.ALERTS,)

    venue: str
    account: str
    scope: str
    breaker: str
    before: Literal["closed", "open", "half_open"]
    after: Literal["closed", "open", "half_open"]
    actor: str | None = None
    reason: str
    as_of: AwareDatetime


class FlagChanged(Payload):
    """A matter for the compliance officer: raised (`before` is None), escalated or cleared, by whom and why."""

    CHANNELS: ClassVar[tuple[Channel, ...]] = (Channel.ALERTS,)

    flag_id: str
    rule: str
    subject: str
    before: Literal["open", "escalated"] | None
    after: Literal["open", "escalated", "cleared"]
    actor: str
    reason: str
    as_of: AwareDatetime


class DifferenceFound(Payload):
    """The exchange and our records say different things; `cause` is why, as far as the evidence goes."""

    CHANNELS: ClassVar[tuple[Channel, ...]] = (Channel.ALERTS,)

    difference_id: str
    venue: str
    account: str
    kind: str
    subject: str
    ours: str
    theirs: str
    cause: str
    as_of: AwareDatetime


class DifferenceSettled(Payload):
    """A difference is gone: `repaired` by evidence, or `accepted` by a person."""

    CHANNELS: ClassVar[tuple[Channel, ...]] = (Channel.ALERTS,)

    difference_id: str
    outcome: Literal["repaired", "accepted"]
    actor: str
    reason: str
    as_of: AwareDatetime


class ReconcileAccount(Payload):
    """The command to compare the account with the exchange; `occasion` is what led to it."""

    QUEUE: ClassVar[Queue | None] = Queue.ORDERS

    venue: str
    account: str
    occasion: Literal["reconnect", "demand"]
    requested_by: str

    @property
    def group(self) -> str | None:
        return f"{self.account}:{self.venue}:reconcile"


class AcceptDifference(Payload):
    """The command to let the exchange's word hold on a difference, if it still says what a person has seen: `ours`, `theirs`."""

    QUEUE: ClassVar[Queue | None] = Queue.ORDERS

    difference_id: str
    venue: str
    account: str
    ours: str
    theirs: str
    accepted_by: str
    reason: str

    @property
    def group(self) -> str | None:
        return f"{self.account}:{self.venue}:reconcile"


class HealthChanged(Payload):
    """A part of the swarm went down or came back; `before` is None for one that is ill when it is first looked at."""

    CHANNELS: ClassVar[tuple[Channel, ...]] = (Channel.AGENTS, Channel.ALERTS)

    part: str
    before: bool | None
    after: bool
    detail: str
    checked_at: AwareDatetime


class TransferRecorded(Payload):
    """A deposit (positive) or a withdrawal (negative), in the books as capital: no profit and no loss."""

    CHANNELS: ClassVar[tuple[Channel, ...]] = (Channel.PORTFOLIO,)

    venue: str
    account: str
    transfer_id: str
    currency: str
    amount: Money
    fee: Money
    as_of: AwareDatetime


class EquityTaken(Payload):
    """What the account was worth in `currency` at `as_of` in market time; `cash` is the part held in that currency."""

    CHANNELS: ClassVar[tuple[Channel, ...]] = (Channel.PORTFOLIO,)

    venue: str
    account: str
    currency: str
    equity: Money
    cash: Money
    as_of: AwareDatetime


class AccountOpened(Payload):
    """The books of an account start with the exchange's balances at this moment."""

    venue: str
    account: str
    balances: dict[str, Money]
    as_of: AwareDatetime
