"""Tells the story of an order from the stored truth: every step by the ids that link it to the one before.

One candle may raise several signals, so the correlation id alone is wider than an order: what belongs to it is chosen by
signal, proposal and order id within the chain.
"""

from __future__ import annotations

from typing import Any

from volexswarm.adapters.postgres.database import Connection, Database
from volexswarm.adapters.postgres.readers.books import PostgresBooksReader
from volexswarm.adapters.postgres.readers.protections import PostgresProtectionReader
from volexswarm.adapters.postgres.readers.scope import Scope
from volexswarm.adapters.postgres.readers.trading import PostgresTradingReader
from volexswarm.messages import FillRecorded, Side
from volexswarm.views.books import Fill
from volexswarm.views.market import Candle
from volexswarm.views.story import (
    JournalEntry,
    LedgerEntry,
    LedgerPosting,
    PositionAfter,
    Proposal,
    Story,
    Tape,
    TapeTrade,
    TaskOrigin,
    Transition,
)
from volexswarm.views.trading import Order, Signal

SAMPLES = 3

_CANDLE = """
SELECT opened_at, open, high, low, close, volume, trade_count, first_trade_id, last_trade_id, closed, revision
FROM candles WHERE venue = %s AND symbol = %s AND timeframe = %s AND opened_at = %s
"""

_TAPE = """
SELECT count(*) AS count, min(trade_id) AS first_trade_id, max(trade_id) AS last_trade_id,
       min(traded_at) AS first_at, max(traded_at) AS last_at
FROM trades WHERE venue = %(venue)s AND symbol = %(symbol)s AND trade_id BETWEEN %(first)s AND %(last)s
"""

_SAMPLES = """
SELECT trade_id, traded_at, price, amount, side
FROM trades WHERE venue = %(venue)s AND symbol = %(symbol)s AND trade_id BETWEEN %(first)s AND %(last)s
ORDER BY trade_id DESC LIMIT %(samples)s
"""

_TASK = """
SELECT t.id::text, w.attempt, w.leg, t.understood, t.requested_by, w.why,
       s.output->>'deliberation_id' AS deliberation_id, a.actor AS approved_by
FROM task_trades w JOIN tasks t ON t.id = w.task_id
LEFT JOIN task_steps s ON (s.task_id, s.attempt, s.step, s.symbol) = (w.task_id, w.attempt, 'deliberate', w.symbol)
LEFT JOIN task_approvals a ON (a.task_id, a.attempt, a.verdict) = (w.task_id, w.attempt, 'approved')
WHERE w.signal_id = %s
"""

_PROPOSAL = """
SELECT p.id::text, p.amount, p.reference_price, p.limit_price, p.stop_price, p.sizing, p.state, p.as_of, p.proposed_at
FROM proposals p JOIN orders o ON o.proposal_id = p.id WHERE o.id = %s
"""

_TRANSITIONS = (
    "SELECT position, before, after, cause, changed_at FROM order_transitions WHERE order_id = %s ORDER BY position"
)

_JOURNAL = """
SELECT e.id::text, e.type, e.source, e.subject, e.occurred_at, e.causation_id::text FROM events e
WHERE e.correlation_id = %(chain)s::uuid
  AND (e.id = e.correlation_id OR e.id IN (%(signal)s::uuid, %(order)s::uuid)
       OR e.data->>'signal_id' = %(signal)s::uuid::text OR e.data->>'order_id' = %(order)s::uuid::text)
ORDER BY e.occurred_at, e.causation_id NULLS FIRST
"""

_LEDGER = """
SELECT t.id::text, t.kind, t.reference, t.as_of, t.posted_at, e.ledger_account, e.currency, e.amount
FROM fills f
JOIN ledger_transactions t ON t.venue = f.venue AND t.account = f.account AND t.kind = 'fill'
     AND t.reference = f.symbol || '/' || f.trade_id
JOIN ledger_entries e ON e.transaction_id = t.id
WHERE f.order_id = %(order)s ORDER BY t.as_of, t.reference, e.line
"""

_POSITION = """
SELECT data FROM events
WHERE correlation_id = %(chain)s::uuid AND type = %(type)s AND data->>'order_id' = %(order)s AND data->>'trade_id' = %(trade)s
"""


