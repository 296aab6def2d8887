"""The contract of a cache of pictures, as a class of tests: subclass it to test a cache of your own."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Final

from ..domain.cached import CachedPicture
from ..domain.ports import PictureCache

__all__ = ["PictureCacheContract"]

_NOON: Final = datetime(2026, 1, 5, 12, 0, 0, 123_456, tzinfo=UTC)
_SIZE: Final = 10_000
_BOUND: Final = 3 * _SIZE + _SIZE // 2


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _picture(name: str, version: int = 0, size: int = _SIZE) -> CachedPicture:
    """Return a picture of *size* bytes, with every byte value in it."""
    return CachedPicture.of(
        (bytes(range(256)) * (size // 256 + 1))[: size - 1] + bytes([version]),
        body_digest=_digest(name),
        chart=f'BINANCE:{name} 1h "look"\n…',
        taken_at=_NOON,
        drawn_at=_NOON - timedelta(seconds=5.5),
        account_id=None if version % 2 else "main",
    )


def _keep(cache: PictureCache, picture: CachedPicture) -> None:
    cache.keep(picture)


class PictureCacheContract:
    """The tests that every :class:`chartimg.domain.ports.PictureCache` must pass.

    ::

        class TestMyCache(PictureCacheContract):
            @pytest.fixture(autouse=True)
            def _place(self, tmp_path):
                self.path = tmp_path / "pictures"

            def open(self, max_bytes):
                return MyCache(self.path, max_bytes)

    Each test has an instance of its own. The first :meth:`open` of an instance must find an empty cache, and each further
    one the same cache as the first.

    Attributes:
        durable: whether the pictures outlive the last handle.
    """

    durable = True

    def open(self, max_bytes: int) -> PictureCache:
        """Open a handle on the cache of this test. It keeps *max_bytes* at most."""
        raise NotImplementedError

    def test_a_kept_picture_is_read_back(self) -> None:
        """Each field is read back unchanged, on any handle, and an unknown picture is read as None."""
        with closing(self.open(_BOUND)) as one, closing(self.open(_BOUND)) as other:
            assert one.read(_digest("a")) is None
            one.keep(_picture("a"))
            one.keep(_picture("b", 1))

            for cache in (one, other, one):
                assert _picture("a") == cache.read(_digest("a"))
                assert _picture("b", 1) == cache.read(_digest("b"))
                assert cache.read(_digest("c")) is None

    def test_a_picture_takes_the_place_of_an_older_one(self) -> None:
        """The last picture of a body is the only one, also for a handle that has read the older one."""
        with closing(self.open(_BOUND)) as one, closing(self.open(_BOUND)) as other:
            for version in range(5):
                (one, other)[version % 2].keep(_picture("a", version, _SIZE - version))
                for cache in (one, other):
                    assert _picture("a", version, _SIZE - version) == cache.read(_digest("a"))

            assert [_picture("a", 4, _SIZE - 4).entry] == list(one.entries())

    def test_the_least_recently_used_picture_leaves_first(self) -> None:
        """Reading a picture on any handle is a use of it, and so is keeping it again."""
        with closing(self.open(_BOUND)) as one, closing(self.open(_BOUND)) as other:
            for name in "abc":
                one.keep(_picture(name))
            assert other.read(_digest("a"))
            one.keep(_picture("d"))
            assert one.read(_digest("b")) is None
            other.keep(_picture("c", 1))
            one.keep(_picture("e"))

            assert [_digest(name) for name in "ecd"] == [entry.body_digest for entry in other.entries()]
            assert one.read(_digest("a")) is None

    def test_all_pictures_together_are_smaller_than_the_bound(self) -> None:
        """Many threads on two handles never leave more behind than the bound, and one that is too large is not kept."""
        with closing(self.open(_BOUND)) as one, closing(self.open(_BOUND)) as other:
            with ThreadPoolExecutor(8) as threads:
                pictures = [_picture(f"{number}", size=_SIZE // 2 + 37 * number) for number in range(40)]
                assert 40 == len(list(threads.map(_keep, 20 * [one, other], pictures)))
            kept = [entry.size for entry in one.entries()]

            assert 0 < sum(kept) <= _BOUND
            one.keep(_picture("large", size=_BOUND + 1))
            assert one.read(_digest("large")) is None
            assert kept == [entry.size for entry in one.entries()]

    def test_a_picture_that_grows_too_large_leaves_no_old_one(self) -> None:
        """The older picture is not read after a newer one that could not be kept."""
        with closing(self.open(_BOUND)) as cache:
            cache.keep(_picture("a"))
            cache.keep(_picture("a", size=_BOUND + 1))

            assert cache.read(_digest("a")) is None
            assert [] == list(cache.entries())

    def test_a_reader_sees_whole_pictures_only(self) -> None:
        """While one thread keeps versions of a picture, each read returns one of them."""
        versions = [_picture("a", version, _SIZE + 1_000 * version) for version in range(8)]
        with closing(self.open(_BOUND)) as one, closing(self.open(_BOUND)) as other, ThreadPoolExecutor(4) as threads:
            one.keep(versions[0])
            writing = threads.map(_keep, 24 * [one], 3 * versions)
            seen = [other.read(_digest("a")) for _ in range(100)]
            assert 24 == len(list(writing))

            assert all(each in versions for each in seen)

    def test_a_lock_has_one_holder(self) -> None:
        """Of many threads on two handles one gets the lock on a picture; after its release the next one."""
        with closing(self.open(_BOUND)) as one, closing(self.open(_BOUND)) as other:
            for _ in range(5):
                with ThreadPoolExecutor(8) as threads:
                    got = [
                        lock for lock in threads.map(lambda cache: cache.lock(_digest("a")), 4 * [one, other]) if lock
                    ]
                assert 1 == len(got)
                apart = one.lock(_digest("b"))
                assert apart is not None
                apart.release()
                got[0].release()
                got[0].release()

    def test_a_late_release_leaves_the_lock_of_another_alone(self) -> None:
        """A holder that releases twice does not end the lock that was taken since."""
        with closing(self.open(_BOUND)) as one, closing(self.open(_BOUND)) as other:
            first = one.lock(_digest("a"))
            assert first is not None
            first.release()
            second = other.lock(_digest("a"))
            first.release()

            assert second is not None
            assert one.lock(_digest("a")) is None
            second.release()

    def test_a_cleared_cache_is_empty(self) -> None:
        """The number of removed pictures is returned, and no handle reads one of them."""
        with closing(self.open(_BOUND)) as one, closing(self.open(_BOUND)) as other:
            assert 0 == one.clear()
            one.keep(_picture("a"))
            one.keep(_picture("b"))
            assert other.read(_digest("a"))

            assert 2 == one.clear()
            assert [] == list(other.entries())
            assert other.read(_digest("a")) is None
            one.keep(_picture("a", 1))
            assert _picture("a", 1) == other.read(_digest("a"))

    def test_pictures_outlive_the_handle(self) -> None:
        """A durable cache keeps its pictures after it was closed twice and opened again."""
        first = self.open(_BOUND)
        first.keep(_picture("a"))
        first.close()
        first.close()
        with closing(self.open(_BOUND)) as again:
            assert (_picture("a") if self.durable else None) == again.read(_digest("a"))
