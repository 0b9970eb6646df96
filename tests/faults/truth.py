"""What must be so after every round, and the whole state in a form that two runs can be compared by.

Left out of the comparison is what differs between equal runs: wall times, ids that the exchange gives out, and by how many steps
an order reached its state (its answer and its report race). A slice and another order of its symbol go to the exchange in either
order, so that symbol's position is compared by its amount; that each position is what its fills come to is audited. Of candles
the closed ones count: a slice that fills before the suite has read the round's trades opens the next candle a round early.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import ccxt
import httpx
import psycopg
from psycopg.rows import dict_row

from tests.faults.script import SLICED, SYMBOLS
from volexlocal.servers.exchange import Exchange
from volexswarm.adapters.venues import connection
from volexswarm.execution.states import TRANSITIONS
from volexswarm.messages import OrderState, Side
from volexswarm.portfolio import positions
from volexswarm.ports import Fill

_STATE = {
    "signals": "SELECT id, symbol, side, trim_scale(price), trim_scale(amount) FROM signals",
    "decisions": "SELECT signal_id, stage, approved, ARRAY(SELECT c->>'name' FROM jsonb_array_elements(checks) c"
    " WHERE NOT (c->>'passed')::bool) FROM decisions",
    "orders": "SELECT client_order_id, symbol, side, order_type, purpose, trim_scale(amount), trim_scale(limit_price), state,"
    " trim_scale(filled), trim_scale(cost) FROM orders",
    "fills": "SELECT o.client_order_id, trim_scale(f.price), trim_scale(f.amount), trim_scale(f.fee), f.fee_currency"
    " FROM fills f LEFT JOIN orders o ON o.id = f.order_id",
    "ledger": "SELECT ledger_account, currency, trim_scale(sum(amount)) FROM ledger_entries GROUP BY 1, 2",
    "positions": "SELECT symbol, trim_scale(amount) FROM positions",
    "results": "SELECT symbol, trim_scale(average_price), trim_scale(realised_pnl) FROM positions"
    f" WHERE symbol <> '{SLICED}'",
    "candles": "SELECT symbol, timeframe, count(*), trim_scale(sum(close)) FROM candles WHERE closed GROUP BY 1, 2",
    "events": "SELECT type, count(*) FROM events WHERE type = ANY(ARRAY['volexswarm.AccountOpened', 'volexswarm.CandleClosed',"
    " 'volexswarm.SignalRaised', 'volexswarm.TradeProposed', 'volexswarm.TradeRefused', 'volexswarm.OrderApproved',"
    " 'volexswarm.FillRecorded']) GROUP BY 1",
}

_UNANSWERED = """
SELECT outbox.queue, outbox.event_id FROM outbox
LEFT JOIN (VALUES ('candles', 'signal'), ('signals', 'risk'), ('proposals', 'compliance'), ('events', 'monitor'))
    AS answers (queue, consumer) ON answers.queue = outbox.queue
WHERE published_at IS NULL OR (consumer IS NOT NULL AND NOT EXISTS (
    SELECT FROM inbox WHERE inbox.consumer = answers.consumer AND inbox.event_id = outbox.event_id))
"""
_ON_ITS_WAY = 60.0
"""Seconds for a message to be answered: longer than a killed function's messages stay out of sight."""

_FILLS = (
    "SELECT venue, account, symbol, trade_id, exchange_order_id, side, price, amount, fee, fee_currency, is_maker, as_of"
    " FROM fills WHERE symbol = %s"
)
_ASSETS = "SELECT currency, sum(amount) FROM ledger_entries WHERE ledger_account = 'assets' GROUP BY currency"


@dataclass(frozen=True)
class State:
    """One run's state after a round: lines by table."""

    tables: dict[str, tuple[str, ...]]

    @property
    def digest(self) -> str:
        return hashlib.sha256(repr(sorted(self.tables.items())).encode()).hexdigest()[:16]

    def differs_from(self, other: State, most: int = 6) -> list[str]:
        """The lines that only one of the two has; a leading `+` is ours."""
        found: list[str] = []
        for table, lines in self.tables.items():
            ours, theirs = Counter(lines), Counter(other.tables[table])
            found += [f"{table} + {line}" for line in (ours - theirs).elements()]
            found += [f"{table} - {line}" for line in (theirs - ours).elements()]
        return found if len(found) <= most else [*found[:most], f"… and {len(found) - most} more"]


def state(dsn: str) -> State:
    """The state as it is stored."""
    with psycopg.connect(dsn) as database:
        return State({table: tuple(sorted(_lines(database, query))) for table, query in _STATE.items()})


def _lines(database: psycopg.Connection[Any], query: str) -> Iterator[str]:
    for row in database.execute(query.encode()):
        yield " ".join(str(value) for value in row)


@dataclass
class Findings:
    """What is wrong, counted by kind and in words."""

    duplicates: int = 0
    lost: int = 0
    unexplained: int = 0
    words: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not self.words

    def duplicate(self, word: str) -> None:
        self.duplicates += 1
        self.words.append(f"duplicate: {word}")

    def loss(self, word: str) -> None:
        self.lost += 1
        self.words.append(f"lost: {word}")

    def difference(self, word: str) -> None:
        self.unexplained += 1
        self.words.append(f"unexplained: {word}")


