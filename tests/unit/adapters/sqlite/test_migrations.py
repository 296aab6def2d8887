"""How files of older and newer versions are met."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import attrs
import pytest

from chartimg import StoreUnavailable
from chartimg.adapters.sqlite import SqliteAccountStore
from chartimg.adapters.sqlite.migrations import MIGRATIONS, migrate, pending
from chartimg.codec import dump
from chartimg.domain.account import AccountSnapshot
from samples import NOON

KEPT = [AccountSnapshot(f"account {number}", NOON, NOON, "digest", version=number, used=number) for number in range(30)]


def connect(path: Path) -> closing[sqlite3.Connection]:
    """Open a file by hand."""
    return closing(sqlite3.connect(path, isolation_level=None))


def old_file(path: Path, *, steps: int = 4) -> None:
    """Write a file as the first version did, which kept no record of migrations; or stop after some of its *steps*."""
    statements = [
        "PRAGMA journal_mode = WAL",
        "CREATE TABLE account (id TEXT PRIMARY KEY, version INTEGER NOT NULL, snapshot TEXT NOT NULL) STRICT",
        f"PRAGMA application_id = {int.from_bytes(b'chrt')}",
        "PRAGMA user_version = 1",
    ]
    with connect(path) as hand:
        for statement in statements[:steps]:
            hand.execute(statement)
        if steps == len(statements):
            rows = [(each.account_id, each.version, dump(each)) for each in KEPT]
            hand.executemany("INSERT INTO account VALUES (?, ?, ?)", rows)


def applied(path: Path) -> list[tuple[str, bool]]:
    """Read the names of the migrations in the file, and whether each says when it was applied."""
    with connect(path) as hand:
        rows = hand.execute("SELECT name, applied_at FROM migration ORDER BY rowid").fetchall()
    return [(name, datetime.fromisoformat(when).tzinfo is not None) for name, when in rows]


def test_a_new_file_has_every_migration() -> None:
    """Each with its record, once; their names differ, and nothing is missing then."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        assert MIGRATIONS == pending(connection)
        migrate(connection)
        migrate(connection)
        names = [name for (name,) in connection.execute("SELECT name FROM migration ORDER BY rowid")]

        assert [migration.name for migration in MIGRATIONS] == names
        assert len(names) == len(set(names))
        assert () == pending(connection)


def test_an_older_file_is_migrated_without_loss(tmp_path: Path) -> None:
    """Every snapshot of the first version's file is there, can be swapped, and each step has its record."""
    path = tmp_path / "books.sqlite3"
    old_file(path)
    store = SqliteAccountStore(path)

    assert KEPT == list(store.read([each.account_id for each in KEPT]))
    assert store.replace(KEPT[3], attrs.evolve(KEPT[3], version=99))
    assert [(migration.name, True) for migration in MIGRATIONS] == applied(path)
    store.close()


def test_an_older_file_that_was_only_begun_is_finished(tmp_path: Path) -> None:
    """It held no books yet when its process was killed."""
    path = tmp_path / "books.sqlite3"
    old_file(path, steps=1)
    store = SqliteAccountStore(path)

    assert store.replace(None, KEPT[0])
    assert (KEPT[0],) == store.read([KEPT[0].account_id])
    store.close()


@pytest.mark.parametrize("done", range(6))
def test_a_migration_that_was_cut_off_goes_on(done: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a crash before any of its transactions ends, the next start finds the books and finishes it."""
    path = tmp_path / "books.sqlite3"
    old_file(path)
    left = [done]

    class Crashing(sqlite3.Connection):
        """Fails when the transactions allowed have been made."""

        def execute(self, sql: str, *arguments: object) -> sqlite3.Cursor:
            """Carry out a statement, or fail."""
            if sql == "COMMIT":
                if not left[0]:
                    raise InterruptedError
                left[0] -= 1
            return super().execute(sql, *arguments)  # type: ignore[arg-type]

    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *place, **how: real(*place, factory=Crashing, **how))
    if done < len(MIGRATIONS):  # one for the table of records, the rest for the migrations the file lacks
        with pytest.raises(StoreUnavailable):
            SqliteAccountStore(path).read([])
    left[0] = 99
    store = SqliteAccountStore(path)

    assert KEPT == list(store.read([each.account_id for each in KEPT]))
    assert [(migration.name, True) for migration in MIGRATIONS] == applied(path)
    store.close()


@pytest.mark.parametrize("text", ["{}", "no JSON", dump(attrs.evolve(KEPT[1], account_id="another"))])
def test_an_older_file_with_a_damaged_row_is_not_migrated(text: str, tmp_path: Path) -> None:
    """Its checksum would say that all is well."""
    path = tmp_path / "books.sqlite3"
    old_file(path)
    with connect(path) as hand:
        hand.execute("UPDATE account SET snapshot = ? WHERE id = 'account 1'", (text,))
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="is damaged"):
            SqliteAccountStore(path).read(["account 0"])


@pytest.mark.parametrize(
    "change", ["INSERT INTO migration VALUES ('of tomorrow', '2030-01-01T00:00:00Z')", "PRAGMA user_version = 3"]
)
def test_a_file_with_a_migration_of_the_future_is_refused(change: str, tmp_path: Path) -> None:
    """It is from a newer version; the message says what to do, and nothing is changed."""
    path = tmp_path / "books.sqlite3"
    store = SqliteAccountStore(path)
    store.replace(None, KEPT[0])
    store.close()
    with connect(path) as hand:
        hand.execute(change)
    before = path.read_bytes()
    with pytest.raises(StoreUnavailable, match=r"newer chartimg .*; install that version or name another file"):
        SqliteAccountStore(path).read(["a"])

    assert before == path.read_bytes()
    assert [] == list(tmp_path.glob("*damaged*"))


@pytest.mark.parametrize("change", ["PRAGMA user_version = 1", "DROP TABLE migration", "DROP TABLE account"])
def test_a_file_that_contradicts_itself_is_damaged(change: str, tmp_path: Path) -> None:
    """It is neither migrated again nor begun anew."""
    path = tmp_path / "books.sqlite3"
    store = SqliteAccountStore(path)
    store.replace(None, KEPT[0])
    store.close()
    with connect(path) as hand:
        hand.execute(change)
    with pytest.raises(StoreUnavailable, match="is damaged"):
        SqliteAccountStore(path).read(["account 0"])


def test_a_row_of_a_newer_version_is_told_from_a_damaged_one(tmp_path: Path) -> None:
    """It agrees with its checksum, but holds what this version does not know; so nothing is kept aside."""
    path = tmp_path / "books.sqlite3"
    store = SqliteAccountStore(path)
    store.replace(None, KEPT[0])
    store.replace(None, KEPT[1])
    from chartimg.adapters.sqlite.migrations import checksum

    text = dump(KEPT[0]).replace('"used"', '"novelty": 1, "used"')
    with connect(path) as hand:
        check = checksum("account 0", 0, text)
        hand.execute("UPDATE account SET snapshot = ?, checksum = ? WHERE id = 'account 0'", (text, check))
    for attempt in (lambda: store.read(["account 0"]), lambda: store.replace(KEPT[0], KEPT[0])):
        with pytest.raises(StoreUnavailable, match="newer chartimg"):
            attempt()

    assert (KEPT[1],) == store.read(["account 1"])
    assert store.replace(KEPT[1], attrs.evolve(KEPT[1], version=5))
    assert [] == list(tmp_path.glob("*damaged*"))
    store.close()
