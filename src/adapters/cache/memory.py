"""Pictures that are kept as long as the process."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from ...domain.cached import CachedPicture, CacheEntry
from ...domain.ports import CacheLock
from ...fork import begin_in_children

__all__ = ["DEFAULT_MAX_BYTES", "MemoryPictureCache"]

DEFAULT_MAX_BYTES: Final = 256 * 1024 * 1024


class MemoryPictureCache:
    """Keeps pictures in a dictionary, *max_bytes* of them at most. Safe from many threads."""

    def __init__(self, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._pictures: OrderedDict[str, CachedPicture] = OrderedDict()  # the least recently used first
        self.begin()
        begin_in_children(self)

    def begin(self) -> None:
        """Make the lock, also in a forked child, where no fetch is under way."""
        self._lock = threading.Lock()
        self._held: dict[str, object] = {}

    def read(self, body_digest: str) -> CachedPicture | None:
        """Return the picture of *body_digest*, and count it as used."""
        with self._lock:
            if (picture := self._pictures.get(body_digest)) is not None:
                self._pictures.move_to_end(body_digest)
            return picture

    def keep(self, picture: CachedPicture) -> None:
        """Keep *picture* in place of an older one; the least recently used leave if all together are too large."""
        with self._lock:
            self._pictures.pop(picture.entry.body_digest, None)
            if picture.entry.size > self._max_bytes:
                return
            self._pictures[picture.entry.body_digest] = picture
            size = sum(each.entry.size for each in self._pictures.values())
            while size > self._max_bytes:
                _, gone = self._pictures.popitem(last=False)
                size -= gone.entry.size

    def lock(self, body_digest: str) -> CacheLock | None:
        """Return the lock on *body_digest*; None if another thread holds it."""
        token = object()
        with self._lock:
            if self._held.setdefault(body_digest, token) is not token:
                return None
        return _Held(lambda: self._release(body_digest, token))

    def _release(self, body_digest: str, token: object) -> None:
        with self._lock:
            if self._held.get(body_digest) is token:
                del self._held[body_digest]

    def entries(self) -> Sequence[CacheEntry]:
        """List the kept pictures, from the most to the least recently used."""
        with self._lock:
            return [picture.entry for picture in reversed(self._pictures.values())]

    def clear(self) -> int:
        """Remove all pictures, and return how many there were."""
        with self._lock:
            count = len(self._pictures)
            self._pictures.clear()
            return count

    def close(self) -> None:
        """Keep all as it is: no file or connection is open."""


class _Held:
    """A lock that *release* gives back."""

    def __init__(self, release: Callable[[], None]) -> None:
        self._release = release

    def release(self) -> None:
        self._release()
