"""An order's name at the exchange, derived from the decision behind it: the same decision can't become two orders."""

from __future__ import annotations

import uuid
from base64 import b32encode
from hashlib import blake2b

from volexswarm.messages import NAMESPACE, Purpose


def client_order_id(origin: str, purpose: Purpose = Purpose.TRADE, sequence: int = 0) -> str:
    """17 lower-case letters and digits, beginning with a letter: short and plain enough for every venue; 80 bits of a hash.

    `origin` is the id of the proposal, of the order whose position is left, or of the halt behind a sale that empties all.
    """
    name = origin if purpose is Purpose.TRADE else f"{origin}/{purpose}/{sequence}"
    return "v" + b32encode(blake2b(name.encode(), digest_size=10).digest()).decode().lower()


def order_id(own_client_order_id: str) -> str:
    """Id of an order that no message has ordered: derived from its own name."""
    return str(uuid.uuid5(NAMESPACE, f"order/{own_client_order_id}"))
