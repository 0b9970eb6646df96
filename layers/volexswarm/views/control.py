"""What governs trading: the mode in force, and the kill switch."""

from __future__ import annotations

from pydantic import AwareDatetime, Field

from volexswarm.messages import Money
from volexswarm.views.shape import Mode, View


class Halt(View):
    """A stop of all trading. Settled once the exchange said that no order of ours stands open; null until then.

    `canceled` orders ended canceled since the halt; `left` is what still stands or is held, in words.
    """

    id: str
    actor: str
    reason: str
    flatten: bool
    halted_at: AwareDatetime
    settled_at: AwareDatetime | None
    canceled: int | None = None
    left: list[str] = Field(default_factory=list)


class TradingMode(View):
    """With what money is traded, and in whose books. `cap` is the most that may be exposed with real money."""

    venue: str
    account: str
    mode: Mode
    simulated: bool
    cap: Money | None
    switched_by: str
    reason: str
    switched_at: AwareDatetime


class Control(View):
    """What is in force. `available` are the modes that this deployment can offer; `currency` that of the cap."""

    trading: TradingMode
    available: list[Mode]
    currency: str
    open_orders: int
    halt: Halt | None


class Halting(View):
    """The halt in force; `repeated` if it was so before."""

    halt: Halt
    repeated: bool


class Resumption(View):
    """Trading goes on."""

    halt_id: str
    resumed_by: str
    reason: str
