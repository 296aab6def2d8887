"""The books: a remembered view of a store that others change, lose and hold up."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence

import attrs
import pytest

from chartimg.adapters.memory import MemoryAccountStore
from chartimg.app.pool import Pool
from chartimg.domain.account import Account, AccountSnapshot, AccountState, Claim
from chartimg.domain.account.turn import Granted, NoneLeft
from chartimg.domain.errors import StoreBusy, StoreUnavailable
from chartimg.domain.events import (
    AccountExhausted,
    AccountReinstated,
    AccountSuspended,
    AccountThrottled,
    StoreLostWrites,
)
from chartimg.domain.faults import FaultKind
from chartimg.testing import EventLog, VirtualClock
from paper import within_pace
from patience import LONG
from pools import MIDNIGHT, SECOND, A, World, fault, granted, only
from rows import for_each
from samples import NOON


class Busy(MemoryAccountStore):
    """A store that is busy for some seconds of a clock."""

    def __init__(self, clock: VirtualClock, seconds: float) -> None:
        super().__init__()
        self.clock, self.until = clock, clock.monotonic() + seconds

    def read(self, account_ids: Sequence[str]) -> tuple[AccountSnapshot | None, ...]:
        """Read, or raise while the store is busy."""
        if self.clock.monotonic() < self.until:
            raise StoreBusy("others use it")
        return super().read(account_ids)


def test_a_busy_store_is_waited_for_up_to_the_deadline() -> None:
    """A claim on a busy store is granted in time, or raises StoreBusy; it never looks like want of quota."""
    clock = VirtualClock(NOON)
    pool = Pool([A], Busy(clock, 5.0), clock, EventLog())
    with pytest.raises(StoreBusy):
        pool.claim(latest=NOON + 2 * SECOND)
    assert 2.0 <= clock.monotonic() < 2.1

    assert "a" == granted(pool.claim(latest=clock.now() + 9 * SECOND)).account_id
    assert 5.0 <= clock.monotonic() < 5.1


def test_a_busy_store_is_waited_for_half_a_minute_without_a_deadline() -> None:
    """A status waits 30 s for a busy store and then raises StoreBusy."""
    clock = VirtualClock(NOON)
    assert 0 == Pool([A], Busy(clock, 29.0), clock, EventLog()).status()[0].used
    with pytest.raises(StoreBusy):
        Pool([A], Busy(clock, 99.0), clock, EventLog()).status()
    assert 59.0 <= clock.monotonic() < 59.2


def test_other_threads_are_waited_for_up_to_the_deadline() -> None:
    """A claim raises StoreBusy if another thread holds the books up to its deadline."""
    pool = World().pool(A)
    with pool._books.held(), pytest.raises(StoreBusy, match="other threads"):  # noqa: SLF001 (another thread's claim)
        pool.claim(latest=NOON + SECOND / 100)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_forked_during_a_claim_can_claim() -> None:
    """A forked child does not wait for a lock that a thread of its parent holds."""
    pool = World().pool(A)
    with pool._books.held():  # noqa: SLF001 (another thread's claim)
        child = os.fork()
        if not child:
            os._exit(0 if isinstance(pool.claim(), Granted) else 1)
    done, status = 0, 0
    for _ in range(3_000):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        time.sleep(0.02)
    else:
        os.kill(child, signal.SIGKILL)

    assert (child, 0) == (done, status)


def test_lost_writes_are_written_again_and_reported() -> None:
    """If the store has lost writes, the counts do not shrink and the listener hears how many units are in doubt."""
    world = World()
    pool = world.pool(A)
    granted(pool.claim())
    (older,) = world.store.read(["a"])
    granted(pool.claim())
    (newest,) = world.store.read(["a"])
    assert older is not None
    assert newest is not None
    world.store._snapshots["a"] = older  # type: ignore[attr-defined]  # noqa: SLF001 (a failover)

    assert (2, 1) == (only(pool).used, only(pool).left)
    assert [StoreLostWrites("a", 1, newest.version, older.version)] == world.notes.events
    world.store._snapshots.clear()  # type: ignore[attr-defined]  # noqa: SLF001 (all is lost)
    assert 3 == granted(pool.claim(latest=world.soon())).serial
    assert (3, 0) == (only(world.pool(A)).used, only(world.pool(A)).left)


def test_a_change_is_reported_at_once_although_the_store_fails_after_it() -> None:
    """If a claim restores lost books and then finds the store busy, the listener hears of the loss before StoreBusy."""
    world = World()
    pool = world.pool(A)
    granted(pool.claim())

    class BusyAfterward(MemoryAccountStore):
        """A store that has lost all, takes one snapshot, and is busy from then on."""

        def replace(self, old: AccountSnapshot | None, new: AccountSnapshot) -> bool:
            """Replace once."""
            if self._snapshots:
                raise StoreBusy("others use it")
            return super().replace(old, new)

    pool._books._store = BusyAfterward()  # noqa: SLF001 (a failover)
    with pytest.raises(StoreBusy):
        pool.claim(latest=world.soon())

    assert [StoreLostWrites] == [type(event) for event in world.notes.events]


def test_an_exhausted_account_is_reported_once() -> None:
    """Marking an account exhausted uses up the day; the second time changes nothing; the next day is whole."""
    world = World()
    pool = world.pool(A)
    pool.mark_account_exhausted("a")
    kept = world.store.read(["a"])
    pool.mark_account_exhausted("a", "again")

    status = only(pool)
    assert (AccountState.EXHAUSTED, 3, 0, "marked by the host", MIDNIGHT) == (
        status.state,
        status.used,
        status.left,
        status.reason,
        status.available_at,
    )
    assert kept == world.store.read(["a"])
    assert [AccountExhausted("a", MIDNIGHT, "marked by the host")] == world.notes.events
    world.clock.advance(12 * 3600)
    status = only(pool)
    assert (AccountState.AVAILABLE, 3, MIDNIGHT) == (status.state, status.left, status.available_at)


def test_a_throttle_is_reported_and_lasts_as_long_as_asked() -> None:
    """A throttled account pauses without losing units; only a longer pause is reported again."""
    world = World()
    pool = world.pool(A)
    first, second = granted(pool.claim()), granted(pool.claim())
    pool.report(first, fault(FaultKind.THROTTLED, 5.0))
    pool.report(second, fault(FaultKind.THROTTLED, 2.0))
    pool.report(second, fault(FaultKind.THROTTLED, 9.0))

    assert [
        AccountThrottled("a", NOON + seconds * SECOND, "said THROTTLED") for seconds in (5, 9)
    ] == world.notes.events
    status = only(pool)
    assert (AccountState.THROTTLED, 1, NOON + 9 * SECOND) == (status.state, status.left, status.available_at)
    assert NOON + 9 * SECOND == granted(pool.claim(latest=world.soon())).not_before


def test_a_suspension_is_reported_and_lasts_until_reinstatement() -> None:
    """A suspended account can never be called until a person reinstates it; both are reported."""
    world = World()
    pool = world.pool(A)
    pool.report(granted(pool.claim()), fault(FaultKind.CREDENTIAL_REJECTED))
    world.clock.advance(3 * 86_400)

    status, reason = only(pool), "said CREDENTIAL_REJECTED"
    assert (AccountState.SUSPENDED, None, reason) == (status.state, status.available_at, status.reason)
    assert NoneLeft(None, (), ("a",)) == pool.claim(latest=world.soon(1e6))
    pool.reinstate("a")
    pool.reinstate("a")
    assert granted(pool.claim()).account_id == "a"
    assert [AccountSuspended("a", reason), AccountReinstated("a")] == world.notes.events


def test_another_key_lifts_a_suspension() -> None:
    """An account whose key has changed is called again, and its reinstatement is reported."""
    world = World()
    world.pool(A).suspend("a", "refused")
    pool = world.pool(attrs.evolve(A, api_key="another"))

    assert granted(pool.claim()).account_id == "a"
    assert [AccountSuspended("a", "refused"), AccountReinstated("a")] == world.notes.events


@for_each("kind", [None, *FaultKind])
def test_a_report_is_an_event_only_if_the_account_changes(kind: FaultKind | None) -> None:
    """Three kinds of outcome are reported of an account; a picture and other outcomes are not."""
    world = World()
    pool = world.pool(A)
    pool.report(granted(pool.claim()), None if kind is None else fault(kind))
    expected = {
        FaultKind.THROTTLED: [AccountThrottled],
        FaultKind.QUOTA_EXCEEDED: [AccountExhausted],
        FaultKind.CREDENTIAL_REJECTED: [AccountSuspended],
    }

    assert ([] if kind is None else expected.get(kind, [])) == [type(each) for each in world.notes.events]
    assert ({FaultKind.NOT_SENT: 3, FaultKind.QUOTA_EXCEEDED: 0}.get(kind, 2) if kind else 2) == only(pool).left


def test_a_status_writes_nothing() -> None:
    """Reading the status of an account without books leaves the store empty."""
    world = World()
    world.pool(A).status()

    assert (None,) == world.store.read(["a"])


@pytest.mark.parametrize(
    ("remembered", "elsewhere", "change", "state"),
    [
        (lambda one: one.claim(), lambda other: other.suspend("a", "x"), lambda one: one.reinstate("a"), "AVAILABLE"),
        (lambda one: one.suspend("a", "x"), lambda other: other.reinstate("a"), lambda one: one.suspend("a", "x"), "SUSPENDED"),
        (
            lambda one: one.mark_account_exhausted("a"),
            lambda other: other.clock.advance(86_400) or other.claim(),
            lambda one: one.mark_account_exhausted("a"),
            "EXHAUSTED",
        ),
    ],
    ids=["reinstate", "suspend", "exhaust"],
)  # fmt: skip
def test_a_change_is_made_to_what_the_store_keeps(
    remembered: Callable[[Pool], object],
    elsewhere: Callable[[Pool], object],
    change: Callable[[Pool], object],
    state: str,
) -> None:
    """A pool that remembers older books changes the account nevertheless."""
    world = World()
    one, other = world.pool(A), world.pool(A)
    remembered(one)
    elsewhere(other)
    change(one)

    assert state == only(other).state


def test_a_claim_can_be_refunded_through_another_pool() -> None:
    """A refund gives back one unit through a pool that has not seen the claim."""
    world = World()
    one, other = world.pool(A), world.pool(A)
    other.claim()
    other.refund(granted(one.claim()))

    assert only(one).used == 1


@attrs.define
class Gate:
    """A store that can be made unreachable, or let another process write first."""

    inner: MemoryAccountStore = attrs.field(factory=MemoryAccountStore)
    open: bool = True
    closed: bool = False
    before: list[Callable[[], object]] = attrs.field(factory=list)

    def read(self, account_ids: Sequence[str]) -> tuple[AccountSnapshot | None, ...]:
        """Read, or raise while the store is unreachable."""
        self._pass()
        return self.inner.read(account_ids)

    def replace(self, old: AccountSnapshot | None, new: AccountSnapshot) -> bool:
        """Let the next of *before* write, then swap."""
        self._pass()
        if self.before:
            self.before.pop()()
        return self.inner.replace(old, new)

    def close(self) -> None:
        """Record the call."""
        self.closed = True

    def _pass(self) -> None:
        if not self.open:
            raise StoreUnavailable("the store is gone")


@pytest.mark.parametrize("loaded", [True, False])
def test_every_method_raises_while_the_store_is_unreachable(loaded: bool) -> None:  # noqa: FBT001
    """An unreachable store raises StoreUnavailable from every method, and works again when it is back."""
    store = Gate()
    world = World(store)
    claim = granted(world.pool(A).claim())
    pool = world.pool(A)
    if loaded:
        pool.status()
    store.open = False
    uses: tuple[Callable[[], object], ...] = (
        pool.claim,
        pool.status,
        lambda: pool.confirm(claim),
        lambda: pool.refund(claim),
        lambda: pool.report(claim, fault(FaultKind.THROTTLED)),
        lambda: pool.mark_account_exhausted("a"),
        lambda: pool.suspend("a", "x"),
    )
    for use in uses:
        with pytest.raises(StoreUnavailable, match="the store is gone"):
            use()
    store.open = True

    assert only(pool).used == 1
    assert isinstance(pool.claim(), Granted)
    pool.close()
    assert store.closed


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (lambda pool: pool.claim(latest=MIDNIGHT), 0),
        (lambda pool: pool.mark_account_exhausted("a"), 0),
        (lambda pool: pool.suspend("a", "x"), 1),
    ],
    ids=["claim", "exhaust", "suspend"],
)
def test_a_swap_that_loses_a_race_is_tried_on_the_new_books(change: Callable[[Pool], object], left: int) -> None:
    """If another process writes first, the change is made to the snapshot it has written."""
    store = Gate()
    world = World(store)
    pool, faster = world.pool(A), Pool([A], store.inner, world.clock, world.notes)
    pool.status()
    store.before = [faster.claim, faster.claim]
    change(pool)

    assert left == only(pool).left


def run_in_threads(count: int, work: Callable[[int], None]) -> None:
    """Run *work* in *count* threads that begin together, and check that none of them failed."""
    failures: list[BaseException] = []
    barrier = threading.Barrier(count)

    def begin(number: int) -> None:
        try:
            barrier.wait(timeout=LONG)
            work(number)
        except BaseException as failure:  # noqa: BLE001 (handed to the test's own thread)
            failures.append(failure)

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=LONG)
    assert not failures
    assert not any(thread.is_alive() for thread in threads)


@pytest.mark.parametrize("pools", [1, 8])
def test_threads_are_granted_each_unit_once(pools: int) -> None:
    """Eight threads, on one pool or on one each, are granted the fifty units of a day, each of them once."""
    world = World()
    account = Account("a", "key", daily_limit=50, requests_per_second=1000.0, burst=3)
    shared = [world.pool(account) for _ in range(pools)]
    taken: list[list[Claim]] = [[] for _ in range(8)]

    def work(number: int) -> None:
        pool = shared[number % pools]
        while isinstance(outcome := pool.claim(latest=world.soon()), Granted):
            taken[number].append(outcome.claim)

    run_in_threads(8, work)
    claims = [claim for each in taken for claim in each]

    assert len(claims) == 50
    assert set(range(1, 51)) == {claim.serial for claim in claims}
    assert (50, 0) == (only(shared[0]).used, only(shared[0]).left)
    assert within_pace([claim.not_before for claim in sorted(claims, key=lambda c: c.serial)], account)


def test_threads_that_refund_lose_and_double_no_unit() -> None:
    """If eight threads refund every second claim twice, the count is that of the claims they keep."""
    world = World()
    account = Account("a", "key", daily_limit=400, requests_per_second=1000.0, burst=400)
    pools = [world.pool(account) for _ in range(4)]

    def work(number: int) -> None:
        pool = pools[number % 4]
        for turn in range(10):
            claim = granted(pool.claim(latest=world.soon()))
            if turn % 2:
                pool.refund(claim)
                pool.refund(claim)

    run_in_threads(8, work)

    assert only(pools[0]).used == 8 * 5
