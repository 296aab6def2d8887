"""The shipped contract of an account store, for each store of ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chartimg.adapters.memory import MemoryAccountStore
from chartimg.adapters.redis import RedisAccountStore
from chartimg.adapters.sqlite import SqliteAccountStore
from chartimg.domain.ports import AccountStore
from chartimg.testing import AccountStoreContract
from redis_server import redis_url, unique_prefix

__all__ = ["redis_url"]  # the fixture


class TestMemory(AccountStoreContract):
    """A store in memory: all handles of a process are one."""

    @pytest.fixture(autouse=True)
    def _books(self) -> None:
        self.store = MemoryAccountStore()

    def open(self) -> AccountStore:
        """Return the only store."""
        return self.store


class TestSqlite(AccountStoreContract):
    """A store in a file."""

    @pytest.fixture(autouse=True)
    def _place(self, tmp_path: Path) -> None:
        self.path = tmp_path / "books.sqlite3"

    def open(self) -> AccountStore:
        """Return the only store."""
        return SqliteAccountStore(self.path)


class TestRedis(AccountStoreContract):
    """A store on a server."""

    @pytest.fixture(autouse=True)
    def _place(self, redis_url: str) -> Iterator[None]:
        self.url = redis_url
        with unique_prefix(redis_url) as self.prefix:
            yield

    def open(self) -> AccountStore:
        """Return the only store."""
        return RedisAccountStore(self.url, prefix=self.prefix)
