"""Headlines: when two are one, and which assets they speak of."""

from __future__ import annotations

import pytest

from volexswarm.news.fingerprint import fingerprint
from volexswarm.news.mentions import mentioned


def test_case_and_punctuation_make_no_other_headline():
    assert fingerprint("Bitcoin surges!") == fingerprint("BITCOIN: surges")
    assert fingerprint("Bitcoin surges") != fingerprint("Bitcoin plunges")
    assert fingerprint("🚀") != fingerprint("🔥")


@pytest.mark.parametrize(
    ("headline", "symbols"),
    [
        ("Bitcoin rises", ("BTC/USDT",)),
        ("BTC and ETH diverge", ("BTC/USDT", "ETH/USDT")),
        ("BTCUSDT perpetuals see volume", ("BTC/USDT",)),
        ("$LINK holders cheer", ("LINK/USDT",)),
        ("Follow this link for more", ()),
        ("Ethereum upgrade", ("ETH/USDT",)),
        ("Whether or not", ()),
        ("Bitcoin Cash forks", ("BCH/USDT",)),
        ("Bitcoin Cash and bitcoin", ("BTC/USDT", "BCH/USDT")),
        ("Fed holds rates", ()),
    ],
)
def test_a_headline_names_the_assets_it_speaks_of(headline, symbols):
    assert mentioned(headline, ("BTC/USDT", "ETH/USDT", "LINK/USDT", "BCH/USDT")) == symbols
