"""Plays the script round by round on a stage: the market moves a step, the agents trade, and all comes to rest.

What the suite sends itself (ticks, quotes, a person's orders, cancellations) is sent again until it arrives, as their real
senders do; each is idempotent.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TypeVar

import httpx
import psycopg
from botocore.exceptions import BotoCoreError, ClientError
from psycopg.types.json import Jsonb

from tests.faults import script
from tests.faults.site import Stage
from volexlocal.failures import NotHealthy
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.desk import DeskTransaction
from volexswarm.adapters.postgres.outbox import Relay
from volexswarm.adapters.postgres.store import PostgresStore, PostgresTransaction
from volexswarm.adapters.redis_quotes import RedisQuoteBoard, client
from volexswarm.adapters.sqs import SqsSender
from volexswarm.clock import SystemClock, from_ms
from volexswarm.compliance.policy import CompliancePolicy
from volexswarm.desk.agent import TradingDesk
from volexswarm.errors import Unavailable
from volexswarm.messages import CancelOrder, Event, Queue, Quote, TickBatch, encode
from volexswarm.messages.market import Columns
from volexswarm.risk.policy import RiskPolicy

VENUE: Final = "binance"
ACCOUNT: Final = "main"
PATIENCE: Final = 150.0
"""Seconds after which a round that does not come to rest has failed."""

_POLL = 0.05
_QUOTES_EVERY = 1.0
_AGAIN_AFTER = 3.0
_PAGE = 1000
_COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")

# an order's own fate is unknown, or a message has not become what it must become
_UNFINISHED = """
SELECT (SELECT count(*) FROM outbox WHERE published_at IS NULL) AS unsent,
       (SELECT count(*) FROM orders WHERE state IN ('intended', 'submitted', 'unknown')) AS uncertain,
       (SELECT count(*) FROM signals s WHERE NOT EXISTS (
           SELECT FROM decisions d WHERE d.signal_id = s.id AND d.stage = 'risk')) AS undecided,
       (SELECT count(*) FROM proposals WHERE state = 'proposed') AS unreviewed,
       (SELECT count(*) FROM proposals p WHERE state = 'approved' AND NOT EXISTS (
           SELECT FROM orders o WHERE o.proposal_id = p.id)) AS unplaced,
       (SELECT count(*) FROM orders WHERE state IN ('accepted', 'partially_filled')) AS open_orders,
       (SELECT count(*) FROM orders WHERE cancel_requested_at IS NOT NULL AND state IN ('accepted', 'partially_filled'))
           AS uncanceled,
       (SELECT count(*) FROM fills) AS fills,
       (SELECT count(*) FROM (SELECT DISTINCT symbol, trade_id FROM trades) t) AS trades
"""

# a large order's next slice lies in its queue until its time has come, which it does in a later round
_SLICES = """
SELECT count(*) AS waiting, count(*) FILTER (WHERE due_at <= %s) AS due FROM order_plans p CROSS JOIN LATERAL (
    SELECT max((data->>'due_at')::timestamptz) AS due_at FROM events
    WHERE type = 'volexswarm.PlaceSlice' AND data->>'proposal_id' = p.proposal_id::text) s
