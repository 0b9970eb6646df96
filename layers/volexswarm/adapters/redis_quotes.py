"""The latest best bid and ask in Redis, one hash per venue: readers never see half a quote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import redis

from volexswarm.errors import Unavailable
from volexswarm.messages import Quote


def client(url: str) -> redis.Redis[str]:
    """A client that gives up soon: a quote that comes late is of no use."""
    return redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2, decode_responses=True)


class RedisQuoteBoard:
    """QuoteBoard over Redis.

    Both methods raise Unavailable if Redis does not answer: without quotes nothing is traded.
    """

    def __init__(self, connection: redis.Redis[str]) -> None:
        self._redis = connection
        self._read: dict[tuple[str, str], tuple[str, Quote]] = {}

    def put(self, venue: str, quotes: Mapping[str, Quote]) -> None:
        """Replace the quotes of these symbols."""
        if not quotes:
            return
        fields: dict[str | bytes, bytes | float | int | str] = {
            symbol: quote.model_dump_json() for symbol, quote in quotes.items()
        }
        try:
            self._redis.hset(_key(venue), mapping=fields)
        except redis.RedisError as error:
            raise Unavailable("quote board", str(error)) from error

    def get(self, venue: str, symbols: Sequence[str]) -> dict[str, Quote]:
        """The quotes there are; a symbol without one is missing from the answer."""
        if not symbols:
            return {}
        try:
            found = self._redis.hmget(_key(venue), list(symbols))
        except redis.RedisError as error:
            raise Unavailable("quote board", str(error)) from error
        return {
            symbol: self._quote(venue, symbol, text)
            for symbol, text in zip(symbols, found, strict=True)
            if text is not None
        }

    def _quote(self, venue: str, symbol: str, text: str) -> Quote:
        """Of the same text the same quote: whoever asks for a thousand a moment later does not wait for all to be read again."""
        known = self._read.get((venue, symbol))
        if known is None or known[0] != text:
            known = self._read[venue, symbol] = (text, Quote.model_validate_json(text))
        return known[1]


def _key(venue: str) -> str:
    return f"volexswarm:quotes:{venue}"
