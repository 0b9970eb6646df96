"""What is stored of a strategy, not validated yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class StoredStrategy:
    """`template` and `parameters` as somebody wrote them into the database."""

    id: str
    template: str
    parameters: Mapping[str, Any]
