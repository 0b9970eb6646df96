"""Protections as rows: how a position is to be left, who holds that, and what is left of it by the books."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from volexswarm.adapters.postgres import watches
from volexswarm.adapters.postgres.store import PostgresTransaction
from volexswarm.errors import NotFound
from volexswarm.execution.protection import Guarded, State
from volexswarm.execution.protection_ports import Holding, Market
from volexswarm.messages import Protection, Purpose
from volexswarm.ports import PriceWatch, Reached

_WANTED = ("stop_price", "take_profit_price", "trailing_share", "max_holding")
_STORED = ("order_id", "venue", "account", "symbol", "entered_at", "correlation_id")
_CHANGES = (
    "state",
    "holder",
    "amount",
    "sold_elsewhere",
    "way",
    "reached_price",
    "reached_at",
    "refusal",
    "reason",
    "version",
    "watch_from",
    "paused",
)
_COLUMNS = (*_STORED, *_WANTED, *_CHANGES)

# what was bought, less the fees that were taken out of it; and what the ways out have sold
_SELECT = f"""
SELECT {", ".join(f"p.{name}" for name in _COLUMNS)},
    (SELECT coalesce(sum(f.amount - CASE WHEN f.fee_currency = split_part(f.symbol, '/', 1) THEN f.fee ELSE 0 END), 0)
     FROM fills f WHERE f.order_id = p.order_id) AS bought,
    (SELECT coalesce(sum(o.filled), 0) FROM orders o WHERE o.parent_id = p.order_id) AS exited
FROM protections p
"""  # noqa: S608 - our own names

# one statement, hence one snapshot: between two, a fill could reach the position before it reaches its order
_HOLDING = f"""
SELECT coalesce((SELECT amount FROM positions WHERE venue = %(venue)s AND account = %(account)s AND symbol = %(symbol)s), 0)
           AS position,
       coalesce((SELECT amount FROM balances WHERE venue = %(venue)s AND account = %(account)s AND ledger_account = 'assets'
                 AND currency = split_part(%(symbol)s, '/', 1)), 0) AS base,
       g.*
FROM (SELECT) AS always
LEFT JOIN ({_SELECT} WHERE p.venue = %(venue)s AND p.account = %(account)s AND p.symbol = %(symbol)s AND p.state <> 'closed') g
    ON true
