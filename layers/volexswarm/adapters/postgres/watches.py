"""Price watches as rows: shown each batch of trades by the feed, set and taken away by whoever guards a position.

Both do so under the lock of the venue's candles only. A batch that had it first has its trades stored, where a watch that is
set finds them; one that gets it later finds the watch. So no trade passes between the two.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from volexswarm.adapters.postgres.database import Connection
from volexswarm.clock import to_ms
from volexswarm.market.watches import look
from volexswarm.messages import Purpose
from volexswarm.ports import PriceWatch, Reached

_COLUMNS = tuple(field.name for field in fields(PriceWatch))
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM price_watches"  # noqa: S608 - our own names
_INSERT = f"INSERT INTO price_watches ({', '.join(_COLUMNS)}) VALUES ({', '.join(f'%({name})s' for name in _COLUMNS)})"  # noqa: S608

_SAW = """
UPDATE price_watches SET extreme = %(extreme)s, extreme_at = %(extreme_at)s, reached_price = %(price)s, reached_at = %(at)s,
    closed_at = CASE WHEN %(at)s::timestamptz IS NOT NULL THEN now() END
WHERE id = %(id)s
"""

# A fixed price needs only the first trade beyond it, a trailing one all of them. The time comes first: in the order of their ids
# the trades of the whole past would be read, while the feed waits.
_MISSED = """
WITH later AS MATERIALIZED (
    SELECT trade_id, traded_at, price FROM trades
    WHERE venue = %(venue)s AND symbol = %(symbol)s AND traded_at > %(as_of)s
)
SELECT traded_at, price FROM later
WHERE %(trail_share)s::numeric IS NOT NULL OR price <= %(below)s OR price >= %(above)s OR traded_at >= %(due_at)s
ORDER BY trade_id LIMIT CASE WHEN %(trail_share)s::numeric IS NULL THEN 1 END
"""

_BEST = """
SELECT price, traded_at FROM trades
WHERE venue = %(venue)s AND symbol = %(symbol)s AND traded_at > %(since)s AND traded_at <= %(as_of)s
ORDER BY price DESC, trade_id LIMIT 1
"""


def hold_market(connection: Connection, venue: str) -> None:
    """Hold the venue's candles and watches for this transaction alone, to its end."""
    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('candles/' || %s, 0))", (venue,))


def open_watches(connection: Connection, venue: str, symbols: Collection[str]) -> list[PriceWatch]:
    """The watches of these symbols that are not done."""
    rows = connection.execute(
        _SELECT + " WHERE venue = %s AND symbol = ANY(%s) AND closed_at IS NULL ORDER BY id", (venue, list(symbols))
    )
    return [_watch(row) for row in rows]


def saw(connection: Connection, watch: PriceWatch, reached: Reached | None) -> None:
    """Store what a watch has seen, and that it is done if it is."""
    connection.execute(
        _SAW,
        {
            "id": watch.id,
            "extreme": watch.extreme,
            "extreme_at": watch.extreme_at,
            "price": None if reached is None else reached.price,
            "at": None if reached is None else reached.as_of,
        },
    )


def set_watch(connection: Connection, watch: PriceWatch, best_since: datetime) -> Reached | None:
    """Store a watch, and show it the trades since it counts: the one at which it is done already, if any.

    A trailing watch begins with the best price since `best_since`. The market must be held.
    """
    terms = _row(watch)
    if watch.trail_share is not None:
        best = connection.execute(_BEST, terms | {"since": best_since}).fetchone()
        if best is not None and (watch.extreme is None or best["price"] > watch.extreme):
            watch = replace(watch, extreme=best["price"], extreme_at=best["traded_at"])
    missed = connection.execute(_MISSED, terms).fetchall()
    seen, reached = look(watch, [to_ms(row["traded_at"]) for row in missed], [row["price"] for row in missed])
    connection.execute(_INSERT, _row(seen))
    if reached is not None:
        saw(connection, seen, reached)
    return reached


def standing_watches(connection: Connection, entry: str) -> dict[Purpose, str]:
    """Ids of an entry's watches that are not done, by reason."""
    rows = connection.execute(
        "SELECT id, reason FROM price_watches WHERE entry_id = %s AND closed_at IS NULL", (entry,)
    )
    return {Purpose(row["reason"]): str(row["id"]) for row in rows}


def count_watches(connection: Connection, entry: str) -> int:
    """How many watches an entry ever had."""
    row = connection.execute("SELECT count(*) AS number FROM price_watches WHERE entry_id = %s", (entry,)).fetchone()
    assert row is not None  # an aggregate always answers
    return int(row["number"])


def take_away(connection: Connection, watches: Collection[str], at: datetime) -> None:
    """End watches that are not needed any more."""
    connection.execute("UPDATE price_watches SET closed_at = %s WHERE id = ANY(%s::uuid[])", (at, list(watches)))


def _row(watch: PriceWatch) -> dict[str, Any]:
    return {name: getattr(watch, name) for name in _COLUMNS} | {"reason": watch.reason.value}


def _watch(row: Mapping[str, Any]) -> PriceWatch:
    values = dict(row) | {name: str(row[name]) for name in ("id", "entry_id", "correlation_id")}
    return PriceWatch(**values | {"reason": Purpose(row["reason"])})
