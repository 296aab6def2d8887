"""The books: a remembered view of the snapshots in a store, and the changes to them.

Several processes share an account: a change is swapped into the store only if no other process was faster.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, Self, TypeVar

from ..domain.account import LONG_AGO, WINDOW, Account, AccountSnapshot, AccountState, ledger, window_of
from ..domain.account.turn import Standing, standing_of
from ..domain.errors import StoreBusy
from ..domain.events import (
    AccountExhausted,
    AccountReinstated,
    AccountSuspended,
    AccountThrottled,
    BooksAhead,
    Event,
    PlanLimitLearned,
    StoreLostWrites,
)
from ..domain.plan import UNKNOWN, ChartLimits, Plan
from ..domain.ports import AccountStore, Clock, Listener
from ..fork import begin_in_children

__all__ = ["Books"]

T = TypeVar("T")
Change = Callable[[AccountSnapshot], AccountSnapshot]

_MAX_WAIT_SECONDS: Final = 30.0  # without a deadline, a store that others use is waited for this long
_PAUSE_SECONDS: Final = 0.01


class Books:
    """The snapshots of *accounts*, as last seen in *store*. An account is named by its place in configured order.

    The remembered snapshots only guide a choice. A change is swapped in only if the store still keeps the remembered
    snapshot, so several processes can share a store. Safe from many threads: methods that read or change the remembered
    snapshots expect the caller to hold the books (:meth:`held`); :meth:`change` holds them itself.

    Args:
        accounts: the accounts, in configured order.
        limits: limits of one chart by each account's plan, in the same order.
        plans: the provider's plans, from the smallest to the largest.
        store: keeps the snapshots.
        clock: time.
        listener: hears about changes, after the books are released.
    """

    def __init__(
        self,
        accounts: Sequence[Account],
        limits: Sequence[ChartLimits],
        plans: Sequence[Plan],
        store: AccountStore,
        clock: Clock,
        listener: Listener,
    ) -> None:
        self._accounts = tuple(accounts)
        self._limits = tuple(limits)
        self._plans = tuple(plans)
        self._store = store
        self._clock = clock
        self._listener = listener
        self.begin()
        begin_in_children(self)

    def begin(self) -> None:
        """Remember no snapshot: at first, and in a forked child, where the thread that held the lock does not exist."""
        self._lock = threading.Lock()
        self._remembered: list[AccountSnapshot | None] = [None] * len(self._accounts)
        self.standings: list[Standing] = []
        self._day = LONG_AGO  # start of the day for which the standings hold
        self._latest: datetime | None = None  # end of the wait for a busy store
        self._events: list[Event] = []
        self._ahead: set[int] = set()  # places of accounts whose books are of a window to come

    def held(self, *, latest: datetime | None = None) -> Self:
        """Hold the books up to the end of a ``with`` block. Then report the changes to the listener, also those before a failure.

        Other threads and a busy store are waited for up to *latest* (UTC).

        Raises:
            StoreBusy: other threads held the books up to *latest*.
        """
        if not self._lock.acquire(blocking=False):
            wait = -1.0 if latest is None else max(0.0, (latest - self._clock.now()).total_seconds())
            if not self._lock.acquire(timeout=min(wait, threading.TIMEOUT_MAX)):
                raise StoreBusy("other threads used the account books up to the deadline")
        self._latest = latest
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self._latest = None
        events, self._events = self._events, []
        self._lock.release()
        for event in events:
            self._listener.notify(event)

    def are_of(self, now: datetime) -> bool:
        """Return whether the standings hold at *now*: on another day all steps and limits may differ."""
        return bool(self.standings) and self._day <= now < self._day + WINDOW

    def snapshots(self, now: datetime) -> list[AccountSnapshot]:
        """Return the snapshots of all accounts as they stand *now*."""
        return [self.snapshot(place, now) for place in range(len(self._accounts))]

    def snapshot(self, place: int, now: datetime) -> AccountSnapshot:
        """Return the snapshot of one account as it stands *now*."""
        return ledger.current(self._remembered[place], self._accounts[place], now)

    def read_all(self) -> None:
        """Read all snapshots again.

        Raises:
            StoreUnavailable: the store can't be reached, or stays busy.
        """
        self._read(range(len(self._accounts)))
        now = self._clock.now()
        self.standings = [self._standing(place, snapshot) for place, snapshot in enumerate(self.snapshots(now))]
        self._day = window_of(now)

    def read(self, place: int) -> None:
        """Read one snapshot again.

        Raises:
            StoreUnavailable: the store can't be reached, or stays busy.
        """
        self._read([place])
        self.stand(place, self._clock.now())

    def stand(self, place: int, now: datetime) -> None:
        """Bring the standing of one account up to *now*."""
        if self.standings:
            self.standings[place] = self._standing(place, self.snapshot(place, now))

    def swap(self, place: int, after: AccountSnapshot) -> bool:
        """Put *after*, as it stands now, in place of the remembered snapshot; return False if the store keeps another one.

        Raises:
            StoreUnavailable: the store can't be reached, or stays busy.
        """
        before = self._remembered[place]
        if not self._patiently(lambda: self._store.replace(before, after)):
            return False
        self._remembered[place] = after
        if self.standings:
            self.standings[place] = self._standing(place, after)
        if _is_reinstated(before, after):
            self._events.append(AccountReinstated(after.account_id))
        return True

    def change(self, place: int, change: Change) -> None:
        """Apply *change* to the snapshot that the store keeps, again after each lost race, and report the change.

        Raises:
            StoreUnavailable: the store can't be reached, or stays busy.
        """
        with self.held():
            while True:
                self.read(place)
                before = self.snapshot(place, self._clock.now())
                after = change(before)
                if after is self._remembered[place]:
                    return
                if self.swap(place, after):
                    break
            if (event := _event_between(before, after)) is not None:
                self._events.append(event)

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def _standing(self, place: int, snapshot: AccountSnapshot) -> Standing:
        return standing_of(self._accounts[place], snapshot, self._limits[place], self._plans)

    def _read(self, places: Sequence[int]) -> None:
        """Read the snapshots at *places*, and write lost ones again."""
        ids = [self._accounts[place].id for place in places]
        for place, kept in zip(places, self._patiently(lambda: self._store.read(ids)), strict=True):
            remembered = self._remembered[place]
            is_lost = remembered is not None and _is_older(kept, remembered)
            self._remembered[place] = self._restored(kept, remembered) if remembered and is_lost else kept
            self._report_ahead(place)

    def _report_ahead(self, place: int) -> None:
        """Report once that the books of an account are of a window to come."""
        snapshot = self._remembered[place]
        if snapshot is None or snapshot.window <= self._clock.now():
            self._ahead.discard(place)
        elif place not in self._ahead:
            self._ahead.add(place)
            self._events.append(BooksAhead(snapshot.account_id, snapshot.window))

    def _restored(self, kept: AccountSnapshot | None, remembered: AccountSnapshot) -> AccountSnapshot:
        """Write a lost snapshot again, unless another process was faster."""
        after = ledger.restore(kept, remembered)
        if not self._patiently(lambda: self._store.replace(kept, after)):
            return remembered  # no swap matches it, so it is read again
        same_day = kept is not None and kept.window == remembered.window
        units = max(0, remembered.used - (kept.used if kept is not None and same_day else 0))
        version = None if kept is None else kept.version
        self._events.append(StoreLostWrites(remembered.account_id, units, remembered.version, version))
        return after

    def _patiently(self, ask: Callable[[], T]) -> T:
        """Ask the store again while others use it and time is left."""
        until: float | None = None
        while True:
            try:
                return ask()
            except StoreBusy:
                now = self._clock.monotonic()
                if until is None:
                    latest = self._latest
                    until = now + (
                        _MAX_WAIT_SECONDS if latest is None else (latest - self._clock.now()).total_seconds()
                    )
                if now >= until:
                    raise
                self._clock.sleep(_PAUSE_SECONDS)


def _is_older(kept: AccountSnapshot | None, remembered: AccountSnapshot) -> bool:
    """Return whether the store has lost a write: versions only grow, and no two snapshots share one."""
    return (
        kept is None or kept.version < remembered.version or (kept.version == remembered.version and kept != remembered)
    )


def _is_reinstated(before: AccountSnapshot | None, after: AccountSnapshot) -> bool:
    """Return whether a suspension has ended: by a person, or by a new key."""
    return before is not None and before.state is AccountState.SUSPENDED and after.state is not AccountState.SUSPENDED


def _event_between(before: AccountSnapshot, after: AccountSnapshot) -> Event | None:
    """Return the event of a change; None if the change is not reported."""
    if after.learned_limits not in (before.learned_limits, UNKNOWN):
        limits = after.learned_limits
        return PlanLimitLearned(
            after.account_id,
            limits.max_width,
            limits.max_height,
            limits.max_parameters,
            limits.custom_watermark,
            after.window_end,
        )
    if after.state is AccountState.THROTTLED and after.until is not None and after.until != before.until:
        return AccountThrottled(after.account_id, after.until, after.reason)
    if after.state is before.state:
        return None
    if after.state is AccountState.EXHAUSTED and before.state is not AccountState.SUSPENDED:
        return AccountExhausted(after.account_id, after.window_end, after.reason)
    if after.state is AccountState.SUSPENDED:
        return AccountSuspended(after.account_id, after.reason)
    return None
