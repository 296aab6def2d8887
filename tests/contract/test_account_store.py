"""The shipped contract of an account store, over every store of ours."""

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
    """Books in memory: every handle of a process is the same."""

    @pytest.fixture(autouse=True)
    def _books(self) -> None:
        self.store = MemoryAccountStore()

    def open(self) -> AccountStore:
        """Give the one store there is."""
        return self.store


class TestSqlite(AccountStoreContract):
    """Books in a file."""

    @pytest.fixture(autouse=True)
    def _place(self, tmp_path: Path) -> None:
        self.path = tmp_path / "books.sqlite3"

    def open(self) -> AccountStore:
        """Open the file."""
        return SqliteAccountStore(self.path)


class TestRedis(AccountStoreContract):
    """Books on a server."""

    @pytest.fixture(autouse=True)
    def _place(self, redis_url: str) -> Iterator[None]:
        self.url = redis_url
        with unique_prefix(redis_url) as self.prefix:
            yield

    def open(self) -> AccountStore:
        """Connect to the server."""
        return RedisAccountStore(self.url, prefix=self.prefix)
