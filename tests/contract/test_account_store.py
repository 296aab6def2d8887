"""The shipped contract of an account store, for each store of ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chartimg.adapters.memory import MemoryAccountStore
from chartimg.adapters.postgresql import PostgresqlAccountStore
from chartimg.adapters.redis import RedisAccountStore
from chartimg.adapters.sqlite import SqliteAccountStore
from chartimg.domain.ports import AccountStore
from chartimg.testing import AccountStoreContract
from postgresql_server import postgresql_url
from redis_server import redis_url, unique_prefix

__all__ = ["postgresql_url", "redis_url"]  # the fixtures


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


class TestPostgresql(AccountStoreContract):
    """A store in a database."""

    @pytest.fixture(autouse=True)
    def _place(self, postgresql_url: str) -> Iterator[None]:
        self.url = postgresql_url
        self.opened: list[PostgresqlAccountStore] = []
        yield
        for each in self.opened:
            each.close()

    def open(self) -> AccountStore:
        """Return another handle on the only store."""
        self.opened.append(PostgresqlAccountStore(self.url))
        return self.opened[-1]
