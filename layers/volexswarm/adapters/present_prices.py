"""What markets cost at this moment, for people to look at; what decides asks the board itself, and fails without it."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from decimal import Decimal

from volexswarm.board import BoardReader
from volexswarm.errors import Unavailable

logger = logging.getLogger(__name__)


class PresentPrices:
    """Reads the middle of bid and ask, by the rule that decides which quotes are fresh enough to trade on.

    Parameters
    ----------
    boards : BoardReader
    venue : str
    """

    def __init__(self, boards: BoardReader, venue: str) -> None:
        self._boards = boards
        self._venue = venue

    def __call__(self, symbols: Collection[str]) -> Mapping[str, Decimal]:
        """By symbol, in quote currency; one without a fresh price is missing, and all are while the quotes can't be asked."""
        try:
            return self._boards.read(self._venue, symbols).mids
        except Unavailable as away:
            logger.warning("shown without present prices: %s", away)
            return {}
