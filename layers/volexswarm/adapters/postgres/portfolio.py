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
        slippage: Decimal | None,
        correlation_id: str,
        applied_at: datetime,
    ) -> None:
        self.connection.execute(
            "INSERT INTO fills (venue, account, symbol, trade_id, order_id, exchange_order_id, side, price, amount, fee,"
            " fee_currency, is_maker, realised_pnl, as_of, applied_at, correlation_id, slippage)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
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
            ),
        )

    def has_later_fill(self, fill: Fill) -> bool:
        # byte order, as in positions.exchange_order, whatever the database's collation
        found = self.connection.execute(
            "SELECT FROM fills WHERE venue = %s AND account = %s AND symbol = %s"
            ' AND (as_of, length(trade_id), trade_id COLLATE "C") > (%s, length(%s), %s COLLATE "C") LIMIT 1',
            (fill.venue, fill.account, fill.symbol, fill.as_of, fill.trade_id, fill.trade_id),
        )
        return found.fetchone() is not None

    def fills(self, venue: str, account: str, symbol: str) -> Sequence[Fill]:
        rows = self.connection.execute(
            "SELECT venue, account, symbol, trade_id, exchange_order_id, side, price, amount, fee, fee_currency, is_maker,"
            " as_of FROM fills WHERE venue = %s AND account = %s AND symbol = %s",
            (venue, account, symbol),
        )
        return [_fill(row) for row in rows]

    def correct_realised(self, fill: Fill, realised_pnl: Decimal) -> None:
        self.connection.execute(
            "UPDATE fills SET realised_pnl = %s WHERE venue = %s AND account = %s AND symbol = %s AND trade_id = %s"
            " AND realised_pnl <> %s",
            (realised_pnl, *_key(fill), realised_pnl),
        )

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
        self.connection.execute("DELETE FROM closings WHERE venue = %s AND account = %s AND symbol = %s", keys)

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


def _fill(row: dict[str, Any]) -> Fill:
    return Fill(**(row | {"side": Side(row["side"])}))
