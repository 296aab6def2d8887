"""Account books in an SQLite file."""

from __future__ import annotations

from .store import SqliteAccountStore

__all__ = ["SqliteAccountStore"]
