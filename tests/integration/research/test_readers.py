"""What a person reads of news, strategies and reports is what the agents have stored, page by page."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.fakes.questions import AS_OF
from tests.integration.research.test_news_postgres import agent as news_agent
from tests.integration.research.test_news_postgres import draft
from tests.integration.research.test_playbook_postgres import signal, trade
from tests.integration.research.test_research_postgres import agent as research_agent
from volexswarm.adapters.postgres.playbook import PlaybookTransaction
from volexswarm.adapters.postgres.readers.research import PostgresResearchReader
from volexswarm.adapters.postgres.readers.scope import Scope
from volexswarm.adapters.postgres.research import ResearchTransaction
from volexswarm.errors import InvalidInput, NotFound
from volexswarm.messages import StrategyStatus
from volexswarm.playbook.agent import StrategyAgent
from volexswarm.research.agent import Assignment


@pytest.fixture
def reader(records):
    return PostgresResearchReader(records.database, Scope("binance", "main", "simulated", "USDT"))


def through(page_of, limit):
    """Every item, read in pages."""
    found, cursor = [], None
    while True:
        page = page_of(limit, cursor)
        found += page.items
        cursor = page.next
        if cursor is None:
            return found


def test_news_is_read_newest_first_of_one_symbol_or_of_all(records, reader):
    news = news_agent(records)
    for hours, headline in ((3, "Bitcoin rallies"), (1, "Ethereum slides"), (2, "Fed cuts rates")):
        news.take(draft(headline, hours), submitted_by="ann")
    told = through(lambda limit, cursor: reader.news(None, limit, cursor), 1)
    assert [item.headline for item in told] == ["Ethereum slides", "Fed cuts rates", "Bitcoin rallies"]
    assert (told[0].source, told[0].symbols, told[0].submitted_by) == ("Wire", ["ETH/USDT"], "ann")
    assert [item.headline for item in reader.news("BTC/USDT", 9, None).items] == ["Fed cuts rates", "Bitcoin rallies"]
    with pytest.raises(InvalidInput):
        reader.news(None, 9, "bm8")


def test_strategies_are_read_with_their_signal_record_and_life(records, reader):
    records.strategy("a", "testing")
    records.strategy("b", symbol="ETH/USDT")
    records.strategy("c", "archived")
    signal(records, "a", "sell", 60)
    signal(records, "a", "buy", 5)
    for result in (2, -1):
        trade(records, "a", result)
    keeper = StrategyAgent(records.store(PlaybookTransaction), records.clock)
    for status in (StrategyStatus.ACTIVE, StrategyStatus.PAUSED):
        records.clock.advance(timedelta(minutes=1))
        keeper.change_status("a", status, actor="ann", reason=f"to be {status}")
    shown = through(lambda limit, cursor: reader.strategies(None, None, limit, cursor), 2)
    assert {one.id for one in shown} == {"a", "b", "c"}
    assert [one.id for one in reader.strategies("BTC/USDT", StrategyStatus.ARCHIVED, 9, None).items] == ["c"]
    told = reader.strategy("a")
    assert (told.strategy.status, told.next) == ("paused", ["active", "archived"])
    assert (told.strategy.last_side, told.strategy.last_signal_at) == ("buy", AS_OF - timedelta(minutes=5))
    assert (told.record.trades, told.record.expectancy) == (2, 0.005)
    assert [(change.before, change.after, change.reason) for change in told.changes] == [
        ("active", "paused", "to be paused"), ("testing", "active", "to be active"),
    ]  # fmt: skip
    assert reader.strategy("c").record is None
    with pytest.raises(NotFound):
        reader.strategy("nobody")


def test_reports_are_read_as_they_were_written(records, reader):
    records.candle(AS_OF - timedelta(minutes=5), 100)
    writer = research_agent(records.store(ResearchTransaction))
    written = writer.write(Assignment("task", 1, "binance", ("BTC/USDT",), AS_OF))
    (told,) = reader.reports("BTC/USDT", 9, None).items
    assert told == reader.report(written.id)
    assert (told.body, told.words, told.requested_by) == (written.body, written.words, "task")
    assert reader.reports("ETH/USDT", 9, None).items == []
    for unknown in ("nothing", "4e904700-0000-5000-8000-000000000001"):
        with pytest.raises(NotFound):
            reader.report(unknown)
