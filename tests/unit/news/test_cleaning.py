"""Words from outside: what is taken out of them, and when two headlines are one."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volexswarm.news.cleaning import clean, fingerprint
from volexswarm.news.mentions import mentioned


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("  Bitcoin \n\t rises  ", "Bitcoin rises"),
        ("Ｂｉｔｃｏｉｎ", "Bitcoin"),  # full width
        ("\u202etfel-ot-thgir", "tfel-ot-thgir"),  # turned around
        ("Bit\u200bco\u00adin", "Bitcoin"),  # zero width, soft hyphen
        ("a\x00b\x1b[31mc", "ab[31mc"),
        ("𝐁𝐮𝐲", "Buy"),  # mathematical letters
        ("tag\U000e0041s", "tags"),
        ("\u200b\u202e", ""),
    ],
)
def test_what_is_not_seen_is_taken_out(raw, cleaned):
    assert clean(raw) == cleaned


@given(st.text())
def test_a_clean_text_is_visible_and_stays_as_it_is(text):
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert not {unicodedata.category(one) for one in cleaned} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


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
