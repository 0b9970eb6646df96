"""How far the stored trades reach, and which fills are recorded; the quote board."""

from decimal import Decimal

import psycopg
import pytest
import redis

from tests.fakes.transaction import START
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.realtime import PostgresFeedStore
from volexswarm.adapters.redis_quotes import RedisQuoteBoard, client
from volexswarm.clock import from_ms
from volexswarm.errors import Unavailable
from volexswarm.messages import Quote

BTC = "BTC/USDT"


@pytest.fixture
def store(database_dsn):
    database = Database(lambda: database_dsn)
    yield PostgresFeedStore(database)
    database.close()


def insert_trades(dsn, ids, symbol=BTC):
    with psycopg.connect(dsn) as connection, connection.cursor() as cursor:
        rows = [("binance", symbol, trade_id, from_ms(trade_id), 1, 1, "b") for trade_id in ids]
        cursor.executemany("INSERT INTO trades VALUES (%s, %s, %s, %s, %s, %s, %s)", rows)


@pytest.mark.parametrize(
    ("began_with", "stored", "reach"),
    [
        (None, [], None),  # never begun
        (100, [], 99),  # begun, and died before anything was stored
        (100, [100, 101, 102], 102),
        (100, [101, 102], 99),  # the first is still on its way
        (100, [100, 101, 103, 104], 101),  # a batch is missing between two others
        (None, [7, 8, 9], 9),  # stored by other means
    ],
)
def test_a_start_goes_on_where_the_first_trade_is_missing(store, database_dsn, began_with, stored, reach):
    if began_with is not None:
        store.begin("binance", BTC, began_with, START)
    insert_trades(database_dsn, stored)
    insert_trades(database_dsn, [1, 2, 9], symbol="ETH/USDT")

    assert store.resume_after("binance", [BTC]) == ({} if reach is None else {BTC: reach})


def test_a_beginning_is_never_moved(store):
    store.begin("binance", BTC, 100, START)
    store.begin("binance", BTC, 500, START)

    assert store.resume_after("binance", [BTC]) == {BTC: 99}


def test_without_open_books_no_fill_is_asked_for(store):
    assert store.recorded_fills("binance", "main", [BTC]) == {}


def test_recorded_fills_are_known_by_their_trade_ids(store, database_dsn):
    fill = (
        "INSERT INTO fills (venue, account, symbol, trade_id, exchange_order_id, side, price, amount, fee, fee_currency,"
        " realised_pnl, as_of, applied_at, correlation_id)"
        " VALUES ('binance', 'main', %s, %s, '7', 'buy', 1, 1, 0, 'BTC', 0, %s, %s, gen_random_uuid())"
    )
    with psycopg.connect(database_dsn) as connection:
        connection.execute("INSERT INTO accounts VALUES ('binance', 'main', %s)", (START,))
        for trade_id in ("98", "101"):
            connection.execute(fill, (BTC, trade_id, START, START))

    recorded = store.recorded_fills("binance", "main", [BTC, "ETH/USDT"])

    assert recorded[BTC].trade_ids == {"98", "101"}
    assert recorded["ETH/USDT"].trade_ids == frozenset()
    assert recorded[BTC].opened_at == START


def test_a_database_that_is_away_is_said_to_be(database_dsn):
    database = Database(lambda: "postgresql://nobody@127.0.0.1:1/none", timeout=0.3)

    with pytest.raises(Unavailable):
        PostgresFeedStore(database).resume_after("binance", [BTC])
    database.close()


def test_the_board_gives_back_exactly_what_was_put_and_only_that(redis_url):
    board = RedisQuoteBoard(client(redis_url))
    quote = Quote(bid="60000.00000001", ask="60000.10", as_of=START, received_at=START)
    board.put("binance", {})
    board.put("binance", {BTC: quote})

    assert board.get("binance", [BTC, "ETH/USDT"]) == {BTC: quote}
    assert board.get("binance", []) == {}
    assert board.get("kraken", [BTC]) == {}


def test_a_quote_that_was_replaced_is_never_given_again(redis_url):
    reader, writer = RedisQuoteBoard(client(redis_url)), RedisQuoteBoard(client(redis_url))
    quote = Quote(bid="60000", ask="60001", as_of=START, received_at=START)
    for bid in ("60000", "59999", "59999", "60000"):
        writer.put("binance", {BTC: quote.model_copy(update={"bid": Decimal(bid)})})
        assert reader.get("binance", [BTC])[BTC].bid == Decimal(bid)
    assert reader.get("kraken", [BTC]) == {}


def test_a_board_that_is_away_is_said_to_be():
    board = RedisQuoteBoard(redis.Redis.from_url("redis://127.0.0.1:1", socket_connect_timeout=0.3))

    with pytest.raises(Unavailable):
        board.get("binance", [BTC])
