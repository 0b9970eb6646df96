"""The search: what it tries, that it never looks ahead, and that a killed one comes to the same end."""

import random
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from tests.fakes.studies import FakeStudyTransaction
from tests.fakes.transaction import FakeStore, FixedClock
from tests.unit.strategies.charts import walk
from volexswarm.errors import InvalidInput, NotYet
from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import JobProgressed
from volexswarm.optimize import agent as optimizing
from volexswarm.optimize import walk as walking
from volexswarm.optimize.agent import OptimizeAgent
from volexswarm.optimize.drawing import best, following
from volexswarm.optimize.model import Search, Trial
from volexswarm.optimize.space import Space
from volexswarm.strategies.parameters import PARAMETERS, parse

CANDLES = walk(900, seed=8)
END = (CANDLES.index[-1] + timedelta(minutes=1)).to_pydatetime()
WANTED = Search("s1", "t1", 1, "job.optimize", "binance", "bollinger", "BTC/USDT", Timeframe.M1, 1, 9, "seed")


class Bench:
    """An agent whose calls last as many trials as a test allows."""

    def __init__(self, candles=CANDLES) -> None:
        self.state = FakeStudyTransaction({("BTC/USDT", Timeframe.M1): candles}, END)
        self.clock = FixedClock()
        self.left = 900.0
        self.agent = OptimizeAgent(store=FakeStore(self.state), clock=self.clock, seconds_left=lambda: self.left)

    def search(self, wanted=WANTED):
        self.agent.optimize(wanted)
        return self.state.found[wanted.id][0]


@pytest.mark.parametrize("template", PARAMETERS)
def test_every_drawn_point_is_valid(template):
    space, rng = Space(template), random.Random(1)
    points = [space.anywhere(rng) for _ in range(50)]
    points += [space.near(point, 0.25, rng) for point in points]
    for point in points:
        assert parse(template, point).model_dump() == point
    assert len({tuple(point.items()) for point in points}) > 50


def test_a_near_point_differs_little_and_in_few_parameters():
    space, rng = Space("macd"), random.Random(2)
    for _ in range(50):
        moved = space.near(space.defaults, 0.1, rng)
        changed = [one for one in space.dimensions if moved[one.name] != space.defaults[one.name]]
        assert len(changed) <= 2
        for one in changed:
            assert abs(one.share_of(moved[one.name]) - one.share_of(space.defaults[one.name])) <= 0.1 + 1 / (
                one.high - one.low
            )


def trial(number, sharpe, parameters=None):
    return Trial(0, number, parameters or {"number": number}, sharpe, None if sharpe is not None else "why", 0.0, 9)


def test_the_best_is_the_first_with_the_highest_ratio_and_an_unjudged_one_never():
    assert best([trial(0, None), trial(1, 2.0), trial(2, 2.0), trial(3, 1.0)]).number == 1
    assert best([trial(0, None)]) is None


def test_the_defaults_are_tried_first_and_nothing_two_times():
    space = Space("rsi")
    trials = []
    for number in range(20):
        trials.append(trial(number, float(number), following(space, "x", 0, trials, 20)))
    tried = [tuple(one.parameters.items()) for one in trials]
    assert trials[0].parameters == space.defaults
    assert len(set(tried)) == 20


def test_folds_judge_only_on_what_came_after_what_they_saw():
    parts = walking.folds(1_000, 100)
    assert parts[0].begin == 100
    assert parts[-1].end == 1_000
    for earlier, later in pairwise(parts):
        assert earlier.begin < earlier.split < earlier.end == later.split
    assert all(one.split - one.begin >= 2 * (one.end - one.split) for one in parts)


def test_a_search_is_judged_on_unseen_candles_and_says_how_far_it_can_be_trusted():
    bench = Bench()
    found = bench.search()
    assert found.trials == 9
    assert [fold.trials for fold in found.folds] == [3, 3, 3]
    assert all(fold.since < fold.split < fold.until for fold in found.folds)
    assert found.overfit_risk in ("low", "medium", "high", "unknown")
    assert "some of what it won was luck" in found.warnings[0]
    assert found.proposal == found.folds[-1].best


def test_what_comes_after_a_fold_changes_nothing_that_it_tries():
    changed = CANDLES.copy()
    last = walking.folds(len(CANDLES), walking.warm_up(Space("bollinger")))[-1]
    tail = changed.index[last.split :]
    changed.loc[tail, ["open", "high", "low", "close"]] *= 1.7
    benches = Bench(), Bench(changed)
    for bench in benches:
        bench.search()
    assert benches[0].state.tried == benches[1].state.tried


def test_a_killed_search_goes_on_and_finds_the_same():
    whole, killed = Bench(), Bench()
    undisturbed = whole.search()
    keep = killed.state.add_trial

    def short(search_id, trial):
        keep(search_id, trial)
        killed.left = 0.0 if len(killed.state.tried[search_id]) % 2 == 0 else 900.0

    killed.state.add_trial = short
    for done in (2, 4, 6, 8):
        killed.left = 900.0
        with pytest.raises(NotYet, match=f"{done} of 9 runs are done"):
            killed.agent.optimize(WANTED)
    killed.left = 900.0
    killed.agent.optimize(WANTED)
    assert killed.state.found["s1"][0] == undisturbed
    assert len(killed.state.tried["s1"]) == 9


def test_a_search_that_takes_too_long_ends_with_what_it_has_and_says_so():
    bench = Bench()
    keep = bench.state.add_trial

    def slow(search_id, trial):
        keep(search_id, trial)
        bench.clock.advance(optimizing.LONGEST / 3.5)

    bench.state.add_trial = slow
    found = bench.search()
    assert (found.trials, found.cut_short) == (4, True)
    assert "Time ran out before the runs did: the search is not complete." in found.warnings


def test_a_finished_search_is_told_again_without_running():
    bench = Bench()
    first = bench.agent.optimize(WANTED)
    bench.left = 0.0
    assert bench.agent.optimize(WANTED) == first


def test_progress_is_told_while_it_goes_on():
    bench = Bench()
    bench.search()
    told = bench.state.of(JobProgressed)
    assert [one.done for one in told] == list(range(1, 10))
    assert {(one.of, one.task_id, one.step) for one in told} == {(9, "t1", "job.optimize")}


def test_too_short_a_history_is_refused_with_what_there_is():
    with pytest.raises(InvalidInput, match="stored are 300 of 1m"):
        Bench(CANDLES.iloc[-300:]).search()


def test_a_market_without_trades_proposes_nothing():
    flat = CANDLES.assign(open=100.0, high=100.0, low=100.0, close=100.0)
    found = Bench(flat).search()
    assert (found.proposal, found.overfit_risk, found.unjudged) == (None, "unknown", 9)


def test_another_seed_tries_others():
    one, other = Bench(), Bench()
    one.search()
    other.search(replace(WANTED, seed="another"))
    assert one.state.tried["s1"][3:] != other.state.tried["s1"][3:]
