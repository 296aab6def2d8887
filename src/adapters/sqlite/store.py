"""Account books in an SQLite file: they survive the process, and all processes of a machine share them."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ...codec import dump, load
from ...domain.account import AccountSnapshot
from ...domain.errors import OTHER_STORES, ConfigError, StoreUnavailable
from .connection import SqliteConnection, is_busy
from .migrations import DamagedError, checksum

_MAX_BATCH_IDS: Final = 500  # one SELECT stays well under SQLite's limit on parameters
_SELECT: Final = "SELECT id, version, snapshot, checksum FROM account WHERE id"
_PUT: Final = (
    "INSERT INTO account (id, version, snapshot, checksum) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE "
    "SET version = excluded.version, snapshot = excluded.snapshot, checksum = excluded.checksum"
)

Row = tuple[str, int, str, str]


class SqliteAccountStore:
    """Keeps snapshots in the file *path*, made with mode 0600; safe from many threads and processes, and after a fork.

    Every swap is one transaction that begins IMMEDIATE and is on the disk when it ends. It waits for others at most
    *busy_timeout* seconds.

    A damaged file is refused and left unchanged, with a copy beside it. If the file is deleted, moved or replaced, the
    store that has used it refuses to go on; only a new store creates an empty one.

    Raises:
        ConfigError: *path* is ``:memory:``.
        StoreBusy: from any method but close: others still use the file.
        StoreUnavailable: from any method but close: the file can't be opened, read or written.
    """

    def __init__(self, path: str | os.PathLike[str], *, busy_timeout: float = 1.0) -> None:
        if os.fspath(path) == ":memory:":
            raise ConfigError(f":memory: is not a file that processes can share. {OTHER_STORES}")
        self._path = Path(path)
        self._connection = SqliteConnection(self._path, busy_timeout)
        self._decoded: dict[str, tuple[Row, AccountSnapshot]] = {}

    def read(self, account_ids: Sequence[str]) -> tuple[AccountSnapshot | None, ...]:
        """Return the snapshot of each id, if it is known."""
        return self._connection.use(lambda connection: self._read(connection, account_ids))

    def replace(self, old: AccountSnapshot | None, new: AccountSnapshot) -> bool:
        """Replace *old* by *new*; return False if another snapshot is kept."""
        text = dump(new)
        row = new.account_id, new.version, text, checksum(new.account_id, new.version, text)

        def swap(connection: sqlite3.Connection) -> bool:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if is_busy(error) and self._kept(connection, new.account_id) != old:
                    return False  # the swap is lost already, so it does not wait
                raise
            swapped = self._kept(connection, new.account_id) == old
            if swapped:
                connection.execute(_PUT, row)
            connection.execute("COMMIT")
            return swapped

        swapped = self._connection.use(swap)
        if swapped:
            self._decoded[new.account_id] = row, new
        return swapped

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self._connection.close()

    def _read(self, connection: sqlite3.Connection, account_ids: Sequence[str]) -> tuple[AccountSnapshot | None, ...]:
        found: dict[str, AccountSnapshot] = {}
        for start in range(0, len(account_ids), _MAX_BATCH_IDS):
            batch = account_ids[start : start + _MAX_BATCH_IDS]
            marks = ",".join("?" * len(batch))
            for row in connection.execute(f"{_SELECT} IN ({marks})", batch).fetchall():
                found[row[0]] = self._decode(row)
        return tuple(map(found.get, account_ids))

    def _kept(self, connection: sqlite3.Connection, account_id: str) -> AccountSnapshot | None:
        """Return the snapshot kept for one account."""
        row = connection.execute(f"{_SELECT} = ?", (account_id,)).fetchone()
        return None if row is None else self._decode(row)

    def _decode(self, row: Row) -> AccountSnapshot:
        """Check a row against its checksum and decode it; a row seen before is remembered."""
        account_id, version, text, check = row
        decoded = self._decoded.get(account_id)
        if decoded is not None and decoded[0] == row:
            return decoded[1]
        if check != checksum(account_id, version, text):
            raise DamagedError(f"the row of {account_id!r} does not agree with its checksum")
        try:
            snapshot = load(text, AccountSnapshot, where=f"the row of {account_id!r}")
        except ConfigError as error:  # sound, and written by another version
            raise StoreUnavailable(
                f"the account store {self._path} was written by a newer chartimg ({error}); install that version"
            ) from error
        self._decoded[account_id] = row, snapshot
        return snapshot