class PostgresStoryReader:
    """StoryReader over PostgreSQL; orders, signals and fills come from their own readers."""

    def __init__(
        self,
        database: Database,
        scope: Scope,
        trading: PostgresTradingReader,
        books: PostgresBooksReader,
        protections: PostgresProtectionReader,
    ) -> None:
        self._database = database
        self._scope = scope
        self._trading = trading
        self._books = books
        self._protections = protections

    def story(self, key: str) -> Story:
        """Everything that led to the order and came of it, as of one moment."""
        with self._database.connection() as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            order = self._trading.find(connection, key)
            signal = None if order.signal_id is None else self._trading.find_signal(connection, order.signal_id)
            candle = self._candle(connection, signal)
            fills = self._books.fills_of(connection, order.id)
            story = Story(
                order=order,
                timeframe=signal.timeframe if signal else None,
                tape=self._tape(connection, order, candle),
                candle=candle,
                task=_task(connection, order),
                signal=signal,
                proposal=_proposal(connection, order),
                transitions=[Transition(**row) for row in connection.execute(_TRANSITIONS, (order.id,)).fetchall()],
                fills=fills,
                ledger=_ledger(connection, order),
                position=_position(connection, order, fills),
                protection=self._protections.of_order(connection, order.id),
                ways_out=self._trading.ways_out(connection, order.id),
                journal=_journal(connection, order),
                missing=[],
            )
        return story.model_copy(update={"missing": _missing(story)})

    def _candle(self, connection: Connection, signal: Signal | None) -> Candle | None:
        if signal is None or signal.candle_opened_at is None:
            return None
        keys = (self._scope.venue, signal.symbol, signal.timeframe, signal.candle_opened_at)
        row = connection.execute(_CANDLE, keys).fetchone()
        return Candle(**row) if row else None

    def _tape(self, connection: Connection, order: Order, candle: Candle | None) -> Tape | None:
        if candle is None:
            return None
        keys: dict[str, Any] = {
            "venue": self._scope.venue,
            "symbol": order.symbol,
            "first": candle.first_trade_id,
            "last": candle.last_trade_id,
            "samples": SAMPLES,
        }
        row = connection.execute(_TAPE, keys).fetchone()
        if row is None or row["count"] == 0:
            return None
        samples = [
            TapeTrade(**{**sample, "side": Side.BUY if sample["side"] == "b" else Side.SELL})
            for sample in reversed(connection.execute(_SAMPLES, keys).fetchall())
        ]
        return Tape(**row, samples=samples)


def _ledger(connection: Connection, order: Order) -> list[LedgerPosting]:
    rows = connection.execute(_LEDGER, {"order": order.id}).fetchall()
    postings: dict[str, LedgerPosting] = {}
    for row in rows:
        entry = LedgerEntry(ledger_account=row["ledger_account"], currency=row["currency"], amount=row["amount"])
        known = postings.get(row["id"])
        entries = [*(known.entries if known else []), entry]
        postings[row["id"]] = LedgerPosting(**{**row, "entries": entries})
    return list(postings.values())


def _task(connection: Connection, order: Order) -> TaskOrigin | None:
    row = connection.execute(_TASK, (order.signal_id,)).fetchone()
    return TaskOrigin(**row) if row else None


def _proposal(connection: Connection, order: Order) -> Proposal | None:
    row = connection.execute(_PROPOSAL, (order.id,)).fetchone()
    return Proposal(**row) if row else None


def _position(connection: Connection, order: Order, fills: list[Fill]) -> PositionAfter | None:
    """From what was published when the order's last fill was booked: the position table only knows today's."""
    if not fills:
        return None
    row = connection.execute(
        _POSITION,
        {
            "chain": order.correlation_id,
            "type": FillRecorded.type_name(),
            "order": order.id,
            "trade": fills[-1].trade_id,
        },
    ).fetchone()
    if row is None:
        return None
    recorded = FillRecorded.model_validate(row["data"])
    return PositionAfter(
        trade_id=recorded.trade_id,
        amount=recorded.position_amount,
        average_price=recorded.position_average_price,
        as_of=recorded.as_of,
    )


def _journal(connection: Connection, order: Order) -> list[JournalEntry]:
    keys = {"chain": order.correlation_id, "signal": order.signal_id, "order": order.id}
    return [JournalEntry(**row) for row in connection.execute(_JOURNAL, keys).fetchall()]


def _missing(story: Story) -> list[str]:
    """What a whole story has and this one has not, each with the reason."""
    manual = story.signal is not None and story.signal.candle_opened_at is None
    absent = {
        "signal: it is not stored": story.signal is None,
        "candle: a person asked for this trade, no candle led to it": manual,
        "candle: the one that the signal names is not stored (any more)": (
            story.candle is None and story.signal is not None and not manual
        ),
        "tape: the candle's trades are not stored (any more)": story.candle is not None and story.tape is None,
        "proposal: it is not stored": story.proposal is None,
        "fills: the order has none (yet)": not story.fills,
        "ledger: not every fill is posted": len(story.ledger) < len(story.fills),
        "position: the booking of the last fill is not in the journal": bool(story.fills) and story.position is None,
    }
    return [words for words, is_absent in absent.items() if is_absent]
