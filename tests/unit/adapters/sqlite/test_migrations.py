"""Files of older and newer versions."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import attrs
import pytest

from chartimg import StoreUnavailable
from chartimg.adapters.sqlite import SqliteAccountStore
from chartimg.adapters.sqlite.migrations import MIGRATIONS, Migration, checksum, migrate, pending
from chartimg.codec import dump
from chartimg.domain.account import AccountSnapshot
from samples import NOON

KEPT = [AccountSnapshot(f"account {number}", NOON, NOON, "digest", version=number, used=number) for number in range(30)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of a file with the first of the snapshots."""
    path = tmp_path / "books.sqlite3"
    store = SqliteAccountStore(path)
    store.replace(None, KEPT[0])
    store.close()
    return path


def connect(path: Path) -> closing[sqlite3.Connection]:
    """Open a file by hand."""
    return closing(sqlite3.connect(path, isolation_level=None))


def applied(path: Path) -> list[tuple[str, bool]]:
    """Read the names of the migrations in the file, and whether each says when it was applied."""
    with connect(path) as hand:
        rows = hand.execute("SELECT name, applied_at FROM migration ORDER BY rowid").fetchall()
    return [(name, datetime.fromisoformat(when).tzinfo is not None) for name, when in rows]


def test_a_new_file_has_every_migration() -> None:
    """A new file has each migration once, with its record."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        assert MIGRATIONS == pending(connection)
        migrate(connection)
        migrate(connection)
        names = [name for (name,) in connection.execute("SELECT name FROM migration ORDER BY rowid")]

        assert [migration.name for migration in MIGRATIONS] == names
        assert len(names) == len(set(names))
        assert () == pending(connection)


def test_a_file_that_lacks_a_migration_gets_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A newer version brings the file of an older one to its format and keeps the books."""
    newer = (*MIGRATIONS, Migration("of tomorrow", "CREATE TABLE tomorrow (id TEXT) STRICT"))
    monkeypatch.setattr("chartimg.adapters.sqlite.migrations.MIGRATIONS", newer)
    store = SqliteAccountStore(path)

    assert (KEPT[0],) == store.read([KEPT[0].account_id])
    assert [(migration.name, True) for migration in newer] == applied(path)
    store.close()


def test_a_migration_that_fails_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All missing migrations are one transaction."""
    newer = (*MIGRATIONS, Migration("one", "CREATE TABLE one (id TEXT)"), Migration("two", "CREATE nonsense"))
    with monkeypatch.context() as patch:
        patch.setattr("chartimg.adapters.sqlite.migrations.MIGRATIONS", newer)
        with pytest.raises(StoreUnavailable):
            SqliteAccountStore(path).read(["a"])
    store = SqliteAccountStore(path)

    assert (KEPT[0],) == store.read([KEPT[0].account_id])
    assert [(migration.name, True) for migration in MIGRATIONS] == applied(path)
    store.close()


@pytest.mark.parametrize(
    "change", ["INSERT INTO migration VALUES ('of tomorrow', '2030-01-01T00:00:00Z')", "PRAGMA user_version = 3"]
)
def test_a_file_with_a_migration_of_the_future_is_refused(change: str, path: Path) -> None:
    """A file of a newer version is refused, and left as it is."""
    with connect(path) as hand:
        hand.execute(change)
    before = path.read_bytes()
    with pytest.raises(StoreUnavailable, match=r"newer chartimg .*; install that version. CHARTS_ACCOUNT_STORE may"):
        SqliteAccountStore(path).read(["a"])

    assert before == path.read_bytes()
    assert [] == list(path.parent.glob("*damaged*"))


@pytest.mark.parametrize("change", ["PRAGMA user_version = 1", "DROP TABLE migration", "DROP TABLE account"])
def test_a_file_that_contradicts_itself_is_damaged(change: str, path: Path) -> None:
    """A file whose format and tables differ is damaged."""
    with connect(path) as hand:
        hand.execute(change)
    with pytest.raises(StoreUnavailable, match="is damaged"):
        SqliteAccountStore(path).read(["account 0"])


def test_a_row_of_a_newer_version_is_reported_from_a_damaged_one(tmp_path: Path) -> None:
    """A sound row with an unknown field is of a newer version, and no copy is made."""
    path = tmp_path / "books.sqlite3"
    store = SqliteAccountStore(path)
    store.replace(None, KEPT[0])
    store.replace(None, KEPT[1])
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
