from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.transaction import START
from volexswarm.clock import from_ms
from volexswarm.messages import TickBatch, decode
from volexswarm.realtime.batcher import Buffer, Load, Packer

ROWS = st.lists(
    st.tuples(
        st.integers(0, 2**53),
        st.decimals("0.00000001", 10**9, places=8).map(lambda price: f"{price:f}"),
        st.sampled_from("bs"),
    ),
    max_size=60,
)


def ticks(rows):
    return [(index, time % 10**12, price, price, side) for index, (time, price, side) in enumerate(rows)]


@given(
    st.dictionaries(st.sampled_from(["BTC/USDT", "ETH/USDT", "SOL/USDT"]), ROWS.map(ticks)),
    st.integers(1, 30),
    st.integers(900, 3000),
)
def test_every_trade_is_in_exactly_one_message_in_order_and_no_message_is_too_large(by_symbol, max_ticks, max_bytes):
    load = Load({symbol: rows for symbol, rows in by_symbol.items() if rows}, {"BTC/USDT": 60_000})

    packed = list(Packer("binance", "run", max_ticks, max_bytes).pack(load, START))
    batches = [decode(body, TickBatch).data for _, body, _ in packed]

    found = {symbol: [] for symbol in load.ticks}
    for batch in batches:
        for symbol, columns in batch.trades.items():
            found[symbol] += zip(
                columns.ids, columns.times, columns.prices, columns.amounts, columns.sides, strict=True
            )
    expected = {
        symbol: [(i, t, Decimal(p), Decimal(a), s) for i, t, p, a, s in rows] for symbol, rows in load.ticks.items()
    }
    assert found == expected
    assert [batch.sequence for batch in batches] == list(range(len(batches)))
    assert all(len(body) <= max_bytes or count == 1 for _, body, count in packed)
    assert sum(count for _, _, count in packed) == load.count


def test_only_the_last_message_of_a_load_says_how_far_it_is_complete():
    rows = [(index, 1000, "1", "1", "b") for index in range(5)]
    load = Load({"BTC/USDT": rows}, {"BTC/USDT": 1000, "ETH/USDT": 900})

    packed = Packer("binance", "run", 2).pack(load, START)
    batches = [decode(body, TickBatch).data for _, body, _ in packed]

    assert [batch.watermarks for batch in batches[:-1]] == [{}, {}]
    assert batches[-1].watermarks == {"BTC/USDT": from_ms(1000), "ETH/USDT": from_ms(900)}


def test_numbering_goes_on_over_loads_and_no_id_is_used_twice():
    packer = Packer("binance", "run", 10)
    load = Load({"BTC/USDT": [(1, 1000, "1", "1", "b")]}, {})

    messages = [*packer.pack(load, START), *packer.pack(load, START)]

    assert [decode(body, TickBatch).data.sequence for _, body, _ in messages] == [0, 1]
    assert len({event_id for event_id, _, _ in messages}) == 2


def test_a_watermark_alone_is_told_only_when_a_candle_can_end():
    buffer = Buffer()

    assert buffer.take({}) is None
    assert buffer.take({"BTC/USDT": 60_000}) == Load({}, {"BTC/USDT": 60_000})
    assert buffer.take({"BTC/USDT": 119_999}) is None
    assert buffer.take({"BTC/USDT": 120_000}) == Load({}, {"BTC/USDT": 120_000})


def test_with_trades_every_watermark_that_moved_is_told_once():
    buffer = Buffer()
    row = (1, 500, "1", "1", "b")
    buffer.add("BTC/USDT", [row])

    assert buffer.take({"BTC/USDT": 500, "ETH/USDT": 400}) == Load(
        {"BTC/USDT": [row]}, {"BTC/USDT": 500, "ETH/USDT": 400}
    )
    assert buffer.count == 0
    buffer.add("BTC/USDT", [row])
    assert buffer.take({"BTC/USDT": 600, "ETH/USDT": 400}) == Load({"BTC/USDT": [row]}, {"BTC/USDT": 600})
