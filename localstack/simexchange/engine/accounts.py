"""Balances, free and locked. Nothing is made or lost: over all accounts, the house and the fees, every asset sums to zero."""

from collections import defaultdict
from dataclasses import dataclass

from simexchange.engine.errors import Reason, Refused

HOUSE = "house"
FEES = "fees"


@dataclass(frozen=True, slots=True)
class Transfer:
    """Funds that came from outside (amount above 0) or went there (below 0), in units of 10^-8."""

    id: int
    account: str
    asset: str
    amount: int
    time_ms: int


@dataclass(slots=True)
class Balance:
    """What an account has of one asset, in units of 10^-8."""

    free: int = 0
    locked: int = 0


class Accounts:
    """All balances. The house is the other side of every deposit and of every trade with the market; it alone may be negative."""

    def __init__(self) -> None:
        self._balances: dict[str, dict[str, Balance]] = defaultdict(lambda: defaultdict(Balance))
        self._touched: set[tuple[str, str]] = set()

    def balance(self, account: str, asset: str) -> Balance:
        """The balance itself; change it only through this class."""
        return self._balances[account][asset]

    @property
    def names(self) -> list[str]:
        """Every account there is, the house and the fees among them."""
        return sorted(self._balances)

    def assets(self, account: str) -> dict[str, Balance]:
        """Every asset that the account ever held."""
        return dict(self._balances[account])

    def total(self, asset: str) -> int:
        """Sum over everyone: always 0."""
        return sum(b[asset].free + b[asset].locked for b in self._balances.values() if asset in b)

    def deposit(self, account: str, asset: str, amount: int) -> None:
        """Give an account an amount of an asset."""
        self.pay(HOUSE, account, asset, amount)

    def require_free(self, account: str, asset: str, amount: int) -> None:
        """Refuse when the account cannot pay `amount`."""
        if self.balance(account, asset).free < amount:
            raise Refused(Reason.INSUFFICIENT_BALANCE, asset)

    def lock(self, account: str, asset: str, amount: int) -> None:
        """Set free funds aside for an order, or refuse."""
        self.require_free(account, asset, amount)
        self._move(account, asset, -amount, amount)

    def unlock(self, account: str, asset: str, amount: int) -> None:
        """Give back what was set aside."""
        self._move(account, asset, amount, -amount)

    def pay(self, payer: str, payee: str, asset: str, amount: int) -> None:
        """Move free funds from one account to another."""
        self._move(payer, asset, -amount, 0)
        self._move(payee, asset, amount, 0)

    def restore(self, account: str, asset: str, free: int, locked: int) -> None:
        """Set a balance as it was stored."""
        self._balances[account][asset] = Balance(free, locked)

    def take_touched(self) -> dict[str, dict[str, tuple[int, int]]]:
        """Balances that changed since the last call, by account and asset, as (free, locked)."""
        changed: dict[str, dict[str, tuple[int, int]]] = {}
        for account, asset in sorted(self._touched):
            balance = self._balances[account][asset]
            changed.setdefault(account, {})[asset] = (balance.free, balance.locked)
        self._touched.clear()
        return changed

    def _move(self, account: str, asset: str, free: int, locked: int) -> None:
        balance = self._balances[account][asset]
        if account != HOUSE and (balance.free + free < 0 or balance.locked + locked < 0):
            raise AssertionError(f"{account}/{asset} would become negative: a check before this was missing")
        balance.free += free
        balance.locked += locked
        self._touched.add((account, asset))
