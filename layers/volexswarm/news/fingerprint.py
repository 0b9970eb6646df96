"""Tells when two headlines are the same. Pure."""

from __future__ import annotations

import hashlib
import re


def fingerprint(headline: str) -> str:
    """SHA-256 of the words alone: case and punctuation make no other headline. One without any word counts as it stands.

    `headline` is plain text.
    """
    words = re.findall(r"\w+", headline.casefold())
    return hashlib.sha256((" ".join(words) or headline).encode()).hexdigest()
