"""The tables of the SQLite account books: what they should be, and how an older file comes there."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from typing import Final, NamedTuple

from ...codec import load
from ...domain.account import AccountSnapshot
from ...domain.errors import ConfigError

__all__ = [
    "MIGRATIONS",
    "DamagedError",
    "ForeignError",
    "Migration",
    "NewerError",
    "checksum",
    "migrate",
    "pending",
]

_APPLICATION_ID: Final = int.from_bytes(b"chrt")
_FORMAT: Final = 2
"""The file's user_version: 1 had no table of migrations; from 2 on that table says what the file is."""
_RECORDS: Final = "CREATE TABLE migration (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL) STRICT"
_RECORD: Final = "INSERT INTO migration VALUES (?, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))"


class DamagedError(Exception):
    """The file is not what was written."""


class ForeignError(Exception):
    """The file is the database of another program."""


class NewerError(Exception):
    """The file was written by a newer version; says what about it is not known here."""


class Migration(NamedTuple):
    """One step from an older file to the next: its name, which the file keeps, and what it does."""

    name: str
    apply: Callable[[sqlite3.Connection], object]


def checksum(account_id: str, version: int, snapshot: str) -> str:
    """Give what the text of a row must agree with; a flipped bit may leave it valid JSON with another count."""
    return hashlib.sha256(f"{account_id}\0{version}\0{snapshot}".encode()).hexdigest()[:16]


def _accounts(connection: sqlite3.Connection) -> None:
    """Make the table of snapshots."""
    connection.execute(
        "CREATE TABLE account (id TEXT PRIMARY KEY, version INTEGER NOT NULL, snapshot TEXT NOT NULL) STRICT"
    )


def _checksums(connection: sqlite3.Connection) -> None:
    """Keep a checksum with each row, after a last look at what is there without one."""
    connection.execute("ALTER TABLE account ADD COLUMN checksum TEXT NOT NULL DEFAULT ''")
    for account_id, version, snapshot in connection.execute("SELECT id, version, snapshot FROM account").fetchall():
        try:
            kept = load(snapshot, AccountSnapshot, where=f"the row of {account_id}")
        except ConfigError as error:
            raise DamagedError(str(error)) from error
        if (kept.account_id, kept.version) != (account_id, version):
            raise DamagedError(f"the row of {account_id} holds the books of another")
        connection.execute(
            "UPDATE account SET checksum = ? WHERE id = ?", (checksum(account_id, version, snapshot), account_id)
        )


MIGRATIONS: Final = (
    Migration("accounts", _accounts),
    Migration("checksums", _checksums),
)
"""In order. A name that was once released stays, and so does what it does."""


def pending(connection: sqlite3.Connection) -> tuple[Migration, ...]:
    """Give what the file still lacks; all of it when it has no tables yet.

    Raises:
        ForeignError: it belongs to another program.
        NewerError: it knows more than this version.
        DamagedError: it contradicts itself.
    """
    version = _pragma(connection, "user_version")
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if version > _FORMAT:
        raise NewerError(f"format {version}, this one knows {_FORMAT}")
    if _pragma(connection, "application_id") != _APPLICATION_ID:
        if tables or version:
            raise ForeignError
        return MIGRATIONS
    if ("migration" in tables) != (version == _FORMAT) or (version > 0) != bool(tables):
        raise DamagedError(f"its format is said to be {version}, which its tables are not")
    if version < _FORMAT:
        return MIGRATIONS[version:]  # format 1 is the first migration, unrecorded
    known = {migration.name for migration in MIGRATIONS}
    applied = {name for (name,) in connection.execute("SELECT name FROM migration")}
    if not all(isinstance(name, str) for name in applied):
        raise DamagedError("a migration has no name")
    if unknown := applied - known:
        raise NewerError(f"with {', '.join(sorted(unknown))}, which this one does not know")
    return tuple(migration for migration in MIGRATIONS if migration.name not in applied)


def migrate(connection: sqlite3.Connection) -> None:
    """Apply what is missing, each step in a transaction of its own together with its record.

    Another process may do the same at the same time; what is missing is asked again in each transaction.
    """
    while pending(connection):
        connection.execute("BEGIN IMMEDIATE")
        try:
            _step(connection)
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


def _step(connection: sqlite3.Connection) -> None:
    """Begin the records, or apply the first migration that has none."""
    missing = pending(connection)
    if _pragma(connection, "user_version") < _FORMAT:
        connection.execute(_RECORDS)
        for done in MIGRATIONS[: -len(missing)]:
            connection.execute(_RECORD, (done.name,))
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {_FORMAT}")
    elif missing:
        missing[0].apply(connection)
        connection.execute(_RECORD, (missing[0].name,))


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
