"""Account books in PostgreSQL, shared by all machines that reach it, with the server's time for all of them.

Every change is one statement that compares and swaps, in a transaction of its own. It needs no state of its session: no lock,
prepared statement or setting. So the store works behind PgBouncer in transaction mode, too. Each swap has an id. The row
remembers recent ids, so a swap with a lost answer is sent again and yet made once.

The store creates no table: ``chartimg accounts schema`` prints the SQL.
"""

from __future__ import annotations

import math
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from ...codec import dump
from ...domain.account import AccountSnapshot
from ...domain.errors import ConfigError, StoreBusy, missing_extra
from ...fork import begin_in_children
from ..server_clock import ServerClock
from ..snapshot_text import read_snapshot

if TYPE_CHECKING:
    from .connection import Connection

__all__ = ["PostgresqlAccountStore", "schema"]

Row = tuple[object, ...]

_NOW: Final = "extract(epoch FROM clock_timestamp())::float8"
_TIME: Final = f"SELECT {_NOW}"
_READ: Final = (
    f"SELECT {_NOW}, id, snapshot "  # noqa: S608 (of constants alone, like those below)
    "FROM unnest(%(ids)s::text[]) AS asked (id) LEFT JOIN chartimg_account USING (id)"
)
_SWAP: Final = (
    "WITH swap AS ({change} RETURNING 1) "  # noqa: S608
    f"SELECT {_NOW}, EXISTS (SELECT FROM swap) OR coalesce(%(swap)s = ANY (swaps), false), snapshot "
    "FROM (SELECT %(id)s::text AS id) AS asked LEFT JOIN chartimg_account USING (id)"
)
_INSERT: Final = _SWAP.format(
    change="INSERT INTO chartimg_account (id, snapshot, swaps) "
    "VALUES (%(id)s, %(new)s, ARRAY[%(swap)s::text]) ON CONFLICT (id) DO NOTHING"
)
_UPDATE: Final = _SWAP.format(
    change="UPDATE chartimg_account SET snapshot = %(new)s, swaps = (%(swap)s::text || swaps)[1:64] "
    "WHERE id = %(id)s AND snapshot = %(old)s"
)


@cache
def schema() -> str:
    """Return the SQL that creates the table of the store."""
    return files(__package__).joinpath("schema.sql").read_text("utf-8")


class PostgresqlAccountStore:
    """Keeps snapshots in the table ``chartimg_account``; safe from many threads, processes and machines, and after a fork.

    A store has one connection, opened when it is first used. Threads take turns: a statement is short.

    Args:
        address: ``postgresql://[user[:password]@][host][:port][/database][?option=…]``, with the options of libpq.
        timeout: seconds that connecting, each answer, and the wait for another thread may take.

    Attributes:
        clock: the server's time.

    Raises:
        ConfigError: an argument is wrong, or the extra ``postgres`` is not installed.
        StoreBusy: from any verb: others hold the row or the connection; the swap was not made.
        StoreUnavailable: from any verb: the server can't be reached or used, or the books in it are damaged.
    """

    def __init__(self, address: str, *, timeout: float = 2.0) -> None:
        if not (math.isfinite(timeout) and timeout > 0):
            raise ConfigError(f"the timeout of the PostgreSQL store must be more than 0 seconds, not {timeout}")
        try:
            from .connection import options_of
        except ImportError:
            raise missing_extra("the PostgreSQL store", "postgres") from None
        self._options = options_of(address)
        self._timeout = timeout
        self._connection: Connection | None = None
        self.clock: Final = ServerClock(lambda: self._run(_TIME))
        self.begin()
        begin_in_children(self)

    def begin(self) -> None:
        """Have no connection: at first, and in a forked child, which leaves that of its parent alone."""
        self._of_parent, self._connection = self._connection, None
        self._lock = threading.Lock()

    def read(self, account_ids: Sequence[str]) -> tuple[AccountSnapshot | None, ...]:
        """Return the snapshot of each id, if it is known."""
        if not account_ids:
            return ()
        rows = self._run(_READ, ids=list(account_ids))
        kept = {str(account_id): self._decode(str(account_id), text) for _, account_id, text in rows}
        return tuple(map(kept.get, account_ids))

    def replace(self, old: AccountSnapshot | None, new: AccountSnapshot) -> bool:
        """Replace *old* by *new*, exactly once, also if an answer is lost; return False if another snapshot is kept."""
        values = {"id": new.account_id, "new": dump(new), "swap": secrets.token_hex(8)}
        expected = None if old is None else dump(old)
        while True:
            if expected is None:
                ((_, swapped, kept),) = self._run(_INSERT, **values)
            else:
                ((_, swapped, kept),) = self._run(_UPDATE, old=expected, **values)
            if swapped:
                return True
            if kept is None or kept == expected or self._decode(new.account_id, kept) != old:
                return False
            expected = str(kept)  # the same snapshot, as another version writes it

    def close(self) -> None:
        """Close the connection; the next use opens another."""
        with self._lock:
            self._drop()

    def _run(self, statement: str, **values: str | list[str]) -> list[Row]:
        """Run a statement, note the time in its answer, and return the rows."""
        from psycopg import Error

        from .connection import place_of
        from .failures import store_failure

        if not self._lock.acquire(timeout=self._timeout):
            place = place_of(self._options)
            raise StoreBusy(f"the account store {place} is busy with other threads; try again in a moment")
        try:
            return self._ask(statement.encode(), values)
        except Error as error:
            raise store_failure(error, self._options) from None  # an answer may hold a password
        finally:
            self._lock.release()

    def _ask(self, statement: bytes, values: Mapping[str, object], *, is_again: bool = False) -> list[Row]:
        """Run a statement on the connection.

        A broken connection is opened again, once: it may have been idle for long, and a statement may run twice. So is one
        to a replica: behind one address another server may be the primary by now.
        """
        from psycopg import Error
        from psycopg.errors import ReadOnlySqlTransaction

        from .connection import AnswerMissingError, connect

        connection = self._connection = self._connection or connect(self._options, self._timeout)
        before = time.monotonic()
        try:
            rows = connection.execute(statement, values).fetchall()
        except (KeyboardInterrupt, AnswerMissingError):
            self._drop()
            raise
        except Error as error:
            if not (connection.closed or isinstance(error, ReadOnlySqlTransaction)):
                raise
            self._drop()
            if is_again:
                raise
            return self._ask(statement, values, is_again=True)
        self._note(rows[0][0], before)
        return rows

    def _note(self, told: object, before: float) -> None:
        assert isinstance(told, float)  # noqa: S101 (every statement begins with the time)
        self.clock.note(told, before, time.monotonic())

    def _drop(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _decode(self, account_id: str, kept: object) -> AccountSnapshot | None:
        from .connection import place_of

        if kept is None:
            return None
        where = f"the row of {account_id!r} in chartimg_account"
        return read_snapshot(str(kept), account_id, where=where, place=place_of(self._options))
