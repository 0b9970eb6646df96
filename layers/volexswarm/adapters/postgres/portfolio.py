"""The books' statements: accounts, ledger, balances, fills, positions, transfers, equity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from datetime import datetime
from decimal import Decimal
from typing import Any, LiteralString

from volexswarm.adapters.postgres.governed import GovernedTransaction
from volexswarm.messages import Side
from volexswarm.portfolio.ledger import sums
from volexswarm.portfolio.lots import Closing, Lot
from volexswarm.portfolio.model import Flow, LedgerAccount, Position, Posting, Valuation
from volexswarm.ports import Fill

_COLUMNS: LiteralString = (
    "f.venue, f.account, f.symbol, f.trade_id, f.exchange_order_id, f.side, f.price, f.amount, f.fee, f.fee_currency,"
    " f.is_maker, f.as_of"
)

# The exchange's order as positions.exchange_order has it: numbers as bytes, whatever the database's collation.
_OF_SYMBOL: LiteralString = "WHERE venue = %(venue)s AND account = %(account)s AND symbol = %(symbol)s"
_PLACE: LiteralString = '(as_of, length(trade_id), trade_id COLLATE "C")'
_PLACE_OF_SALE: LiteralString = '(closed_at, length(exit_id), exit_id COLLATE "C")'
_MOMENT: LiteralString = '(%(as_of)s, length(%(trade_id)s), %(trade_id)s COLLATE "C")'
_LATER: LiteralString = f"{_OF_SYMBOL} AND {_PLACE} > {_MOMENT}"
_LATER_SALE: LiteralString = f"{_OF_SYMBOL} AND {_PLACE_OF_SALE} > {_MOMENT}"

_POSITION_BEFORE: LiteralString = f"""
SELECT position_amount, position_average_price FROM fills {_OF_SYMBOL} AND {_PLACE} < {_MOMENT}
ORDER BY as_of DESC, length(trade_id) DESC, trade_id COLLATE "C" DESC LIMIT 1
"""  # noqa: S608 - all parts are constants of this module

_OPEN_PURCHASES: LiteralString = f"""
WITH held AS (SELECT trade_id FROM lots {_OF_SYMBOL} UNION SELECT entry_id FROM closings {_LATER_SALE})
SELECT {_COLUMNS}, ARRAY(
    SELECT c.amount FROM closings c
    WHERE c.venue = f.venue AND c.account = f.account AND c.symbol = f.symbol AND c.entry_id = f.trade_id
      AND {_PLACE_OF_SALE} < {_MOMENT} ORDER BY closed_at, length(exit_id), exit_id COLLATE "C") AS sold
