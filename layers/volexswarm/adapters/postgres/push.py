"""Statements of live watching: connections and what each watches."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from volexswarm.adapters.postgres.store import PostgresTransaction
from volexswarm.messages import Channel
from volexswarm.push.model import Connection, Subscriber, Subscription
from volexswarm.security.roles import Permission, Role
from volexswarm.security.tokens import Principal

_DOOR = 0x70757368
_PRINCIPAL = "c.username, c.role, c.permissions, c.token_id, c.expires_at"
_SUBSCRIBERS = f"""
SELECT s.connection_id, s.channel, s.filters, {_PRINCIPAL}
FROM push_subscriptions s JOIN push_connections c ON c.id = s.connection_id
WHERE s.begun
"""  # noqa: S608 - constants


class PushTransaction(PostgresTransaction):
    """Implements `push.ports.PushTransaction`."""

    def lock_door(self) -> None:
        self.connection.execute("SELECT pg_advisory_xact_lock(%s)", (_DOOR,))

    def count(self, username: str) -> tuple[int, int]:
        row = self.connection.execute(
            "SELECT count(*) AS in_total, count(*) FILTER (WHERE username = %s) AS of_user FROM push_connections",
            (username,),
        ).fetchone()
        assert row is not None  # an aggregate always answers
        return row["in_total"], row["of_user"]

    def add_connection(self, connection: Connection) -> None:
        """A connection that is known already stays as it is: the handshake was delivered twice."""
        self.connection.execute(
            "INSERT INTO push_connections (id, connected_at, seen_at, username, role, permissions, token_id, expires_at)"
            " VALUES (%(id)s, %(connected_at)s, %(seen_at)s, %(username)s, %(role)s, %(permissions)s, %(token_id)s,"
            " %(expires_at)s) ON CONFLICT DO NOTHING",
            {"id": connection.id, "connected_at": connection.connected_at, "seen_at": connection.seen_at}
            | _columns(connection.principal),
        )

    def connection_of(self, connection_id: str) -> Connection | None:
        row = self.connection.execute(
            f"SELECT c.id, c.connected_at, c.seen_at, {_PRINCIPAL} FROM push_connections c WHERE id = %s",  # noqa: S608
            (connection_id,),
        ).fetchone()
        return None if row is None else _connection(row)

    def connections(self) -> list[Connection]:
        rows = self.connection.execute(
            f"SELECT c.id, c.connected_at, c.seen_at, {_PRINCIPAL} FROM push_connections c ORDER BY connected_at"  # noqa: S608
        )
        return [_connection(row) for row in rows]

    def renew(self, connection_id: str, principal: Principal) -> None:
        self.connection.execute(
            "UPDATE push_connections SET role = %(role)s, permissions = %(permissions)s, token_id = %(token_id)s,"
            " expires_at = %(expires_at)s WHERE id = %(id)s",
            {"id": connection_id} | _columns(principal),
        )

    def seen(self, connection_id: str, at: datetime) -> None:
        self.connection.execute("UPDATE push_connections SET seen_at = %s WHERE id = %s", (at, connection_id))

    def remove_connections(self, connection_ids: Collection[str]) -> None:
        self.connection.execute("DELETE FROM push_connections WHERE id = ANY(%s)", (list(connection_ids),))

    def put_subscription(self, subscription: Subscription) -> None:
        """Of a connection that has just been removed there is nothing to put."""
        self.connection.execute(
            "INSERT INTO push_subscriptions (connection_id, channel, filters, begun)"
            " SELECT id, %(channel)s, %(filters)s, true FROM push_connections WHERE id = %(connection)s FOR SHARE"
            " ON CONFLICT (connection_id, channel) DO UPDATE SET filters = excluded.filters, begun = true",
            {
                "connection": subscription.connection_id,
                "channel": subscription.channel.value,
                "filters": _filters(subscription),
            },
        )

    def rest(self, connection_id: str, channel: Channel) -> None:
        self._set_begun(connection_id, channel, begun=False)

    def go_on(self, connection_id: str, channel: Channel) -> None:
        self._set_begun(connection_id, channel, begun=True)

    def _set_begun(self, connection_id: str, channel: Channel, *, begun: bool) -> None:
        self.connection.execute(
            "UPDATE push_subscriptions SET begun = %s WHERE connection_id = %s AND channel = %s",
            (begun, connection_id, channel.value),
        )

    def remove_subscription(self, connection_id: str, channel: Channel) -> bool:
        cursor = self.connection.execute(
            "DELETE FROM push_subscriptions WHERE connection_id = %s AND channel = %s", (connection_id, channel.value)
        )
        return cursor.rowcount == 1

    def end_subscription(self, subscription: Subscription) -> bool:
        cursor = self.connection.execute(
            "DELETE FROM push_subscriptions WHERE connection_id = %s AND channel = %s AND filters = %s",
            (subscription.connection_id, subscription.channel.value, _filters(subscription)),
        )
        return cursor.rowcount == 1

    def subscribers(self, channel: Channel) -> list[Subscriber]:
        rows = self.connection.execute(f"{_SUBSCRIBERS} AND s.channel = %s", (channel.value,))
        return [_subscriber(row) for row in rows]

    def subscribers_of(self, connection_id: str) -> list[Subscriber]:
        rows = self.connection.execute(f"{_SUBSCRIBERS} AND s.connection_id = %s", (connection_id,))
        return [_subscriber(row) for row in rows]


def _filters(subscription: Subscription) -> Jsonb:
    return Jsonb({field: list(values) for field, values in subscription.filters.items()})


def _columns(principal: Principal) -> dict[str, Any]:
    return {
        "username": principal.username,
        "role": principal.role.value,
        "permissions": sorted(permission.value for permission in principal.permissions),
        "token_id": principal.token_id,
        "expires_at": principal.expires_at,
    }


def _principal(row: Mapping[str, Any]) -> Principal:
    return Principal(
        username=row["username"],
        role=Role(row["role"]),
        permissions=frozenset(Permission(permission) for permission in row["permissions"]),
        token_id=row["token_id"],
        expires_at=row["expires_at"],
    )


def _connection(row: Mapping[str, Any]) -> Connection:
    return Connection(row["id"], _principal(row), row["connected_at"], row["seen_at"])


def _subscriber(row: Mapping[str, Any]) -> Subscriber:
    filters = {field: tuple(values) for field, values in row["filters"].items()}
    return Subscriber(Subscription(row["connection_id"], Channel(row["channel"]), filters), _principal(row))
