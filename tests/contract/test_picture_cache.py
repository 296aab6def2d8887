"""The shipped contract of a cache of pictures, for each cache of ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chartimg.adapters.cache import FolderPictureCache, MemoryPictureCache, RedisPictureCache
from chartimg.domain.ports import PictureCache
from chartimg.testing import PictureCacheContract
from redis_server import redis_url, unique_prefix

__all__ = ["redis_url"]  # the fixture


class TestMemory(PictureCacheContract):
    """A cache in memory: all handles of a process are one."""

    @pytest.fixture(autouse=True)
    def _pictures(self) -> None:
        self.cache: PictureCache | None = None

    def open(self, max_bytes: int) -> PictureCache:
        """Return the only cache."""
        self.cache = self.cache or MemoryPictureCache(max_bytes)
        return self.cache


class TestFolder(PictureCacheContract):
    """A cache in a folder."""

    @pytest.fixture(autouse=True)
    def _place(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "a" / "pictures"

    def open(self, max_bytes: int) -> PictureCache:
        """Open the only folder."""
        return FolderPictureCache(self.folder, max_bytes)


class TestRedis(PictureCacheContract):
    """A cache on a server."""

    @pytest.fixture(autouse=True)
    def _place(self, redis_url: str) -> Iterator[None]:
        self.url = redis_url
        with unique_prefix(redis_url) as self.prefix:
            yield

    def open(self, max_bytes: int) -> PictureCache:
        """Open the only cache."""
        return RedisPictureCache(self.url, max_bytes, prefix=self.prefix)
