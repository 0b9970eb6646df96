"""Reads the account's books. What can't be had is null and named; nothing is filled in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from psycopg.rows import DictRow

from volexswarm.adapters.postgres.database import Connection, Database
from volexswarm.adapters.postgres.readers import cursor as cursors
from volexswarm.adapters.postgres.readers.scope import Scope
from volexswarm.arithmetic import to_finest
from volexswarm.portfolio import valuation
from volexswarm.portfolio.model import Valuation
from volexswarm.valuation import Markets
from volexswarm.views.books import (
    Balance,
    EquityPoint,
    Fill,
    Lot,
    Portfolio,
    Position,
    Positions,
    Transfer,
)
from volexswarm.views.shape import Page

# the other ledger accounts hold with the sign turned what the assets got from them
_BALANCES = """
SELECT currency,
       coalesce(sum(amount) FILTER (WHERE ledger_account = 'assets'), 0) AS amount,
       coalesce(-sum(amount) FILTER (WHERE ledger_account = 'capital'), 0) AS brought_in,
       coalesce(-sum(amount) FILTER (WHERE ledger_account = 'trading'), 0) AS traded,
       coalesce(sum(amount) FILTER (WHERE ledger_account = 'fees'), 0) AS fees
FROM balances WHERE venue = %(venue)s AND account = %(account)s GROUP BY currency ORDER BY currency
"""

_NET_TRANSFERS = """
SELECT coalesce(sum(value), 0) AS net FROM transfers
WHERE venue = %(venue)s AND account = %(account)s AND value_currency = %(currency)s
  AND valued_as_of > %(first)s AND valued_as_of <= %(latest)s
"""

_UNVALUED_FLOWS = """
SELECT currency, sum(amount) AS amount FROM transfers
WHERE venue = %(venue)s AND account = %(account)s AND value IS NULL GROUP BY currency
"""

# the last trade's price is the market's up to where the feed is complete, however long ago the trade was
_MARKS = """
SELECT w.symbol, w.complete_to, t.price
FROM watermarks w
LEFT JOIN LATERAL (
    SELECT price FROM trades WHERE venue = w.venue AND symbol = w.symbol ORDER BY trade_id DESC LIMIT 1
) t ON true
WHERE w.venue = %(venue)s AND w.symbol = ANY (%(symbols)s)
"""

_POSITIONS = """
SELECT p.symbol, p.amount, p.average_price, p.realised_pnl, p.fees, p.updated_at, t.price AS mark, t.traded_at AS mark_as_of
FROM positions p
LEFT JOIN LATERAL (
    SELECT price, traded_at FROM trades WHERE venue = p.venue AND symbol = p.symbol ORDER BY trade_id DESC LIMIT 1
) t ON true
WHERE p.venue = %(venue)s AND p.account = %(account)s ORDER BY p.symbol
"""

_FIRST_AND_LATEST = """
(SELECT as_of, currency, equity, cash, taken_at FROM equity_snapshots
 WHERE venue = %(venue)s AND account = %(account)s AND currency = %(currency)s ORDER BY as_of LIMIT 1)
UNION ALL
(SELECT as_of, currency, equity, cash, taken_at FROM equity_snapshots
 WHERE venue = %(venue)s AND account = %(account)s AND currency = %(currency)s ORDER BY as_of DESC LIMIT 1)
ORDER BY as_of
"""

_FILL = """
SELECT f.trade_id, f.order_id::text, f.exchange_order_id, o.strategy_id, f.symbol, f.side, f.price, f.amount,
       f.price * f.amount AS notional, f.fee, f.fee_currency, f.is_maker, f.realised_pnl, f.as_of, f.applied_at,
       f.correlation_id::text
FROM fills f LEFT JOIN orders o ON o.id = f.order_id
"""

_FILL_PAGE = (
    _FILL
    + """
WHERE f.venue = %(venue)s AND f.account = %(account)s
  AND (%(symbol)s::text IS NULL OR f.symbol = %(symbol)s)
  AND (%(moment)s::timestamptz IS NULL OR (f.as_of, f.symbol, f.trade_id) < (%(moment)s, %(last_symbol)s, %(last_trade)s))
ORDER BY f.as_of DESC, f.symbol DESC, f.trade_id DESC LIMIT %(rows)s
"""
)

_FILLS_OF_ORDER = _FILL + "WHERE f.order_id = %s ORDER BY f.as_of, f.trade_id"


_LOT_PAGE = """
SELECT l.symbol, l.trade_id, f.order_id::text, coalesce(p.strategy_id, o.strategy_id) AS strategy_id, l.amount, l.cost,
       l.opened_at, t.price AS mark
