"""Words from outside: what is taken out of them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volexswarm.plaintext import plain


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
        ("ok\ue000\ufdd0\ud800", "ok"),  # private use, no character, half a pair
        ("e\u0301\u0301\u200d\u0301\u0301\u0301", "é\u0301\u0301"),  # a tower, and what hides in it
        ("❤\ufe0f", "❤"),
        ("นี้", "นี้"),  # two marks that a script needs
    ],
)
def test_what_is_not_seen_is_taken_out(raw, cleaned):
    assert plain(raw) == cleaned


@given(st.text())
def test_a_clean_text_is_visible_and_stays_as_it_is(text):
    cleaned = plain(text)
    assert plain(cleaned) == cleaned
    assert not {unicodedata.category(one) for one in cleaned} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
