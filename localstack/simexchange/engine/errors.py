"""Why the engine refuses a command. The protocol shell gives each reason its code and words."""

from enum import Enum, auto


class Reason(Enum):
    """Every ground on which a command can be refused."""

    UNKNOWN_SYMBOL = auto()
    PRICE_FILTER = auto()
    LOT_SIZE = auto()
    MARKET_LOT_SIZE = auto()
    NOTIONAL = auto()
    PERCENT_PRICE_BY_SIDE = auto()
    TRAILING_DELTA = auto()
    MAX_NUM_ORDERS = auto()
    MAX_NUM_ALGO_ORDERS = auto()
    MAX_POSITION = auto()
    INSUFFICIENT_BALANCE = auto()
    DUPLICATE_CLIENT_ID = auto()
    WOULD_TAKE = auto()
    WOULD_TRIGGER = auto()
    UNKNOWN_ORDER = auto()
    NOT_OPEN = auto()


class Refused(Exception):
    """A command changed nothing; `reason` says why."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason.name}: {detail}" if detail else reason.name)
        self.reason = reason
        self.detail = detail