ORDER BY g.entered_at, g.order_id
"""  # noqa: S608 - our own names

# the mark is the database's own (0021): it is there from the order's storing until its protection is stored
_UNGUARDED = "unguarded AND filled > 0"

GUARDED_MARKETS = f"""
SELECT venue, account, symbol FROM protections WHERE state <> 'closed'
UNION
SELECT venue, account, symbol FROM orders WHERE {_UNGUARDED}
ORDER BY 1, 2, 3
"""  # noqa: S608 - our own names


class ProtectionStatements(PostgresTransaction):
    """Implements `execution.protection_ports.ProtectionTransaction` but for what governs trading."""

    def wanted_protection(self, proposal_id: str) -> Protection | None:
        row = self.connection.execute("SELECT protection FROM proposals WHERE id = %s", (proposal_id,)).fetchone()
        if row is None or row["protection"] is None:
            return None
        wanted = Protection.model_validate(row["protection"])
        return None if wanted.is_empty else wanted

    def is_guarded(self, market: Market) -> bool:
        row = self.connection.execute(
            "SELECT EXISTS (SELECT FROM protections WHERE venue = %s AND account = %s AND symbol = %s AND state <> 'closed')"
            " AS guarded",
            market,
        ).fetchone()
        assert row is not None  # EXISTS always answers
        return bool(row["guarded"])

    def hold_protections(self, market: Market) -> None:
        self.connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('protections/' || %s || '/' || %s || '/' || %s, 0))", market
        )

    def holding(self, market: Market) -> Holding:
        rows = self.connection.execute(_HOLDING, market._asdict()).fetchall()
        guarded = [_guarded(row) for row in rows if row["order_id"] is not None]
        return Holding(rows[0]["position"], rows[0]["base"], guarded)

    def guarded(self, order_id: str) -> Guarded:
        row = self.connection.execute(_SELECT + " WHERE p.order_id = %s", (order_id,)).fetchone()
        if row is None:
            raise NotFound("protection of order", order_id)
        return _guarded(row)

    def fill_times(self, order_id: str) -> tuple[datetime, datetime]:
        row = self.connection.execute(
            "SELECT min(as_of) AS first, max(as_of) AS last FROM fills WHERE order_id = %s", (order_id,)
        ).fetchone()
        assert row is not None  # an aggregate always answers
        return row["first"], row["last"]

    def add_protection(self, guarded: Guarded, at: datetime) -> bool:
        names = (*_COLUMNS, "updated_at")
        return (
            self.connection.execute(
                f"INSERT INTO protections ({', '.join(names)}) VALUES ({', '.join(f'%({name})s' for name in names)})"  # noqa: S608
                " ON CONFLICT DO NOTHING",
                {name: getattr(guarded, name) for name in _STORED}
                | guarded.wanted.model_dump()
                | _changes(guarded)
                | {"updated_at": at},
            ).rowcount
            == 1
        )

    def save_protection(self, guarded: Guarded, at: datetime) -> None:
        self.connection.execute(
            f"UPDATE protections SET {', '.join(f'{name} = %({name})s' for name in _CHANGES)}, updated_at = %(updated_at)s"  # noqa: S608
            " WHERE order_id = %(order_id)s",
            _changes(guarded) | {"order_id": guarded.order_id, "updated_at": at},
        )

    def standing_watches(self, order_id: str) -> dict[Purpose, str]:
        return watches.standing_watches(self.connection, order_id)

    def watches_so_far(self, order_id: str) -> int:
        return watches.count_watches(self.connection, order_id)

    def set_watch(self, watch: PriceWatch, best_since: datetime) -> Reached | None:
        watches.hold_market(self.connection, watch.venue)
        return watches.set_watch(self.connection, watch, best_since)

    def take_away(self, venue: str, ids: Collection[str], at: datetime) -> None:
        watches.hold_market(self.connection, venue)
        watches.take_away(self.connection, ids, at)

    def watched_entry(self, watch_id: str) -> str | None:
        row = self.connection.execute("SELECT entry_id FROM price_watches WHERE id = %s", (watch_id,)).fetchone()
        return None if row is None else str(row["entry_id"])

    def newest_trade(self, venue: str, symbol: str) -> datetime | None:
        row = self.connection.execute(
            "SELECT traded_at FROM trades WHERE venue = %s AND symbol = %s ORDER BY trade_id DESC LIMIT 1",
            (venue, symbol),
        ).fetchone()
        return None if row is None else row["traded_at"]

    def guarded_markets(self) -> list[Market]:
        return [Market(**row) for row in self.connection.execute(GUARDED_MARKETS)]

    def unguarded_entries(self, market: Market) -> list[str]:
        rows = self.connection.execute(
            f"SELECT id FROM orders WHERE {_UNGUARDED}"  # noqa: S608 - our own names
            " AND venue = %s AND account = %s AND symbol = %s ORDER BY intended_at",
            market,
        )
        return [str(row["id"]) for row in rows]


def _changes(guarded: Guarded) -> dict[str, Any]:
    values = {name: getattr(guarded, name) for name in _CHANGES}
    return values | {"state": guarded.state.value, "way": None if guarded.way is None else guarded.way.value}


def _guarded(row: Mapping[str, Any]) -> Guarded:
    values = {name: row[name] for name in (*_STORED, *_CHANGES)}
    return Guarded(
        **values
        | {
            "order_id": str(row["order_id"]),
            "correlation_id": str(row["correlation_id"]),
            "state": State(row["state"]),
            "way": None if row["way"] is None else Purpose(row["way"]),
            "wanted": Protection(**{name: row[name] for name in _WANTED}),
            "bought": Decimal(row["bought"]),
            "exited": Decimal(row["exited"]),
        }
    )
