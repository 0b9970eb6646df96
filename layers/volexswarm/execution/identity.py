"""An order's name at the exchange, derived from the decision behind it: the same decision can't become two orders."""

from __future__ import annotations

from base64 import b32encode
from hashlib import blake2b


def client_order_id(proposal_id: str) -> str:
    """17 lower-case letters and digits, beginning with a letter: short and plain enough for every venue; 80 bits of the id."""
    return "v" + b32encode(blake2b(proposal_id.encode(), digest_size=10).digest()).decode().lower()
