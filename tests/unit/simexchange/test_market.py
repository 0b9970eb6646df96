"""Where prices come from: recordings, the synthetic market, the clock; and what candles they make."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simexchange.engine.candles import MINUTE, Candles
from simexchange.engine.exchange import Exchange
from simexchange.engine.orders import Side, Trade
from simexchange.engine.tape import Tape
from simexchange.engine.units import ONE, parse, text
from simexchange.market.clock import Clock
from simexchange.market.recording import BadRecording, read
from simexchange.market.replay import Replay
from simexchange.market.rules import rules_for_decimals, rules_for_price
from simexchange.market.synthetic import AssetSpec, SyntheticMarket

TRADES = "timestamp,id,side,price,amount\n"
CANDLES = "timestamp,open,high,low,close,volume\n"


@given(st.integers(-(10**20), 10**20))
def test_text_and_units_are_the_same_number(units):
    assert parse(text(units)) == units


@pytest.mark.parametrize("bad", ["", "abc", "nan", "inf", "1e-9", "0.123456789"])
def test_what_is_no_exact_amount_is_refused(bad):
    with pytest.raises(ValueError, match=r"number|decimals"):
        parse(bad)


@pytest.mark.parametrize("price", [0.00001, 0.0013, 0.5, 1.0, 7.0, 99.99, 150.0, 3_000.0, 60_000.0, 900_000.0])
def test_a_market_at_any_price_has_rules_that_need_no_rounding(price):
    rules = rules_for_price("AAA/USDT", price)
    assert rules.tick * rules.step % ONE == 0
    assert rules.tick < price * ONE / 100


def test_the_step_of_a_replayed_market_grows_where_amounts_would_need_rounding():
    rules = rules_for_decimals("XRP/ETH", 8, 3)
    assert (text(rules.tick), text(rules.step)) == ("0.00000001", "1.00000000")


def test_recorded_trades_keep_id_time_side_price_and_amount(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(TRADES + "1000,7,sell,0.00141342,23.0\n1000,8,buy,0.00141266,54.5\n")
    recording = read(path)
    assert recording.trades == [
        Trade(7, 1000, parse("0.00141342"), parse("23"), True),
        Trade(8, 1000, parse("0.00141266"), parse("54.5"), False),
    ]
    assert (recording.price_decimals, recording.quantity_decimals) == (8, 1)


def test_recorded_candles_come_back_as_the_same_candles(tmp_path):
    path = tmp_path / "c.csv"
    rows = ["0,10,12,9,11,7.3", "60000,11,11,8,8.5,0.00000009", "180000,9,9,9,9,0"]
    path.write_text(CANDLES + "\n".join(rows))
    candles = Candles()
    for trade in read(path).trades:
        candles.add(trade)
    made = [
        tuple(text(value) for value in (c.open, c.high, c.low, c.close, c.volume))
        for c in candles.between("1m", 0, MINUTE, 10)
    ]
    assert made == [tuple(text(parse(part)) for part in row.split(",")[1:]) for row in rows[:2]]
    assert [c.trades for c in candles.between("1m", 0, 3 * MINUTE, 10)] == [4, 4, 0, 0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a,b\n1,2\n", "columns are a,b"),
        (TRADES, "holds no trades"),
        (TRADES + "1000,7,hold,1,1\n", "line 2"),
        (TRADES + "1000,7,buy,1,0\n", "above 0"),
        (TRADES + "1000,7,buy,1,1\n1000,7,buy,1,1\n", "does not follow trade 7"),
        (TRADES + "1000,7,buy,1,1\n900,8,buy,1,1\n", "does not follow trade 7"),
        (CANDLES + "0,10,9,8,9,1\n", "close <= high"),
    ],
)
def test_a_bad_recording_is_refused_with_its_line(tmp_path, content, words):
    path = tmp_path / "bad.csv"
    path.write_text(content)
    with pytest.raises(BadRecording, match=words):
        read(path)


def test_a_replay_publishes_each_trade_once_and_fills_users_around_it():
    rules = rules_for_decimals("XRP/ETH", 2, 0)
    trades = [Trade(n, n * 10, parse(f"{100 - n}"), parse("5"), True) for n in range(1, 6)]
    exchange = Exchange([rules], public_executions=False)
    replay = Replay(rules, trades, after_id=2, seed="s")
    replay.open(exchange)
    while replay.next_ms is not None:
        replay.step(exchange)
    replay.settle(exchange)
    assert [trade.id for _, trade in exchange.drain().trades] == [3, 4, 5]
    bid, ask = (exchange.markets["XRPETH"].book.best(side) for side in (Side.BUY, Side.SELL))
    assert bid[0] < trades[-1].price < ask[0]
    assert replay.complete


def synthetic(seed, hours):
    specs = [AssetSpec(rules_for_price("BTC/USDT", 60_000.0), 60_000.0, 0.006, 2_000.0)]
    exchange = Exchange([spec.rules for spec in specs])
    market = SyntheticMarket(specs, 0, seed, 0.2)
    market.open(exchange)
    while market.next_ms < hours * 3_600_000:
        market.step(exchange)
    return exchange.markets["BTCUSDT"].tape


def test_the_same_seed_gives_the_same_market_and_another_seed_another():
    assert list(synthetic("1", 0.2)) == list(synthetic("1", 0.2))
    assert list(synthetic("1", 0.2)) != list(synthetic("2", 0.2))


def test_the_synthetic_market_moves_like_a_market():
    tape = list(synthetic("5", 6))
    assert [trade.time_ms for trade in tape] == sorted(trade.time_ms for trade in tape)
    assert [trade.id for trade in tape] == list(range(1, len(tape) + 1))
    by_minute = {trade.time_ms // MINUTE: trade.price for trade in tape}
    closes = list(by_minute.values())
    deviation = math.sqrt(sum(math.log(b / a) ** 2 for a, b in pairwise(closes)) / len(closes))
    # 0.6 % an hour is 0.077 % a minute; regimes and log-volatility move it by a few times either way.
    assert 0.0001 < deviation < 0.005
    assert 0.3 < sum(trade.buyer_is_maker for trade in tape) / len(tape) < 0.7


def test_longer_candles_add_up_and_empty_minutes_are_flat():
    candles = Candles()
    for n, (minute, price) in enumerate([(0, 10), (1, 12), (4, 9), (6, 11)], start=1):
        candles.add(Trade(n, minute * MINUTE + 5, price * ONE, ONE, False))
    five = candles.between("5m", None, 7 * MINUTE, 10)
    assert [(c.open // ONE, c.high // ONE, c.low // ONE, c.close // ONE, c.trades) for c in five] == [
        (10, 12, 9, 9, 3),
        (9, 11, 9, 11, 1),
    ]
    flat = candles.between("1m", 2 * MINUTE, 3 * MINUTE, 10)
    assert [(c.close // ONE, c.volume) for c in flat] == [(12, 0), (12, 0)]


def test_a_minute_is_reported_closed_once_and_only_when_it_is_over():
    candles = Candles()
    candles.add(Trade(1, 5, ONE, ONE, False))
    assert candles.take_closed(MINUTE - 1) is None
    assert candles.take_closed(MINUTE).start_ms == 0
    assert candles.take_closed(2 * MINUTE) is None


def test_the_tape_keeps_the_newest_and_finds_them_by_id_and_time():
    tape = Tape(keep=10)
    for n in range(1, 48):
        tape.append(Trade(n * 2, n * 100, ONE, ONE, False))
    assert 10 <= len(tape) <= 20
    assert [t.id for t in tape.from_id(89, 2)] == [90, 92]
    assert [t.id for t in tape.between(4500, 4650, 9)] == [90, 92]
    assert [t.id for t in tape.newest(2)] == [92, 94]


def test_the_clock_runs_at_its_speed_stands_still_and_never_jumps():
    seconds = [0.0]
    clock = Clock(1_000, 60, lambda: seconds[0], paused=True)
    seconds[0] = 5
    assert clock.now_ms() == 1_000
    clock.resume()
    seconds[0] = 6
    assert clock.now_ms() == 61_000
    clock.set_speed(1)
    seconds[0] = 7
    assert clock.now_ms() == 62_000
    clock.pause()
    seconds[0] = 99
    assert clock.now_ms() == 62_000
