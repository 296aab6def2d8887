"""Memory, SQLite and Redis, driven in lock-step against one model on paper: equal answers and all seven invariants."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from chartimg.adapters.memory import MemoryAccountStore
from chartimg.adapters.redis import RedisAccountStore
from chartimg.adapters.sqlite import SqliteAccountStore
from chartimg.domain import ledger
from chartimg.domain.account import TRANSITIONS, AccountEvent, AccountSnapshot, AccountState, advance
from chartimg.domain.ports import AccountStore
from redis_server import redis_url, unique_prefix
from seven_invariants import SevenInvariants

__all__ = ["redis_url"]  # the fixture


class LockStep:
    """Several stores as one: each is asked the same, and all must say the same."""

    def __init__(self, *stores: AccountStore) -> None:
        self._stores = stores

    def read(self, account_ids: Sequence[str]) -> tuple[AccountSnapshot | None, ...]:
        """Read from all."""
        first, *others = (store.read(account_ids) for store in self._stores)
        assert [first] * len(others) == others
        return first

    def replace(self, old: AccountSnapshot | None, new: AccountSnapshot) -> bool:
        """Swap in all."""
        first, *others = (store.replace(old, new) for store in self._stores)
        assert [first] * len(others) == others
        return first

    def close(self) -> None:
        """Close all."""
        for store in self._stores:
            store.close()


def machine(folder: Path, url: str, prefix: str) -> type[SevenInvariants]:
    """Build the machine over three stores, empty ones for each of its runs."""
    runs = itertools.count()

    class ThreeStores(SevenInvariants):
        """The seven invariants over three stores at once."""

        def new_store(self) -> AccountStore:
            """Open three empty stores."""
            run = next(runs)
            sqlite = SqliteAccountStore(folder / f"{run}.sqlite3")
            return LockStep(MemoryAccountStore(), sqlite, RedisAccountStore(url, prefix=f"{prefix}-{run}"))

        def teardown(self) -> None:
            """Close them."""
            super().teardown()
            self.store.close()

    return ThreeStores


@pytest.mark.parametrize("examples", [150, pytest.param(5000, marks=pytest.mark.soak)])
def test_three_stores_give_equal_answers_and_keep_all_invariants(
    monkeypatch: pytest.MonkeyPatch, redis_url: str, examples: int
) -> None:
    """For any sequence of claims, late reports, refunds, settings, keys and clocks; every row of the table is gone through."""
    seen: set[tuple[AccountState, AccountEvent]] = set()

    def noted(state: AccountState, happened: AccountEvent) -> AccountState:
        seen.add((state, happened))
        return advance(state, happened)

    monkeypatch.setattr(ledger, "advance", noted)
    with tempfile.TemporaryDirectory() as folder, unique_prefix(redis_url) as prefix:
        run_state_machine_as_test(
            machine(Path(folder), redis_url, prefix),
            settings=settings(
                max_examples=examples,
                stateful_step_count=50,
                derandomize=True,
                deadline=None,
                phases=set(Phase) - {Phase.explain, Phase.shrink},
                suppress_health_check=list(HealthCheck),
            ),
        )

    assert set(TRANSITIONS) == seen
