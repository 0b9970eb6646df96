"""How an agent puts together what it knows about a question: each number together with the evidence that shows it.

A number that is not known is left out, never replaced. What nothing at all is known of becomes a testimony that says why.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from math import isfinite

from volexswarm.messages import Evidence, Question, Testimony

MOST_EVIDENCE = 40
MOST_BYTES = 7_000
"""Of evidence: seven testimonies travel together through a state machine, whose payloads are small."""
LONGEST_TEXT = 300


class Findings:
    """Collects features and evidence of one agent about one question.

    Parameters
    ----------
    agent : str
        Who speaks: the first part of every evidence's id.
    question : Question
        What is asked; evidence is of its market time unless said otherwise.
    """

    def __init__(self, agent: str, question: Question) -> None:
        self._agent = agent
        self._question = question
        self._features: dict[str, float] = {}
        self._evidence: list[Evidence] = []
        self._bytes = 0

    def know(self, name: str, value: float | Decimal | None, text: str, *, as_of: datetime | None = None) -> None:
        """A feature and its evidence, `<agent>:<name>`, at six significant digits; nothing if the value is not known."""
        if value is None or not isfinite(value):
            return
        rounded = float(f"{value:.6g}")
        self._features[name] = rounded
        self._append(f"{self._agent}:{name}", "feature", text, rounded, as_of, tainted=False)

    def show(
        self,
        kind: str,
        key: str,
        text: str,
        *,
        value: float | None = None,
        as_of: datetime | None = None,
        tainted: bool = False,
    ) -> None:
        """Evidence that is no feature, `<agent>:<kind>:<key>`; what is more than a testimony takes is left out."""
        self._append(f"{self._agent}:{kind}:{key}", kind, text, value, as_of, tainted=tainted)

    def testimony(self, otherwise: str) -> Testimony:
        """What was found; where no feature is known, `otherwise` says why the agent can't speak."""
        about = {"agent": self._agent, "symbol": self._question.symbol, "as_of": self._question.as_of}
        if not self._features:
            return Testimony.model_validate(about | {"missing": otherwise})
        return Testimony.model_validate(about | {"features": self._features, "evidence": tuple(self._evidence)})

    def _append(
        self, key: str, kind: str, text: str, value: float | None, as_of: datetime | None, *, tainted: bool
    ) -> None:
        shown = Evidence(
            id=key,
            kind=kind,
            text=text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…",
            value=value,
            as_of=as_of or self._question.as_of,
            tainted=tainted,
        )
        length = len(shown.model_dump_json().encode())
        if len(self._evidence) < MOST_EVIDENCE and self._bytes + length <= MOST_BYTES:
            self._evidence.append(shown)
            self._bytes += length
