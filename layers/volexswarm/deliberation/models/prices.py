"""What a call takes, before and after: tokens without a tokenizer, and US dollars."""

from __future__ import annotations

from dataclasses import dataclass

from volexswarm.deliberation.domain import Usage
from volexswarm.errors import require


@dataclass(frozen=True)
class Price:
    """US dollars per million tokens, of what is sent and of what is answered."""

    sent: float
    answered: float

    @classmethod
    def parse(cls, text: str) -> Price:
        """From `SENT:ANSWERED`, as `2.5:10`. Raises InvalidInput."""
        parts = text.split(":")
        try:
            prices = [float(part) for part in parts]
        except ValueError:
            prices = []
        good = len(prices) == 2 and all(0 <= price < 10_000 for price in prices)
        require(good, "model_price", text, "US dollars per million tokens sent and answered, as 2.5:10")
        return cls(*prices)

    def usage(self, sent: int, answered: int) -> Usage:
        """Tokens, and what they cost."""
        cost = (sent * self.sent + answered * self.answered) / 1_000_000
        return Usage(tokens=sent + answered, cost=cost)


def tokens_of(text: str) -> int:
    """More tokens than the text has, for any tokenizer in use: one for two ASCII characters, one for each byte of others."""
    size, plain = len(text.encode("utf-8", "replace")), sum(character.isascii() for character in text)
    return plain // 2 + (size - plain) + 1
