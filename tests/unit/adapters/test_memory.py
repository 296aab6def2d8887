"""Account books in memory; the promises of every store are tested in ``tests/contract/test_account_store.py``."""

from __future__ import annotations

from datetime import UTC, datetime

import attrs

from chartimg.adapters.memory import MemoryAccountStore
from chartimg.domain.account import AccountSnapshot

MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)
FIRST = AccountSnapshot("a", MIDNIGHT, MIDNIGHT, "digest")


def test_books_last_as_long_as_their_store() -> None:
    """Two stores share no snapshot, and closing a store keeps its snapshots."""
    one, two = MemoryAccountStore(), MemoryAccountStore()
    one.replace(None, FIRST)
    one.close()

    assert ((FIRST,), (None,)) == (one.read(["a"]), two.read(["a"]))


def test_an_equal_snapshot_is_as_good_as_the_same() -> None:
    """A snapshot is swapped if an equal one is kept, and only then."""
    store = MemoryAccountStore()
    store.replace(None, FIRST)

    assert store.replace(attrs.evolve(FIRST), attrs.evolve(FIRST, version=1))
    assert not store.replace(FIRST, attrs.evolve(FIRST, version=2))
    assert not store.replace(None, FIRST)
    assert 1 == sum(snapshot.version for snapshot in store.read(["a"]) if snapshot)
