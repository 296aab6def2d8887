"""The tables of the SQLite account books, and how a file gets them."""

from __future__ import annotations

import hashlib
import sqlite3
from typing import Final, NamedTuple

_APPLICATION_ID: Final = int.from_bytes(b"chrt")
_FORMAT: Final = 2
"""The file's user_version; the table of migrations says the rest."""
_RECORDS: Final = "CREATE TABLE migration (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL) STRICT"
_RECORD: Final = "INSERT INTO migration VALUES (?, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))"


class DamagedError(Exception):
    """The file differs from the one that was written."""


class ForeignError(Exception):
    """The file is the database of another program."""


class NewerError(Exception):
    """The file was written by a newer version; the message names the unknown part."""


class Migration(NamedTuple):
    """One step to the newest format: a name for the records, and a statement."""

    name: str
    statement: str


MIGRATIONS: Final = (
    Migration(
        "accounts",
        "CREATE TABLE account (id TEXT PRIMARY KEY, version INTEGER NOT NULL, snapshot TEXT NOT NULL) STRICT",
    ),
    Migration("checksums", "ALTER TABLE account ADD COLUMN checksum TEXT NOT NULL DEFAULT ''"),
)
"""In order. A released name stays, and so does its statement."""


def checksum(account_id: str, version: int, snapshot: str) -> str:
    """Return the checksum of a row. A flipped bit may leave its text valid JSON with another count."""
    return hashlib.sha256(f"{account_id}\0{version}\0{snapshot}".encode()).hexdigest()[:16]


def pending(connection: sqlite3.Connection) -> tuple[Migration, ...]:
    """Return the migrations that the file lacks; all of them if it is empty.

    Raises:
        ForeignError: the file belongs to another program.
        NewerError: the file has a migration that this version does not know.
        DamagedError: the file contradicts itself.
    """
    version = _pragma(connection, "user_version")
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if version > _FORMAT:
        raise NewerError(f"format {version}, this one knows {_FORMAT}")
    if _pragma(connection, "application_id") != _APPLICATION_ID:
        if tables or version:
            raise ForeignError
        return MIGRATIONS
    if version != _FORMAT or "migration" not in tables:
        raise DamagedError(f"its format is said to be {version}, and its tables say otherwise")
    applied = {name for (name,) in connection.execute("SELECT name FROM migration")}
    if not all(isinstance(name, str) for name in applied):
        raise DamagedError("a migration has no name")
    if unknown := applied - {migration.name for migration in MIGRATIONS}:
        raise NewerError(f"with {', '.join(sorted(unknown))}, which this one does not know")
    return tuple(migration for migration in MIGRATIONS if migration.name not in applied)


def migrate(connection: sqlite3.Connection) -> None:
    """Apply the missing migrations in one transaction, with a record of each."""
    if not pending(connection):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not _pragma(connection, "user_version"):
            connection.execute(_RECORDS)
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {_FORMAT}")
        for migration in pending(connection):  # another process may have applied some meanwhile
            connection.execute(migration.statement)
            connection.execute(_RECORD, (migration.name,))
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
