"""While the clock stands, exactly as much happens as is asked for: the same steps and orders give the same market and fills."""

import pytest

from simexchange.engine.orders import NewOrder, OrderType, Side
from simexchange.engine.units import parse
from simexchange.settings import ACCOUNT, Settings
from simexchange.simulation import Running, Simulation

SYMBOL = "BTCUSDT"


class RealTime:
    """Real seconds that pass at every look, as fast as a machine happens to be."""

    def __init__(self, per_look):
        self.now = 0.0
        self._per_look = per_look

    def __call__(self):
        self.now += self._per_look
        return self.now


def paused(folder, per_look=0.0, **more):
    return Simulation(Settings(data_dir=folder, paused=True, **more), RealTime(per_look))


def buy(simulation, quantity, price="0"):
    kind = OrderType.LIMIT if price != "0" else OrderType.MARKET
    new = NewOrder(ACCOUNT, f"c{quantity}{price}", SYMBOL, Side.BUY, kind, price=parse(price), quantity=parse(quantity))
    return simulation.exchange.place(new, simulation.now_ms())


def a_day_of_trading(simulation):
    """Some orders between some steps; what came of it."""
    simulation.advance(1.0)
    simulation.step(90_000)
    buy(simulation, "0.05")
    simulation.advance(1.0)
    last = simulation.exchange.markets[SYMBOL].tape.last
    buy(simulation, "0.3", f"{last.price // 10**8 - 30}.00")
    for _ in range(30):
        simulation.step(60_000)
        simulation.advance(1.0)
        simulation.store()
    return simulation.exchange.fills, list(simulation.exchange.markets[SYMBOL].tape), simulation.now_ms()


def test_the_same_orders_at_the_same_steps_give_the_same_fills_however_much_real_time_passes(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    fills, tape, now = a_day_of_trading(paused(tmp_path / "a"))
    assert (fills, tape, now) == a_day_of_trading(paused(tmp_path / "b", per_look=3.7))
    assert len(fills) > 1
    assert tape != a_day_of_trading(paused(tmp_path / "c", seed=8))[1]


def test_a_long_step_is_the_same_as_its_parts(tmp_path):
    whole, parts = paused(tmp_path), paused(tmp_path)
    whole.step(40_000)
    for _ in range(40):
        parts.step(1_000)
    assert list(whole.exchange.markets[SYMBOL].tape) == list(parts.exchange.markets[SYMBOL].tape)
    assert whole.now_ms() == parts.now_ms()


def test_between_steps_the_market_stands_and_orders_execute_on_its_book(tmp_path):
    simulation = paused(tmp_path, per_look=5.0)
    simulation.step(10_000)
    simulation.store()
    now, best = simulation.now_ms(), simulation.exchange.markets[SYMBOL].book.best(Side.SELL)
    simulation.advance(1.0)
    assert simulation.store().trades == []
    assert (simulation.now_ms(), simulation.exchange.markets[SYMBOL].book.best(Side.SELL)) == (now, best)
    order, (fill,) = buy(simulation, "0.001")
    assert (fill.price, fill.time_ms, order.filled) == (best[0], now, parse("0.001"))


def test_a_market_that_runs_by_itself_cannot_be_stepped(tmp_path):
    simulation = Simulation(Settings(data_dir=tmp_path), lambda: 0.0)
    with pytest.raises(Running, match="pause the clock"):
        simulation.step(1_000)


def test_a_pause_leaves_nothing_undone_behind_it(tmp_path):
    seconds = [0.0]
    simulation = Simulation(Settings(data_dir=tmp_path, speed=600), lambda: seconds[0])
    simulation.advance(1.0)
    happened = simulation.now_ms()
    seconds[0] += 10  # 6000 simulated seconds are due, and none of them has happened
    simulation.pause()
    simulation.advance(1.0)
    assert simulation.now_ms() == simulation.clock.now_ms() == happened
    simulation.step(1_000)
    assert simulation.now_ms() == happened + 1_000


def test_a_stepped_clock_does_not_go_back_at_a_restart(tmp_path):
    simulation = paused(tmp_path)
    simulation.step(3_600_000)
    simulation.store()
    simulation.keep_time()  # and no orderly end
    assert paused(tmp_path).now_ms() == simulation.now_ms()
