"""Understands the usual words for a task without a model: whole sentences of known forms, and nothing else.

Whatever moves money must be understood to the last word: a sentence of which a part is unclear ("unless it rains") is refused
with what to write instead. For what only asks, words that were not understood are told. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Protocol

from volexswarm.errors import InvalidInput
from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import Side, TaskKind
from volexswarm.strategies.parameters import PARAMETERS
from volexswarm.tasks.requests import Request, read

MAX_WORDS = 300

EXAMPLES: Final = (
    "buy 0.5 ETH/USDT",
    "buy ETH/USDT for 500 USDT",
    "put 20 % into BTC/USDT if the trend holds",
    "sell half of my ETH",
    "rebalance to 40 % BTC, 40 % ETH, 20 % USDT",
    "analyze SOL/USDT",
    "research BTC/USDT",
    "report today",
    "backtest ma_cross on BTC/USDT over 30 days",
    "optimize rsi on ETH/USDT over 60 days",
    "discover strategies on BTC/USDT over 30 days",
)


@dataclass(frozen=True)
class Understanding:
    """What words were taken to mean. `ignored` are words without effect; `by` is `words`, or the model that read them."""

    request: Request
    ignored: tuple[str, ...] = ()
    by: str = "words"


@dataclass(frozen=True)
class Markets:
    """The markets that may be named, and the currency that is meant where a base alone is named."""

    symbols: Sequence[str]
    currency: str


class Interpreter(Protocol):
    """A language model that reads what the usual forms don't cover."""

    @property
    def name(self) -> str: ...

    def interpret(self, words: str, markets: Markets) -> Mapping[str, Any] | None:
        """The request as JSON, unchecked; None if the model has no answer, whatever the reason."""
        ...


def understand(words: str, markets: Markets, interpreter: Interpreter | None = None) -> Understanding:
    """The request that a person's words mean.

    Raises
    ------
    InvalidInput
        If they mean nothing known, or could mean several things; with what to write instead.
    """
    text = _cleaned(words)
    try:
        return _read_forms(text, markets)
    except _NoKnownForm as unknown:
        raw = interpreter.interpret(text, markets) if interpreter else None
        if raw is None or interpreter is None:
            raise InvalidInput("words", words, unknown.hint) from None
        return Understanding(read(raw), by=interpreter.name)
    except _Unclear as unclear:
        raise InvalidInput("words", words, str(unclear)) from None


class _NoKnownForm(Exception):
    def __init__(self, hint: str) -> None:
        super().__init__(hint)
        self.hint = hint


class _Unclear(Exception):
    """It is of a known form and could mean several things, or none: no model may decide that."""


_NUMBER = r"(?:\d+(?:\.\d+)?|\.\d+)"
_PERCENT = rf"{_NUMBER}\s*(?:%|percent|per cent)"
_PART = rf"(?:{_PERCENT}|(?:a |one )?half|(?:a |one )quarter|all|everything)"
_ASSET = r"[a-z][a-z0-9]{1,19}"
_MARKET = rf"{_ASSET}(?:/{_ASSET})?"
_MARKETS = rf"{_MARKET}(?:(?:\s*,\s*(?:and\s+)?|\s+and\s+){_MARKET})*"
_EQUITY = r"(?:my|the|our)\s+(?:equity|portfolio|account|capital|money|funds)"
_TREND = (
    r"(?P<trend>\s*,?\s*(?:but\s+)?(?:only\s+)?(?:if|when|while|as long as|provided)\s+the\s+trend\s+"
    r"(?:holds|lasts|agrees|continues|goes on|is right|is intact|(?:is|goes)\s+(?:up|down)))?"
)
_SPAN = r"(?:\s+(?:over|for|during|in)\s+(?:the\s+)?(?:last\s+|past\s+)?(?P<count>\d{1,4})\s*(?P<unit>days?|weeks?|months?|d|w))?"
_CANDLES = r"(?:\s+(?:at|with|by)\s+(?P<timeframe>\d{1,2}[mhd])(?:\s+candles)?)?"
_REST = r"(?P<rest>.*)"

