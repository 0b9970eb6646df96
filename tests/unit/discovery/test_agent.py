"""Discovery: what becomes a draft and what does not, that it goes on where it was cut off, and what it warns of."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from tests.fakes.playbook import FakePlaybookTransaction
from tests.fakes.studies import FakeStudyTransaction
from tests.fakes.transaction import FakeStore, FixedClock
from volexswarm.backtest.model import Outcome
from volexswarm.discovery import agent as discovering
from volexswarm.discovery import ranking
from volexswarm.discovery.agent import DiscoveryAgent
from volexswarm.discovery.model import Expedition, Place
from volexswarm.errors import InvalidInput, NotYet, Unavailable
from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import StrategyChanged, StrategyStatus
from volexswarm.optimize.model import Finding, Moments
from volexswarm.playbook.agent import StrategyAgent
from volexswarm.strategies.parameters import PARAMETERS

END = datetime(2026, 1, 9, tzinfo=UTC)
WANTED = Expedition("t1", 1, "job.discover", "binance", ("BTC/USDT", "ETH/USDT"), 3)
GOOD = Finding(
    folds=(), trials=15, unjudged=0, proposal={"atr_period": 20}, out_of_sample_return=0.04, out_of_sample_trades=12,
    default_return=0.0, in_sample_sharpe=2.0, out_of_sample_sharpe=1.5, efficiency=0.75, overfit_risk="low",
    deflated_sharpe=0.7, moments=Moments(0.2, 0.0, 3.0, 200), cut_short=False, warnings=(),
)  # fmt: skip
BAD = replace(GOOD, out_of_sample_return=-0.02, out_of_sample_sharpe=-1.0, moments=Moments(-0.1, 0.0, 3.0, 200))


def candles(count=1_000):
    index = pd.date_range(end=END - timedelta(minutes=5), periods=count, freq="5min", name="opened_at")
    return pd.DataFrame(dict.fromkeys(("open", "high", "low", "close", "volume"), 1.0), index=index)


class FakeSearcher:
    """Finds what a test says, by template and symbol; good ones where it says nothing of a place."""

    def __init__(self, state: FakeStudyTransaction) -> None:
        self.state = state
        self.results: dict[tuple[str, str], Finding | Exception] = {}
        self.default: Finding | Exception = BAD
        self.asked: list = []

    def optimize(self, wanted):
        self.asked.append(wanted)
        result = self.results.get((wanted.strategy, wanted.symbol), self.default)
        if isinstance(result, Exception):
            raise result
        self.state.finish(wanted.id, result, "searched", END)
        return Outcome(wanted.id, {}, "searched")


class Bench:
    def __init__(self) -> None:
        histories = {(symbol, Timeframe.M5): candles() for symbol in WANTED.symbols}
        self.state = FakeStudyTransaction(histories, END)
        self.searcher = FakeSearcher(self.state)
        self.clock = FixedClock()
        self.playbook = FakePlaybookTransaction()
        drafts = StrategyAgent(FakeStore(self.playbook), self.clock)
        self.agent = DiscoveryAgent(
            store=FakeStore(self.state), searcher=self.searcher, drafts=drafts, clock=self.clock
        )

    def discover(self):
        self.agent.discover(WANTED)
        return self.state.discoveries[WANTED.discovery_id][0]


@pytest.fixture
def bench():
    return Bench()


def test_every_template_is_searched_on_every_market_by_the_same_present(bench):
    bench.discover()
    assert {(one.strategy, one.symbol) for one in bench.searcher.asked} == {
        (template, symbol) for template in PARAMETERS for symbol in WANTED.symbols
    }
    assert {(one.until, one.timeframe, one.discovery_id) for one in bench.searcher.asked} == {
        (END, Timeframe.M5, WANTED.discovery_id)
    }
    assert len({one.id for one in bench.searcher.asked}) == 8


def test_what_won_on_unseen_candles_becomes_a_draft_that_trades_nothing(bench):
    bench.searcher.results[("ma_cross", "BTC/USDT")] = GOOD
    found = bench.discover()
    (made,) = bench.playbook.strategies.values()
    assert (made.template, made.symbol, made.timeframe) == ("ma_cross", "BTC/USDT", "5m")
    assert made.status is StrategyStatus.DRAFT
    assert made.parameters["atr_period"] == 20
    (told,) = bench.playbook.of(StrategyChanged)
    assert (told.before, told.after, told.actor) == (None, StrategyStatus.DRAFT, "strategy-discovery")
    assert "probability that it is more than luck" in told.reason
    assert found.candidates[0].draft == made.id
    assert [one.draft for one in found.candidates[1:]] == [None] * 7


def test_where_nothing_won_nothing_is_drafted(bench):
    bench.discover()
    assert bench.playbook.strategies == {}
    assert "nothing is drafted" in bench.state.discoveries[WANTED.discovery_id][1]


@pytest.mark.parametrize(
    "lacking",
    [
        {"proposal": None},
        {"out_of_sample_sharpe": None},
        {"out_of_sample_trades": 4},
        {"out_of_sample_return": -0.01},
        {"out_of_sample_return": None},
    ],
)
def test_what_lacks_proof_is_worth_no_draft(lacking):
    place = Place("rsi", "BTC/USDT", Timeframe.M5)
    assert ranking.worth_a_draft([ranking.candidate(place, "s", replace(GOOD, **lacking))]) == []
    assert ranking.worth_a_draft([ranking.candidate(place, "s", GOOD)])


def test_no_more_than_three_are_drafted_and_they_are_the_best(bench):
    for place, template in enumerate(PARAMETERS):
        bench.searcher.results[(template, "ETH/USDT")] = replace(GOOD, out_of_sample_sharpe=1.0 + place)
    found = bench.discover()
    assert [one.sharpe for one in found.candidates[:4]] == [4.0, 3.0, 2.0, 1.0]
    assert [one.draft is None for one in found.candidates[:4]] == [False, False, False, True]


def test_an_expedition_that_was_cut_off_goes_on_and_comes_to_the_same(bench):
    undisturbed = bench.discover()
    other = Bench()
    other.searcher.results[("rsi", "ETH/USDT")] = NotYet("3 of 15 runs are done", timedelta(seconds=1))
    with pytest.raises(NotYet):
        other.agent.discover(WANTED)
    assert other.state.discoveries == {}
    other.state.now = END + timedelta(hours=1)  # the market went on: the candles of the expedition stay
    other.searcher.results.clear()
    assert other.discover() == undisturbed


def test_a_finished_expedition_is_told_again_and_drafts_nothing_again(bench):
    bench.searcher.default = GOOD
    first = bench.agent.discover(WANTED)
    drafted = dict(bench.playbook.strategies)
    asked = len(bench.searcher.asked)
    assert bench.agent.discover(WANTED) == first
    assert (bench.playbook.strategies, len(bench.searcher.asked)) == (drafted, asked)


def test_a_place_without_enough_candles_is_left_out_and_named(bench):
    bench.searcher.results[("macd", "BTC/USDT")] = InvalidInput("days", "3 candles", "more")
    found = bench.discover()
    assert list(found.left_out) == ["macd on BTC/USDT, candles of 5m"]
    assert "1 places could not be searched." in found.warnings


def test_time_that_runs_out_leaves_places_out_and_says_so(bench):
    optimize = bench.searcher.optimize

    def slow(wanted):
        bench.clock.advance(discovering.LONGEST / 2.5)
        return optimize(wanted)

    bench.searcher.optimize = slow
    found = bench.discover()
    assert len(found.candidates) == 3
    assert set(found.left_out.values()) == {"time ran out"}
    assert "Time ran out before all places were searched." in found.warnings


def test_before_anything_was_heard_of_the_market_it_is_tried_again(bench):
    bench.state.now = None
    with pytest.raises(Unavailable):
        bench.agent.discover(WANTED)


def test_the_warning_names_how_many_were_tried_and_that_none_is_convincing(bench):
    found = bench.discover()
    assert "120 parameter sets were tried at 8 places" in found.warnings[0]
    assert "No candidate is convincing by that measure." in found.warnings


def test_among_more_candidates_the_same_result_is_less_convincing():
    rng, place = random.Random(3), Place("rsi", "BTC/USDT", Timeframe.M5)

    def field(count):
        others = [replace(GOOD, moments=Moments(rng.gauss(0, 0.1), 0.0, 3.0, 200)) for _ in range(count)]
        findings = [replace(GOOD, out_of_sample_sharpe=9.0), *others]
        return ranking.ranked(
            [(ranking.candidate(place, f"s{number}", one), one) for number, one in enumerate(findings)]
        )

    assert field(40)[0].deflated_sharpe < field(2)[0].deflated_sharpe
