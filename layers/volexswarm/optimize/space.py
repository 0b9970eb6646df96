"""The parameters of a template as a space to search: its own model says how far each may go."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from annotated_types import Ge, Le

from volexswarm.errors import InvalidInput
from volexswarm.optimize.model import Parameters
from volexswarm.strategies.parameters import PARAMETERS, parse

_DRAWS = 200


@dataclass(frozen=True)
class Dimension:
    """One parameter: from `low` to `high`, whole numbers only or not."""

    name: str
    low: float
    high: float
    is_whole: bool

    def at(self, share: float) -> float | int:
        """The value at a share of the way from low to high; a fraction is rounded to three significant digits of the way."""
        value = self.low + min(1.0, max(0.0, share)) * (self.high - self.low)
        return round(value) if self.is_whole else round(value, 2)

    def share_of(self, value: float) -> float:
        """How far on the way from low to high a value lies."""
        return (value - self.low) / (self.high - self.low)


class Space:
    """Every combination of parameters that the template takes.

    Raises
    ------
    InvalidInput
        If there is no such template.
    """

    def __init__(self, template: str) -> None:
        self.defaults: Parameters = parse(template, {}).model_dump()
        self.template = template
        self.dimensions: Sequence[Dimension] = tuple(
            _dimension(name, field) for name, field in PARAMETERS[template].model_fields.items()
        )

    @property
    def farthest(self) -> Parameters:
        """Each parameter as high as it goes: nothing needs a longer warm-up."""
        return self._valid({one.name: one.at(1) for one in self.dimensions}) or self.defaults

    def anywhere(self, rng: random.Random) -> Parameters:
        """A valid point, each parameter drawn evenly."""
        return self._drawn(lambda: {one.name: one.at(rng.random()) for one in self.dimensions})

    def near(self, point: Parameters, reach: float, rng: random.Random) -> Parameters:
        """A valid point not far from another: one or two parameters moved by at most `reach`, a share of their range."""

        def moved() -> dict[str, Any]:
            chosen = rng.sample(self.dimensions, k=min(len(self.dimensions), rng.choice((1, 2))))
            shift = {one.name: one.at(one.share_of(point[one.name]) + rng.uniform(-reach, reach)) for one in chosen}
            return {**point, **shift}

        return self._drawn(moved)

    def _drawn(self, draw: Any) -> Parameters:
        for _ in range(_DRAWS):
            if (found := self._valid(draw())) is not None:
                return found
        return self.defaults

    def _valid(self, raw: Parameters) -> Parameters | None:
        try:
            return parse(self.template, raw).model_dump()
        except InvalidInput:
            return None


def _dimension(name: str, field: Any) -> Dimension:
    low: Any = next(bound.ge for bound in field.metadata if isinstance(bound, Ge))
    high: Any = next(bound.le for bound in field.metadata if isinstance(bound, Le))
    return Dimension(name, float(low), float(high), field.annotation is int)