_FILLERS = re.compile(r"^(?:please|kindly|(?:can|could|would) you(?: please)?|i (?:want|would like) you to)\s+")
_MONEY_VERBS = re.compile(r"\b(?:buy|sell|put|invest|rebalance|close|liquidate|short|long|order|trade)\b")
_NAMES: Final = {"bitcoin": "BTC", "ether": "ETH", "ethereum": "ETH", "solana": "SOL"}
_DAYS: Final = {"d": 1, "w": 7, "m": 30}
_PARTS: Final = {"half": Decimal("0.5"), "quarter": Decimal("0.25"), "all": Decimal(1), "everything": Decimal(1)}

Fields = Mapping[str, str]
Reader = Callable[[Fields, Markets], Mapping[str, Any]]


def _trade(side: Side, size: str) -> Reader:
    def reader(found: Fields, markets: Markets) -> Mapping[str, Any]:
        symbol = _symbol(found["market"], markets)
        if "currency" in found:
            _check_currency(found["currency"], symbol)
        trend = found.get("trend")
        _check_trend(trend, side)
        value = _number(found["size"]) if size in ("amount", "cost") else _part(found["size"])
        return {"kind": TaskKind.TRADE, "symbol": symbol, "side": side, size: value, "if_trend": trend is not None}

    return reader


def _close(found: Fields, markets: Markets) -> Mapping[str, Any]:
    return {
        "kind": TaskKind.TRADE,
        "symbol": _symbol(found["market"], markets),
        "side": Side.SELL,
        "position_share": Decimal(1),
    }


def _rebalance(found: Fields, _: Markets) -> Mapping[str, Any]:
    targets: dict[str, Decimal] = {}
    for part, asset in re.findall(rf"({_PERCENT})\s*(?:of\s+|in\s+)?({_ASSET})", found["targets"]):
        name = _NAMES.get(asset, asset.upper())
        if name in targets:
            raise _Unclear(f"each asset once: {name} has two shares")
        targets[name] = _part(part)
    total = sum(targets.values())
    if total > 1:
        raise _Unclear(f"shares that are at most 100 % together, these are {total * 100:f} %")
    return {"kind": TaskKind.REBALANCE, "targets": targets}


def _about_markets(kind: TaskKind) -> Reader:
    def reader(found: Fields, markets: Markets) -> Mapping[str, Any]:
        named = re.findall(_MARKET, re.sub(r"\band\b", ",", found["markets"]))
        wanted: dict[str, Any] = {"kind": kind, "symbols": [_symbol(one, markets) for one in named]}
        return wanted | _span(found)

    return reader


def _report(found: Fields, _: Markets) -> Mapping[str, Any]:
    weekly = re.search(r"week", found.get("period") or "")
    return {"kind": TaskKind.REPORT, "period": "week" if weekly else "day"}


def _of_strategy(kind: TaskKind) -> Reader:
    def reader(found: Fields, markets: Markets) -> Mapping[str, Any]:
        strategy = re.sub(r"[\s-]", "_", found["strategy"])
        if strategy not in PARAMETERS:
            raise _Unclear(f"a strategy among {', '.join(PARAMETERS)}")
        wanted: dict[str, Any] = {"kind": kind, "strategy": strategy, "symbol": _symbol(found["market"], markets)}
        timeframe = found.get("timeframe")
        if timeframe is not None:
            if timeframe not in tuple(Timeframe):
                raise _Unclear(f"candles of {', '.join(Timeframe)}")
            wanted["timeframe"] = timeframe
        return wanted | _span(found)

    return reader


_OWN = r"(?:of\s+)?(?:(?:my|the|our)\s+)?"
_BUY = r"(?:buy|purchase)"
_PUT = r"(?:put|invest|place)"