FROM fills f JOIN held USING (trade_id) {_OF_SYMBOL} AND {_PLACE} < {_MOMENT}
ORDER BY as_of, length(trade_id), trade_id COLLATE "C"
"""  # noqa: S608

_FILLS: LiteralString = f"SELECT {_COLUMNS} FROM fills f {_OF_SYMBOL}"  # noqa: S608
_FILLS_AFTER: LiteralString = f"SELECT {_COLUMNS}, realised_pnl FROM fills f {_LATER}"  # noqa: S608
_HAS_LATER: LiteralString = f"SELECT FROM fills {_LATER} LIMIT 1"
_CORRECT: LiteralString = f"""
UPDATE fills SET realised_pnl = made.realised, position_amount = made.amount, position_average_price = made.price
FROM unnest(%(ids)s::text[], %(realised)s::numeric[], %(amounts)s::numeric[], %(prices)s::numeric[])
    AS made (id, realised, amount, price)
{_OF_SYMBOL} AND trade_id = made.id
"""  # noqa: S608
_FORGET_SALES: LiteralString = f"DELETE FROM closings {_LATER_SALE}"  # noqa: S608


class PortfolioTransaction(GovernedTransaction):
    """Implements `portfolio.ports.PortfolioTransaction`. The account's row is the lock under which its books change."""

    def opened_at(self, venue: str, account: str) -> datetime | None:
        row = self.connection.execute(
            "SELECT opened_at FROM accounts WHERE venue = %s AND account = %s FOR NO KEY UPDATE", (venue, account)
        ).fetchone()
        return None if row is None else row["opened_at"]

    def books_mode(self, venue: str, account: str) -> str | None:
        row = self.connection.execute(
            "SELECT mode FROM accounts WHERE venue = %s AND account = %s", (venue, account)
        ).fetchone()
        return None if row is None else row["mode"]

    def add_account(self, venue: str, account: str, opened_at: datetime, mode: str) -> bool:
        cursor = self.connection.execute(
            "INSERT INTO accounts (venue, account, opened_at, mode) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (venue, account, opened_at, mode),
        )
        return cursor.rowcount == 1

    def post(self, posting: Posting, *, correlation_id: str, posted_at: datetime) -> None:
        self.connection.execute(
            "INSERT INTO ledger_transactions (id, venue, account, kind, reference, as_of, posted_at, correlation_id)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            (
                posting.id,
                posting.venue,
                posting.account,
                posting.kind.value,
                posting.reference,
                posting.as_of,
                posted_at,
                correlation_id,
            ),
        )
        with self.connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO ledger_entries (transaction_id, line, ledger_account, currency, amount)"
                " VALUES (%s, %s, %s, %s, %s)",
                [
                    (posting.id, line, entry.ledger_account.value, entry.currency, entry.amount)
                    for line, entry in enumerate(posting.entries, 1)
                ],
            )
            cursor.executemany(
                "INSERT INTO balances (venue, account, ledger_account, currency, amount) VALUES (%s, %s, %s, %s, %s)"
                " ON CONFLICT (venue, account, ledger_account, currency)"
                " DO UPDATE SET amount = balances.amount + EXCLUDED.amount",
                [
                    (posting.venue, posting.account, ledger_account.value, currency, amount)
                    for (ledger_account, currency), amount in sums(posting.entries).items()
                ],
            )

    def balances(self, venue: str, account: str, ledger_account: LedgerAccount) -> dict[str, Decimal]:
        rows = self.connection.execute(
            "SELECT currency, amount FROM balances WHERE venue = %s AND account = %s AND ledger_account = %s",
            (venue, account, ledger_account.value),
        )
        return {row["currency"]: row["amount"] for row in rows}

    def knows_fill(self, fill: Fill) -> bool:
        found = self.connection.execute(
            "SELECT FROM fills WHERE venue = %s AND account = %s AND symbol = %s AND trade_id = %s", _key(fill)
        )
        return found.fetchone() is not None

    def give_fill(self, fill: Fill, order_id: str) -> None:
        self.connection.execute(
            "UPDATE fills SET order_id = %s"
            " WHERE venue = %s AND account = %s AND symbol = %s AND trade_id = %s AND order_id IS NULL",
            (order_id, *_key(fill)),
        )

    def add_fill(
        self,
        fill: Fill,
        *,
        order_id: str | None,
        realised_pnl: Decimal,
        after: Position,
        slippage: Decimal | None,
        correlation_id: str,
        applied_at: datetime,
    ) -> None:
        self.connection.execute(
            "INSERT INTO fills (venue, account, symbol, trade_id, order_id, exchange_order_id, side, price, amount, fee,"
            " fee_currency, is_maker, realised_pnl, as_of, applied_at, correlation_id, slippage, position_amount,"
            " position_average_price)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                *_key(fill),
                order_id,
                fill.exchange_order_id,
                fill.side.value,
                fill.price,
                fill.amount,
                fill.fee,
                fill.fee_currency,
                fill.is_maker,
                realised_pnl,
                fill.as_of,
                applied_at,
                correlation_id,
                slippage,
                after.amount,
                after.average_price,
            ),
        )

    def has_later_fill(self, fill: Fill) -> bool:
        return self.connection.execute(_HAS_LATER, _moment(fill)).fetchone() is not None

    def fills(self, venue: str, account: str, symbol: str) -> Sequence[Fill]:
        rows = self.connection.execute(_FILLS, {"venue": venue, "account": account, "symbol": symbol})
        return [_fill(row) for row in rows]

    def fills_after(self, fill: Fill) -> Sequence[tuple[Fill, Decimal]]:
        rows = self.connection.execute(_FILLS_AFTER, _moment(fill))
        return [_fill_and(row, "realised_pnl") for row in rows]

    def position_before(self, fill: Fill) -> tuple[Decimal, Decimal] | None:
        row = self.connection.execute(_POSITION_BEFORE, _moment(fill)).fetchone()
        if row is None:
            return Decimal(0), Decimal(0)
        return None if row["position_amount"] is None else (row["position_amount"], row["position_average_price"])

    def open_purchases(self, fill: Fill) -> Sequence[tuple[Fill, Sequence[Decimal]]]:
        rows = self.connection.execute(_OPEN_PURCHASES, _moment(fill))
        return [_fill_and(row, "sold") for row in rows]

    def correct_fills(self, fill: Fill, corrected: Sequence[tuple[Fill, Decimal, Position]]) -> None:
        columns = {
            "ids": [one.trade_id for one, _, _ in corrected],
            "realised": [realised for _, realised, _ in corrected],
            "amounts": [after.amount for _, _, after in corrected],
            "prices": [after.average_price for _, _, after in corrected],
        }
        self.connection.execute(_CORRECT, _moment(fill) | columns)

    def position(self, venue: str, account: str, symbol: str) -> Position:
        row = self.connection.execute(
            "SELECT amount, average_price, realised_pnl, fees FROM positions"
            " WHERE venue = %s AND account = %s AND symbol = %s",
            (venue, account, symbol),
        ).fetchone()
        return Position(**row) if row else Position()

    def put_position(self, fill: Fill, position: Position, updated_at: datetime) -> None:
        self.connection.execute(
            "INSERT INTO positions (venue, account, symbol, amount, average_price, realised_pnl, fees, updated_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (venue, account, symbol) DO UPDATE SET"
            " amount = EXCLUDED.amount, average_price = EXCLUDED.average_price, realised_pnl = EXCLUDED.realised_pnl,"
            " fees = EXCLUDED.fees, updated_at = EXCLUDED.updated_at",
            (
                fill.venue,
                fill.account,
                fill.symbol,
                position.amount,
                position.average_price,
                position.realised_pnl,
                position.fees,
                updated_at,
            ),
        )

    def lots(self, venue: str, account: str, symbol: str) -> list[Lot]:
        rows = self.connection.execute(
            "SELECT trade_id, opened_at, amount, cost, fees FROM lots WHERE venue = %s AND account = %s AND symbol = %s"
            ' ORDER BY opened_at, length(trade_id), trade_id COLLATE "C"',
            (venue, account, symbol),
        )
        return [Lot(**row) for row in rows]

    def change_lots(self, fill: Fill, *, gone: Sequence[Lot], kept: Sequence[Lot]) -> None:
        if gone:
            self.connection.execute(
                "DELETE FROM lots WHERE venue = %s AND account = %s AND symbol = %s AND trade_id = ANY(%s)",
                (fill.venue, fill.account, fill.symbol, [lot.trade_id for lot in gone]),
            )
        self._insert_parts(
            "INSERT INTO lots (venue, account, symbol, trade_id, opened_at, amount, cost, fees)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            fill,
            kept,
        )

    def add_closings(self, fill: Fill, closings: Sequence[Closing]) -> None:
        self._insert_parts(
            "INSERT INTO closings"
            " (venue, account, symbol, entry_id, exit_id, opened_at, closed_at, amount, cost, proceeds, fees)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            fill,
            closings,
        )

    def _insert_parts(self, statement: LiteralString, fill: Fill, parts: Sequence[Lot | Closing]) -> None:
        """One row for each, its fields in their order after the fill's venue, account and symbol."""
        if parts:
            with self.connection.cursor() as cursor:
                cursor.executemany(
                    statement, [(fill.venue, fill.account, fill.symbol, *astuple(part)) for part in parts]
                )

    def forget_lots(self, fill: Fill) -> None:
        keys = (fill.venue, fill.account, fill.symbol)
        self.connection.execute("DELETE FROM lots WHERE venue = %s AND account = %s AND symbol = %s", keys)
        self.connection.execute(_FORGET_SALES, _moment(fill))

    def add_flow(self, flow: Flow, *, correlation_id: str, booked_at: datetime) -> bool:
        cursor = self.connection.execute(
            "INSERT INTO transfers (venue, account, kind, reference, currency, amount, fee, as_of, booked_at, correlation_id)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (
                flow.venue,
                flow.account,
                flow.kind.value,
                flow.reference,
                flow.currency,
                flow.amount,
                flow.fee,
                flow.as_of,
                booked_at,
                correlation_id,
            ),
        )
        return cursor.rowcount == 1

    def unvalued_flows(self, venue: str, account: str) -> dict[str, Decimal]:
        rows = self.connection.execute(
            "SELECT currency, sum(amount) AS amount FROM transfers"
            " WHERE venue = %s AND account = %s AND value IS NULL GROUP BY currency",
            (venue, account),
        )
        return {row["currency"]: row["amount"] for row in rows}

    def value_flows(
        self, venue: str, account: str, prices: Mapping[str, Decimal], currency: str, as_of: datetime
    ) -> None:
        self.connection.execute(
            "UPDATE transfers t SET value = round(t.amount * coalesce("
            "     (SELECT price FROM unnest(%s::text[], %s::numeric[]) AS known (currency, price)"
            "      WHERE known.currency = t.currency), 0), 18), value_currency = %s, valued_as_of = %s"
            " WHERE venue = %s AND account = %s AND value IS NULL",
            (list(prices), list(prices.values()), currency, as_of, venue, account),
        )

    def units(self, venue: str, account: str) -> Decimal | None:
        row = self.connection.execute(
            "SELECT units FROM accounts WHERE venue = %s AND account = %s", (venue, account)
        ).fetchone()
        return None if row is None else row["units"]

    def last_worth(self, venue: str, account: str, currency: str) -> Decimal | None:
        row = self.connection.execute(
            "SELECT equity / units AS worth FROM equity_snapshots"
            " WHERE venue = %s AND account = %s AND currency = %s AND units > 0 AND equity > 0 ORDER BY as_of DESC LIMIT 1",
            (venue, account, currency),
        ).fetchone()
        return None if row is None else row["worth"]

    def peak_worth(self, venue: str, account: str, currency: str) -> Decimal | None:
        row = self.connection.execute(
            "SELECT max(equity / nullif(units, 0)) AS peak FROM equity_snapshots"
            " WHERE venue = %s AND account = %s AND currency = %s",
            (venue, account, currency),
        ).fetchone()
        assert row is not None  # an aggregate always answers
        peak: Decimal | None = row["peak"]
        return peak

    def add_snapshot(
        self, venue: str, account: str, as_of: datetime, valuation: Valuation, units: Decimal, taken_at: datetime
    ) -> bool:
        self.connection.execute(
            "UPDATE accounts SET units = %s WHERE venue = %s AND account = %s AND units IS DISTINCT FROM %s",
            (units, venue, account, units),
        )
        stored = self.connection.execute(
            "INSERT INTO equity_snapshots AS known (venue, account, as_of, currency, equity, cash, units, taken_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (venue, account, as_of) DO UPDATE"
            " SET currency = EXCLUDED.currency, equity = EXCLUDED.equity, cash = EXCLUDED.cash, units = EXCLUDED.units,"
            " taken_at = EXCLUDED.taken_at"
            " WHERE (known.currency, known.equity, known.cash, known.units)"
            " IS DISTINCT FROM (EXCLUDED.currency, EXCLUDED.equity, EXCLUDED.cash, EXCLUDED.units)",
            (venue, account, as_of, valuation.currency, valuation.equity, valuation.cash, units, taken_at),
        )
        return stored.rowcount > 0


def _key(fill: Fill) -> tuple[str, str, str, str]:
    return fill.venue, fill.account, fill.symbol, fill.trade_id


def _moment(fill: Fill) -> dict[str, Any]:
    """Its symbol and its place in the exchange's order."""
    return {
        "venue": fill.venue,
        "account": fill.account,
        "symbol": fill.symbol,
        "as_of": fill.as_of,
        "trade_id": fill.trade_id,
    }


def _fill(row: dict[str, Any]) -> Fill:
    return Fill(**(row | {"side": Side(row["side"])}))


def _fill_and(row: dict[str, Any], column: str) -> tuple[Fill, Any]:
    """A fill, and what the row says besides."""
    besides = row.pop(column)
    return _fill(row), besides
