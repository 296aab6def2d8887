"""Account books in an SQLite file, which survive the process and are shared by all processes of a machine."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ..codec import dump, load
from ..domain.account import AccountSnapshot
from ..domain.errors import ConfigError, StoreUnavailable

__all__ = ["SqliteAccountStore"]

_APPLICATION_ID: Final = int.from_bytes(b"chrt")
_SCHEMA_VERSION: Final = 1
_SCHEMA: Final = "CREATE TABLE account (id TEXT PRIMARY KEY, version INTEGER NOT NULL, snapshot TEXT NOT NULL) STRICT"
_PAUSE: Final = 0.005  # seconds
_BATCH: Final = 500  # ids in one SELECT, well under SQLite's limit on parameters


class SqliteAccountStore:
    """Keeps snapshots in the file *path*, made with mode 0600; safe from many threads and processes.

    Every swap is one transaction that begins IMMEDIATE. Other writers are waited for, *busy_timeout* seconds at most.

    Raises:
        StoreUnavailable: from any method, when the file can't be opened, read or written.
    """

    def __init__(self, path: str | os.PathLike[str], *, busy_timeout: float = 30.0) -> None:
        self._path = Path(path)
        self._busy_timeout = busy_timeout
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def read(self, account_ids: Sequence[str]) -> tuple[AccountSnapshot | None, ...]:
        """Give the snapshot of each id, None for one that was never kept."""
        found: dict[str, str] = {}
        with self._open() as connection:
            for start in range(0, len(account_ids), _BATCH):
                batch = account_ids[start : start + _BATCH]
                marks = ",".join("?" * len(batch))
                found.update(connection.execute(f"SELECT id, snapshot FROM account WHERE id IN ({marks})", batch))  # noqa: S608 (only question marks)
        return tuple(self._decode(found[each]) if each in found else None for each in account_ids)

    def replace(self, old: AccountSnapshot | None, new: AccountSnapshot) -> bool:
        """Put *new* in the place of *old* if that is what is kept."""
        with self._open() as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            row = connection.execute("SELECT snapshot FROM account WHERE id = ?", (new.account_id,)).fetchone()
            if (None if row is None else self._decode(row[0])) != old:
                return False
            connection.execute(
                "INSERT INTO account VALUES (?, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET version = excluded.version, snapshot = excluded.snapshot",
                (new.account_id, new.version, dump(new)),
            )
            return True

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection to one thread at a time; opened when it is first needed."""
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._connect()
                yield self._connection
            except (sqlite3.Error, OSError) as error:
                raise StoreUnavailable(f"the account store {self._path} can't be used: {error}") from error

    def _connect(self) -> sqlite3.Connection:
        """Open the file, as often as it takes: SQLite itself waits for nobody when the journal of a new file is chosen."""
        deadline = time.monotonic() + self._busy_timeout
        while True:
            try:
                return self._connect_once()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                    raise
                time.sleep(_PAUSE)

    def _connect_once(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(
            self._path, timeout=self._busy_timeout, isolation_level=None, check_same_thread=False
        )
        try:
            self._refuse_foreign(connection)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            self._migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _refuse_foreign(self, connection: sqlite3.Connection) -> None:
        """Leave a file alone that a newer version, or another program, has written."""
        connection.execute("BEGIN")  # one look at it, while others may be making its tables
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        ours = connection.execute("PRAGMA application_id").fetchone()[0] == _APPLICATION_ID
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        connection.execute("ROLLBACK")
        if version > _SCHEMA_VERSION:
            raise StoreUnavailable(
                f"the account store {self._path} was written by a newer chartimg (format {version}, "
                f"this one knows {_SCHEMA_VERSION}); install that version or name another file"
            )
        if tables and not ours:
            raise StoreUnavailable(f"{self._path} is the database of another program; name another file")

    def _migrate(self, connection: sqlite3.Connection) -> None:
        """Make the table, once."""
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            if connection.execute("PRAGMA user_version").fetchone()[0] < _SCHEMA_VERSION:
                connection.execute(_SCHEMA)
                connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")

    def _decode(self, text: str) -> AccountSnapshot:
        try:
            return load(text, AccountSnapshot, where=f"the account store {self._path}")
        except ConfigError as error:
            raise StoreUnavailable(f"{error}; the file is damaged, keep it aside and start a new one") from error
