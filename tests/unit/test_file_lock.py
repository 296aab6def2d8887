"""A lock on a file."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chartimg.file_lock import FileLock


def test_a_lock_is_taken_again_after_each_release(tmp_path: Path) -> None:
    """Its file exists while it is held alone."""
    path = tmp_path / "lock"
    for _ in range(3):
        lock = FileLock.take(path)
        assert lock is not None
        assert FileLock.take(path) is None
        assert path.exists()
        lock.release()
        assert not path.exists()


def test_many_threads_hold_a_lock_one_after_the_other(tmp_path: Path) -> None:
    """Two of them never hold it at one moment, although its file is removed and made each time."""
    path, inside, most, done = tmp_path / "lock", [0], [0], [0]

    def work(_: int) -> None:
        for _ in range(300):
            lock = FileLock.take(path)
            if lock is not None:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1
                done[0] += 1
                lock.release()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))

    assert 1 == most[0]
    assert done[0] > 0


def test_a_place_that_can_not_be_written_is_an_error(tmp_path: Path) -> None:
    """The caller learns that there is no lock."""
    with pytest.raises(OSError, match="No such file"):
        FileLock.take(tmp_path / "nowhere" / "lock")
