"""Caches of pictures in lock-step: in a folder and on Redis they keep, list and lose the same pictures as in memory."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from chartimg.adapters.cache import FolderPictureCache, MemoryPictureCache, RedisPictureCache
from chartimg.domain.cached import CachedPicture
from chartimg.domain.ports import PictureCache
from redis_server import redis_url, unique_prefix
from samples import NOON

__all__ = ["redis_url"]  # the fixture

UNIT = 10_000
BOUND = 3 * UNIT + UNIT // 2  # three units, with what a cache keeps beside the picture

names = st.sampled_from("abcde")
steps = st.lists(
    st.tuples(st.just("keep"), names, st.integers(1, 4))
    | st.tuples(st.just("read"), names, st.just(0))
    | st.tuples(st.just("clear"), st.just(""), st.just(0)),
    max_size=20,
)


def digest(name: str) -> str:
    """Return the name of a picture in a cache."""
    return hashlib.sha256(name.encode()).hexdigest()


def done(cache: PictureCache, step: tuple[str, str, int], number: int) -> object:
    """Do *step* on a cache, and return all that can be seen of it."""
    verb, name, units = step
    said: object = None
    if verb == "keep":
        png = number.to_bytes(2) + bytes(units * UNIT - 2)
        cache.keep(CachedPicture.of(png, body_digest=digest(name), chart=name, taken_at=NOON, drawn_at=NOON))
    elif verb == "read":
        said = cache.read(digest(name))
    else:
        said = cache.clear()
    return said, list(cache.entries())


@given(steps=steps)
def test_all_caches_keep_the_same_pictures(steps: list[tuple[str, str, int]], redis_url: str) -> None:
    """After any steps each of them has the same pictures in the same order, whichever handle was used."""
    with TemporaryDirectory() as folder, unique_prefix(redis_url) as prefix, ExitStack() as stack:
        memory = MemoryPictureCache(BOUND)
        folders = [FolderPictureCache(Path(folder), BOUND) for _ in range(2)]
        servers = [stack.enter_context(closing(RedisPictureCache(redis_url, BOUND, prefix=prefix))) for _ in range(2)]
        for number, step in enumerate(steps):
            expected = done(memory, step, number)
            handle = number % 2

            assert expected == done(folders[handle], step, number)
            assert expected == done(servers[handle], step, number)
