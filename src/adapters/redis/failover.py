"""A failover behind one address: tell it by the answer, and leave the connections to the server of before."""

from __future__ import annotations

from contextlib import suppress
from queue import Empty
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeGuard

if TYPE_CHECKING:
    import redis
    import redis.cluster

Client: TypeAlias = "redis.Redis | redis.cluster.RedisCluster"

_SAID: Final = (
    *("read only replica", "Link with MASTER is down", "Not enough good replicas"),
    *("loading the dataset", "Authentication required"),
)
"""Parts of the answers. Each is given before any write."""


def proves_wrong(client: Client, error: Exception) -> TypeGuard[redis.Redis]:
    """Return whether another server may answer on a new connection: this one is a replica now, or was started again.

    A cluster finds its primaries itself.
    """
    from redis import Redis

    return isinstance(client, Redis) and any(text in str(error) for text in _SAID)


def afresh(client: redis.Redis) -> redis.Redis:
    """Drop the idle connections of *client*, and return a client with a new one for the caller to close.

    A connection in use belongs to its thread, and would mix up its replies if it were closed here.
    """
    from redis import ConnectionPool, Redis

    _drop_idle(client.connection_pool)
    kind, options = client.connection_pool.connection_class, client.connection_pool.connection_kwargs
    fresh = Redis(connection_pool=ConnectionPool(kind, 1, **options))
    fresh.auto_close_connection_pool = True
    return fresh


def _drop_idle(pool: Any) -> None:
    from redis import BlockingConnectionPool

    if not isinstance(pool, BlockingConnectionPool):
        pool.disconnect(inuse_connections=False)
        return
    idle = []
    with suppress(Empty):
        while True:
            idle.append(pool.pool.get_nowait())
    for connection in reversed(idle):
        if connection is not None:
            connection.disconnect()
        pool.pool.put_nowait(connection)
