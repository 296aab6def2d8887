"""Account books in an SQLite file, shared by all processes of a machine."""

from __future__ import annotations

from .store import SqliteAccountStore

__all__ = ["SqliteAccountStore"]
