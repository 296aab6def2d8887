"""A store that fails at any step: the books are as before or as after it, and no call lacks a claim."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from chartimg import Account, AccountPool, ChartRequest, StoreUnavailable, fetch_with_retries
from chartimg.adapters.memory import MemoryAccountStore
from chartimg.adapters.postgresql import PostgresqlAccountStore
from chartimg.adapters.redis import RedisAccountStore
from chartimg.adapters.sqlite import SqliteAccountStore
from chartimg.domain.account import AccountSnapshot
from chartimg.domain.account.turn import Granted
from chartimg.domain.events import StoreFailed
from chartimg.domain.faults import FaultKind
from chartimg.domain.ports import AccountStore
from chartimg.domain.reply import Reply
from chartimg.testing import EventLog, ScriptedTransport, VirtualClock, picture
from pools import fault
from postgresql_server import own_books, shared_postgresql
from redis_server import redis_url, unique_prefix
from samples import NOON

__all__ = ["redis_url"]  # the fixture

ACCOUNTS = [Account("a", "key-a", daily_limit=6, burst=2), Account("b", "key-b", daily_limit=4)]
REQUEST = ChartRequest("BINANCE:BTCUSDT", "1h", "small")
MAX_STEPS = 60

T = TypeVar("T")
Deed = Callable[[AccountPool, list[Granted]], object]


class Faulty:
    """A store that fails once, at operation *failing*, before or after it is done."""

    def __init__(self, inner: AccountStore, failing: int, *, after: bool) -> None:
        self.inner, self.failing, self.after, self.done = inner, failing, after, 0

    def read(self, account_ids: Sequence[str]) -> tuple[AccountSnapshot | None, ...]:
        """Read, or fail."""
        return self._do(lambda: self.inner.read(account_ids))

    def replace(self, old: AccountSnapshot | None, new: AccountSnapshot) -> bool:
        """Swap, or fail."""
        return self._do(lambda: self.inner.replace(old, new))

    def close(self) -> None:
        """Close."""
        self.inner.close()

    def _do(self, work: Callable[[], T]) -> T:
        """Do the work, or raise at operation *failing*."""
        self.done += 1
        if self.done == self.failing and not self.after:
            raise StoreUnavailable("it fails before")
        outcome = work()
        if self.done == self.failing:
            raise StoreUnavailable("it fails after")
        return outcome


def claim(pool: AccountPool, held: list[Granted]) -> None:
    """Take a claim."""
    outcome = pool.claim(latest=NOON + timedelta(minutes=10))
    assert isinstance(outcome, Granted)
    held.append(outcome)


def reported(kind: FaultKind) -> Deed:
    """Return a deed that reports the last claim's call as failed."""
    return lambda pool, held: pool.report(held[-1].claim, fault(kind))


STORY: list[Deed] = [
    claim,
    lambda pool, _: pool.status(),
    claim,
    lambda pool, held: pool.refund(held[-1].claim),
    claim,
    reported(FaultKind.THROTTLED),
    claim,
    lambda pool, held: pool.confirm(held[-1].claim),
    reported(FaultKind.NOT_SENT),
    claim,
    reported(FaultKind.CREDENTIAL_REJECTED),
    lambda pool, _: pool.reinstate("a"),
    lambda pool, _: pool.reinstate("b"),
    claim,
    reported(FaultKind.QUOTA_EXCEEDED),
    lambda pool, _: pool.mark_account_exhausted("a"),
]


@pytest.fixture(
    params=["memory", "sqlite", *(pytest.param(kind, marks=pytest.mark.gate) for kind in ("redis", "postgresql"))]
)
def stores(request: pytest.FixtureRequest, tmp_path: Path, redis_url: str) -> Iterator[Callable[[], AccountStore]]:
    """Return a maker of empty stores, for each kind."""
    with unique_prefix(redis_url) as prefix:
        runs = iter(range(10_000))
        made: dict[str, Callable[[], AccountStore]] = {
            "memory": MemoryAccountStore,
            "sqlite": lambda: SqliteAccountStore(tmp_path / f"{next(runs)}.sqlite3"),
            "redis": lambda: RedisAccountStore(redis_url, prefix=f"{prefix}{next(runs)}"),
            "postgresql": lambda: PostgresqlAccountStore(own_books(shared_postgresql())),
        }
        yield made[request.param]


@pytest.mark.parametrize("after", [False, True], ids=["before it is done", "after it is done"])
def test_whichever_operation_fails_the_books_are_as_before_or_as_after(
    stores: Callable[[], AccountStore],
    after: bool,  # noqa: FBT001
) -> None:
    """If any operation fails, the deed it belongs to is in the books wholly or not at all."""
    failing = 0
    while True:
        failing += 1
        assert failing < MAX_STEPS
        clock, inner = VirtualClock(NOON), stores()
        store = Faulty(inner, failing, after=after)
        pool, model = AccountPool(ACCOUNTS, store, clock), MemoryAccountStore()
        shadow = AccountPool(ACCOUNTS, model, clock)
        held: list[Granted] = []
        shadow_held: list[Granted] = []
        failed = False
        for deed in STORY:
            before = model.read(["a", "b"])
            deed(shadow, shadow_held)
            try:
                deed(pool, held)
            except StoreUnavailable:
                failed = True
                assert _counts(inner) in (_counts_of(before), _counts(model))
                break
            assert _counts(inner) == _counts(model)
        inner.close()
        if not failed:
            break

    assert failing > len(STORY)


def _counts(store: AccountStore) -> list[tuple[object, ...]]:
    return _counts_of(store.read(["a", "b"]))


def _counts_of(snapshots: Sequence[AccountSnapshot | None]) -> list[tuple[object, ...]]:
    """Return the counts and states of snapshots, without versions."""
    return [() if s is None else (s.state, s.used, s.spent, s.serial, s.refunded, s.epoch) for s in snapshots]


@pytest.mark.parametrize("after", [False, True])
def test_no_call_is_made_without_a_claim_whichever_operation_fails(after: bool) -> None:  # noqa: FBT001
    """If any operation fails during a fetch, there are never more calls than charged units."""
    for failing in range(1, 30):
        clock, inner, heard = VirtualClock(NOON), MemoryAccountStore(), EventLog()
        pool = AccountPool(ACCOUNTS, Faulty(inner, failing, after=after), clock, listener=heard)
        transport = ScriptedTransport(
            [Reply(503), Reply(429, body=b'{"message":"Limit Exceeded"}'), Reply(200, body=picture())]
        )
        try:
            fetch_with_retries(transport=transport, request=REQUEST, accounts=pool, clock=clock, listener=heard)
            told = True
        except StoreUnavailable:
            told = bool(heard.of(StoreFailed))
        charged = sum(snapshot.used for snapshot in inner.read(["a", "b"]) if snapshot is not None)

        assert told
        assert len(transport.calls) <= charged
