"""Control's tables in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from tests.fakes.transaction import START, FakeTransaction
from volexswarm.control.model import Confirmation, ModeInForce
from volexswarm.ports import Halt

BEGINNING = ModeInForce("binance", "main", "simulated", None, "seed", "where every system begins", START)


class FakeControlTransaction(FakeTransaction):
    """`halt` in force, `lifted` ones as (id, actor, reason); `open` orders by account,
    `unplaced` trades by account and the moment they were decided; `codes` of confirmation, `used` ones."""

    def __init__(self, mode: ModeInForce = BEGINNING) -> None:
        super().__init__()
        self.held = 0
        self.halt: Halt | None = None
        self.lifted: list[tuple[str, str, str]] = []
        self.mode = mode
        self.open: dict[str, int] = {}
        self.unplaced: dict[str, list[datetime]] = {}
        self.codes: list[Confirmation] = []
        self.used: list[Confirmation] = []

    def hold_trading(self) -> None:
        self.held += 1

    def halt_in_force(self) -> Halt | None:
        return self.halt

    def add_halt(self, halt: Halt) -> None:
        assert self.halt is None, "only one halt can be in force"
        self.halt = halt

    def ask_to_empty(self, halt_id: str) -> None:
        assert self.halt is not None
        assert self.halt.id == halt_id
        self.halt = replace(self.halt, flatten=True, settled_at=None)

    def lift_halt(self, halt_id: str, actor: str, reason: str, at: datetime) -> None:
        self.halt = None
        self.lifted.append((halt_id, actor, reason))

    def mode_in_force(self, venue: str) -> ModeInForce:
        return self.mode

    def put_mode(self, mode: ModeInForce) -> None:
        self.mode = mode

    def open_orders(self, venue: str, account: str) -> int:
        return self.open.get(account, 0)

    def unplaced_trades(self, venue: str, account: str, since: datetime) -> int:
        return sum(1 for decided in self.unplaced.get(account, []) if decided >= since)

    def add_confirmation(self, confirmation: Confirmation) -> None:
        self.codes.append(confirmation)

    def take_confirmation(self, confirmation: Confirmation, now: datetime) -> bool:
        for code in self.codes:
            same = replace(code, expires_at=confirmation.expires_at) == confirmation
            if same and code not in self.used and code.expires_at > now:
                self.used.append(code)
                return True
        return False

    def settle(self, at: datetime = START) -> None:
        """As execution does once nothing stands open."""
        assert self.halt is not None
        self.halt = replace(self.halt, settled_at=at)
