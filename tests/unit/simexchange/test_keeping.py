"""What is written down comes back, whatever the end was."""

import pytest

from simexchange import journal as journals
from simexchange.engine.orders import NewOrder, OrderType, Side, Status, Trade
from simexchange.engine.tape import Tape
from simexchange.journal import CorruptJournal, Journal
from simexchange.market.rules import rules_for_price
from simexchange.settings import ACCOUNT, BadSettings, Settings
from simexchange.simulation import Simulation
from simexchange.trade_files import TradeFile
from tests.unit.simexchange.trading import Desk


@pytest.fixture
def traded(tmp_path):
    """An exchange where something happened, and the journal of it."""
    desk = Desk()
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    desk.order("bob", "sell", "1", "100")
    journal.append(desk.exchange.drain(), 1)
    desk.order("alice", "buy", "0.4", "100")
    desk.order("alice", "buy", "3", "90")
    desk.exchange.transfer("bob", "USDT", -5, 2)
    journal.append(desk.exchange.drain(), 2)
    journal.close()
    return desk, path


def same(kept, desk):
    exchange = desk.exchange
    balances = {name: exchange.accounts.assets(name) for name in exchange.accounts.names}
    stored = {name: {a: (b.free, b.locked) for a, b in assets.items()} for name, assets in balances.items()}
    was = (exchange.orders, exchange.fills, exchange.transfers, stored)
    return (kept.orders, kept.fills, kept.transfers, kept.balances) == was


def test_the_journal_gives_back_orders_fills_and_balances(traded):
    desk, path = traded
    assert same(Journal(path).kept, desk)


def test_a_line_cut_short_is_dropped_and_the_journal_goes_on(traded):
    desk, path = traded
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"t":3,"orders":[{"id":9')
    journal = Journal(path)
    assert same(journal.kept, desk)
    assert path.read_bytes() == whole
    desk.order("bob", "buy", "1", "50")
    journal.append(desk.exchange.drain(), 3)
    assert same(Journal(path).kept, desk)


def test_a_damaged_line_in_the_middle_is_never_skipped(traded):
    _, path = traded
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"garbage\n" + lines[1])
    with pytest.raises(CorruptJournal, match="line 1"):
        Journal(path)


def test_a_compacted_journal_says_the_same(traded, monkeypatch):
    desk, path = traded
    monkeypatch.setattr(journals, "COMPACT_ABOVE_BYTES", 0)
    Journal(path).close()
    assert path.read_bytes().count(b"\n") == 1
    assert same(Journal(path).kept, desk)


def test_trade_files_come_back_trimmed_and_without_a_torn_row(tmp_path):
    path = tmp_path / "trades.bin"
    file = TradeFile(path, keep=10)
    for n in range(1, 31):
        file.append([Trade(n, n, n, n, n % 2 == 0)])
    file.close()
    path.write_bytes(path.read_bytes() + b"torn")
    tape = Tape()
    tape.extend_rows(TradeFile(path, keep=10).read())
    assert list(tape) == [Trade(n, n, n, n, n % 2 == 0) for n in range(21, 31)]


def test_a_restarted_market_goes_on_from_its_last_price_id_and_time(tmp_path):
    seconds = [0.0]

    def start():
        return Simulation(Settings(data_dir=tmp_path, speed=60), lambda: seconds[0])

    first = start()
    seconds[0] += 30
    while first.advance(1.0):
        pass
    first.store()  # and no orderly end
    second = start()
    before, after = (s.exchange.markets["BTCUSDT"].tape.last for s in (first, second))
    assert before == after
    assert second.now_ms() >= after.time_ms
    seconds[0] += 30
    while second.advance(1.0):
        pass
    fresh = [trade for symbol, trade in second.store().trades if symbol == "BTCUSDT"]
    assert fresh[0].id == before.id + 1
    assert abs(fresh[0].price / before.price - 1) < 0.01


def test_a_stop_whose_price_was_stored_but_not_what_it_did_goes_live_at_the_restart(tmp_path):
    """The end came between the two files: the public trade was stored, the line of the journal was not."""

    def start():
        return Simulation(Settings(data_dir=tmp_path, paused=True), lambda: 0.0)

    first = start()
    first.step(60_000)
    last = first.exchange.markets["BTCUSDT"].tape.last
    new = NewOrder(
        ACCOUNT, "stop", "BTCUSDT", Side.BUY, OrderType.STOP_LOSS, quantity=10**6, stop_price=last.price + 10**8
    )
    order, _ = first.exchange.place(new, first.now_ms())
    trailing = NewOrder(
        ACCOUNT, "trail", "BTCUSDT", Side.BUY, OrderType.STOP_LOSS, quantity=10**6, trailing_delta=2_000
    )
    followed, _ = first.exchange.place(trailing, first.now_ms())
    first.store()
    kept = (tmp_path / "journal.jsonl").read_bytes()
    while order.waiting or followed.extreme == last.price:
        first.step(1_000)
    first.store()
    (tmp_path / "journal.jsonl").write_bytes(kept)

    second = start()
    found = second.exchange.find(ACCOUNT, "BTCUSDT", order.id, None)
    assert (found.status, found.waiting) == (Status.FILLED, False)
    assert second.exchange.find(ACCOUNT, "BTCUSDT", followed.id, None).extreme == followed.extreme
    second.store()
    assert start().exchange.orders == second.exchange.orders


def test_data_of_another_market_is_refused(tmp_path):
    Simulation(Settings(data_dir=tmp_path)).close()
    recording = tmp_path / "r.csv"
    recording.write_text("timestamp,id,side,price,amount\n1000,7,buy,1,1\n")
    with pytest.raises(BadSettings, match="holds another market"):
        Simulation(Settings(data_dir=tmp_path, replay=recording, replay_symbol=rules_for_price("A/B", 1).name))


def test_while_the_clock_stands_nothing_is_printed_not_even_a_trade_of_that_very_moment(tmp_path):
    recording = tmp_path / "r.csv"
    recording.write_text("timestamp,id,side,price,amount\n60000,7,buy,1,1\n60001,8,buy,1,1\n")
    settings = Settings(data_dir=tmp_path, replay=recording, replay_symbol="A/B", wait_for_subscriber=True)
    simulation = Simulation(settings, lambda: 0.0)
    simulation.advance(1.0)
    assert simulation.store().trades == []
    simulation.clock.resume()
    simulation.advance(1.0)
    assert [trade.id for _, trade in simulation.store().trades] == [7]
