"""Execution's statements: orders and their transitions; the books' come along, for a fill changes both at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from volexswarm.adapters.postgres.portfolio import PortfolioTransaction
from volexswarm.adapters.postgres.protections import ProtectionStatements
from volexswarm.errors import NotFound
from volexswarm.execution.model import Order, Proposal
from volexswarm.execution.protection_ports import Market
from volexswarm.messages import OrderState, OrderType, Purpose, Side, TimeInForce

_COLUMNS = tuple(field.name for field in fields(Order))
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM orders"  # noqa: S608 - our own names
_GUARDED = f"""
WITH entries AS (
    SELECT order_id FROM protections
    WHERE venue = %(venue)s AND account = %(account)s AND symbol = %(symbol)s AND state <> 'closed'
)
{_SELECT} WHERE id IN (SELECT order_id FROM entries) OR parent_id IN (SELECT order_id FROM entries) ORDER BY purpose, sequence
"""  # noqa: S608 - our own names
_PROPOSED = ", ".join(field.name for field in fields(Proposal))
_IDS = ("id", "proposal_id", "signal_id", "parent_id", "correlation_id")
_FINAL = [state.value for state in OrderState if state.is_final]


class ExecutionTransaction(ProtectionStatements, PortfolioTransaction):
    """Implements `execution.ports.ExecutionTransaction`. An order is locked before its account, never after."""

    def proposal(self, proposal_id: str) -> Proposal | None:
        row = self.connection.execute(
            f"SELECT {_PROPOSED} FROM proposals WHERE id = %s",  # noqa: S608 - our own names
            (proposal_id,),
        ).fetchone()
        if row is None:
            return None
        return Proposal(
            **row
            | {
                "side": Side(row["side"]),
                "order_type": OrderType(row["order_type"]),
                "time_in_force": TimeInForce(row["time_in_force"]),
            }
        )

    def proposed_at(self, proposal_id: str) -> datetime:
        row = self.connection.execute("SELECT proposed_at FROM proposals WHERE id = %s", (proposal_id,)).fetchone()
        if row is None:
            raise NotFound("proposal", proposal_id)
        moment: datetime = row["proposed_at"]
        return moment

    def add_order(self, order: Order) -> bool:
        row = {name: getattr(order, name) for name in _COLUMNS}
        names = (*_COLUMNS, "updated_at")
        cursor = self.connection.execute(
            f"INSERT INTO orders ({', '.join(names)}) VALUES ({', '.join(f'%({name})s' for name in names)})"  # noqa: S608
            " ON CONFLICT DO NOTHING",
            _plain(row) | {"updated_at": order.intended_at},
        )
        return cursor.rowcount == 1

    def order_named(self, client_order_id: str) -> Order:
        return self._one("client_order_id = %s", client_order_id)

    def order(self, order_id: str) -> Order:
        return self._one("id = %s", order_id)

    def order_at_exchange(
        self, venue: str, account: str, symbol: str, client_order_id: str | None, exchange_order_id: str
    ) -> Order | None:
        row = self.connection.execute(
            _SELECT + " WHERE venue = %s AND account = %s AND symbol = %s"
            " AND (client_order_id = %s OR exchange_order_id = %s) FOR NO KEY UPDATE",
            (venue, account, symbol, client_order_id, exchange_order_id),
        ).fetchone()
        return None if row is None else _order(row)

    def save_order(self, order: Order, updated_at: datetime) -> None:
        changed = (
            "exchange_order_id",
            "amount",
            "limit_price",
            "trigger_price",
            "state",
            "filled",
            "cost",
            "reason",
            "attempts",
            "reported_state",
            "reported_filled",
            "sent_at",
            "cancel_requested_at",
            "cancel_reason",
        )
        values = _plain({name: getattr(order, name) for name in changed})
        self.connection.execute(
            f"UPDATE orders SET {', '.join(f'{name} = %({name})s' for name in changed)}, updated_at = %(updated_at)s"  # noqa: S608
            " WHERE id = %(id)s",
            values | {"id": order.id, "updated_at": updated_at},
        )

    def add_transition(
        self, order_id: str, before: OrderState | None, after: OrderState, cause: str, changed_at: datetime
    ) -> int:
        row = self.connection.execute(
            "INSERT INTO order_transitions (order_id, position, before, after, cause, changed_at)"
            " SELECT %(order)s, coalesce(max(position), 0) + 1, %(before)s, %(after)s, %(cause)s, %(at)s"
            " FROM order_transitions WHERE order_id = %(order)s RETURNING position",
            {
                "order": order_id,
                "before": None if before is None else before.value,
                "after": after.value,
                "cause": cause,
                "at": changed_at,
            },
        ).fetchone()
        assert row is not None  # RETURNING always answers
        return int(row["position"])

    def booked(self, order_id: str) -> tuple[Decimal, Decimal]:
        row = self.connection.execute(
            "SELECT coalesce(sum(amount), 0) AS filled, coalesce(sum(amount * price), 0) AS cost"
            " FROM fills WHERE order_id = %s",
            (order_id,),
        ).fetchone()
        assert row is not None  # an aggregate always answers
        return row["filled"], row["cost"]

    def open_orders(self, idle_since: datetime, limit: int) -> Sequence[Order]:
        condition = "state <> ALL(%s) AND updated_at < %s ORDER BY updated_at LIMIT %s"
        return self.orders_where(condition, (_FINAL, idle_since, limit))

    def open_orders_of(self, venue: str, account: str, symbol: str | None = None) -> Sequence[Order]:
        return self.orders_where(
            "venue = %(venue)s AND account = %(account)s AND (%(symbol)s::text IS NULL OR symbol = %(symbol)s)"
            " AND state <> ALL(%(final)s) ORDER BY intended_at, id",
            {"venue": venue, "account": account, "symbol": symbol, "final": _FINAL},
        )

    def orders_where(self, condition: str, parameters: Sequence[Any] | Mapping[str, Any]) -> Sequence[Order]:
        """The orders that a condition of ours (with its order and limit) fits. These are not locked."""
        return [_order(row) for row in self.connection.execute(f"{_SELECT} WHERE {condition}", parameters)]

    def guarded_orders(self, market: Market) -> Sequence[Order]:
        rows = self.connection.execute(_GUARDED, market._asdict())
        return [_order(row) for row in rows]

    def _one(self, condition: str, key: str) -> Order:
        row = self.connection.execute(f"{_SELECT} WHERE {condition} FOR NO KEY UPDATE", (key,)).fetchone()
        if row is None:
            raise NotFound("order", key)
        return _order(row)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    kinds = (OrderState, OrderType, Purpose, Side, TimeInForce)
    return {name: value.value if isinstance(value, kinds) else value for name, value in values.items()}


def _order(row: dict[str, Any]) -> Order:
    reported = row["reported_state"]
    return Order(
        **row
        | {name: None if row[name] is None else str(row[name]) for name in _IDS}
        | {
            "side": Side(row["side"]),
            "order_type": OrderType(row["order_type"]),
            "state": OrderState(row["state"]),
            "purpose": Purpose(row["purpose"]),
            "time_in_force": TimeInForce(row["time_in_force"]),
            "reported_state": None if reported is None else OrderState(reported),
        }
    )
