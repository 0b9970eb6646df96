"""The feed as a process, on the simulated exchange."""

from __future__ import annotations

import csv
import random
import signal
from pathlib import Path

import ccxt
import psycopg
import redis

from tests.integration.realtime.conftest import wait_until
from volexlocal.servers.exchange import Market
from volexswarm.adapters.redis_quotes import RedisQuoteBoard
from volexswarm.adapters.venues import connection
from volexswarm.clock import from_ms
from volexswarm.messages import OrderState

FIRST_ID = 13_519_807
START_MS = 1_570_752_011_620
SYMBOL = "XRP/ETH"


def trades_file(path: Path, count: int, seed: int = 1) -> list[int]:
    """A CSV of trades with consecutive ids and uneven times, about three seconds apart; returns the ids."""
    generator = random.Random(seed)
    moment = START_MS
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["timestamp", "id", "side", "price", "amount"])
        for index in range(count):
            moment += generator.choice([0, 0, 20, 900, 4000, 13_000])
            price = f"{0.0014 + generator.randint(-500, 500) / 1e8:.8f}"
            row = [moment, FIRST_ID + index, generator.choice(["buy", "sell"]), price, f"{generator.randint(1, 999)}.0"]
            writer.writerow(row)
    return list(range(FIRST_ID, FIRST_ID + count))


def test_every_trade_of_a_fast_replay_is_stored_once_although_the_process_is_killed_twice(
    tmp_path, sim_exchange, realtime_for, cloud
):
    ids = trades_file(tmp_path / "trades.csv", 6000)
    exchange = sim_exchange(
        Market(speed=2000, replay=tmp_path / "trades.csv", replay_symbol=SYMBOL, wait_for_subscriber=True)
    )
    realtime = realtime_for(exchange, [SYMBOL])
    realtime.start()
    for share in (0.2, 0.5):
        wait_until(lambda reached=share: store_until(cloud, int(len(ids) * reached)), "the replay goes on")
        realtime.kill(signal.SIGKILL)
        realtime.start()

    wait_until(lambda: store_until(cloud, len(ids)), f"all trades are stored, {len(cloud.stored(SYMBOL))} are")

    assert cloud.stored(SYMBOL) == ids
    wait_until(lambda: realtime.health()[0] == 200, "the feed is healthy")
    assert realtime.metric("absent_total", SYMBOL) == 0


def store_until(cloud, count: int) -> bool:
    while cloud.store_ticks():
        pass
    return len(cloud.stored(SYMBOL)) >= count


def test_a_quiet_market_is_known_to_be_complete_after_its_last_trade(tmp_path, sim_exchange, realtime_for, cloud):
    trades_file(tmp_path / "trades.csv", 50)
    exchange = sim_exchange(
        Market(speed=600, replay=tmp_path / "trades.csv", replay_symbol=SYMBOL, wait_for_subscriber=True)
    )
    realtime = realtime_for(exchange, [SYMBOL])
    realtime.start()
    wait_until(lambda: store_until(cloud, 50), "all trades are stored")
    last = max(batch.trades[SYMBOL].times[-1] for batch in cloud.batches if SYMBOL in batch.trades)

    def is_past() -> bool:
        cloud.store_ticks()
        newest = max(batch.watermarks[SYMBOL] for batch in cloud.batches if SYMBOL in batch.watermarks)
        return newest.timestamp() * 1000 > last + 60_000

    wait_until(is_past, "a watermark passes the minute of the last trade")
    newest = max(batch.watermarks[SYMBOL] for batch in cloud.batches if SYMBOL in batch.watermarks)
    assert newest <= from_ms(market_ms(ccxt.binance(connection("binance", exchange.url, "simulated"))))
    assert [batch.sequence for batch in cloud.batches] == list(range(len(cloud.batches)))


