"""One pooled connection to PostgreSQL per process, opened on first use and checked before each.

A function is frozen between calls and may wake to a connection that the server has long closed: the pool's check replaces it
unseen. What psycopg raises when the server is away becomes Unavailable, so that callers fail closed and try again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from volexswarm.errors import Unavailable

Connection = psycopg.Connection[DictRow]

# the last: a server that was made a replica, or that an operator or a full disk has closed to writing
_AWAY = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, psycopg.errors.ReadOnlySqlTransaction)


class Database:
    """Connections by a connection string that is asked for on first use (it comes from Vault).

    Parameters
    ----------
    dsn : callable
        Gives the libpq connection string.
    max_size : int
        Connections kept; one suffices for a function, which does one thing at a time.
    timeout : float
        Seconds to wait for a working connection.
    """

    def __init__(self, dsn: Callable[[], str], *, max_size: int = 1, timeout: float = 5.0) -> None:
        self._dsn = dsn
        self._max_size = max_size
        self._timeout = timeout
        self._pool: ConnectionPool[Connection] | None = None

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection in a transaction: committed at the end of the block, rolled back on an exception.

        Raises
        ------
        Unavailable
            If the server can't be reached, goes away midway, or takes no writes. Nothing is stored then, unless it went
            away while it committed: that is not known.
        """
        try:
            with self._open().connection(timeout=self._timeout) as connection:
                yield connection
        except _AWAY as error:
            raise Unavailable("database", str(error).strip() or type(error).__name__, timedelta(seconds=5)) from error
        except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected) as error:
            raise Unavailable("database", f"concurrent change: {error}", timedelta(seconds=1)) from error

    def close(self) -> None:
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def _open(self) -> ConnectionPool[Connection]:
        if self._pool is None:
            options: dict[str, Any] = {"row_factory": dict_row, "options": "-c timezone=UTC"}
            self._pool = ConnectionPool(
                self._dsn(),
                connection_class=Connection,
                kwargs=options,
                min_size=0,
                max_size=self._max_size,
                timeout=self._timeout,
                reconnect_timeout=self._timeout,
                check=ConnectionPool.check_connection,
                open=True,
            )
        return self._pool
