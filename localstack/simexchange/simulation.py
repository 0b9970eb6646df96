"""A running exchange without its network: engine, source of prices, clock, and what is kept on disk.

The order of things that makes it safe to die at any moment: engine, then files, then telling anyone.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from simexchange.engine.candles import MINUTE
from simexchange.engine.exchange import Exchange, Happened
from simexchange.engine.filters import MarketRules
from simexchange.engine.orders import Trade
from simexchange.engine.units import ONE
from simexchange.journal import Journal
from simexchange.market.clock import Clock
from simexchange.market.recording import BadRecording, Recording, read
from simexchange.market.replay import Replay
from simexchange.market.rules import DOLLARS, rules_for_decimals, rules_for_price, split_symbol
from simexchange.market.source import Source
from simexchange.market.synthetic import AssetSpec, SyntheticMarket
from simexchange.settings import ACCOUNT, BadSettings, Settings
from simexchange.trade_files import TradeFile

DEFAULT_START_MS = 1_735_689_600_000  # 2025-01-01T00:00:00Z: the same seed gives the same market on any day
USUAL_PRICES = {"BTC": 60_000.0, "ETH": 3_000.0, "SOL": 150.0, "BNB": 600.0, "XRP": 0.5, "ADA": 0.45, "DOGE": 0.12}
USUAL_PRICE = 100.0
HOURLY_VOLATILITY = {"BTC": 0.006, "ETH": 0.0075}
USUAL_VOLATILITY = 0.01
TRADE_VALUE = 2_000.0
MAX_LAG_SECONDS = 1.0
STATE_EVERY_SECONDS = 1.0


class Running(Exception):
    """The clock runs, and what was asked for needs it to stand."""


class Simulation:
    """Advances an exchange and keeps its state.

    Parameters
    ----------
    settings : Settings
        What to run, and the directory that holds (or will hold) its state.
    monotonic : callable
        Real seconds.

    Raises
    ------
    BadSettings
        If the settings do not fit together or not to the directory's state.
    """

    def __init__(self, settings: Settings, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._monotonic = monotonic
        self._state_path = settings.data_dir / "state.json"
        self._state_written = monotonic()
        recording = _recording(settings)
        self._identity = _identity(settings, recording)
        stored = self._stored_state()
        self.exchange = Exchange(_rules(settings, recording), public_executions=recording is None)
        self.journal = Journal(settings.data_dir / "journal.jsonl")
        self._trade_files = self._open_trade_files()
        self._restore_users()
        start = max(
            [_start_ms(settings, recording), stored.get("now_ms", 0), self.journal.kept.now_ms, *self._last_times()]
        )
        self.clock = Clock(start, settings.speed, monotonic, paused=settings.paused or settings.wait_for_subscriber)
        self.source = self._make_source(recording, start)
        self.exchange.advance_to(start)
        self.source.open(self.exchange)

    def advance(self, budget_seconds: float) -> bool:
        """Let the market act up to the clock's time, for at most about `budget_seconds`. True if more is due at once.

        While the clock is paused nothing is due, not even what is stamped with the very moment at which it stands.
        """
        target = self.clock.now_ms()
        deadline = self._monotonic() + budget_seconds
        acted = due = False
        while not self.clock.paused and (next_ms := self.source.next_ms) is not None and next_ms <= target:
            self.source.step(self.exchange)
            acted = True
            if self._monotonic() > deadline:
                due = True
                break
        if acted:
            self.source.settle(self.exchange)
        if not due:
            self.exchange.advance_to(target)
        elif target - self.exchange.now_ms > MAX_LAG_SECONDS * 1000 * self.clock.speed:
            self.clock.rebase(self.exchange.now_ms)
        return due

    def pause(self) -> None:
        """Let the clock stand at the last moment that has happened."""
        self.clock.pause()
        self.clock.rebase(self.exchange.now_ms)

    def step(self, ms: int) -> None:
        """Let exactly `ms` simulated milliseconds happen while the clock stands, however long that takes.

        Raises
        ------
        Running
            If the clock is not paused: two would move the market.
        """
        if not self.clock.paused:
            raise Running("pause the clock before stepping")
        self.clock.step(ms)
        target = self.clock.now_ms()
        while (next_ms := self.source.next_ms) is not None and next_ms <= target:
            self.source.step(self.exchange)
        self.source.settle(self.exchange)
        self.exchange.advance_to(target)

    def now_ms(self) -> int:
        """The time that the next command happens at: never ahead of what the market has done."""
        return self.exchange.now_ms

    def store(self) -> Happened:
        """Put on disk what happened since the last call, and return it. Only then may anyone be told.

        Raises
        ------
        OSError
            If it cannot be stored. The exchange must then stop: it could not keep its word.
        """
        happened = self.exchange.drain()
        by_symbol: dict[str, list[Trade]] = {}
        for symbol, trade in happened.trades:
            by_symbol.setdefault(symbol, []).append(trade)
        # Trades first: a fill on file whose trade is not would have its id given out again.
        for symbol, trades in by_symbol.items():
            self._trade_files[symbol].append(trades)
        self.journal.append(happened, self.exchange.now_ms)
        if self._monotonic() - self._state_written > STATE_EVERY_SECONDS:
            self._write_state()
        return happened

    def keep_time(self) -> None:
        """Put on disk what time it is, so that a restart does not begin before it."""
        self._write_state()

    def close(self) -> None:
        """Store everything and let the files go."""
        self.store()
        self._write_state()
        self.journal.close()
        for file in self._trade_files.values():
            file.close()

    def _make_source(self, recording: Recording | None, start: int) -> Source:
        if recording is not None:
            (market,) = self.exchange.markets.values()
            last = market.tape.last
            return Replay(market.rules, recording.trades, last.id if last else -1, str(self._settings.seed))
        specs = [self._spec(market.rules) for market in self.exchange.markets.values()]
        # The start is part of the seed: after a restart the market goes on differently than it began.
        return SyntheticMarket(specs, start, f"{self._settings.seed}:{start}", self._settings.trades_per_second)

    def _spec(self, rules: MarketRules) -> AssetSpec:
        last = self.exchange.markets[rules.symbol].tape.last
        price = last.price / ONE if last else _first_price(self._settings, rules.name)
        # A trade is worth about two thousand dollars; in other quotes as much as the quote's usual price makes it.
        value = TRADE_VALUE if rules.quote in DOLLARS else TRADE_VALUE / USUAL_PRICES.get(rules.quote, USUAL_PRICE)
        return AssetSpec(rules, price, HOURLY_VOLATILITY.get(rules.base, USUAL_VOLATILITY), value)

    def _open_trade_files(self) -> dict[str, TradeFile]:
        files = {}
        for symbol, market in self.exchange.markets.items():
            files[symbol] = TradeFile(self._settings.data_dir / f"trades-{symbol}.bin")
            market.tape.extend_rows(files[symbol].read())
            for trade in market.tape:
                market.candles.take_closed(trade.time_ms)
                market.candles.add(trade)
        return files

    def _restore_users(self) -> None:
        kept, exchange = self.journal.kept, self.exchange
        if kept.is_empty:
            for asset, amount in _first_balances(self._settings, exchange).items():
                exchange.deposit(ACCOUNT, asset, amount)
            return
        unknown = {order.symbol for order in kept.orders.values()} - exchange.markets.keys()
        if unknown:
            raise BadSettings(
                f"{self._settings.data_dir} has orders in {', '.join(sorted(unknown))}: add these symbols, "
                "or start with another --data-dir"
            )
        for account, assets in kept.balances.items():
            for asset, (free, locked) in assets.items():
                exchange.accounts.restore(account, asset, free, locked)
        exchange.restore(kept.orders.values(), kept.fills, kept.transfers)

    def _last_times(self) -> list[int]:
        lasts = (market.tape.last for market in self.exchange.markets.values())
        return [last.time_ms for last in lasts if last]

    def _stored_state(self) -> dict[str, Any]:
        try:
            state: dict[str, Any] = orjson.loads(self._state_path.read_bytes())
        except FileNotFoundError:
            self._write_json({"identity": self._identity, "now_ms": 0})
            return {}
        if state["identity"] != self._identity:
            raise BadSettings(
                f"{self._settings.data_dir} holds another market ({state['identity']['kind']}), not this "
                f"{self._identity['kind']}: start with another --data-dir"
            )
        return state

    def _write_state(self) -> None:
        self._state_written = self._monotonic()
        self._write_json({"identity": self._identity, "now_ms": self.exchange.now_ms})

    def _write_json(self, state: dict[str, Any]) -> None:
        fresh = self._state_path.with_suffix(".new")
        fresh.write_bytes(orjson.dumps(state))
        fresh.replace(self._state_path)


def _recording(settings: Settings) -> Recording | None:
    if settings.replay is None:
        return None
    try:
        return read(Path(settings.replay))
    except BadRecording as error:
        raise BadSettings(str(error)) from error


def _identity(settings: Settings, recording: Recording | None) -> dict[str, str]:
    if recording is None:
        return {"kind": "synthetic market"}
    return {"kind": "replay", "symbol": str(settings.replay_symbol), "recording": recording.fingerprint}


def _rules(settings: Settings, recording: Recording | None) -> list[MarketRules]:
    try:
        if recording is not None:
            symbol = str(settings.replay_symbol)
            rules = [rules_for_decimals(symbol, recording.price_decimals, recording.quantity_decimals)]
        else:
            rules = [rules_for_price(symbol, _first_price(settings, symbol)) for symbol in settings.symbols]
    except ValueError as error:
        raise BadSettings(str(error)) from error
    unknown = settings.max_positions.keys() - {market.name for market in rules}
    if unknown:
        raise BadSettings(f"--max-position {min(unknown)}: there is no such market here")
    return [replace(market, max_position=settings.max_positions.get(market.name)) for market in rules]


def _first_price(settings: Settings, symbol: str) -> float:
    given = settings.symbols[symbol]
    if given is not None:
        return given
    base, quote = split_symbol(symbol)
    worth = 1.0 if quote in DOLLARS else USUAL_PRICES.get(quote, USUAL_PRICE)
    return USUAL_PRICES.get(base, USUAL_PRICE) / worth


def _start_ms(settings: Settings, recording: Recording | None) -> int:
    if settings.start_ms is not None:
        return settings.start_ms
    if recording is not None:
        first = recording.trades[0].time_ms
        return first - first % MINUTE
    return DEFAULT_START_MS


def _first_balances(settings: Settings, exchange: Exchange) -> dict[str, int]:
    if settings.balances is not None:
        return settings.balances
    quotes = {market.rules.quote for market in exchange.markets.values()}
    return {quote: (100_000 if quote in DOLLARS else 100) * ONE for quote in quotes}
