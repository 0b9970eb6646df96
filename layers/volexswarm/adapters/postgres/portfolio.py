"""The books' statements: accounts, ledger, balances, fills, positions, equity."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from volexswarm.adapters.postgres.governed import GovernedTransaction
from volexswarm.messages import Side
from volexswarm.portfolio.ledger import sums
from volexswarm.portfolio.model import LedgerAccount, Position, Posting, Valuation
from volexswarm.ports import Fill


class PortfolioTransaction(GovernedTransaction):
    """Implements `portfolio.ports.PortfolioTransaction`. The account's row is the lock under which its books change."""

    def opened_at(self, venue: str, account: str) -> datetime | None:
        row = self.connection.execute(
            "SELECT opened_at FROM accounts WHERE venue = %s AND account = %s FOR NO KEY UPDATE", (venue, account)
        ).fetchone()
        return None if row is None else row["opened_at"]

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
        self, fill: Fill, *, order_id: str | None, realised_pnl: Decimal, correlation_id: str, applied_at: datetime
    ) -> None:
        self.connection.execute(
            "INSERT INTO fills (venue, account, symbol, trade_id, order_id, exchange_order_id, side, price, amount, fee,"
            " fee_currency, is_maker, realised_pnl, as_of, applied_at, correlation_id)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
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

    def add_snapshot(self, venue: str, account: str, as_of: datetime, valuation: Valuation, taken_at: datetime) -> None:
        self.connection.execute(
            "INSERT INTO equity_snapshots (venue, account, as_of, currency, equity, cash, taken_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (venue, account, as_of, valuation.currency, valuation.equity, valuation.cash, taken_at),
        )


def _key(fill: Fill) -> tuple[str, str, str, str]:
    return fill.venue, fill.account, fill.symbol, fill.trade_id


def _fill(row: dict[str, Any]) -> Fill:
    return Fill(**(row | {"side": Side(row["side"])}))
