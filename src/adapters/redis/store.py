"""Account books on a Redis server, shared by all machines that reach it, with the server's time for all of them.

Every verb is one script, and the server runs a script as one step. Each swap has an id. The server remembers recent ids, so
a swap with a lost answer is retried and yet applied once (see lua/replace.lua).

Redis must not evict: ``maxmemory-policy`` must be ``noeviction``, or one of ``volatile-…``, since the books have no expiry.
Writes that it has not yet put on disk or on a replica are lost with it.
"""

from __future__ import annotations

import hashlib
import math
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

from ...codec import dump
from ...domain.account import AccountSnapshot
from ...domain.errors import OTHER_STORES, ConfigError, StoreBusy, StoreUnavailable, missing_extra
from ..server_clock import ServerClock
from ..snapshot_text import damaged, read_snapshot
from .address import open_client
from .failover import Client, afresh, proves_wrong

_PAUSE_SECONDS: Final = 0.05
_MAX_CHARACTERS: Final = 200  # a longer answer is quoted in part
_MILLION: Final = 1_000_000


class RedisAccountStore:
    """Keeps snapshots on the Redis server *server*; safe from many threads, processes and machines, and after a fork.

    Args:
        server: ``redis://[[user]:password@]host[:port][/db]``, ``rediss://…`` (TLS) or ``unix://[user[:password]@]/path[?db=…]``;
            or a ``redis.Redis`` or ``redis.cluster.RedisCluster`` of the host's own. It keeps its timeouts and retries, and the
            host closes it.
        prefix: beginning of the keys, in braces, so that all share one slot of a cluster.
        timeout: seconds that connecting, and each answer, may take.

    Attributes:
        clock: the server's time.

    Raises:
        ConfigError: an argument is wrong, or the extra ``redis`` is not installed.
        StoreBusy: from any verb: another script holds the server up.
        StoreUnavailable: from any verb: the server can't be reached or used, or the books in it are damaged.
    """

    def __init__(self, server: str | Client, *, prefix: str = "chartimg", timeout: float = 2.0) -> None:
        if not prefix or not prefix.isprintable() or set(prefix) & set("{}"):
            raise ConfigError("the prefix of the keys in Redis must be visible text without braces")
        if not (math.isfinite(timeout) and timeout > 0):
            raise ConfigError(f"the timeout of the Redis store must be more than 0 seconds, not {timeout}")
        try:
            import redis  # noqa: F401
        except ImportError:
            raise missing_extra("the Redis store", "redis") from None
        self._prefix = f"{{{prefix}}}:v1:"
        self._client, self._own = (open_client(server, timeout), True) if isinstance(server, str) else (server, False)
        self.clock: Final = ServerClock(self._ask_time)

    def read(self, account_ids: Sequence[str]) -> tuple[AccountSnapshot | None, ...]:
        """Return the snapshot of each id, if it is known."""
        if not account_ids:
            return ()
        (kept,) = self._run("read", [self._key("account", each) for each in account_ids])
        if not isinstance(kept, list) or len(kept) != len(account_ids):
            raise self._no_answer()
        return tuple(self._decode(each, text) for each, text in zip(account_ids, kept, strict=True))

    def replace(self, old: AccountSnapshot | None, new: AccountSnapshot) -> bool:
        """Replace *old* by *new*, exactly once, also if an answer is lost; return False if another snapshot is kept."""
        name, text = secrets.token_hex(8), dump(new)
        expected = b"" if old is None else dump(old).encode()
        keys = [self._key("account", new.account_id), self._key("swaps", new.account_id)]
        while True:
            swapped, kept = self._run("replace", keys, expected, text, name)
            if swapped:
                return True
            if self._decode(new.account_id, kept) != old or not isinstance(kept, bytes):
                return False
            expected = kept  # the same snapshot, as another version writes it

    def close(self) -> None:
        """Close the connections that the store has opened."""
        if self._own:
            self._client.close()

    def _key(self, kind: str, account_id: str) -> bytes:
        return f"{self._prefix}{kind}:{account_id}".encode("utf-8", "surrogatepass")

    def _ask_time(self) -> None:
        """Ask the time of the server that has the books; a cluster has several servers."""
        self._run("read", [self._key("time", "")])

    def _run(self, script: str, keys: Sequence[bytes], *arguments: bytes | str) -> tuple[object, ...]:
        """Run a script, note the time in its answer, and return the rest.

        A broken connection is opened again, once: it may have been idle for long, and a script may run twice. If an answer
        proves the connection wrong, a new one is asked, once: behind one address another server may be the primary by now.
        """
        from redis import exceptions

        program, client, lost = _script(script), self._client, False
        with ExitStack() as opened:
            while True:
                try:
                    return self._evaluate(client, program, [len(keys), *keys, *arguments])
                except (exceptions.RedisError, exceptions.RedisClusterException, OSError) as error:
                    if client is self._client and proves_wrong(client, error):
                        client = opened.enter_context(afresh(client))
                        continue
                    if type(error) is not exceptions.ConnectionError or lost:
                        raise self._failure(error, lost=lost) from None  # an answer may hold a password
                except (AttributeError, ValueError) as error:  # another thread has closed the connection
                    if lost:
                        raise StoreUnavailable(
                            f"the account store at Redis {self._place} was closed while in use"
                        ) from error
                lost = True

    def _evaluate(self, client: Client, script: _Script, arguments: Sequence[bytes | str | int]) -> tuple[object, ...]:
        """Run *script* by its digest, or by its text on a server that does not know it."""
        from redis.exceptions import NoScriptError

        # Bytes also where the client is set to decode, so that damaged text is reported here.
        execute: Callable[..., object] = client.execute_command
        before = time.monotonic()
        try:
            reply = execute("EVALSHA", script.digest, *arguments, NEVER_DECODE=True)
        except NoScriptError:
            before = time.monotonic()
            reply = execute("EVAL", script.text, *arguments, NEVER_DECODE=True)
        after = time.monotonic()
        match reply:
            case [bytes(seconds), bytes(micros), *answer]:
                self.clock.note(int(seconds) + int(micros) / _MILLION, before, after)
                return tuple(answer)
            case _:
                raise self._no_answer()

    def _decode(self, account_id: str, kept: object) -> AccountSnapshot | None:
        """Decode the value of an account."""
        if kept is None:
            return None
        value = f"the value of {self._key('account', account_id).decode('utf-8', 'replace')!r}"
        if not isinstance(kept, bytes):  # an error of the server
            raise damaged(f"{value} can't be read: {self._without_secrets(kept)}", self._place)
        try:
            text = kept.decode()
        except UnicodeDecodeError:
            raise damaged(f"{value} is not text", self._place) from None
        return read_snapshot(text, account_id, where=value, place=self._place)

    def _failure(self, error: Exception, *, lost: bool) -> StoreUnavailable:
        """Return the error with the place of the server and a remedy. *lost*: the answer before this one was lost."""
        from redis import exceptions

        busy = isinstance(error, exceptions.TryAgainError) or str(error).startswith("BUSY ")
        if busy and not lost:
            time.sleep(_PAUSE_SECONDS)
            return StoreBusy(f"the account store {self._place} is busy; try again in a moment")
        moved = isinstance(error, exceptions.AskError) or str(error).startswith("MOVED ")
        match error:
            case exceptions.AuthenticationError() | exceptions.AuthorizationError():
                what = "does not accept the user name and password, or needs them; correct them"
            case exceptions.NoPermissionError():
                what = f"forbids what the store needs; let its user run scripts, and read and write keys like {self._prefix}*"
            case exceptions.BusyLoadingError():
                what = "has just started and is loading its data; try again in a moment"
            case exceptions.TimeoutError():
                what = "did not answer in time; check whether it is paused, overloaded or out of reach"
            case exceptions.ResponseError() if proves_wrong(self._client, error):
                what = "is a replica, or has lost its replicas, and can't be written; name the primary"
            case exceptions.OutOfMemoryError():
                what = "has no memory left; give it more"
            case exceptions.ResponseError() if moved:
                what = "is one node of a cluster; give the store a redis.cluster.RedisCluster in place of an address"
            case exceptions.ConnectionError() | exceptions.RedisClusterException() | OSError():
                what = f"can't be reached ({self._without_secrets(error)}); check whether it runs"
            case _:
                what = f"answered with an error: {self._without_secrets(error)}"
        return StoreUnavailable(f"the account store {self._place} {what}. {OTHER_STORES}")

    def _no_answer(self) -> StoreUnavailable:
        return StoreUnavailable(
            f"the server at {self._place} is not a Redis server; correct the address. {OTHER_STORES}"
        )

    @property
    def _settings(self) -> Mapping[str, object]:
        """The settings of the client's connections."""
        from redis.cluster import RedisCluster

        if isinstance(self._client, RedisCluster):
            nodes = self._client.nodes_manager
            node = nodes.default_node
            return {**nodes.connection_kwargs, **({"host": node.host, "port": node.port} if node else {})}
        pool = self._client.connection_pool
        found_by = getattr(pool, "service_name", None)  # Sentinels find the server by this name
        return {**pool.connection_kwargs, **({"path": found_by} if found_by else {})}

    @property
    def _place(self) -> str:
        """The place of the server, without secrets."""
        settings = self._settings
        host = f"{settings.get('host', 'localhost')}:{settings.get('port', 6379)}"
        return f"{settings.get('path', host)}/{settings.get('db') or 0}"

    def _without_secrets(self, said: object) -> str:
        """Shorten an answer to one line without the password: an old server repeats unknown commands."""
        said = said[0] if isinstance(said, list) and said else said
        text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        for secret in (self._settings.get("password"), self._settings.get("username")):
            text = text.replace(str(secret), "[secret]") if secret else text
        return " ".join(text.partition(", with args")[0].split())[:_MAX_CHARACTERS]


class _Script(NamedTuple):
    """A script and its digest."""

    text: str
    digest: str


@cache
def _script(name: str) -> _Script:
    """Read a shipped script."""
    text = files(__package__).joinpath("lua", f"{name}.lua").read_text("utf-8")
    return _Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())