FROM lots l
JOIN fills f ON f.venue = l.venue AND f.account = l.account AND f.symbol = l.symbol AND f.trade_id = l.trade_id
LEFT JOIN orders o ON o.id = f.order_id
LEFT JOIN orders p ON p.id = o.parent_id
LEFT JOIN LATERAL (
    SELECT price FROM trades WHERE venue = l.venue AND symbol = l.symbol ORDER BY trade_id DESC LIMIT 1
) t ON true
WHERE l.venue = %(venue)s AND l.account = %(account)s
  AND (%(symbol)s::text IS NULL OR l.symbol = %(symbol)s)
  AND (%(moment)s::timestamptz IS NULL OR (l.opened_at, l.symbol, l.trade_id) < (%(moment)s, %(last_symbol)s, %(last_trade)s))
ORDER BY l.opened_at DESC, l.symbol DESC, l.trade_id DESC LIMIT %(rows)s
"""

_TRANSFER_PAGE = """
SELECT kind, reference, currency, amount, fee, value, value_currency, as_of, booked_at, correlation_id::text FROM transfers
WHERE venue = %(venue)s AND account = %(account)s
  AND (%(moment)s::timestamptz IS NULL OR (as_of, kind, reference) < (%(moment)s, %(last_kind)s, %(last_reference)s))
ORDER BY as_of DESC, kind DESC, reference DESC LIMIT %(rows)s
"""


@dataclass(frozen=True)
class _Equity:
    """What the account is worth at a moment of market time, by what prices, and what came and is part of no valuation yet."""

    equity: Decimal
    cash: Decimal
    flow: Decimal
    as_of: datetime
    by: Literal["last trades", "valuation"]


class PostgresBooksReader:
    """BooksReader over PostgreSQL.

    Parameters
    ----------
    symbols : sequence
        Markets that the account is valued by: the same as the valuations'.
    """

    def __init__(self, database: Database, scope: Scope, symbols: Sequence[str]) -> None:
        self._database = database
        self._scope = scope
        self._symbols = list(symbols)
        self._markets = Markets(symbols)

    def portfolio(self) -> Portfolio:
        """Balances, positions and equity, as of one moment."""
        keys = self._scope.keys
        with self._database.connection() as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            opened = connection.execute(
                "SELECT opened_at FROM accounts WHERE venue = %(venue)s AND account = %(account)s", keys
            ).fetchone()
            balances = connection.execute(_BALANCES, keys).fetchall()
            positions = self._positions(connection)
            points = connection.execute(
                _FIRST_AND_LATEST, {**keys, "currency": self._scope.valuation_currency}
            ).fetchall()
            first, latest = (EquityPoint(**points[0]), EquityPoint(**points[-1])) if points else (None, None)
            worth, clock = self._worth(connection, balances)
            equity = _equity(worth, clock, latest) if opened else None
            net = self._net_transfers(connection, first, latest) + equity.flow if first and latest and equity else None
        return Portfolio(
            mode=self._scope.mode,
            simulated=self._scope.simulated,
            venue=self._scope.venue,
            account=self._scope.account,
            opened_at=opened["opened_at"] if opened else None,
            valuation_currency=self._scope.valuation_currency,
            equity=equity.equity if equity else None,
            cash=equity.cash if equity else None,
            equity_as_of=equity.as_of if equity else None,
            equity_by=equity.by if equity else None,
            latest=latest,
            first=first,
            net_transfers=net,
            change=equity.equity - first.equity - net if equity and first and net is not None else None,
            balances=[Balance(**row) for row in balances if row["amount"]],
            positions=positions,
            realised_pnl=_by_quote(positions, [position.realised_pnl for position in positions]),
            unrealised_pnl=_by_quote(positions, [position.unrealised_pnl for position in positions]),
            fees=_by_quote(positions, [position.fees for position in positions]),
            fees_by_asset={row["currency"]: row["fees"] for row in balances if row["fees"]},
            missing=_missing(opened, latest, equity, worth),
        )

    def _worth(self, connection: Connection, balances: Sequence[DictRow]) -> tuple[Valuation, datetime | None]:
        """The account by the last trades, and the market time up to which they are known; None if no needed feed has begun."""
        flows = {
            row["currency"]: row["amount"] for row in connection.execute(_UNVALUED_FLOWS, self._scope.keys).fetchall()
        }
        held = {row["currency"]: row["amount"] for row in balances}
        currency = self._scope.valuation_currency
        needed = self._markets.needed({asset for asset, amount in held.items() if amount} | {*flows}, currency)
        rows = connection.execute(_MARKS, {**self._scope.keys, "symbols": sorted(needed) or self._symbols}).fetchall()
        marks: Mapping[str, Decimal] = {row["symbol"]: row["price"] for row in rows if row["price"] is not None}
        # cash alone is known as far as any feed is
        clock = (min if needed else max)((row["complete_to"] for row in rows), default=None)
        return valuation.value(held, flows, self._markets, marks, currency), clock

    def _net_transfers(self, connection: Connection, first: EquityPoint, latest: EquityPoint) -> Decimal:
        span = {"currency": self._scope.valuation_currency, "first": first.as_of, "latest": latest.as_of}
        row = connection.execute(_NET_TRANSFERS, {**self._scope.keys, **span}).fetchone()
        assert row is not None  # a sum always gives a row
        net: Decimal = row["net"]
        return net

    def positions(self) -> Positions:
        """Every symbol ever held, flat ones too: their realised result is part of the books."""
        with self._database.connection() as connection:
            positions = self._positions(connection)
        return Positions(mode=self._scope.mode, simulated=self._scope.simulated, positions=positions)

    def _positions(self, connection: Connection) -> list[Position]:
        return [_position(row) for row in connection.execute(_POSITIONS, self._scope.keys).fetchall()]

    def fills(self, symbol: str | None, limit: int, cursor: str | None) -> Page[Fill]:
        """Own trades, newest first."""
        moment, last_symbol, last_trade = cursors.decode(cursor, (str, str))
        parameters = {
            **self._scope.keys,
            "symbol": symbol,
            "moment": moment,
            "last_symbol": last_symbol,
            "last_trade": last_trade,
            "rows": limit + 1,
        }
        with self._database.connection() as connection:
            rows = connection.execute(_FILL_PAGE, parameters).fetchall()
        return cursors.page(rows, limit, self._fill, lambda row: (row["as_of"], row["symbol"], row["trade_id"]))

    def lots(self, symbol: str | None, limit: int, cursor: str | None) -> Page[Lot]:
        """What is held of each purchase, newest first."""
        moment, last_symbol, last_trade = cursors.decode(cursor, (str, str))
        place = {"moment": moment, "last_symbol": last_symbol, "last_trade": last_trade}
        with self._database.connection() as connection:
            rows = connection.execute(
                _LOT_PAGE, {**self._scope.keys, **place, "symbol": symbol, "rows": limit + 1}
            ).fetchall()
        return cursors.page(rows, limit, self._lot, lambda row: (row["opened_at"], row["symbol"], row["trade_id"]))

    def transfers(self, limit: int, cursor: str | None) -> Page[Transfer]:
        """Money that came or went apart from trading, newest first."""
        moment, last_kind, last_reference = cursors.decode(cursor, (str, str))
        place = {"moment": moment, "last_kind": last_kind, "last_reference": last_reference}
        with self._database.connection() as connection:
            rows = connection.execute(_TRANSFER_PAGE, {**self._scope.keys, **place, "rows": limit + 1}).fetchall()
        return cursors.page(
            rows,
            limit,
            lambda row: Transfer(**row, simulated=self._scope.simulated),
            lambda row: (row["as_of"], row["kind"], row["reference"]),
        )

    def fills_of(self, connection: Connection, order_id: str) -> list[Fill]:
        """The fills of one order, oldest first, within a reader's transaction."""
        return [self._fill(row) for row in connection.execute(_FILLS_OF_ORDER, (order_id,)).fetchall()]

    def _lot(self, row: DictRow) -> Lot:
        mark: Decimal | None = row["mark"]
        return Lot(
            **row,
            average_price=to_finest(row["cost"] / row["amount"]),
            unrealised_pnl=None if mark is None else row["amount"] * mark - row["cost"],
            simulated=self._scope.simulated,
        )

    def _fill(self, row: DictRow) -> Fill:
        return Fill(**row, simulated=self._scope.simulated)


