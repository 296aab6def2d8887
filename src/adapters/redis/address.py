"""The address of a Redis server: check it, and open a client for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

from ...domain.errors import ConfigError

if TYPE_CHECKING:
    import redis

_SCHEMES: Final = frozenset({"redis", "rediss", "unix"})
_OPTIONS: Final = (
    *("client_name", "db", "health_check_interval", "max_connections", "password", "socket_connect_timeout"),
    *("socket_keepalive", "socket_timeout", "ssl_ca_certs", "ssl_ca_path", "ssl_cert_reqs", "ssl_certfile"),
    *("ssl_check_hostname", "ssl_keyfile", "ssl_password", "username"),
)
"""Options that an address may have after its ``?``: those of redis-py that leave the promises of the store alone."""
_MAX_CONNECTIONS: Final = 50
_WRONG_ADDRESS: Final = (
    "the address of {of} is not like redis://[[user]:password@]host[:port][/db], rediss://… or "
    "unix://[user[:password]@]/path; write special characters in a password as %XX"
)


def open_client(url: str, timeout: float, *, of: str = "the Redis store") -> redis.Redis:
    """Return a client for *url*; it connects when it is first used. *of* says in a message whose address it is.

    Raises:
        ConfigError: the address is wrong. The message repeats no part of it: any part may be the password.
    """
    from redis import BlockingConnectionPool, Redis
    from redis.backoff import NoBackoff
    from redis.exceptions import RedisError
    from redis.retry import Retry

    _check(url, of)
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=_MAX_CONNECTIONS,
            timeout=timeout,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        pool.connection_class(**pool.connection_kwargs)  # raises for a wrong option
    except (ValueError, TypeError, AttributeError, RedisError):
        raise ConfigError(f"an option in the address of {of} has a wrong value") from None
    client = Redis(connection_pool=pool)
    client.auto_close_connection_pool = True
    return client


def _check(url: str, of: str) -> None:
    """Refuse an address that redis-py would read in another way."""
    try:
        address = urlsplit(url)
        host, _ = address.hostname, address.port
    except ValueError:
        raise ConfigError(_WRONG_ADDRESS.format(of=of)) from None
    if url.partition("://")[0] not in _SCHEMES or address.fragment:
        raise ConfigError(_WRONG_ADDRESS.format(of=of))
    if address.scheme == "unix":
        fits = not address.netloc.rpartition("@")[2] and address.path not in {"", "/"}
    else:
        database = address.path.removeprefix("/")
        fits = bool(host) and (not database or (database.isascii() and database.isdigit()))
    if not fits:
        raise ConfigError(_WRONG_ADDRESS.format(of=of))
    if any(name not in _OPTIONS for name, _ in parse_qsl(address.query, keep_blank_values=True)):
        raise ConfigError(f"the address of {of} has an unknown option; known options: {', '.join(_OPTIONS)}")
