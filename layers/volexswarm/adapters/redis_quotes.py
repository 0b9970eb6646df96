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
            symbol: Quote.model_validate_json(text)
            for symbol, text in zip(symbols, found, strict=True)
            if text is not None
        }


def _key(venue: str) -> str:
    return f"volexswarm:quotes:{venue}"
