"""Pictures on a Redis server that machines share.

A lock has the token of its holder and a lease. A thread renews the lease while the holder lives, so that a lock ends soon after
its holder has died. Pictures expire after a month. So a server with a ``volatile-…`` policy can make room by them.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ...domain.cached import CachedPicture, CacheEntry
from ...domain.errors import CacheUnavailable, missing_extra
from ...domain.ports import CacheLock
from ...fork import begin_in_children
from ..redis.address import open_client
from ..redis.failover import afresh, proves_wrong
from .codec import decode_entry, encode_entry
from .memory import DEFAULT_MAX_BYTES

if TYPE_CHECKING:
    import redis

__all__ = ["RedisPictureCache"]

T = TypeVar("T")

_KEPT_SECONDS: Final = 30 * 24 * 3600
_SCRIPTS: Final = ("read", "keep", "clear", "renew", "release")
_RENEWALS: Final = 10  # in one lease: several may be lost
_END_SECONDS: Final = 5.0


class RedisPictureCache:
    """Keeps pictures on the Redis server at *url*, *max_bytes* of them at most. Safe from many threads, processes and machines.

    Args:
        url: ``redis://[[user]:password@]host[:port][/db]``, ``rediss://…`` (TLS) or ``unix://[user[:password@]@]/path[?db=…]``.
        max_bytes: bound of the pictures with their entries.
        prefix: beginning of the keys, in braces, so that all share one slot of a cluster.
        timeout: seconds that connecting, and each answer, may take.
        lease: seconds until a lock ends after its holder has died.

    Raises:
        ConfigError: the address is wrong, or the extra ``redis`` is not installed.
    """

    def __init__(
        self,
        url: str,
        max_bytes: int = DEFAULT_MAX_BYTES,
        *,
        prefix: str = "chartimg",
        timeout: float = 2.0,
        lease: float = 10.0,
    ) -> None:
        try:
            import redis
        except ImportError:
            raise missing_extra("the cache of pictures on Redis", "redis") from None
        self._errors = (redis.exceptions.RedisError, OSError, AttributeError, ValueError)  # the last two: closed in use
        self._client = open_client(url, timeout, of="the cache of pictures on Redis (CHARTS_CACHE)")
        self._max_bytes = max_bytes
        self._lease = lease
        self._prefix = f"{{{prefix}}}:pictures:v1:"
        self._keys = [self._key(name) for name in ("used", "sizes", "total", "turn")]
        source = files(__package__).joinpath("lua")
        self._scripts = {
            name: self._client.register_script(source.joinpath(f"{name}.lua").read_text("utf-8")) for name in _SCRIPTS
        }
        self.begin()
        begin_in_children(self)

    def begin(self) -> None:
        """Hold no lock: at first, and in a forked child, where no fetch is under way."""
        self._guard = threading.Lock()
        self._held: dict[str, str] = {}  # the token by the key
        self._idle = threading.Event()
        self._renewing: threading.Thread | None = None

    def read(self, body_digest: str) -> CachedPicture | None:
        """Return the picture of *body_digest*, verified, and count it as used."""
        kept = self._run("read", [self._key("picture", body_digest), *self._keys], [body_digest])
        match kept:
            case [bytes(head), bytes(png)] if (entry := decode_entry(head, body_digest)) is not None:
                picture = CachedPicture(entry, png)
                return picture if picture.is_whole else None
        return None

    def keep(self, picture: CachedPicture) -> None:
        """Keep *picture* in place of an older one; the least recently used leave if all together are too large."""
        digest = picture.entry.body_digest
        arguments: list[str | bytes | int] = [
            *(digest, encode_entry(picture.entry), picture.png_bytes),
            *(self._max_bytes, _KEPT_SECONDS, self._key("picture", "")),
        ]
        self._run("keep", [self._key("picture", digest), *self._keys], arguments)

    def lock(self, body_digest: str) -> CacheLock | None:
        """Return the lock on *body_digest*; None if another thread, process or machine holds it."""
        key, token = self._key("lock", body_digest), secrets.token_hex(16)
        if not self._ask(lambda client: client.set(key, token, nx=True, px=round(self._lease * 1000))):
            return None
        with self._guard:
            self._held[key] = token
            self._idle.clear()
            if self._renewing is None:
                self._renewing = threading.Thread(target=self._renew, name="chartimg-cache-lock", daemon=True)
                self._renewing.start()
        return _Held(lambda: self._release(key, token))

    def entries(self) -> Sequence[CacheEntry]:
        """List the kept pictures, from the most to the least recently used."""
        return self._ask(self._entries)

    def clear(self) -> int:
        """Remove all pictures, and return how many there were."""
        return int(self._run("clear", self._keys, [self._key("picture", "")]))

    def close(self) -> None:
        """Let go of all locks, and close the connections."""
        with self._guard:
            held, thread = dict(self._held), self._renewing
        for key, token in held.items():
            self._release(key, token)
        if thread is not None:
            thread.join(_END_SECONDS)
        self._client.close()

    def _release(self, key: str, token: str) -> None:
        with self._guard:
            if self._held.get(key) != token:
                return
            del self._held[key]
            if not self._held:
                self._idle.set()
        with suppress(CacheUnavailable):  # else its lease ends
            self._run("release", [key], [token])

    def _renew(self) -> None:
        """Renew the leases of all locks that are held, until the last one is released."""
        idle = self._idle
        while True:
            idle.wait(self._lease / _RENEWALS)
            with self._guard:
                if not self._held:
                    self._renewing = None
                    return
                held = dict(self._held)
            for key, token in held.items():
                with suppress(CacheUnavailable):
                    self._run("renew", [key], [token, round(self._lease * 1000)])

    def _entries(self, client: redis.Redis) -> Sequence[CacheEntry]:
        kept = client.zrange(self._keys[0], 0, -1, desc=True)
        digests = [digest.decode() for digest in kept if isinstance(digest, bytes)]
        heads = client.pipeline(transaction=False)
        for digest in digests:
            heads.hget(self._key("picture", digest), "head")
        found = [decode_entry(head or b"", digest) for digest, head in zip(digests, heads.execute(), strict=True)]
        return [entry for entry in found if entry is not None]

    def _run(self, script: str, keys: Sequence[str], arguments: Sequence[str | bytes | int]) -> Any:
        """Run a script on the server."""
        return self._ask(lambda client: self._scripts[script](keys=keys, args=arguments, client=client))

    def _ask(self, use: Callable[[redis.Redis], T]) -> T:
        """Use the server. If an answer proves the connection wrong, ask once more on a new one: the address may have failed over.

        Raises:
            CacheUnavailable: for an error of the server or of the way to it. It repeats no answer: one may hold a password.
        """
        try:
            try:
                return use(self._client)
            except self._errors as error:
                if not proves_wrong(self._client, error):
                    raise
                with afresh(self._client) as client:
                    return use(client)
        except self._errors as error:
            settings = self._client.connection_pool.connection_kwargs
            place = settings.get("path") or f"{settings.get('host', 'localhost')}:{settings.get('port', 6379)}"
            raise CacheUnavailable(
                f"the cache of pictures at Redis {place} can't be used ({type(error).__name__}); check whether it runs and "
                "lets its user write, or set CHARTS_CACHE to a folder or to off"
            ) from None

    def _key(self, kind: str, body_digest: str | None = None) -> str:
        return self._prefix + kind if body_digest is None else f"{self._prefix}{kind}:{body_digest}"


class _Held:
    """A lock that *release* gives back."""

    def __init__(self, release: Callable[[], None]) -> None:
        self._release = release

    def release(self) -> None:
        self._release()
