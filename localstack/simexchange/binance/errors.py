"""Binance's error codes and words. ccxt recognises several of them by their exact text, so the text is part of the protocol."""

from simexchange.engine.errors import Reason, Refused


class ApiError(Exception):
    """An answer that is an error: HTTP status, Binance's code, Binance's words, and `data` where there is more to say."""

    def __init__(
        self, code: int, message: str, http: int = 400, retry_after: int | None = None, data: object = None
    ) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message
        self.http = http
        self.retry_after = retry_after
        self.data = data

    @property
    def body(self) -> dict[str, object]:
        """The JSON body."""
        return {"code": self.code, "msg": self.message, **({} if self.data is None else {"data": self.data})}


class NoAnswer(ApiError):
    """A server in front of the exchange answers in its place: a status and a page that is no JSON."""

    def __init__(self, http: int) -> None:
        super().__init__(-1000, f"HTTP {http}", http)

    @property
    def page(self) -> str:
        """The page's text."""
        return f"<html><head><title>{self.http}</title></head><body><h1>{self.http}</h1></body></html>"


def missing(parameter: str) -> ApiError:
    """A mandatory parameter is not there."""
    return ApiError(-1102, f"Mandatory parameter '{parameter}' was not sent, was empty/null, or malformed.")


def malformed(parameter: str, legal: str) -> ApiError:
    """A parameter has a value that cannot be read."""
    return ApiError(-1100, f"Illegal characters found in parameter '{parameter}'; legal range is '{legal}'.")


def not_required(parameter: str) -> ApiError:
    """A parameter was sent that does not go with the others."""
    return ApiError(-1106, f"Parameter '{parameter}' sent when not required.")


INVALID_SYMBOL = (-1121, "Invalid symbol.")
INVALID_SIDE = (-1117, "Invalid side.")
INVALID_TYPE = (-1116, "Invalid orderType.")
INVALID_TIME_IN_FORCE = (-1115, "Invalid timeInForce.")
INVALID_INTERVAL = (-1120, "Invalid interval.")
INVALID_REPLACE_MODE = (-1100, "Illegal cancelReplaceMode; it must be STOP_ON_FAILURE or ALLOW_FAILURE.")
TOO_PRECISE = (-1111, "Parameter '{}' has too much precision.")
CANCEL_REJECTED = (-2011, "Unknown order sent.")

_REFUSALS: dict[Reason, tuple[int, str]] = {
    Reason.UNKNOWN_SYMBOL: INVALID_SYMBOL,
    Reason.PRICE_FILTER: (-1013, "Filter failure: PRICE_FILTER"),
    Reason.LOT_SIZE: (-1013, "Filter failure: LOT_SIZE"),
    Reason.MARKET_LOT_SIZE: (-1013, "Filter failure: MARKET_LOT_SIZE"),
    Reason.NOTIONAL: (-1013, "Filter failure: NOTIONAL"),
    Reason.PERCENT_PRICE_BY_SIDE: (-1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
    Reason.TRAILING_DELTA: (-1013, "Filter failure: TRAILING_DELTA"),
    Reason.MAX_NUM_ORDERS: (-1013, "Filter failure: MAX_NUM_ORDERS"),
    Reason.MAX_NUM_ALGO_ORDERS: (-1013, "Filter failure: MAX_NUM_ALGO_ORDERS"),
    Reason.MAX_POSITION: (-1013, "Filter failure: MAX_POSITION"),
    Reason.INSUFFICIENT_BALANCE: (-2010, "Account has insufficient balance for requested action."),
    Reason.DUPLICATE_CLIENT_ID: (-2010, "Duplicate order sent."),
    Reason.WOULD_TAKE: (-2010, "Order would immediately match and take."),
    Reason.WOULD_TRIGGER: (-2010, "Stop price would trigger immediately."),
    Reason.UNKNOWN_ORDER: (-2013, "Order does not exist."),
    Reason.NOT_OPEN: CANCEL_REJECTED,
}


def of_refusal(refused: Refused) -> ApiError:
    """What Binance says when the engine refuses."""
    return ApiError(*_REFUSALS[refused.reason])
