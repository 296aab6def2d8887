"""The address of a Redis server: it is checked before use, and reaches a server by TCP, by TLS or by a socket."""

from __future__ import annotations

import re
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from chartimg import ConfigError, StoreUnavailable
from chartimg.adapters.redis import RedisAccountStore
from chartimg.domain.account import AccountSnapshot
from redis_server import redis_server
from rows import for_each
from samples import NOON

PASSWORD = "canary-pass-77"
KEPT = AccountSnapshot("a", NOON, NOON, "digest")


@for_each(
    "address",
    [
        "",
        "redis",
        "redis:",
        "redis://",
        "redis:///0",
        "redis://:secret@",
        "REDIS://:secret@host",
        "http://:secret@host",
        "redis+tls://:secret@host",
        "redis://:secret@host:port",
        "redis://:secret@host:99999",
        "redis://:secret@host/books",
        "redis://:secret@host/0/1",
        "redis://:secret@host/-1",
        "redis://:sec#secret@host",
        "redis://:sec/secret@host",
        "redis://:1/secret@host",
        "redis://:1?secret@host",
        "redis://host?secret=1",
        "redis://:secret@host?db=secret",
        "redis://:secret@host?socket_timeout=secret",
        "redis://:secret@host?retry_on_error=secret",
        "redis://:secret@host?ssl_cert_reqs=none",
        "rediss://:secret@host?ssl_cert_reqs=secret",
        "redis://:secret@[::1",
        "unix://secret/redis.sock",
        "unix://:secret@",
        "unix://:secret@/",
        "unix://user:se/secret@/redis.sock",
    ],
)
def test_a_wrong_address_is_refused_and_not_repeated(address: str) -> None:
    """A wrong address is refused, and the message repeats no part of it: any part may be the password."""
    with pytest.raises(ConfigError, match="address of the Redis store") as failure:
        RedisAccountStore(address)

    assert "secret" not in str(failure.value)
    assert failure.value.__cause__ is None


@for_each(
    "address",
    [
        "redis://127.0.0.1:1",
        "redis://127.0.0.1:1/",
        "redis://127.0.0.1:1/0",
        "redis://user:p%40ss@127.0.0.1:1/0?db=0&socket_timeout=1&client_name=x",
        "rediss://:p@127.0.0.1:1?ssl_cert_reqs=none&ssl_check_hostname=false",
        "rediss://127.0.0.1:1",
    ],
)
def test_an_address_is_connected_when_it_is_needed(address: str) -> None:
    """An address is connected at the first use, so a client can be built out of reach of the server."""
    with (
        closing(RedisAccountStore(address)) as store,
        pytest.raises(StoreUnavailable, match=re.escape("127.0.0.1:1/0 can't be reached")),
    ):
        store.read(["a"])


def test_a_store_may_be_reached_by_a_socket_with_a_password() -> None:
    """A socket takes a password and the number of a database, and a message names its path."""
    with tempfile.TemporaryDirectory(prefix="c") as folder:
        path = Path(folder) / "s"
        with redis_server(Path(folder) / "redis", "--requirepass", PASSWORD, socket_path=path) as server:
            for address in (f"unix://:{PASSWORD}@{path}?db=3", f"unix://{path}?password={PASSWORD}&db=3"):
                with closing(RedisAccountStore(address)) as store:
                    store.replace(None, KEPT)
                    assert (KEPT,) == store.read(["a"])
            server.stop()
            with closing(RedisAccountStore(f"unix://:{PASSWORD}@{path}?db=3")) as store:
                with pytest.raises(StoreUnavailable, match=re.escape(f"{path}/3 can't be reached")) as failure:
                    store.read(["a"])
                assert PASSWORD not in str(failure.value)