def test_on_sigterm_everything_taken_is_flushed(sim_exchange, realtime_for, cloud):
    exchange = sim_exchange(Market(speed=60, symbols=("BTC/USDT", "ETH/USDT")))
    realtime = realtime_for(exchange, ["BTC/USDT", "ETH/USDT"])
    realtime.start(VOLEX_REALTIME_FLUSH="10")
    wait_until(lambda: realtime.health()[0] == 200, "the feed is healthy")
    wait_until(lambda: realtime.metric("trades_total", "BTC/USDT") > 20, "trades arrive")
    taken = int(realtime.metric("trades_total", "BTC/USDT"))

    assert realtime.kill(signal.SIGTERM) == 0

    while cloud.store_ticks():
        pass
    stored = cloud.stored("BTC/USDT")
    assert len(stored) >= taken
    assert stored == list(range(stored[0], stored[0] + len(stored)))


def test_quotes_are_on_the_board_and_fills_in_the_queue_even_those_of_the_time_it_was_down(
    sim_exchange, realtime_for, cloud, redis_url
):
    exchange = sim_exchange(Market(speed=60, symbols=("BTC/USDT",), balances=("USDT=100000",)))
    realtime = realtime_for(exchange, ["BTC/USDT"])
    desk = ccxt.binance(
        connection("binance", exchange.url, "simulated")
        | {"apiKey": exchange.credentials["apiKey"], "secret": exchange.credentials["secret"]}
    )
    open_books(cloud, desk)
    realtime.start()
    wait_until(lambda: realtime.health()[0] == 200, f"the feed is healthy: {realtime.health()}")
    board = RedisQuoteBoard(redis.Redis.from_url(redis_url, decode_responses=True))
    wait_until(lambda: board.get("binance", ["BTC/USDT"]), "a quote is on the board")
    quote = board.get("binance", ["BTC/USDT"])["BTC/USDT"]
    assert quote.bid < quote.ask

    live = desk.create_order("BTC/USDT", "market", "buy", 0.01, params={"clientOrderId": "live1"})
    wait_until(lambda: fills_of(cloud, live["id"]), "the live order's fill is reported")
    realtime.kill()
    missed = desk.create_order("BTC/USDT", "market", "buy", 0.02, params={"clientOrderId": "missed1"})
    resting = desk.create_order("BTC/USDT", "limit", "buy", 0.01, 30_000, params={"clientOrderId": "resting1"})
    realtime.start()
    wait_until(lambda: fills_of(cloud, missed["id"]), "the missed order's fill is reported")
    wait_until(lambda: reports_of(cloud, resting["id"]), "the resting order is reported")

    for order in (live, missed):
        amounts = {report.trade_id: report.amount for report in fills_of(cloud, order["id"])}
        assert float(sum(amounts.values())) == order["filled"]
        assert {report.client_order_id for report in reports_of(cloud, order["id"])} == {order["clientOrderId"]}
    assert reports_of(cloud, resting["id"])[-1].state is OrderState.ACCEPTED
    by_trade = {}
    for event in cloud.reports:
        if event.data.trade_id is not None:
            by_trade.setdefault(event.data.trade_id, set()).add(event.id)
    assert all(len(event_ids) == 1 for event_ids in by_trade.values())


def open_books(cloud, desk) -> None:
    with psycopg.connect(cloud.dsn) as database:
        row = ("binance", "main", from_ms(market_ms(desk) - 1))
        database.execute("INSERT INTO accounts (venue, account, opened_at) VALUES (%s, %s, %s)", row)


def market_ms(desk) -> int:
    return int(desk.public_get_time()["simulatedTime"])


def reports_of(cloud, order_id: str) -> list:
    while cloud.take_fills():
        pass
    return [event.data for event in cloud.reports if event.data.exchange_order_id == order_id]


def fills_of(cloud, order_id: str) -> list:
    return [report for report in reports_of(cloud, order_id) if report.trade_id is not None]


def test_a_wrong_setting_ends_the_process_with_its_name(sim_exchange, realtime_for, capfd):
    exchange = sim_exchange(Market(symbols=("BTC/USDT",)))
    realtime = realtime_for(exchange, ["BTC/USDT", "NO/SUCH"])
    realtime.start()

    assert realtime.wait() == 2
    assert "NO/SUCH" in capfd.readouterr().err