class Auditor:
    """Compares our records with the exchange's."""

    def __init__(self, dsn: str, exchange: Exchange) -> None:
        self._dsn = dsn
        self._url = exchange.url
        self._client: Any = ccxt.binance({**connection("binance", exchange.url, "simulated"), **exchange.credentials})
        self._client.number = str

    def audit(self, findings: Findings) -> None:
        """Hold every order, fill and balance against the exchange's, and our records against themselves."""
        with psycopg.connect(self._dsn) as database:
            self._orders(database, findings)
            self._fills(database, findings)
            self._positions(database, findings)
            self._lives(database, findings)
            self._messages(database, findings)
        self.balance(findings)

    def balance(self, findings: Findings) -> None:
        """The ledger's assets are the exchange's balances, to the last digit."""
        with psycopg.connect(self._dsn) as database:
            ours = {str(row[0]): Decimal(row[1]) for row in database.execute(_ASSETS) if row[1]}
        answer = httpx.get(f"{self._url}/admin/balances", timeout=10).raise_for_status().json()["main"]
        held = {asset: Decimal(kept["free"]) + Decimal(kept["locked"]) for asset, kept in answer.items()}
        theirs = {asset: amount for asset, amount in held.items() if amount}
        for asset in sorted(ours.keys() | theirs.keys()):
            if ours.get(asset) != theirs.get(asset):
                findings.difference(f"{asset}: the books say {ours.get(asset)}, the exchange {theirs.get(asset)}")

    def _orders(self, database: psycopg.Connection[Any], findings: Findings) -> None:
        found = [order for symbol in SYMBOLS for order in self._client.fetch_orders(symbol, None, 1000)]
        names = Counter(order["clientOrderId"] for order in found)
        for name, count in names.items():
            if count > 1:
                findings.duplicate(f"{count} orders {name} at the exchange")
        ours = {
            row[0]: row[1:] for row in database.execute("SELECT client_order_id, state, filled, attempts FROM orders")
        }
        for order in found:
            if order["clientOrderId"] not in ours:
                findings.duplicate(f"order {order['clientOrderId']} at the exchange is none of ours")
        for name, (stored, filled, attempts) in ours.items():
            self._compare(name, OrderState(stored), filled, attempts, found, findings)

    def _compare(
        self, name: str, stored: OrderState, filled: Decimal, attempts: int, found: list[Any], findings: Findings
    ) -> None:
        theirs = next((order for order in found if order["clientOrderId"] == name), None)
        if theirs is None:
            if stored not in (OrderState.REJECTED, OrderState.CANCELED, OrderState.EXPIRED) or filled:
                findings.loss(f"order {name} is {stored} after {attempts} attempts, but not at the exchange")
            return
        if Decimal(theirs["filled"]) != filled:
            findings.loss(f"order {name}: {theirs['filled']} filled at the exchange, {filled} with us")
        if (theirs["status"] == "open") is stored.is_final:
            findings.difference(f"order {name} is {stored} with us and {theirs['status']} at the exchange")

    def _fills(self, database: psycopg.Connection[Any], findings: Findings) -> None:
        theirs = {
            (symbol, trade["id"]): (Decimal(trade["amount"]), Decimal(trade["price"]))
            for symbol in SYMBOLS
            for trade in self._client.fetch_my_trades(symbol, None, 1000)
        }
        query = "SELECT symbol, trade_id, amount, price, order_id FROM fills"
        ours = {(row[0], row[1]): (row[2], row[3], row[4]) for row in database.execute(query)}
        for key, terms in theirs.items():
            if key not in ours:
                findings.loss(f"fill {key} of the exchange is not booked")
            elif ours[key][:2] != terms or ours[key][2] is None:
                findings.difference(f"fill {key}: {ours[key]} with us, {terms} at the exchange")
        for key in ours.keys() - theirs.keys():
            findings.duplicate(f"fill {key} is booked, but the exchange has no such")

    def _positions(self, database: psycopg.Connection[Any], findings: Findings) -> None:
        query = "SELECT symbol, amount, average_price, realised_pnl FROM positions"
        for symbol, *kept in database.execute(query).fetchall():
            rows = database.cursor(row_factory=dict_row).execute(_FILLS, (symbol,)).fetchall()
            worked_out, _ = positions.fold([Fill(**row | {"side": Side(row["side"])}) for row in rows])
            expected = [worked_out.amount, worked_out.average_price, worked_out.realised_pnl]
            if kept != expected:
                findings.difference(f"position {symbol}: {kept} is kept, its fills come to {expected}")

    def _lives(self, database: psycopg.Connection[Any], findings: Findings) -> None:
        query = (
            "SELECT o.client_order_id, o.state, t.position, t.before, t.after FROM orders o"
            " JOIN order_transitions t ON t.order_id = o.id ORDER BY 1, 3"
        )
        lives: dict[tuple[str, str], list[Any]] = {}
        for name, last, *step in database.execute(query):
            lives.setdefault((name, last), []).append(step)
        for (name, last), steps in lives.items():
            befores = [None, *(step[2] for step in steps)]
            legal = all(
                OrderState(after) in TRANSITIONS[None if before is None else OrderState(before)] and before == expected
                for (_, before, after), expected in zip(steps, befores, strict=False)
            )
            if not legal or steps[-1][2] != last or [step[0] for step in steps] != list(range(1, len(steps) + 1)):
                findings.difference(f"order {name}, {last}, has an impossible life: {steps}")

    def _messages(self, database: psycopg.Connection[Any], findings: Findings) -> None:
        """Keepers tell something new at any moment, also while we look: what is on its way now must arrive."""
        waiting, end = _unanswered(database), time.monotonic() + _ON_ITS_WAY
        while waiting and time.monotonic() < end:
            time.sleep(0.2)
            waiting &= _unanswered(database)
        for queue, count in Counter(queue for queue, _ in waiting).items():
            findings.loss(f"{count} messages of {queue} were not sent, or not answered")


def _unanswered(database: psycopg.Connection[Any]) -> set[tuple[str, str]]:
    return {(str(row[0]), str(row[1])) for row in database.execute(_UNANSWERED)}
