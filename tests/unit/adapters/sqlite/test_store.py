"""Account books in an SQLite file; `tests/contract/test_account_store.py` has the promises of every store."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest

from chartimg import Account, AccountPool, StoreUnavailable
from chartimg.adapters.sqlite import SqliteAccountStore
from chartimg.adapters.sqlite.migrations import checksum
from chartimg.codec import dump
from chartimg.domain.account import AccountSnapshot
from chartimg.domain.plan import ChartLimits

KEY = "canary-key-0d9c"
MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)


def snapshot(account_id: str = "a", version: int = 0, reason: str = "") -> AccountSnapshot:
    """Return a snapshot."""
    return AccountSnapshot(account_id, MIDNIGHT, MIDNIGHT, "digest", version=version, used=version, reason=reason)


@pytest.mark.parametrize("text", ["", "ü 🚀", "a\x00b", "'; DROP TABLE account; --", "line\nbreak", '"', "half \ud800"])
def test_any_text_is_kept_as_it_is(text: str, tmp_path: Path) -> None:
    """Any text is kept, in a reason and in an id."""
    store = SqliteAccountStore(tmp_path / "books.sqlite3")
    kept = snapshot(f"id {text.encode('utf-8', 'replace').decode()}", reason=text)

    assert store.replace(None, kept)
    assert (kept, None, kept) == store.read([kept.account_id, "another", kept.account_id])
    store.close()


def bytes_of(path: Path) -> bytes:
    """Return the bytes of the file and of all files that SQLite keeps beside it."""
    return b"".join(each.read_bytes() for each in sorted(path.parent.glob(f"{path.name}*")))


def test_a_closed_store_opens_its_file_again(tmp_path: Path) -> None:
    """Closing before the first use, or twice, is no error, and the next use opens the file."""
    store = SqliteAccountStore(str(tmp_path / "some" / "where" / "books.sqlite3"))
    store.close()
    assert store.replace(None, snapshot())
    store.close()
    store.close()

    assert (snapshot(),) == store.read(["a"])
    store.close()


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    """The file and those beside it get mode 0600 under any umask."""
    path = tmp_path / "books.sqlite3"
    before = os.umask(0)
    try:
        store = SqliteAccountStore(path)
        store.replace(None, snapshot())
        modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in tmp_path.iterdir()}
        store.close()
    finally:
        os.umask(before)

    assert 0o600 == modes["books.sqlite3"]
    assert {0o600} == set(modes.values())


def test_the_same_books_in_other_words_are_the_same(tmp_path: Path) -> None:
    """A swap compares snapshots and not texts: another version may order or leave out fields."""
    path = tmp_path / "books.sqlite3"
    kept = attrs.evolve(snapshot(), learned_limits=ChartLimits())
    with closing(SqliteAccountStore(path)) as writer:
        assert writer.replace(None, kept)
    value = json.loads(dump(kept))
    del value["told"]
    text = json.dumps(dict(reversed(value.items())))
    with closing(sqlite3.connect(path, isolation_level=None)) as hand:
        hand.execute("UPDATE account SET snapshot = ?, checksum = ?", (text, checksum("a", 0, text)))
    with closing(SqliteAccountStore(path)) as store:
        assert (kept,) == store.read(["a"])
        assert store.replace(kept, snapshot())
        assert (snapshot(),) == store.read(["a"])


@pytest.mark.parametrize("journal", ["WAL", "DELETE"])
@pytest.mark.parametrize(
    ("statement", "message"),
    [("", "is the database of another program"), ("PRAGMA user_version = 99", r"newer chartimg \(format 99")],
)
def test_the_file_of_another_program_or_version_is_left_as_it_is(
    statement: str, message: str, journal: str, tmp_path: Path
) -> None:
    """A file of a newer version or of another program is refused by name, and not a byte changes."""
    path = tmp_path / "books.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal}")
        connection.executescript(f"CREATE TABLE account (id TEXT, balance REAL); {statement}")
    before, store = path.read_bytes(), SqliteAccountStore(path)
    for verb in (lambda: store.read(["a"]), lambda: store.replace(None, snapshot()), lambda: store.read(["a"])):
        with pytest.raises(StoreUnavailable, match=rf"books\.sqlite3 .*{message}"):
            verb()

    assert before == path.read_bytes()


@pytest.mark.parametrize("below", ["", "/books.sqlite3", "/sub/books.sqlite3"])
def test_a_place_where_no_file_can_be_is_unavailable(below: str, tmp_path: Path) -> None:
    """A folder in place of the file, or a file in place of the folder, is reported by its path."""
    (tmp_path / "file").write_bytes(b"")
    path = f"{tmp_path}/file{below}" if below else str(tmp_path)
    with pytest.raises(StoreUnavailable) as failure:
        SqliteAccountStore(path).replace(None, snapshot())

    assert path in str(failure.value)


def test_a_damaged_row_is_unavailable(tmp_path: Path) -> None:
    """A damaged row is not taken for an account without books, and is not written over."""
    path = tmp_path / "books.sqlite3"
    store = SqliteAccountStore(path)
    store.replace(None, snapshot())
    with closing(sqlite3.connect(path, isolation_level=None)) as hand:
        hand.execute("UPDATE account SET snapshot = '{}'")
    with pytest.raises(StoreUnavailable, match="is damaged"):
        store.read(["a"])
    for old in (None, snapshot()):
        with pytest.raises(StoreUnavailable, match="is damaged"):
            store.replace(old, snapshot(version=1))
    store.close()


def test_many_stores_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    """Many stores that create a file at once wait for each other, and none of them fails."""
    for attempt in range(25):
        stores = [SqliteAccountStore(tmp_path / f"{attempt}.sqlite3") for _ in range(8)]
        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(lambda store: store.replace(None, snapshot()), stores))
        for store in stores:
            store.close()

        assert 1 == sum(won)


def test_no_key_reaches_the_file(tmp_path: Path) -> None:
    """No table and no log holds an API key."""
    path = tmp_path / "books.sqlite3"
    pool = AccountPool([Account("a", KEY)], SqliteAccountStore(path))
    changes: list[Callable[[], object]] = [
        pool.claim,
        lambda: pool.suspend("a", "refused"),
        lambda: pool.reinstate("a"),
        lambda: pool.mark_account_exhausted("a"),
    ]
    for change in changes:
        change()
        assert b'"accountId"' in bytes_of(path)
        assert KEY.encode() not in bytes_of(path)
    pool.close()
