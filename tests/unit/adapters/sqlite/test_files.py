"""The files of the books: new ones, and copies of damaged ones."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chartimg import StoreUnavailable
from chartimg.adapters.sqlite import SqliteAccountStore
from chartimg.adapters.sqlite import files as sqlite_files
from chartimg.adapters.sqlite.files import create, identify, keep_aside

# A new file


def filling(content: bytes) -> Callable[[Path], None]:
    """Return a function that fills a new file with *content*."""

    def build(temporary: Path) -> None:
        temporary.write_bytes(content)

    return build


def test_a_file_is_created_once(tmp_path: Path) -> None:
    """A file that exists is left unchanged."""
    path = tmp_path / "new"

    create(path, filling(b"first"))
    created = identify(path)
    create(path, filling(b"second"))

    assert b"first" == path.read_bytes()
    assert created == identify(path)
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert [path] == list(tmp_path.iterdir())


def test_a_file_that_could_not_be_built_is_not_there(tmp_path: Path) -> None:
    """If a new file can't be filled, no file is left."""

    def build(temporary: Path) -> None:
        temporary.write_bytes(b"half")
        raise InterruptedError

    with pytest.raises(InterruptedError):
        create(tmp_path / "new", build)

    assert [] == list(tmp_path.iterdir())
    assert identify(tmp_path / "new") is None


def test_of_many_that_create_one_does(tmp_path: Path) -> None:
    """Of many threads that create a file one succeeds; the others find it or get a BlockingIOError."""

    def attempt(number: int) -> bool:
        try:
            create(tmp_path / "new", filling(b"%d" % number))
        except BlockingIOError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(attempt, range(64)))

    assert any(done)
    assert done[int((tmp_path / "new").read_text())]
    assert [tmp_path / "new"] == list(tmp_path.iterdir())


# A damaged file


@pytest.mark.parametrize(
    "content", [b"", b"x", b"garbage " * 1000, b"SQLite format 3\x00" + b"\xff" * 4096, bytes(8192)], ids=len
)
def test_a_damaged_file_is_kept_aside_once(content: bytes, tmp_path: Path) -> None:
    """A damaged file stays, and each damage is copied once, for its owner only; the message names the copy."""
    path = tmp_path / "bo[o]ks*.sqlite3"
    path.write_bytes(content)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="is damaged"):
            SqliteAccountStore(path).read(["a"])
    with pytest.raises(StoreUnavailable, match="is damaged") as failure:
        SqliteAccountStore(path).read(["a"])
    copies = list(tmp_path.glob("*.damaged-*"))

    assert content == path.read_bytes()
    assert 1 == len(copies)
    for copy in copies:
        assert content == copy.read_bytes()
        assert 0o600 == stat.S_IMODE(copy.stat().st_mode)
        assert str(copy) in str(failure.value)
    path.write_bytes(b"another " * 1000)
    with pytest.raises(StoreUnavailable, match="is damaged"):
        SqliteAccountStore(path).read(["a"])
    assert 2 == len(list(tmp_path.glob("*.damaged-*")))


def test_damage_without_a_trace_of_time_is_kept_aside_too(tmp_path: Path) -> None:
    """A change that keeps the time of change is copied, too, and the earlier copy stays."""
    path = tmp_path / "books"
    for content in (b"one", b"two"):
        path.write_bytes(content)
        os.utime(path, (1, 1))
        copy = keep_aside(path)
        assert copy is not None
        assert content == copy.read_bytes()

    assert [b"one", b"two"] == [copy.read_bytes() for copy in sorted(tmp_path.glob("*.damaged-*"))]


def test_many_that_see_the_same_damage_keep_one_copy(tmp_path: Path) -> None:
    """Many threads that see the same damage make one copy, with the log."""
    path = tmp_path / "books"
    path.write_bytes(b"damaged" * 10_000)
    path.with_name("books-wal").write_bytes(b"log")
    with ThreadPoolExecutor(8) as threads:
        (copy,) = set(threads.map(keep_aside, [path] * 32))

    assert copy is not None
    assert {"books", "books-wal", copy.name, f"{copy.name}-wal"} == {each.name for each in tmp_path.iterdir()}
    assert b"log" == copy.with_name(f"{copy.name}-wal").read_bytes()


def test_what_can_not_be_copied_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a file is too large to copy, or gone, the message says that there is no copy."""
    path = tmp_path / "books"
    path.write_bytes(b"too much")
    monkeypatch.setattr(sqlite_files, "_MAX_COPY_BYTES", 7)
    with pytest.raises(StoreUnavailable, match="no copy of it could be made"):
        SqliteAccountStore(path).read(["a"])

    assert keep_aside(tmp_path / "nothing" / "here") is None
    assert [path] == list(tmp_path.iterdir())
