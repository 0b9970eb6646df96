"""The strategy discovery agent: searches all templates on all markets that are asked for, and drafts the best."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from volexswarm.backtest import history
from volexswarm.backtest.model import Outcome
from volexswarm.clock import Clock
from volexswarm.discovery import ranking
from volexswarm.discovery.model import Begun, Candidate, Discovery, Expedition, Place
from volexswarm.discovery.ports import DiscoveryTransaction, Drafts, Searcher
from volexswarm.errors import InvalidInput, Unavailable
from volexswarm.messages import NAMESPACE
from volexswarm.optimize.agent import MOST
from volexswarm.optimize.model import Finding, Search
from volexswarm.optimize.space import Space
from volexswarm.optimize.walk import least_candles
from volexswarm.ports import Store
from volexswarm.strategies.parameters import PARAMETERS

SOURCE = "strategy-discovery"

RUNS = 15
"""Backtests at each place."""
LONGEST = timedelta(minutes=30)
"""Of wall time, after which no further place is searched."""


class DiscoveryAgent:
    """Looks for strategies.

    Parameters
    ----------
    store : Store[DiscoveryTransaction]
    searcher : Searcher
    drafts : Drafts
    clock : Clock
        Wall time.
    """

    def __init__(self, *, store: Store[DiscoveryTransaction], searcher: Searcher, drafts: Drafts, clock: Clock) -> None:
        self._store = store
        self._searcher = searcher
        self._drafts = drafts
        self._clock = clock

    def discover(self, wanted: Expedition) -> Outcome:
        """Look at every place, in as many calls as it takes, and draft what is worth it.

        Raises
        ------
        NotYet
            If the call's time is over first: what was tried is stored, the next call goes on.
        Conflict
            If no risk policy is in force.
        Unavailable
            If nothing is known of the market yet, or the database can't be asked.
        """
        with self._store.transaction() as tx:
            if (known := tx.discovered(wanted.discovery_id)) is not None:
                return known
            begun = tx.begun(wanted.discovery_id) or self._begin(tx, wanted)
        found: list[tuple[Candidate, Finding]] = []
        left_out: dict[str, str] = {}
        cut_short = False
        for place in self._places(wanted, begun):
            cut_short = cut_short or self._clock.now() - begun.started_at > LONGEST
            if cut_short:
                left_out[place.name] = "time ran out"
                continue
            try:
                found.append(self._searched(wanted, begun, place))
            except InvalidInput as lacking:
                left_out[place.name] = str(lacking)
        candidates = ranking.ranked(found)
        drafted = self._drafted(wanted, candidates)
        discovery = Discovery(
            candidates=[replace(one, draft=drafted.get(one.optimization_id)) for one in candidates],
            left_out=left_out,
            trials=sum(one.trials for one in candidates),
            warnings=ranking.warnings(candidates, len(left_out), cut_short=cut_short),
        )
        return self._finished(wanted, discovery)

    def _begin(self, tx: DiscoveryTransaction, wanted: Expedition) -> Begun:
        until = tx.market_time(wanted.venue)
        if until is None:
            raise Unavailable("market data", f"nothing was heard of {wanted.venue} yet")
        begun = Begun(until, self._clock.now())
        tx.add_discovery(wanted, begun)
        return begun

    def _places(self, wanted: Expedition, begun: Begun) -> list[Place]:
        """Every template at every symbol, with candles of the length that suits it: known candles only, so the same each call."""
        since = begun.until - timedelta(days=wanted.days)
        with self._store.transaction() as tx:
            stored = {symbol: tx.stored(wanted.venue, symbol, since, begun.until) for symbol in wanted.symbols}
        found = []
        for symbol, counts in stored.items():
            for template in PARAMETERS:
                least = least_candles(Space(template))
                ample = {one: count for one, count in counts.items() if count >= least}
                timeframe = history.preferred(ample, MOST) or history.preferred(counts, MOST)
                if timeframe is not None:
                    found.append(Place(template, symbol, timeframe))
        return found

    def _searched(self, wanted: Expedition, begun: Begun, place: Place) -> tuple[Candidate, Finding]:
        key = f"{wanted.discovery_id}/{place.template}/{place.symbol}/{place.timeframe}"
        search = Search(
            id=str(uuid.uuid5(NAMESPACE, f"optimization/{key}")),
            task_id=wanted.task_id,
            attempt=wanted.attempt,
            step=wanted.step,
            venue=wanted.venue,
            strategy=place.template,
            symbol=place.symbol,
            timeframe=place.timeframe,
            days=wanted.days,
            runs=RUNS,
            seed=key,
            until=begun.until,
            discovery_id=wanted.discovery_id,
        )
        self._searcher.optimize(search)
        with self._store.transaction() as tx:
            finding = tx.finding(search.id)
        assert finding is not None  # the search has been finished just before
        return ranking.candidate(place, search.id, finding), finding

    def _drafted(self, wanted: Expedition, candidates: Sequence[Candidate]) -> dict[str, str]:
        """The drafts' ids by the search that they come from."""
        made = {}
        for one in ranking.worth_a_draft(candidates):
            assert one.parameters is not None  # such a one is worth no draft
            market = one.symbol.replace("/", "-").lower()
            key = f"{wanted.venue}-{market}-{one.timeframe}-{one.template}-{one.optimization_id[:8]}"
            self._drafts.draft(
                strategy_id=key,
                template=one.template,
                venue=wanted.venue,
                symbol=one.symbol,
                timeframe=one.timeframe.value,
                parameters=one.parameters,
                actor=SOURCE,
                reason=_reason(one),
            )
            made[one.optimization_id] = key
        return made

    def _finished(self, wanted: Expedition, found: Discovery) -> Outcome:
        with self._store.transaction() as tx:
            tx.finish_discovery(wanted.discovery_id, found, words(found), self._clock.now())
            stored = tx.discovered(wanted.discovery_id)
        assert stored is not None  # it was stored just before, by this call or by another
        return stored


def words(found: Discovery) -> str:
    """The expedition in one sentence."""
    drafts = [one.draft for one in found.candidates if one.draft is not None]
    searched = f"{found.trials} parameter sets tried at {len(found.candidates)} places"
    if not found.candidates:
        return f"no place could be searched: {next(iter(found.left_out.values()), 'there are no candles')}"
    if not drafts:
        return f"{searched}: nothing won on candles that the search had not seen, so nothing is drafted"
    return f"{searched}: drafted {', '.join(drafts)}; luck among so many is likely, see the warnings"


def _reason(one: Candidate) -> str:
    chance = "unknown" if one.deflated_sharpe is None else f"{one.deflated_sharpe:.0%}"
    return (
        f"found by search {one.optimization_id}: {one.out_of_sample_return:+.2%} on unseen candles in {one.trades} trades;"
        f" risk of overfitting {one.overfit_risk}, probability that it is more than luck {chance}"
    )
