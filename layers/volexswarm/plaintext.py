"""What is left of words from outside when everything unseen is taken out of them, and whether there is such a thing in them.

Pure, and the same for all who take words in.

NFKC folds look-alike forms (full width, ligatures, mathematical letters) into plain ones. What steers a terminal, a reader's eye
or a tokenizer without being seen is dropped: control and format characters (bidirectional, zero width, tags), private use,
surrogates, unassigned code points, variation selectors, and towers of combining marks.
"""

from __future__ import annotations

import unicodedata
from typing import Final

MARKS: Final = 2
"""Combining marks that may follow each other: scripts need up to two; towers of them only hide or flood."""


STEERING: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of what acts on a terminal, a reader's eye or a store instead of being read: controls, formats, line ends."""


def steering(text: str, *, but: str = "") -> str | None:
    """The first character of the text that steers, those of `but` left out; None if there is none."""
    return next((one for one in text if unicodedata.category(one) in STEERING and one not in but), None)


def plain(text: str) -> str:
    """The text in one line of visible characters, its blanks single. What is plain stays as it is."""
    seen = _visible(unicodedata.normalize("NFKC", text))
    # once more: what an unseen character had kept apart may join
    return " ".join(unicodedata.normalize("NFKC", seen).split())


def _visible(text: str) -> str:
    kept: list[str] = []
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        if character.isspace():
            kept.append(" ")
            marks = 0
        elif category.startswith("C") or _is_variation_selector(character):
            continue
        elif not category.startswith("M"):
            kept.append(character)
            marks = 0
        elif marks < MARKS:
            kept.append(character)
            marks += 1
    return "".join(kept)


def _is_variation_selector(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
