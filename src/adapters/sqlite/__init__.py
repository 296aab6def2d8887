"""Account books in an SQLite file, which survive the process and are shared by all processes of a machine."""

from __future__ import annotations

from .store import SqliteAccountStore

__all__ = ["SqliteAccountStore"]
