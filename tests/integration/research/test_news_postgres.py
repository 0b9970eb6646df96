"""News on a real database: what is the same is kept once, also by many at a time; what is asked for is found."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from tests.fakes.questions import AS_OF, question
from volexswarm.adapters.postgres.news import NewsTransaction
from volexswarm.news.agent import NewsAgent
from volexswarm.news.model import Draft
from volexswarm.news.scoring import crypto_scorer


def agent(records):
    records.sql.execute(
        "INSERT INTO watermarks (venue, symbol, complete_to, last_trade_id) VALUES ('binance', 'BTC/USDT', %s, 1)"
        " ON CONFLICT DO NOTHING",
        (AS_OF,),
    )
    return NewsAgent(
        store=records.store(NewsTransaction),
        scorer=crypto_scorer(),
        clock=records.clock,
        venue="binance",
        symbols=("BTC/USDT", "ETH/USDT"),
    )


def draft(headline, hours=1.0, origin="Wire", **others):
    return Draft(origin, headline, AS_OF - timedelta(hours=hours), **others)


def test_the_same_words_from_many_at_a_time_are_one_item(records):
    news = agent(records)
    drafts = [draft("Bitcoin rallies", hours=number / 10, origin=f"Wire {number}") for number in range(8)]
    with ThreadPoolExecutor(2) as pool:
        taken = list(pool.map(lambda one: news.take(one, submitted_by="ann"), drafts))
    assert sum(1 for one in taken if not one.repeated) == 1
    assert len({one.item for one in taken}) == 1
    assert records.sql.execute("SELECT count(*) AS items FROM news_items").fetchone() == {"items": 1}


def test_it_testifies_of_what_concerns_the_symbol(records):
    news = agent(records)
    taken = news.take(draft("Bitcoin surges to all-time high", url="https://example.org/1"), submitted_by="ann")
    news.take(draft("Ethereum plunges"), submitted_by="ann")
    news.take(draft("Fed cuts rates", hours=30), submitted_by="ann")
    news.take(draft("Bitcoin crashes", hours=80), submitted_by="ann")
    said = news.testify(question())
    assert said.features["items"] == 2
    assert said.features["sentiment"] > 0.5
    assert said.features["age_hours"] == 1
    assert next(one for one in said.evidence if one.tainted).id == f"news-sentiment:item:{taken.item.id}"
    assert news.testify(question(as_of=AS_OF - timedelta(hours=9))).features["sentiment"] < said.features["sentiment"]
