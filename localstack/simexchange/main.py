"""The command line: `python -m simexchange`, and `simexchange faults` for one that runs.

It logs JSON lines; the first says where it listens. SIGTERM stops it cleanly.
"""

import argparse
import asyncio
import json
import logging
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from simexchange import fault_command
from simexchange.engine.units import parse
from simexchange.journal import CorruptJournal
from simexchange.market.rules import split_symbol
from simexchange.server import SimExchangeServer
from simexchange.settings import BadSettings, Settings

log = logging.getLogger("simexchange")


class JsonLines(logging.Formatter):
    """One JSON object per record; what was given as `extra={"data": …}` stands beside the words."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "data", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line)


def parser() -> argparse.ArgumentParser:
    """The options."""
    options = argparse.ArgumentParser(prog="simexchange", description=__doc__)
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, default=8090, help="0 takes any free port")
    options.add_argument("--data-dir", type=Path, required=True, help="state, and credentials.json with the API key")
    options.add_argument("--seed", type=int, default=7)
    options.add_argument("--speed", type=float, default=1.0, help="simulated seconds per real second")
    options.add_argument(
        "--symbols",
        type=_symbols,
        default="BTC/USDT,ETH/USDT,SOL/USDT",
        help="comma-separated: BASE/QUOTE or BASE/QUOTE=PRICE",
    )
    options.add_argument(
        "--trade-rate", type=float, default=0.5, help="synthetic takers per simulated second and symbol"
    )
    options.add_argument("--replay", type=Path, help="CSV of trades or candles to play back")
    options.add_argument("--symbol", help="the replayed market, such as XRP/ETH")
    options.add_argument("--start", type=_instant, help="simulated start: an ISO time, or now")
    options.add_argument(
        "--balance", type=_balance, action="append", help="ASSET=AMOUNT, at the first start; repeatable"
    )
    options.add_argument(
        "--max-position", type=_position, action="append", default=[], help="SYMBOL=AMOUNT of base; repeatable"
    )
    options.add_argument(
        "--wait-for-subscriber", action="store_true", help="stand still until someone subscribes to trades"
    )
    options.add_argument("--paused", action="store_true", help="stand still until told to run or to step (/admin)")
    options.add_argument("--weight-limit", type=int, default=6000, help="request weight per client and minute")
    options.add_argument("--api-key")
    options.add_argument("--secret")
    return options


def settings_of(arguments: argparse.Namespace) -> Settings:
    """Settings from parsed options.

    Raises
    ------
    BadSettings
        If they do not fit together.
    """
    return Settings(
        data_dir=arguments.data_dir,
        host=arguments.host,
        port=arguments.port,
        seed=arguments.seed,
        speed=arguments.speed,
        symbols=arguments.symbols,
        trades_per_second=arguments.trade_rate,
        replay=arguments.replay,
        replay_symbol=arguments.symbol,
        start_ms=arguments.start,
        balances=dict(arguments.balance) if arguments.balance else None,
        max_positions=dict(arguments.max_position),
        wait_for_subscriber=arguments.wait_for_subscriber,
        paused=arguments.paused,
        weight_limit=arguments.weight_limit,
        api_key=arguments.api_key,
        secret=arguments.secret,
    )


def main(argv: list[str] | None = None) -> int:
    """Run until told to stop. Returns the exit code."""
    given = sys.argv[1:] if argv is None else argv
    if given[:1] == ["faults"]:
        return fault_command.main(given[1:])
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    arguments = parser().parse_args(given)
    try:
        asyncio.run(_run(settings_of(arguments)))
    except (BadSettings, CorruptJournal) as error:
        log.error("cannot start: %s", error)  # noqa: TRY400 - the words say it all; a traceback would bury them
        return 2
    except OSError:
        log.exception("stopped by the system")
        return 1
    return 0


async def _run(settings: Settings) -> None:
    server = SimExchangeServer(settings)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await server.start()
    symbols = [market.rules.name for market in server.simulation.exchange.markets.values()]
    log.info(
        "listening", extra={"data": {"url": server.url, "simulated": True, "symbols": symbols, "speed": settings.speed}}
    )
    told, market = asyncio.create_task(stopping.wait()), asyncio.create_task(server.wait())
    await asyncio.wait({told, market}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    await server.stop()
    if not stopping.is_set():
        await market  # raises why the market stopped
    log.info("stopped")


def _symbols(text: str) -> dict[str, float | None]:
    symbols: dict[str, float | None] = {}
    for part in text.split(","):
        symbol, _, price = part.strip().partition("=")
        try:
            split_symbol(symbol)
            symbols[symbol.upper()] = float(price) if price else None
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{part!r}: {error}") from error
        if price and not 1e-6 <= float(price) <= 1e6:
            raise argparse.ArgumentTypeError(f"{part!r}: the price must lie between 0.000001 and 1000000")
    return symbols


def _balance(text: str) -> tuple[str, int]:
    asset, units = _named_amount(text, "ASSET=AMOUNT, such as USDT=100000")
    if not asset.isalnum():
        raise argparse.ArgumentTypeError(f"{text!r}: write ASSET=AMOUNT, such as USDT=100000")
    return asset, units


def _position(text: str) -> tuple[str, int]:
    return _named_amount(text, "SYMBOL=AMOUNT, such as BTC/USDT=10")


def _named_amount(text: str, form: str) -> tuple[str, int]:
    name, _, amount = text.partition("=")
    try:
        units = parse(amount)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}; write {form}") from error
    if not name or units < 0:
        raise argparse.ArgumentTypeError(f"{text!r}: write {form}")
    return name.upper(), units


def _instant(text: str) -> int:
    try:
        instant = datetime.now(UTC) if text == "now" else datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r}: {error}; write now, or such as 2025-01-01T00:00:00+00:00"
        ) from error
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return int(aware.timestamp() * 1000)
