"""Memory, SQLite, Redis and PostgreSQL in lock-step against one model: equal answers, and all seven invariants."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from chartimg.adapters.memory import MemoryAccountStore
from chartimg.adapters.postgresql import PostgresqlAccountStore
from chartimg.adapters.redis import RedisAccountStore
from chartimg.adapters.sqlite import SqliteAccountStore
from chartimg.app.pool import Pool
from chartimg.domain.account import (
    TRANSITIONS,
    Account,
    AccountEvent,
    AccountSnapshot,
    AccountState,
    Claim,
)
from chartimg.domain.account.turn import Granted
from chartimg.domain.faults import FaultKind
from chartimg.domain.ports import AccountStore
from chartimg.testing import EventLog, VirtualClock
from pools import fault
from postgresql_server import own_books, shared_postgresql
from redis_server import redis_url, unique_prefix
from seven_invariants import SevenInvariants, rows_used, run_all

__all__ = ["redis_url"]  # the fixture


class LockStep:
    """Several stores as one: each is asked the same, and all must answer the same."""

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


def four_stores(folder: Path, redis: str, name: str) -> LockStep:
    """Return empty stores of each kind."""
    sqlite = SqliteAccountStore(folder / f"{name}.sqlite3")
    postgresql = PostgresqlAccountStore(own_books(shared_postgresql()))
    return LockStep(MemoryAccountStore(), sqlite, RedisAccountStore(redis, prefix=name), postgresql)


def machine(folder: Path, url: str, prefix: str) -> type[SevenInvariants]:
    """Return the machine over four stores, which are empty at the start of each run."""
    runs = itertools.count()

    class FourStores(SevenInvariants):
        """The seven invariants over four stores at once."""

        def new_store(self) -> AccountStore:
            """Open four empty stores."""
            run = next(runs)
            return four_stores(folder, url, f"{prefix}-{run}")

        def teardown(self) -> None:
            """Close them."""
            super().teardown()
            self.store.close()

    return FourStores


@pytest.mark.parametrize(
    "examples", [4, pytest.param(20, marks=pytest.mark.gate), pytest.param(5000, marks=pytest.mark.soak)]
)
def test_four_stores_give_equal_answers_and_keep_all_invariants(redis_url: str, examples: int) -> None:
    """Any sequence of claims, late reports, refunds, settings and clock steps keeps the invariants on four stores."""
    with tempfile.TemporaryDirectory() as folder, unique_prefix(redis_url) as prefix:
        run_all(machine(Path(folder), redis_url, prefix), examples)


ACCOUNT = Account("a", "canary-key", daily_limit=9, burst=9)
LONG = 86_400.0  # seconds


def brought(pool: Pool, state: AccountState) -> Claim:
    """Bring the account into *state*; return a claim that was taken before."""
    outcome = pool.claim()
    assert isinstance(outcome, Granted)
    match state:
        case AccountState.THROTTLED:
            pool.report(outcome.claim, fault(FaultKind.THROTTLED, 60.0))
        case AccountState.EXHAUSTED:
            pool.mark_account_exhausted("a")
        case AccountState.SUSPENDED:
            pool.suspend("a", "refused")
        case _:
            pass
    return outcome.claim


def befall(pool: Pool, clock: VirtualClock, held: Claim, happens: AccountEvent) -> None:
    """Apply the event *happens* to the account."""
    match happens:
        case AccountEvent.CLAIM:
            pool.claim(latest=clock.now() + timedelta(hours=1))
        case AccountEvent.REFUND:
            pool.refund(held)
        case AccountEvent.THROTTLE:
            pool.report(held, fault(FaultKind.THROTTLED, 90.0))
        case AccountEvent.COOL:
            clock.advance(61.0)
        case AccountEvent.EXHAUST:
            pool.mark_account_exhausted("a")
        case AccountEvent.NEW_WINDOW:
            if pool.status()[0].state is AccountState.THROTTLED:
                pool.report(held, fault(FaultKind.THROTTLED, LONG))  # over midnight
            clock.advance(LONG - 1.0)
        case AccountEvent.SUSPEND:
            pool.suspend("a", "again")
        case AccountEvent.REINSTATE:
            pool.reinstate("a")
        case AccountEvent.REINSTATE_SPENT:
            pool.mark_account_exhausted("a")
            pool.reinstate("a")
        case AccountEvent.RESET:
            pool.reset("a")
    pool.status()


def test_every_row_of_the_table_is_gone_through_on_four_stores(redis_url: str, tmp_path: Path) -> None:
    """Each row of the table is used once, with equal answers from four stores."""
    with rows_used() as rows, unique_prefix(redis_url) as prefix:
        for number, (state, happens) in enumerate(TRANSITIONS):
            store = four_stores(tmp_path, redis_url, f"{prefix}-{number}")
            clock = VirtualClock()
            pool = Pool([ACCOUNT], store, clock, EventLog())
            befall(pool, clock, brought(pool, state), happens)
            store.close()

            assert (state, happens) in rows
    assert set(TRANSITIONS) == rows
