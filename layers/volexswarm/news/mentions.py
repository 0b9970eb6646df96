"""Which traded symbols a headline speaks of: by the asset's name, or by its ticker as a word in capitals. Pure.

Tickers that are English words (LINK, DOT, NEAR, ONE) count only in capitals or with a dollar sign; `BTCUSDT` counts as BTC/USDT.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

NAMES: Mapping[str, tuple[str, ...]] = {
    "ADA": ("cardano",),
    "AVAX": ("avalanche",),
    "BCH": ("bitcoin cash",),
    "BNB": ("binance coin",),
    "BTC": ("bitcoin",),
    "DOGE": ("dogecoin",),
    "DOT": ("polkadot",),
    "ETH": ("ethereum", "ether"),
    "LINK": ("chainlink",),
    "LTC": ("litecoin",),
    "SOL": ("solana",),
    "TRX": ("tron",),
    "XLM": ("stellar",),
    "XMR": ("monero",),
    "XRP": ("ripple",),
}


def mentioned(headline: str, symbols: Sequence[str]) -> tuple[str, ...]:
    """The symbols whose base the headline names, in the order of `symbols`."""
    return tuple(symbol for symbol in symbols if _names(headline, symbol))


def _names(headline: str, symbol: str) -> bool:
    base, _, quote = symbol.partition("/")
    if re.search(rf"(?<![A-Za-z0-9]){base}(?:[/-]?{quote})?(?![A-Za-z0-9])", headline):
        return True
    text = headline.lower()
    for other, names in NAMES.items():  # "bitcoin cash" is no bitcoin: longer names of other assets are taken out first
        if other != base:
            for name in names:
                if any(own in name for own in NAMES.get(base, ())):
                    text = text.replace(name, " ")
    return any(re.search(rf"(?<!\w){name}(?!\w)", text) for name in NAMES.get(base, ()))
