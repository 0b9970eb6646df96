"""Studies of the past on a real database: stored once, read back whole, and gone on with after an interruption."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.integration.research.conftest import Records
from tests.unit.strategies.charts import MINUTE, walk
from volexswarm.adapters.postgres.backtest import BacktestTransaction
from volexswarm.adapters.postgres.discovery import DiscoveryTransaction
from volexswarm.adapters.postgres.optimization import OptimizationTransaction
from volexswarm.adapters.postgres.playbook import PlaybookTransaction
from volexswarm.adapters.postgres.readers.scope import Scope
from volexswarm.adapters.postgres.readers.studies import PostgresStudyReader
from volexswarm.backtest.agent import BacktestAgent
from volexswarm.backtest.model import Commission
from volexswarm.discovery.agent import DiscoveryAgent
from volexswarm.discovery.model import Expedition
from volexswarm.errors import Conflict, NotFound, NotYet
from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import StrategyStatus
from volexswarm.optimize.agent import OptimizeAgent
from volexswarm.optimize.model import Search
from volexswarm.playbook.agent import StrategyAgent
from volexswarm.risk.policy import RiskPolicy

CANDLES = walk(600, seed=5)
END = (CANDLES.index[-1] + MINUTE).to_pydatetime()
TASK = "0b2f6d1e-6f0a-4a6e-9d57-0d6c1c1b7f10"
COMMISSION = Commission(TASK, 1, "binance", "ma_cross", "BTC/USDT", None, 1, {})
REQUEST = {"strategy": "bollinger", "symbol": "BTC/USDT", "timeframe": "1m", "days": 1, "budget_runs": 6}
SEARCH = Search.of_task(TASK, 1, "job.optimize", REQUEST, "binance")


@pytest.fixture
def desk(database_dsn):
    records = Records(database_dsn)
    rows = [
        ("binance", "BTC/USDT", "1m", opened, *prices, 1, 1, 1, True)
        for opened, *prices in CANDLES.itertuples(name=None)
    ]
    columns = (
        "venue, symbol, timeframe, opened_at, open, high, low, close, volume, trade_count, first_trade_id, last_trade_id,"
        " closed"
    )
    records.sql.cursor().executemany(f"INSERT INTO candles ({columns}) VALUES ({', '.join(['%s'] * 13)})", rows)
    records.insert(
        "candles", **dict(zip(columns.split(", "), (*rows[-1][:3], END, *rows[-1][4:12], False), strict=True))
    )
    records.insert("watermarks", venue="binance", symbol="BTC/USDT", complete_to=END)
    records.insert(
        "policies", name="risk", version=1, body=RiskPolicy().model_dump_json(), activated_by="a", activated_at=END, reason="r"
    )  # fmt: skip
    yield records
    records.close()


def optimizer(desk, seconds_left=lambda: 900.0):
    return OptimizeAgent(store=desk.store(OptimizationTransaction), clock=desk.clock, seconds_left=seconds_left)


def test_a_backtest_is_stored_once_and_told_from_what_is_stored(desk):
    agent = BacktestAgent(desk.store(BacktestTransaction), desk.clock)
    told = agent.backtest(COMMISSION)
    assert told == agent.backtest(COMMISSION)
    (row,) = desk.sql.execute("SELECT * FROM backtests").fetchall()
    assert (str(row["id"]), row["candles"], row["timeframe"], row["until"]) == (told.id, 600, "1m", END)
    assert told.summary["trades"] > 0
    assert told.summary["total_return"] == row["figures"]["total_return"]["value"]


def reader(desk):
    return PostgresStudyReader(desk.database, Scope("binance", "main", "simulated", "USDT"))


def test_a_backtest_is_shown_with_its_trades_and_a_curve_that_fits_a_screen(desk):
    told = BacktestAgent(desk.store(BacktestTransaction), desk.clock).backtest(COMMISSION)
    shown = reader(desk).backtest(told.id)
    assert shown.backtest.words == told.words
    assert shown.backtest.simulated
    assert len(shown.trades) == told.summary["trades"]
    assert sum(trade.result for trade in shown.trades) == sum(trade.proceeds - trade.cost for trade in shown.trades)
    assert len(shown.curve) == 600 - 42
    assert shown.curve[-1].at == END
    assert shown.curve[-1].equity / shown.curve[0].equity - 1 == pytest.approx(told.summary["total_return"])
    assert reader(desk).backtest(told.id[:6]) == shown
    (listed,) = reader(desk).backtests("BTC/USDT", 5, None).items
    assert listed == shown.backtest
    assert reader(desk).backtests("ETH/USDT", 5, None).items == []


def test_searches_are_shown_while_they_run_and_when_they_are_done(desk):
    left = iter([900.0, 900.0, 0.0])
    with pytest.raises(NotYet):
        optimizer(desk, lambda: next(left)).optimize(SEARCH)
    (running,) = reader(desk).optimizations(None, 5, None).items
    assert (running.status, running.runs, running.budget_runs, running.result) == ("running", 1, 6, None)
    told = optimizer(desk).optimize(SEARCH)
    done = reader(desk).optimization(SEARCH.id)
    assert (done.optimization.status, done.optimization.words, len(done.trials)) == ("done", told.words, 6)
    assert done.optimization.result.trials == 6


@pytest.mark.parametrize("key", ["nothing", "0e9e0000-0000-5000-8000-000000000009"])
def test_a_study_that_there_is_not_is_not_found(desk, key):
    for ask in (reader(desk).backtest, reader(desk).optimization, reader(desk).discovery):
        with pytest.raises(NotFound):
            ask(key)


def test_pages_of_studies_go_on_where_they_ended(desk):
    agent = BacktestAgent(desk.store(BacktestTransaction), desk.clock)
    made = [agent.backtest(replace(COMMISSION, attempt=attempt)).id for attempt in (1, 2, 3)]
    first = reader(desk).backtests(None, 2, None)
    rest = reader(desk).backtests(None, 2, first.next)
    assert {one.id for one in (*first.items, *rest.items)} == set(made)
    assert rest.next is None


def test_the_beginning_of_several_ids_is_refused(desk):
    told = BacktestAgent(desk.store(BacktestTransaction), desk.clock).backtest(COMMISSION)
    twin = told.id[:-4] + ("0000" if not told.id.endswith("0000") else "1111")
    columns = [
        row["name"]
        for row in desk.sql.execute(
            "SELECT column_name AS name FROM information_schema.columns WHERE table_name = 'backtests' AND column_name <> 'id'"
        )
    ]
    rest = ", ".join(columns)
    desk.sql.execute(f"INSERT INTO backtests (id, {rest}) SELECT %s, {rest} FROM backtests", (twin,))
    assert reader(desk).backtest(told.id).backtest.id == told.id
    with pytest.raises(Conflict, match="several backtests"):
        reader(desk).backtest(told.id[:8])


def test_a_candle_that_is_still_open_is_not_looked_at(desk):
    with desk.store(BacktestTransaction).transaction() as tx:
        known = tx.candles("binance", "BTC/USDT", Timeframe.M1, END - timedelta(days=1), END + timedelta(days=1))
        assert len(known) == 600
        assert tx.stored("binance", "BTC/USDT", END - timedelta(days=1), END + timedelta(days=1)) == {Timeframe.M1: 600}
        earlier = tx.candles("binance", "BTC/USDT", Timeframe.M1, END - timedelta(days=1), END - timedelta(seconds=30))
        assert len(earlier) == 599


def test_the_policy_that_a_search_began_with_is_found_again(desk):
    desk.insert("policies", name="risk", version=2, body="{}", activated_by="a", activated_at=END, reason="r")
    with desk.store(BacktestTransaction).transaction() as tx:
        assert [tx.risk_policy()[0], tx.risk_policy(1)[0]] == [2, 1]
        with pytest.raises(Conflict, match="none stored"):
            tx.risk_policy(7)


def test_a_search_that_is_cut_off_goes_on_where_it_was(desk):
    left = iter([900.0, 900.0, 0.0])
    with pytest.raises(NotYet, match="1 of 6 runs are done"):
        optimizer(desk, lambda: next(left)).optimize(SEARCH)
    with desk.store(OptimizationTransaction).transaction() as tx:
        (first,) = tx.trials(SEARCH.id)
        assert tx.outcome(SEARCH.id) is None
    told = optimizer(desk).optimize(SEARCH)
    with desk.store(OptimizationTransaction).transaction() as tx:
        trials, found = tx.trials(SEARCH.id), tx.finding(SEARCH.id)
    assert (len(trials), trials[0]) == (6, first)
    assert (told.summary["trials"], found.trials) == (6.0, 6)
    assert (
        desk.sql.execute("SELECT count(*) AS n FROM events WHERE type = 'volexswarm.JobProgressed'").fetchone()["n"]
        == 6
    )


def test_a_discovery_searches_drafts_and_is_told_from_what_is_stored(desk):
    agent = DiscoveryAgent(
        store=desk.store(DiscoveryTransaction),
        searcher=optimizer(desk),
        drafts=StrategyAgent(desk.store(PlaybookTransaction), desk.clock),
        clock=desk.clock,
    )
    wanted = Expedition(TASK, 1, "job.discover", "binance", ("BTC/USDT",), 1)
    told = agent.discover(wanted)
    assert told == agent.discover(wanted)
    assert told.summary["places"] == 4
    searches = desk.sql.execute("SELECT DISTINCT discovery_id::text AS id FROM optimizations").fetchall()
    assert searches == [{"id": wanted.discovery_id}]
    shown = reader(desk).discovery(told.id)
    assert [one.draft for one in shown.result.candidates if one.draft] == [
        one.draft for one in shown.result.candidates
    ][: int(told.summary["drafts"])]
    drafts = desk.sql.execute("SELECT status FROM strategies").fetchall()
    assert len(drafts) == told.summary["drafts"]
    assert all(draft["status"] == StrategyStatus.DRAFT for draft in drafts)


def test_a_draft_is_put_into_the_playbook_once(desk):
    agent = StrategyAgent(desk.store(PlaybookTransaction), desk.clock)
    for period in (7, 9):
        agent.draft(
            strategy_id="one", template="rsi", venue="binance", symbol="BTC/USDT", timeframe="1m",
            parameters={"period": period}, actor="strategy-discovery", reason="found",
        )  # fmt: skip
    (row,) = desk.sql.execute("SELECT parameters, status FROM strategies WHERE id = 'one'").fetchall()
    assert (row["parameters"]["period"], row["status"]) == (7, "draft")
    assert (
        desk.sql.execute("SELECT count(*) AS n FROM events WHERE type = 'volexswarm.StrategyChanged'").fetchone()["n"]
        == 1
    )
