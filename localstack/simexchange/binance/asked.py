"""A request that was let in, and how its parameters are read."""

from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

import orjson

from simexchange.binance import errors
from simexchange.binance.errors import ApiError
from simexchange.engine.units import DECIMALS, parse

Choice = TypeVar("Choice", bound=Enum)
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, and the parameters. Every method raises ApiError for what cannot be read."""

    account: str
    parameters: dict[str, str]

    def text(self, name: str) -> str:
        """A mandatory parameter."""
        value = self.parameters.get(name)
        if not value:
            raise errors.missing(name)
        return value

    def whole(self, name: str) -> int | None:
        """An optional whole number."""
        value = self.parameters.get(name)
        if value is None:
            return None
        if not value.lstrip("-").isdigit():
            raise errors.malformed(name, "^[0-9]{1,20}$")
        return int(value)

    def limit(self, default: int, most: int) -> int:
        """The `limit` parameter, kept within its bounds."""
        limit = self.whole("limit")
        if limit is None:
            return default
        if limit < 1:
            raise errors.malformed("limit", f"1 to {most}")
        return min(limit, most)

    def amount(self, name: str) -> int:
        """A mandatory amount above zero."""
        value = self.text(name)
        try:
            return parse(value)
        except ValueError as error:
            if "decimals" in str(error):
                code, words = errors.TOO_PRECISE
                raise ApiError(code, words.format(name)) from None
            raise errors.malformed(name, f"^([0-9]{{1,20}})(\\.[0-9]{{1,{DECIMALS}}})?$") from None

    def one_of(self, kind: type[Choice], name: str, error: tuple[int, str]) -> Choice:
        """A mandatory parameter that is one of a few words."""
        value = self.text(name)
        try:
            return kind(value)
        except ValueError:
            raise ApiError(*error) from None

    def names(self, name: str) -> list[str]:
        """A mandatory JSON list of names."""
        try:
            names = orjson.loads(self.text(name))
        except orjson.JSONDecodeError:
            names = None
        if not isinstance(names, list):
            raise errors.malformed(name, '["BTCUSDT","ETHUSDT"]')
        return [str(name) for name in names]

    def day(self) -> tuple[int, int | None]:
        """`startTime` (0 without one) and `endTime`, which may lie a day apart at most."""
        start, end = self.whole("startTime") or 0, self.whole("endTime")
        if start and end is not None and end - start > DAY_MS:
            raise ApiError(-1127, "More than 24 hours between startTime and endTime.")
        return start, end

    def refuse(self, *names: str) -> None:
        """Refuse parameters that do not go with the others."""
        for name in names:
            if name in self.parameters:
                raise errors.not_required(name)
