"""Caches of pictures: in a folder, in memory, and on a Redis server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .folder import FolderPictureCache
from .memory import MemoryPictureCache

if TYPE_CHECKING:
    from .redis import RedisPictureCache

__all__ = ["FolderPictureCache", "MemoryPictureCache", "RedisPictureCache"]


def __getattr__(name: str) -> object:
    """Import the cache on Redis when it is first used."""
    if name != "RedisPictureCache":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .redis import RedisPictureCache

    return RedisPictureCache