_FORMS: Final[Sequence[tuple[str, Reader]]] = (
    (rf"{_BUY}\s+(?P<size>{_NUMBER})\s*(?P<market>{_MARKET}){_TREND}", _trade(Side.BUY, "amount")),
    (
        rf"{_BUY}\s+(?P<size>{_NUMBER})\s*(?P<currency>{_ASSET})\s+(?:worth\s+)?of\s+(?P<market>{_MARKET}){_TREND}",
        _trade(Side.BUY, "cost"),
    ),
    (
        rf"{_BUY}\s+(?P<market>{_MARKET})\s+(?:for|with)\s+(?P<size>{_NUMBER})\s*(?P<currency>{_ASSET}){_TREND}",
        _trade(Side.BUY, "cost"),
    ),
    (
        rf"{_PUT}\s+(?P<size>{_NUMBER})\s*(?P<currency>{_ASSET})\s+(?:in|into)\s+(?P<market>{_MARKET}){_TREND}",
        _trade(Side.BUY, "cost"),
    ),
    (
        rf"{_PUT}\s+(?P<size>{_PART})(?:\s+of\s+{_EQUITY})?\s+(?:in|into)\s+(?P<market>{_MARKET}){_TREND}",
        _trade(Side.BUY, "share"),
    ),
    (
        rf"{_BUY}\s+(?P<market>{_MARKET})\s+(?:for|with)\s+(?P<size>{_PART})\s+of\s+{_EQUITY}{_TREND}",
        _trade(Side.BUY, "share"),
    ),
    (rf"sell\s+(?P<size>{_NUMBER})\s*(?P<market>{_MARKET}){_TREND}", _trade(Side.SELL, "amount")),
    (
        rf"sell\s+(?P<size>{_NUMBER})\s*(?P<currency>{_ASSET})\s+(?:worth\s+)?of\s+(?P<market>{_MARKET}){_TREND}",
        _trade(Side.SELL, "cost"),
    ),
    (
        rf"sell\s+(?P<size>{_PART})\s+{_OWN}(?P<market>{_MARKET})(?:\s+position)?{_TREND}",
        _trade(Side.SELL, "position_share"),
    ),
    (rf"close\s+(?:(?:my|the|our)\s+)?(?P<market>{_MARKET})\s+position", _close),
    (
        rf"rebalance\s+(?:{_EQUITY}\s+)?to\s+(?P<targets>{_PERCENT}\s*(?:of\s+|in\s+)?{_ASSET}"
        rf"(?:(?:\s*,\s*(?:and\s+)?|\s+and\s+|\s+){_PERCENT}\s*(?:of\s+|in\s+)?{_ASSET})*)",
        _rebalance,
    ),
    (
        rf"(?:analy[sz]e|assess|judge|look at|what (?:about|do you think (?:of|about)))\s+(?P<markets>{_MARKETS}){_REST}",
        _about_markets(TaskKind.ANALYZE),
    ),
    (rf"(?:research|investigate)\s+(?P<markets>{_MARKETS}){_REST}", _about_markets(TaskKind.RESEARCH)),
    (
        r"(?:(?P<period>daily|weekly)\s+)?report(?:\s+(?:on|for|of|about)?\s*(?:the\s+|this\s+)?(?P<of>today|day|week))?"
        rf"{_REST}",
        lambda found, markets: _report({"period": f"{found.get('period')} {found.get('of')}"}, markets),
    ),
    (
        rf"back-?test\s+(?P<strategy>[a-z_ -]+?)\s+(?:on|for|with)\s+(?P<market>{_MARKET}){_CANDLES}{_SPAN}{_REST}",
        _of_strategy(TaskKind.BACKTEST),
    ),
    (
        rf"optimi[sz]e\s+(?P<strategy>[a-z_ -]+?)\s+(?:on|for)\s+(?P<market>{_MARKET}){_CANDLES}{_SPAN}{_REST}",
        _of_strategy(TaskKind.OPTIMIZE),
    ),
    (
        rf"(?:discover|find)\s+(?:new\s+)?strategies\s+(?:on|for)\s+(?P<markets>{_MARKETS}){_SPAN}{_REST}",
        _about_markets(TaskKind.DISCOVER),
    ),
)
_COMPILED: Final = [(re.compile(form), reader) for form, reader in _FORMS]