WHERE state = 'working'
"""
_NOUGHT = ("unsent", "uncertain", "undecided", "unreviewed", "unplaced", "uncanceled")

_BREAKERS = (
    "breaker_price_move",
    "breaker_volatility",
    "breaker_spread",
    "breaker_stale_data",
    "breaker_exchange_errors",
    "breaker_disagreement",
)

ResultT = TypeVar("ResultT")
logger = logging.getLogger(__name__)


class Stuck(Exception):
    """A round did not come to rest; says what is missing."""


class Disturbance:
    """Whatever goes on beside the play. This one does nothing; faults are its kinds."""

    @property
    def is_over(self) -> bool:
        """Whether everything stands again, so that rest is final."""
        return True

    def tend(self) -> None:
        """Called often while the play waits."""


@dataclass(frozen=True)
class Round:
    """What a round held: whether the strategy traded, how many orders were canceled, whether resting orders were filled, and
    whether a large order was being sliced.
    """

    strategic: bool
    canceled: int
    late_fills: bool
    sliced: bool
    seconds: float


class Play:
    """One chapter on a stage."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._sqs: Any = stage.site.aws("sqs")
        self._sender = SqsSender(stage.stack, self._sqs)
        self._database = Database(lambda: stage.dsn)
        self._board = RedisQuoteBoard(client(stage.site.valkey.url))
        relay = Relay(self._database, self._sender)
        self._desk = TradingDesk(
            PostgresStore(self._database, DeskTransaction, relay),
            self._board,
            SystemClock(),
            venue=VENUE,
            symbols=script.SYMBOLS,
            quote_max_age=timedelta(minutes=10),
        )
        self._commands = PostgresStore(self._database, PostgresTransaction, relay)
        keys = stage.exchange.credentials
        self._exchange = httpx.Client(base_url=stage.exchange.url, timeout=10, headers={"X-MBX-APIKEY": keys["apiKey"]})
        self._disturbance = Disturbance()
        self._sequence = 0
        self._now = datetime.now(UTC)
        self._through = dict.fromkeys(script.SYMBOLS, -1)
        self._stored = 0
        self._batches: list[Event[TickBatch]] = []
        self._quotes: dict[str, Quote] = {}
        self._placed: dict[int, tuple[str, str]] = {}

    def close(self) -> None:
        self._database.close()
        self._exchange.close()

    def begin(self) -> None:
        """Open the books, let the indicators warm up, and give the strategy its work."""
        self._seed()
        self._stage.nursery.start()
        stepped = self._open_books()
        self._step(script.WARM_UP * script.STEP - stepped)
        self._pass_over(script.MANUAL)
        self._look()
        self._rest()
        with psycopg.connect(self._stage.dsn) as database:
            database.execute(
                "INSERT INTO strategies (id, template, venue, symbol, timeframe, parameters, status)"
                " VALUES ('faults', %s, %s, %s, %s, %s, 'active')",
                (script.TEMPLATE, VENUE, script.STRATEGIC, script.TIMEFRAME, Jsonb(script.PARAMETERS)),
            )

    def round(self, number: int, disturbance: Disturbance) -> Round:
        """One step of the market and all that comes of it. Raises Stuck."""
        began, self._disturbance = time.monotonic(), disturbance
        signals, fills = self._count("signals"), self._count("fills")
        plans, working = self._count("order_plans"), self._count("order_plans WHERE state = 'working'")
        self._step(script.STEP)
        self._look()
        self._rest(final=False)
        strategic, late = self._count("signals") > signals, self._count("fills") > fills
        canceled = self._cancel(number - script.PATIENCE)
        for ask in script.asks(number, self._quotes):
            taken = self._patiently(lambda ask=ask: self._take(ask))  # type: ignore[misc]
            if ask.wish.symbol == script.RESTING:
                self._placed[number] = (taken, ask.wish.symbol)
        self._rest()
        self._disturbance = Disturbance()
        sliced = working > 0 or self._count("order_plans") > plans
        return Round(strategic, canceled, late, sliced, time.monotonic() - began)

    # the beginning

    def _seed(self) -> None:
        self._stage.open_trading()
        with psycopg.connect(self._stage.dsn) as database:
            for name, policy in (("risk", _wide_risk()), ("compliance", _wide_compliance())):
                database.execute(
                    "INSERT INTO policies (name, version, body, activated_by) VALUES (%s, 2, %s, 'faults')",
                    (name, Jsonb(policy.model_dump(mode="json"))),
                )

    def _open_books(self) -> float:
        """The exchange's clock must tick while the keeper opens the books; the market seconds that passed."""
        stepped, end = 0.0, time.monotonic() + PATIENCE
        while not self._count("accounts"):
            if time.monotonic() > end:
                raise Stuck("the books were not opened")
            self._step(0.001)
            stepped += 0.001
        return stepped

    # the market

    def _step(self, seconds: float) -> None:
        """Never sent again, for it is not idempotent; in parts, so that a slow machine has the time for each."""
        while seconds > 0:
            part = min(seconds, script.STEP)
            self._exchange.post("/admin/step", json={"seconds": part}, timeout=PATIENCE).raise_for_status()
            seconds = round(seconds - part, 3)

    def _look(self) -> None:
        """Read what the step brought: the trades, as batches for the agents, and the quotes."""
        now = self._now = from_ms(self._ask("/api/v3/time")["simulatedTime"])
        trades = {symbol: self._trades(symbol) for symbol in script.SYMBOLS}
        self._stored += sum(len(rows) for rows in trades.values())
        self._batches = list(self._packed(trades, now))
        found = self._ask("/api/v3/ticker/bookTicker")
        names = {symbol.replace("/", ""): symbol for symbol in script.SYMBOLS}
        self._quotes = {
            names[raw["symbol"]]: Quote(
                bid=Decimal(raw["bidPrice"]), ask=Decimal(raw["askPrice"]), as_of=now, received_at=now
            )
            for raw in found
            if raw["symbol"] in names
        }
        self._patiently(self._send_ticks)
        self._patiently(self._put_quotes)

    def _pass_over(self, symbols: Sequence[str]) -> None:
        """Begin with these symbols at the next trade: only the strategy needs what was before."""
        last = self._ask("/admin/status")["lastTradeIds"]
        self._through |= {symbol: last[symbol.replace("/", "")] for symbol in symbols}

    def _trades(self, symbol: str) -> list[Any]:
        rows: list[Any] = []
        while True:
            asked = {"symbol": symbol.replace("/", ""), "fromId": self._through[symbol] + 1, "limit": _PAGE}
            page = self._ask("/api/v3/historicalTrades", asked)
            rows += page
            if page:
                self._through[symbol] = page[-1]["id"]
            if len(page) < _PAGE:
                return rows

    def _packed(self, trades: dict[str, list[Any]], now: datetime) -> Any:
        """Small enough messages; only the last one says that all is complete."""
        longest = max(len(rows) for rows in trades.values())
        starts = range(0, max(1, longest), _PAGE)
        for start in starts:
            columns = {symbol: _columns(rows[start : start + _PAGE]) for symbol, rows in trades.items()}
            marks = dict.fromkeys(script.SYMBOLS, now) if start == starts[-1] else {}
            held = {symbol: column for symbol, column in columns.items() if len(column)}
            batch = TickBatch(venue=VENUE, session="faults", sequence=self._sequence, trades=held, watermarks=marks)
            yield Event.root(
                batch,
                source="realtime-data",
                subject=VENUE,
                identity=f"faults/{self._sequence}",
                time=datetime.now(UTC),
            )
            self._sequence += 1

    def _send_ticks(self) -> None:
        self._sender.send(Queue.TICKS.value, [(event.id, None, encode(event)) for event in self._batches])

    def _put_quotes(self) -> None:
        """As they stand, received just now: the feed asks for quotes that have not changed."""
        now = datetime.now(UTC)
        self._board.put(
            VENUE, {symbol: quote.model_copy(update={"received_at": now}) for symbol, quote in self._quotes.items()}
        )

    # the person

    def _take(self, ask: script.Ask) -> str:
        """At this round's quotes: a board that has just come back may still hold those of an earlier one."""
        self._put_quotes()
        return self._desk.take(ask.wish, requested_by="tester", idempotency_key=ask.key).event_id

    def _cancel(self, number: int) -> int:
        """Withdraw the resting order of an earlier round if it still stands; how many that was."""
        placed = self._placed.pop(number, None)
        if placed is None:
            return 0
        signal_id, symbol = placed
        row = self._patiently(lambda: self._order_of(signal_id))
        if row is None:
            return 0
        command = CancelOrder(
            venue=VENUE,
            symbol=symbol,
            account=ACCOUNT,
            order_id=row,
            requested_by="tester",
            reason="it rested too long",
        )
        event = Event.root(command, source="api", subject=command.key, identity=f"cancel/{row}", time=datetime.now(UTC))
        self._patiently(lambda: self._command(event))
        return 1

    def _order_of(self, signal_id: str) -> str | None:
        with self._database.connection() as database:
            row = database.execute(
                "SELECT id FROM orders WHERE signal_id = %s AND state IN ('accepted', 'partially_filled')", (signal_id,)
            ).fetchone()
        return None if row is None else str(row["id"])

    def _command(self, event: Event[CancelOrder]) -> None:
        with self._commands.transaction() as tx:
            if tx.first_delivery("faults", event.id):
                tx.publish(event)

    # waiting

    def _patiently(self, deed: Callable[[], ResultT]) -> ResultT:
        """Do it as soon as the parts that it needs are there."""
        end = time.monotonic() + PATIENCE
        while True:
            self._disturbance.tend()
            try:
                return deed()
            except (Unavailable, BotoCoreError, ClientError, httpx.HTTPError) as error:
                if time.monotonic() > end:
                    raise Stuck(str(error)) from error
            time.sleep(_POLL)

    def _ask(self, path: str, asked: dict[str, Any] | None = None) -> Any:
        return self._patiently(lambda: self._exchange.get(path, params=asked).raise_for_status().json())

    def _count(self, table: str) -> int:
        def ask() -> int:
            with self._database.connection() as database:
                row = database.execute(f"SELECT count(*) AS n FROM {table}".encode()).fetchone()
            assert row is not None
            return int(row["n"])

        return self._patiently(ask)

    def _rest(self, *, final: bool = True) -> None:
        """Wait until nothing moves any more; with `final`, and the disturbance is over."""
        began = quoted = sent = time.monotonic()
        while True:
            self._disturbance.tend()
            now = time.monotonic()
            missing = self._missing()
            if missing is None and (not final or self._disturbance.is_over):
                return
            if now - began > PATIENCE:
                raise Stuck(f"no rest after {PATIENCE:.0f} s: {missing or 'the disturbance is not over'}")
            if now - quoted > _QUOTES_EVERY:
                quoted = now
                self._try(self._put_quotes)
            if now - sent > _AGAIN_AFTER:
                sent = now
                self._try(self._send_ticks)
            time.sleep(_POLL)

    def _try(self, deed: Callable[[], None]) -> None:
        try:
            deed()
        except (Unavailable, BotoCoreError, ClientError) as error:
            logger.info("%s", error)

    def _missing(self) -> str | None:
        """What is not done yet, None when all is at rest. The queues are looked at before and after the database: what a
        message in between becomes is seen in one of them.
        """
        try:
            return self._in_queues() or self._in_records() or self._in_queues()
        except (Unavailable, BotoCoreError, ClientError, httpx.HTTPError, NotHealthy) as error:
            return f"{type(error).__name__}: {error}"

    def _in_queues(self) -> str | None:
        waiting = self._slices_waiting()
        for queue in Queue:
            asked = self._sqs.get_queue_attributes(QueueUrl=self._sender.url(queue.value), AttributeNames=list(_COUNTS))
            held = sum(int(asked["Attributes"][name]) for name in _COUNTS)
            if held != (waiting if queue is Queue.ORDERS else 0):
                return f"{held} messages in {queue}, {max(waiting, 0)} slices wait for their time"
        return None

    def _slices_waiting(self) -> int:
        """How many slices have their time in a later round; -1, which no queue holds, if one is due."""
        with self._database.connection() as database:
            found = database.execute(_SLICES, (self._now,)).fetchone()
        assert found is not None
        return -1 if found["due"] else int(found["waiting"])

    def _in_records(self) -> str | None:
        with self._database.connection() as database:
            found = database.execute(_UNFINISHED).fetchone()
        assert found is not None
        for name in _NOUGHT:
            if found[name]:
                return f"{found[name]} {name}"
        if found["trades"] < self._stored:
            return f"{found['trades']} of {self._stored} trades are stored"
        theirs = self._exchange.get("/admin/status").raise_for_status().json()
        if (found["fills"], found["open_orders"]) != (theirs["fills"], theirs["openOrders"]):
            return (
                f"{found['fills']} of {theirs['fills']} fills booked,"
                f" {found['open_orders']} orders open with us and {theirs['openOrders']} there"
            )
        return None


def _columns(rows: list[Any]) -> Columns:
    return Columns(
        ids=[row["id"] for row in rows],
        times=[row["time"] for row in rows],
        prices=[Decimal(row["price"]) for row in rows],
        amounts=[Decimal(row["qty"]) for row in rows],
        sides="".join("s" if row["isBuyerMaker"] else "b" for row in rows),
    )


def _wide_risk() -> RiskPolicy:
    """Limits that this script never meets, no breakers: it is about what is done with orders, not about which are allowed."""
    breakers = dict.fromkeys(_BREAKERS)
    wide = {"max_per_symbol": "0.9", "max_gross_exposure": "1", "max_entries_per_day": 100_000, "max_daily_loss": "0.9"}
    small = {"max_trade": "0.001", "min_trade": "0.0001", "protect": False}
    return RiskPolicy.model_validate(RiskPolicy().model_dump() | wide | small | breakers)


def _wide_compliance() -> CompliancePolicy:
    return CompliancePolicy.model_validate(
        CompliancePolicy().model_dump() | {"max_trades_per_hour": 100_000, "max_trades_per_day": 100_000}
    )
