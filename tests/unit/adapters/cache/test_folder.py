"""The cache of pictures in a folder: damage, limits of the disk, and other processes."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chartimg.adapters.cache import FolderPictureCache
from chartimg.domain.cached import CachedPicture
from chartimg.domain.errors import CacheUnavailable
from command import environment, run_loaded
from limits import small_files
from patience import LONG
from samples import NOON

A, B = (hashlib.sha256(name).hexdigest() for name in (b"a", b"b"))


def picture(digest: str = A, png: bytes = b"\x89PNG" * 500) -> CachedPicture:
    """Return a picture."""
    return CachedPicture.of(
        png, body_digest=digest, chart="A:A 1h look", taken_at=NOON, drawn_at=NOON, account_id="main"
    )


def cached(folder: Path, *pictures: CachedPicture) -> FolderPictureCache:
    """Return a cache with these *pictures*."""
    cache = FolderPictureCache(folder / "cache")
    for each in pictures:
        cache.keep(each)
    return cache


def edit(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    """Return a function that replaces *old* by *new* in bytes that have it."""

    def replace(content: bytes) -> bytes:
        assert old in content
        return content.replace(old, new)

    return replace


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda content: content[:-1],
        lambda content: content[:40],
        lambda content: content + b"x",
        lambda content: content[:-1] + b"x",
        lambda content: b"0" + content[1:],
        lambda content: content.replace(b"\n", b" "),
        edit(b"main", b"mail"),
        edit(A.encode(), B.encode()),
    ],
)
@pytest.mark.parametrize("is_read_before", [False, True])
def test_a_damaged_file_counts_as_missing_and_is_removed(
    damage: Callable[[bytes], bytes], tmp_path: Path, *, is_read_before: bool
) -> None:
    """Any change of a file is noticed, also by a handle that has verified the file before."""
    cache = cached(tmp_path, picture())
    (path,) = cache.folder.glob("*.chart")
    if is_read_before:
        assert picture() == cache.read(A)
    path.write_bytes(damage(path.read_bytes()))

    assert cache.read(A) is None
    assert not path.exists()


def test_the_file_of_another_picture_is_not_read(tmp_path: Path) -> None:
    """A whole file under a wrong name counts as missing."""
    cache = cached(tmp_path, picture())
    (cache.folder / f"{A}.chart").rename(cache.folder / f"{B}.chart")

    assert [] == cache.entries()
    assert cache.read(B) is None


def test_only_the_owner_can_read_what_is_kept(tmp_path: Path) -> None:
    """Folders have mode 700, and files 600."""
    cache = cached(tmp_path, picture())
    lock = cache.lock(B)
    assert lock is not None
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [cache.folder, *cache.folder.rglob("*")]}

    assert {"cache": 0o700, f"{A}.chart": 0o600, "locks": 0o700, B: 0o600} == modes
    lock.release()
    assert [] == list((cache.folder / "locks").iterdir())


def test_a_full_disk_is_reported_and_leaves_the_older_picture(tmp_path: Path) -> None:
    """The message names the file, and no part of a picture is left."""
    cache = cached(tmp_path, picture())
    with small_files(1_000), pytest.raises(CacheUnavailable, match=r"can't be written \(.*\.chart: File too large\)"):
        cache.keep(picture(png=b"new" * 1_000))

    assert picture() == cache.read(A)
    assert {f"{A}.chart"} == {path.name for path in cache.folder.iterdir()}


def test_a_file_in_the_place_of_the_folder_is_reported_by_every_verb(tmp_path: Path) -> None:
    """No verb raises another exception."""
    (tmp_path / "cache").write_text("not a folder")
    cache = FolderPictureCache(tmp_path / "cache")
    verbs: list[Callable[[], object]] = [
        lambda: cache.read(A), lambda: cache.lock(A), lambda: cache.keep(picture()), cache.entries, cache.clear
    ]  # fmt: skip

    for verb in verbs:
        with pytest.raises(CacheUnavailable, match="set CHARTS_CACHE to another folder or to off"):
            verb()


def test_a_folder_that_does_not_exist_is_an_empty_cache(tmp_path: Path) -> None:
    """Reading does not make the folder."""
    cache = FolderPictureCache(tmp_path / "cache")

    assert (None, [], 0) == (cache.read(A), cache.entries(), cache.clear())
    assert not cache.folder.exists()


@pytest.mark.parametrize("name", ["", "../a", A.upper(), A[:-1], A + "0"])
def test_a_name_that_is_not_a_digest_is_refused(name: str, tmp_path: Path) -> None:
    """No file outside the folder can be named."""
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        FolderPictureCache(tmp_path).read(name)


def test_what_a_killed_writer_left_is_removed_after_a_while(tmp_path: Path) -> None:
    """The part of a picture counts, is not listed, and leaves when it is old."""
    cache = cached(tmp_path, picture())
    new, old = (cache.folder / f".chartimg-{name}.tmp" for name in "01")
    new.write_bytes(b"part")
    old.write_bytes(b"part")
    os.utime(old, (0, 0))
    cache.keep(picture(B))

    assert {A, B} == {entry.body_digest for entry in cache.entries()}
    assert [True, False] == [new.exists(), old.exists()]
    assert 2 == cache.clear()
    assert not new.exists()


HOLDER = """
import sys, os
from chartimg.adapters.cache import FolderPictureCache
lock = FolderPictureCache(sys.argv[1]).lock(sys.argv[2])
print("held" if lock else "taken", flush=True)
sys.stdin.read()
"""


def test_a_lock_dies_with_its_process(tmp_path: Path) -> None:
    """A lock of another process is respected while it lives, and free as soon as it was killed."""
    cache = cached(tmp_path)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, cache.folder, A],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(tmp_path / "home"),
    )
    with holder:
        assert holder.stdout is not None
        assert b"held\n" == holder.stdout.readline()
        assert cache.lock(A) is None
        holder.kill()
        holder.wait(LONG)
        lock = cache.lock(A)
        assert lock is not None
        lock.release()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_does_not_hold_a_lock_of_its_parent(tmp_path: Path) -> None:
    """A release in a forked child leaves the lock to the parent, and one in the parent frees it while the child lives."""
    cache = cached(tmp_path)
    lock = cache.lock(A)
    assert lock is not None
    wait, go_on = os.pipe()
    pid = os.fork()
    if not pid:
        lock.release()
        os.read(wait, 1)
        os._exit(0)
    try:
        assert cache.lock(A) is None
        lock.release()
        again = cache.lock(A)
        assert again is not None
        again.release()
    finally:
        os.write(go_on, b"x")
        os.waitpid(pid, 0)


BOUND = """
import ctypes, sys
from chartimg.adapters.cache import FolderPictureCache
from chartimg.domain.errors import CacheUnavailable
from chartimg.domain.cached import CachedPicture
# Without capabilities root is bound by permissions, too.
assert ctypes.CDLL(None).capset((ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()) == 0
cache = FolderPictureCache(sys.argv[1])
picture = cache.read(sys.argv[2])
print(picture.entry.chart, picture.is_whole)
for verb in (lambda: cache.keep(picture), lambda: cache.lock(sys.argv[2])):
    try:
        print(verb())
    except CacheUnavailable as error:
        print("Permission denied" in str(error))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only on Linux can root be bound by permissions")
def test_a_folder_that_can_only_be_read_still_serves(tmp_path: Path) -> None:
    """Its pictures are read, and each attempt to write there is reported."""
    cache = cached(tmp_path, picture())
    lock = cache.lock(A)
    assert lock is not None
    lock.release()
    cache.folder.chmod(0o500)
    (cache.folder / "locks").chmod(0o500)
    child = run_loaded(BOUND, str(cache.folder), A, cwd=tmp_path)

    assert (0, "") == (child.returncode, child.stderr)
    assert ["A:A 1h look True", "True", "True"] == child.stdout.splitlines()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes in folders")
@pytest.mark.parametrize("make", ["mkfifo", "mkdir"])
def test_what_is_not_a_file_counts_as_missing(make: str, tmp_path: Path) -> None:
    """A pipe or a folder in the place of a picture is neither read nor listed, and hides no other picture."""
    cache = cached(tmp_path, picture(B))
    getattr(os, make)(cache.folder / f"{A}.chart")

    assert cache.read(A) is None
    assert [B] == [entry.body_digest for entry in cache.entries()]
    assert 1 == cache.clear()