def _position(row: DictRow) -> Position:
    mark: Decimal | None = row["mark"]
    return Position(
        **row,
        quote_currency=row["symbol"].partition("/")[2],
        unrealised_pnl=None if mark is None else row["amount"] * (mark - row["average_price"]),
        missing=f"no trade of {row['symbol']} has been seen yet: there is no price to value it at"
        if mark is None
        else None,
    )


def _by_quote(positions: Sequence[Position], amounts: Sequence[Decimal | None]) -> dict[str, Decimal]:
    """Sums by quote currency; no sum where an amount of it is not known."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    unknown = set()
    for position, amount in zip(positions, amounts, strict=True):
        if amount is None:
            unknown.add(position.quote_currency)
        else:
            sums[position.quote_currency] += amount
    return {currency: amount for currency, amount in sums.items() if currency not in unknown}


def _equity(worth: Valuation, clock: datetime | None, latest: EquityPoint | None) -> _Equity | None:
    """By the last trades; where one is missing, the newest valuation's."""
    if worth.equity is not None and clock is not None:
        return _Equity(worth.equity, worth.cash, worth.flow, clock, "last trades")
    if latest is None:
        return None
    return _Equity(latest.equity, latest.cash, Decimal(0), latest.as_of, "valuation")


def _missing(opened: DictRow | None, latest: EquityPoint | None, equity: _Equity | None, worth: Valuation) -> list[str]:
    missing = []
    if opened is None:
        missing.append(
            "account: its books are not opened yet; the execution agent opens them from the exchange's balances"
        )
    if equity is None:
        missing.append("equity: the account has not been valued yet")
    elif latest is None:
        missing.append("gain: the account has not been valued yet, there is nothing to compare with")
    if opened is not None and worth.missing:
        missing.append(f"marks: no trade that prices {', '.join(worth.missing)} has been seen yet")
    if opened is not None and worth.outside:
        missing.append(
            f"equity: {', '.join(worth.outside)} left out, as no configured market leads to {worth.currency}"
        )
    return missing
