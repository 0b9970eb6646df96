"""The paper venue's statements. Whoever changes an account holds its row: one change at a time, no money is spent twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from volexswarm.adapters.paper.matching import Execution, PaperOrder, PublicTrade
from volexswarm.adapters.postgres.database import Connection
from volexswarm.errors import Rejected
from volexswarm.execution.model import Balance
from volexswarm.messages import OrderState, OrderType, Side
from volexswarm.ports import Fill

_COLUMNS = tuple(field.name for field in fields(PaperOrder) if field.name != "id")
_SELECT = f"SELECT id, {', '.join(_COLUMNS)} FROM paper_orders WHERE venue = %s AND account = %s"  # noqa: S608 - our names
_OPEN = " AND state IN ('accepted', 'partially_filled')"

_FILLS = """
SELECT o.symbol, o.side, f.* FROM paper_fills f JOIN paper_orders o ON o.id = f.order_id
WHERE o.venue = %s AND o.account = %s
"""

# What is below the mark is complete: no trade comes in there any more.
_TRADES = """
SELECT trade_id AS id, traded_at AS at, price, amount, side = 'b' AS buyer_took FROM trades
WHERE venue = %s AND symbol = %s AND trade_id > %s AND trade_id <= %s ORDER BY trade_id LIMIT %s
"""


class PaperTables:
    """One account at one venue, within one transaction."""

    def __init__(self, connection: Connection, venue: str, account: str) -> None:
        self._connection = connection
        self._venue = venue
        self._account = account
        self._own = (venue, account)

    def open(self, balances: Mapping[str, Decimal], now: datetime) -> None:
        """Hold the account to the end of the transaction; opened with these balances if there is none."""
        opened = self._connection.execute(
            "INSERT INTO paper_accounts (venue, account, opened_at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            (*self._own, now),
        )
        if opened.rowcount:
            for currency, amount in balances.items():
                self._connection.execute(
                    "INSERT INTO paper_balances (venue, account, currency, total) VALUES (%s, %s, %s, %s)",
                    (*self._own, currency, amount),
                )
        self._connection.execute("SELECT 1 FROM paper_accounts WHERE venue = %s AND account = %s FOR UPDATE", self._own)

    def balances(self) -> dict[str, Decimal]:
        """Free and locked together."""
        rows = self._connection.execute(
            "SELECT currency, total FROM paper_balances WHERE venue = %s AND account = %s", self._own
        )
        return {row["currency"]: row["total"] for row in rows}

    def balance(self, currency: str) -> Balance:
        """Nothing of a currency that the account never had."""
        row = self._connection.execute(
            "SELECT total, total - locked AS free FROM paper_balances"
            " WHERE venue = %s AND account = %s AND currency = %s",
            (*self._own, currency),
        ).fetchone()
        return Balance(Decimal(0), Decimal(0)) if row is None else Balance(row["total"], row["free"])

    def move(self, currency: str, total: Decimal, locked: Decimal) -> None:
        """Change a balance. Raises Rejected if there is not so much that is free; nothing is changed then."""
        self._connection.execute(
            "INSERT INTO paper_balances (venue, account, currency, total) VALUES (%s, %s, %s, 0) ON CONFLICT DO NOTHING",
            (*self._own, currency),
        )
        changed = self._connection.execute(
            "UPDATE paper_balances SET total = total + %(total)s, locked = locked + %(locked)s"
            " WHERE venue = %(venue)s AND account = %(account)s AND currency = %(currency)s"
            " AND total + %(total)s >= locked + %(locked)s",
            {"venue": self._venue, "account": self._account, "currency": currency, "total": total, "locked": locked},
        )
        if changed.rowcount != 1:
            raise Rejected(f"the account has too little {currency} that is free")

    def order_named(self, client_order_id: str) -> PaperOrder | None:
        row = self._connection.execute(_SELECT + " AND client_order_id = %s", (*self._own, client_order_id)).fetchone()
        return None if row is None else _order(row)

    def open_orders(self, symbol: str | None = None) -> list[PaperOrder]:
        """Those that stand, in the order in which they came."""
        rows = self._connection.execute(
            _SELECT + _OPEN + " AND (%s::text IS NULL OR symbol = %s) ORDER BY id", (*self._own, symbol, symbol)
        )
        return [_order(row) for row in rows]

    def add_order(self, order: PaperOrder) -> int:
        """Its id."""
        names = ", ".join(_COLUMNS)
        values = ", ".join(f"%({name})s" for name in _COLUMNS)
        row = self._connection.execute(
            f"INSERT INTO paper_orders (venue, account, {names}) VALUES (%(venue)s, %(account)s, {values}) RETURNING id",  # noqa: S608
            {name: getattr(order, name) for name in _COLUMNS}
            | {"side": order.side.value, "order_type": order.order_type.value, "state": order.state.value}
            | {"venue": self._venue, "account": self._account},
        ).fetchone()
        assert row is not None  # one was inserted
        return int(row["id"])

    def save_order(self, order: PaperOrder) -> None:
        self._connection.execute(
            "UPDATE paper_orders SET state = %s, filled = %s, best_price = %s, triggered_at = %s, after_trade_id = %s,"
            " updated_at = %s WHERE id = %s",
            (
                order.state.value,
                order.filled,
                order.best_price,
                order.triggered_at,
                order.after_trade_id,
                order.updated_at,
                order.id,
            ),
        )

    def add_fill(self, order: PaperOrder, execution: Execution, fee: Decimal, fee_currency: str) -> None:
        self._connection.execute(
            "INSERT INTO paper_fills (order_id, price, amount, fee, fee_currency, is_maker, as_of)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            (
                order.id,
                execution.price,
                execution.amount,
                fee,
                fee_currency,
                execution.is_maker,
                execution.as_of,
            ),
        )

    def fills_of(self, order: PaperOrder) -> tuple[Fill, ...]:
        rows = self._connection.execute(_FILLS + " AND o.id = %s ORDER BY f.trade_id", (*self._own, order.id))
        return tuple(self._fill(row) for row in rows)

    def fills_since(self, symbol: str, since: datetime) -> list[Fill]:
        rows = self._connection.execute(
            _FILLS + " AND o.symbol = %s AND f.as_of >= %s ORDER BY f.as_of, f.trade_id", (*self._own, symbol, since)
        )
        return [self._fill(row) for row in rows]

    def last_trade(self, symbol: str) -> int | None:
        """Id of the last public trade through which all are known; None if none is."""
        row = self._connection.execute(
            "SELECT last_trade_id FROM watermarks WHERE venue = %s AND symbol = %s", (self._venue, symbol)
        ).fetchone()
        return None if row is None else row["last_trade_id"]

    def trades(self, symbol: str, after: int, through: int, limit: int) -> Sequence[PublicTrade]:
        """Public trades in the order of their ids."""
        rows = self._connection.execute(_TRADES, (self._venue, symbol, after, through, limit))
        return [PublicTrade(**row) for row in rows]

    def _fill(self, row: Mapping[str, Any]) -> Fill:
        return Fill(
            venue=self._venue,
            account=self._account,
            symbol=row["symbol"],
            trade_id=str(row["trade_id"]),
            exchange_order_id=str(row["order_id"]),
            side=Side(row["side"]),
            price=row["price"],
            amount=row["amount"],
            fee=row["fee"],
            fee_currency=row["fee_currency"],
            is_maker=row["is_maker"],
            as_of=row["as_of"],
        )


def _order(row: Mapping[str, Any]) -> PaperOrder:
    return PaperOrder(
        **{
            **row,
            "side": Side(row["side"]),
            "order_type": OrderType(row["order_type"]),
            "state": OrderState(row["state"]),
        }
    )
