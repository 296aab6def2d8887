"""Account books in PostgreSQL, shared by all machines that reach it, with the server's time for all of them."""

from __future__ import annotations

from .store import PostgresqlAccountStore, schema

__all__ = ["PostgresqlAccountStore", "schema"]
