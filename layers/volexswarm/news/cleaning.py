"""Makes words from outside safe to keep and to show, and tells when two are the same. Pure.

NFKC folds look-alike forms (full width, ligatures, mathematical letters) into plain ones; control, format and bidirectional
characters, which hide or turn text around, are dropped, and so is what has no meaning at all.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

# control, format (bidirectional and zero-width ones among them), surrogate, private use, unassigned
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


def clean(text: str) -> str:
    """The text in one line of visible characters, its blanks single."""
    folded = unicodedata.normalize("NFKC", text)
    spaced = "".join(" " if one.isspace() else one for one in folded)
    seen = "".join(one for one in spaced if unicodedata.category(one) not in _UNSEEN)
    # once more: what an unseen character had kept apart may join
    return " ".join(unicodedata.normalize("NFKC", seen).split())


def fingerprint(headline: str) -> str:
    """SHA-256 of the words alone: case and punctuation make no other headline. One without any word counts as it stands.

    `headline` is clean.
    """
    words = re.findall(r"\w+", headline.casefold())
    return hashlib.sha256((" ".join(words) or headline).encode()).hexdigest()
