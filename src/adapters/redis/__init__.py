"""Account books on a Redis server, shared by all machines that reach it, with the server's time for all of them."""

from __future__ import annotations

from .store import RedisAccountStore

__all__ = ["RedisAccountStore"]
