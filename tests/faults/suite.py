"""Plays chapters until every wanted fault has been in a round, and holds each round against the undisturbed run."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.faults import truth
from tests.faults.catalogue import Entry
from tests.faults.kinds import Fault
from tests.faults.play import Disturbance, Play, Round, Stuck
from tests.faults.site import Site, Stage

ROUNDS: Final = 30
"""Rounds of a chapter; the bounded part plays fewer."""

Say = Callable[[str], None]


@dataclass
class Outcome:
    """What became of one fault in one round; `recovery` seconds from its first blow to rest, None if it never struck."""

    entry: Entry
    strikes: int
    recovery: float | None
    findings: truth.Findings


@dataclass
class Result:
    """All outcomes, and what the audits at the chapters' ends found."""

    outcomes: list[Outcome] = field(default_factory=list)
    audits: truth.Findings = field(default_factory=truth.Findings)
    orders: int = 0
    chapters: int = 0
    missed: list[str] = field(default_factory=list)

    @property
    def findings(self) -> Iterator[truth.Findings]:
        yield from (outcome.findings for outcome in self.outcomes)
        yield self.audits

    @property
    def strikes(self) -> int:
        return sum(outcome.strikes for outcome in self.outcomes)

    @property
    def is_clean(self) -> bool:
        return not self.missed and all(findings.is_clean for findings in self.findings)


@dataclass(frozen=True)
class Undisturbed:
    """The run that all others must equal: state and contents of each round."""

    states: list[truth.State]
    rounds: list[Round]


class Suite:
    """Runs on a site.

    Parameters
    ----------
    rounds : int
        Rounds of a chapter.
    say : callable
        Told each piece of news in a line.
    """

    def __init__(self, site: Site, rounds: int = ROUNDS, say: Say = lambda _: None) -> None:
        self._site = site
        self._rounds = rounds
        self._say = say

    def run(self, wanted: Sequence[Entry], least_orders: int = 0, least_strikes: int = 0) -> Result:
        """Play the undisturbed run, then each wanted fault, and go on through them until orders and strikes were enough."""
        result = Result()
        undisturbed = self._undisturbed(result)
        waiting = list(wanted)
        random.Random("order of faults").shuffle(waiting)
        while waiting:
            before = len(waiting)
            self._chapter(undisturbed, waiting, result)
            if len(waiting) == before:
                result.missed += [f"{entry.name}: no round has {entry.needs.value}" for entry in waiting]
                break
            if not waiting and (result.orders < least_orders or result.strikes < least_strikes):
                waiting = list(wanted)
        struck = {outcome.entry.name for outcome in result.outcomes if outcome.strikes}
        result.missed += [f"{name}: it never struck" for name in sorted({e.name for e in wanted} - struck)]
        return result

    def _undisturbed(self, result: Result) -> Undisturbed:
        states, rounds = [], []
        with self._site.stage() as stage:
            play = Play(stage)
            try:
                play.begin()
                for number in range(self._rounds):
                    rounds.append(play.round(number, Disturbance()))
                    states.append(truth.state(stage.dsn))
                self._audit(stage, result)
            finally:
                play.close()
        self._say(f"undisturbed: {result.orders} orders, {states[-1].digest}")
        return Undisturbed(states, rounds)

    def _chapter(self, undisturbed: Undisturbed, waiting: list[Entry], result: Result) -> None:
        with self._site.stage() as stage:
            play = Play(stage)
            try:
                play.begin()
                for number in range(self._rounds):
                    entry = next((e for e in waiting if e.needs.met_by(undisturbed.rounds[number])), None)
                    if entry is not None:
                        waiting.remove(entry)
                    if not self._round(stage, play, number, entry, undisturbed, result):
                        break
                    if not waiting:
                        break
                self._audit(stage, result)
            except Stuck as stuck:
                result.audits.difference(str(stuck))
            finally:
                play.close()

    def _round(
        self,
        stage: Stage,
        play: Play,
        number: int,
        entry: Entry | None,
        undisturbed: Undisturbed,
        result: Result,
    ) -> bool:
        """Play one round; False if the chapter can't go on after it."""
        if entry is None:
            play.round(number, Disturbance())
            return True
        fault, findings = entry.make(stage), truth.Findings()
        try:
            fault.begin()
            play.round(number, fault)
            fault.tend()
        except Stuck as stuck:
            findings.difference(f"{entry.name}, round {number}: {stuck}")
        finally:
            ended = time.monotonic()
            fault.end()
        if findings.is_clean:
            _compare(stage, number, undisturbed, findings)
        recovery = None if fault.began_at is None else ended - fault.began_at
        result.outcomes.append(Outcome(entry, fault.strikes, recovery, findings))
        self._tell(result, entry, fault, recovery, findings)
        return findings.is_clean

    def _tell(
        self, result: Result, entry: Entry, fault: Fault, recovery: float | None, findings: truth.Findings
    ) -> None:
        seconds = "not struck" if recovery is None else f"{recovery:.1f} s"
        self._say(f"{result.strikes:4} {entry.kind}: {entry.name} ×{fault.strikes}, {seconds}")
        for word in findings.words:
            self._say(f"     {word}")

    def _audit(self, stage: Stage, result: Result) -> None:
        before = len(result.audits.words)
        truth.Auditor(stage.dsn, stage.exchange).audit(result.audits)
        for word in result.audits.words[before:]:
            self._say(f"     {word}")
        result.orders += len(truth.state(stage.dsn).tables["orders"])
        result.chapters += 1


def _compare(stage: Stage, number: int, undisturbed: Undisturbed, findings: truth.Findings) -> None:
    ours, theirs = truth.state(stage.dsn), undisturbed.states[number]
    if ours.digest != theirs.digest:
        for line in ours.differs_from(theirs):
            findings.difference(f"round {number}: {line}")
    truth.Auditor(stage.dsn, stage.exchange).balance(findings)
