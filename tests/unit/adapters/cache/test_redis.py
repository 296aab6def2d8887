"""The cache of pictures on a Redis server: its locks, and a server that fails."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from chartimg.adapters.cache import RedisPictureCache
from chartimg.domain.cached import CachedPicture
from chartimg.domain.errors import CacheUnavailable, ConfigError
from patience import LONG
from redis_server import Proxy, redis_server, redis_url, unique_prefix
from samples import NOON

__all__ = ["redis_url"]  # the fixture

A = hashlib.sha256(b"a").hexdigest()
PICTURE = CachedPicture.of(b"png", body_digest=A, chart="A:A 1h look", taken_at=NOON, drawn_at=NOON)


@pytest.fixture
def prefix(redis_url: str) -> Iterator[str]:
    """Yield an unused prefix."""
    with unique_prefix(redis_url) as prefix:
        yield prefix


def until(condition: Callable[[], object]) -> None:
    """Wait until *condition* holds."""
    deadline = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_lock_is_held_for_longer_than_its_lease_while_its_holder_lives(redis_url: str, prefix: str) -> None:
    """The lease is renewed until the release, and the thread that renews it ends then."""
    cache = RedisPictureCache(redis_url, prefix=prefix, lease=15.0)
    other = RedisPictureCache(redis_url, prefix=prefix)
    lock = cache.lock(A)
    assert lock is not None
    key = f"{{{prefix}}}:pictures:v1:lock:{A}"
    with redis.Redis.from_url(redis_url, protocol=2) as server:
        server.pexpire(key, 60_000)
        until(lambda: server.pttl(key) <= 15_000)

    assert other.lock(A) is None
    lock.release()
    until(lambda: "chartimg-cache-lock" not in {thread.name for thread in threading.enumerate()})
    assert other.lock(A) is not None
    cache.close()
    other.close()


def test_one_takes_over_when_the_lease_of_a_dead_holder_ends(redis_url: str, prefix: str) -> None:
    """Of many waiters exactly one gets the lock of a process that died."""
    key = f"{{{prefix}}}:pictures:v1:lock:{A}"
    waiters = [RedisPictureCache(redis_url, prefix=prefix) for _ in range(4)]
    with redis.Redis.from_url(redis_url, protocol=2) as server:
        server.set(key, "token of the dead", px=300)
        until(lambda: not server.exists(key))
    locks = [cache.lock(A) for cache in waiters]

    assert 1 == sum(lock is not None for lock in locks)
    for cache in waiters:
        cache.close()


def test_closing_lets_go_of_all_locks(redis_url: str, prefix: str) -> None:
    """No lock waits for the end of its lease after its cache was closed."""
    cache, other = (RedisPictureCache(redis_url, prefix=prefix) for _ in range(2))
    assert cache.lock(A) is not None
    cache.close()

    assert other.lock(A) is not None
    other.close()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_does_not_end_the_lock_of_its_parent(redis_url: str, prefix: str) -> None:
    """Closing the cache in a forked child leaves the lock to the parent."""
    cache = RedisPictureCache(redis_url, prefix=prefix)
    assert cache.lock(A) is not None
    pid = os.fork()
    if not pid:
        cache.close()
        os._exit(0)
    os.waitpid(pid, 0)

    assert cache.lock(A) is None
    cache.close()


@pytest.mark.parametrize("field", ["head", "png"])
def test_a_damaged_picture_is_not_read(field: str, redis_url: str, prefix: str) -> None:
    """A change of the picture, or of what is known of it, makes it missing."""
    cache = RedisPictureCache(redis_url, prefix=prefix)
    cache.keep(PICTURE)
    with redis.Redis.from_url(redis_url, protocol=2) as server:
        server.hset(f"{{{prefix}}}:pictures:v1:picture:{A}", field, "changed")

    assert cache.read(A) is None
    cache.close()


def test_an_expired_picture_leaves_room(redis_url: str, prefix: str) -> None:
    """The bytes of a picture that the server has dropped are counted no longer."""
    cache = RedisPictureCache(redis_url, prefix=prefix)
    cache.keep(PICTURE)
    with redis.Redis.from_url(redis_url, protocol=2) as server:
        server.delete(f"{{{prefix}}}:pictures:v1:picture:{A}")
        assert ([], None) == (cache.entries(), cache.read(A))

        assert b"0" == server.get(f"{{{prefix}}}:pictures:v1:total")
    cache.close()


def test_a_server_that_is_gone_is_reported_without_its_password(tmp_path: Path) -> None:
    """Every verb raises one kind of exception, with the place of the server."""
    with redis_server(tmp_path, "--requirepass", "a-secret") as server:
        cache = RedisPictureCache(server.url.replace("redis://", "redis://:a-secret@"))
        cache.keep(PICTURE)
        assert PICTURE == cache.read(A)
        lock = cache.lock(A)
    assert lock is not None
    verbs: list[Callable[[], object]] = [
        lambda: cache.read(A), lambda: cache.lock(A), lambda: cache.keep(PICTURE), cache.entries, cache.clear
    ]  # fmt: skip

    for verb in verbs:
        with pytest.raises(CacheUnavailable, match="can't be used") as raised:
            verb()
        assert "a-secret" not in str(raised.value)
        assert f":{server.port}" in str(raised.value)
    lock.release()
    cache.close()


def test_a_failover_behind_one_address_is_not_noticed(tmp_path: Path) -> None:
    """If another server becomes the primary behind the address, each verb is carried out there, on a new connection."""
    verbs: list[Callable[[RedisPictureCache], object]] = [
        lambda cache: cache.keep(PICTURE), lambda cache: cache.read(A), lambda cache: cache.lock(A), lambda cache: cache.clear()
    ]  # fmt: skip
    with (
        redis_server(tmp_path / "first") as first,
        redis_server(tmp_path / "other") as other,
        Proxy(first.port) as proxy,
    ):
        for verb in verbs:
            proxy.target = first.port
            first.client().replicaof("NO", "ONE")
            cache = RedisPictureCache(f"redis://127.0.0.1:{proxy.port}/0")
            cache.entries()
            first.client().replicaof("127.0.0.1", other.port)
            proxy.target = other.port
            verb(cache)
            cache.keep(PICTURE)
            cache.close()

        assert PICTURE == RedisPictureCache(other.url).read(A)


def test_a_wrong_address_is_refused() -> None:
    """The message repeats no part of it."""
    with pytest.raises(ConfigError, match=r"pictures on Redis \(CHARTS_CACHE\) is not like redis://"):
        RedisPictureCache("http://secret")