_HINTS: Final[Sequence[tuple[str, str]]] = (
    (r"\d,\d", "a number without a comma: it could be a decimal or a thousand. Write 1.5 or 1500"),
    (
        rf"{_BUY}\s+{_PART}",
        "what the share is of: write `put 20 % into ETH/USDT` for a share of the equity, or an amount as in `buy 0.5 ETH/USDT`",
    ),
    (rf"(?:{_BUY}|sell)\s+{_MARKET}$", "how much: write for example `buy 0.5 ETH/USDT` or `sell half of my ETH`"),
    (
        rf"(?:{_BUY}|sell).*\bat\s+{_NUMBER}",
        "a trade at the market's price: for a limit price place an order (`volexswarm order`)",
    ),
    (r"\b(?:not|don't|dont|never|no)\b", "what shall be done, without a negation"),
    (
        r"(?:buy|sell|put|invest).*\b(?:and|then)\b",
        "one trade for a task: write two tasks, the second depending on the first",
    ),
)


def _read_forms(text: str, markets: Markets) -> Understanding:
    for form, reader in _COMPILED:
        match = form.fullmatch(text)
        if match is None:
            continue
        found = {name: value for name, value in match.groupdict().items() if value is not None}
        rest = found.pop("rest", "").strip(" ,;.!?")
        if _MONEY_VERBS.search(rest):
            raise _Unclear("one task at a time: a sentence that only asks must not speak of trading, too")
        return Understanding(read(reader(found, markets)), (rest,) if rest else ())
    for pattern, hint in _HINTS:
        if re.search(pattern, text):
            raise _Unclear(hint)
    raise _NoKnownForm(f"words of a known form, as: {'; '.join(EXAMPLES)}")


def _cleaned(words: str) -> str:
    text = unicodedata.normalize("NFKC", words)
    if any(
        unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs") and character not in "\t\n\r" for character in text
    ):
        raise InvalidInput("words", words, "plain text, without control characters")
    text = " ".join(text.lower().split())
    if not 0 < len(text) <= MAX_WORDS:
        raise InvalidInput("words", words[:MAX_WORDS], f"1 to {MAX_WORDS} characters")
    text = text.rstrip(" .!?")
    return _FILLERS.sub("", text).removesuffix(" please")


def _symbol(market: str, markets: Markets) -> str:
    base, _, quote = market.partition("/")
    base = _NAMES.get(base, base.upper())
    if quote:
        found = [symbol for symbol in markets.symbols if symbol == f"{base}/{quote.upper()}"]
    else:
        of_base = [symbol for symbol in markets.symbols if symbol.split("/")[0] == base]
        usual = [symbol for symbol in of_base if symbol.endswith(f"/{markets.currency}")]
        found = usual or of_base
    if not found:
        raise _Unclear(f"a market among {', '.join(markets.symbols)}, not {market.upper()}")
    if len(found) > 1:
        raise _Unclear(f"the market's whole name: {base} could be {' or '.join(found)}")
    return found[0]


def _check_currency(currency: str, symbol: str) -> None:
    quote = symbol.split("/")[1]
    if currency.upper() != quote:
        raise _Unclear(f"a price in {quote}, which {symbol} is paid in, not {currency.upper()}")


def _check_trend(trend: str | None, side: Side) -> None:
    against = "down" if side is Side.BUY else "up"
    if trend is not None and re.search(rf"\b{against}$", trend):
        raise _Unclear(f"a trend that goes the trade's way: to {side} while it is {against} is another idea")


def _number(text: str) -> Decimal:
    value = Decimal(text)
    if value == 0:
        raise _Unclear("an amount above 0")
    return value


def _part(text: str) -> Decimal:
    named = _PARTS.get(text.rsplit(maxsplit=1)[-1])
    if named is not None:
        return named
    match = re.match(_NUMBER, text)
    assert match is not None  # the form has a number
    share = Decimal(match[0]) / 100
    if share > 1:
        raise _Unclear("a share of at most 100 %")
    return share


def _span(found: Fields) -> dict[str, Any]:
    if "count" not in found:
        return {}
    return {"days": int(found["count"]) * _DAYS[found["unit"][0]]}
