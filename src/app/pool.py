"""The pool: the host's accounts over one store, and claims on them."""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, TypeVar

import attrs

from ..domain.account import LONG_AGO, WINDOW, Account, AccountSnapshot, AccountState, Claim, ledger, window_of
from ..domain.account.forecast import Forecast, forecast
from ..domain.account.turn import AccountLines, Choice, Granted, NoneLeft, NoPlan, Outlook, WaitUntil, rank_of
from ..domain.errors import ConfigError, StoreBusy, StoreUnavailable
from ..domain.events import (
    AccountExhausted,
    AccountSuspended,
    AccountThrottled,
    Event,
    PlanLimitLearned,
    StoreLostWrites,
)
from ..domain.faults import ChartApiError
from ..domain.plan import UNKNOWN, ChartLimits, Plan, PlanName
from ..domain.plan.demand import Demand
from ..domain.ports import AccountStore, Clock, Listener

__all__ = ["AccountStatus", "Pool"]

T = TypeVar("T")
Change = Callable[[AccountSnapshot], AccountSnapshot]

_PATIENCE: Final = 30.0  # seconds to wait for others who use the store, where no deadline says otherwise
_PAUSE: Final = 0.01  # seconds
_MOST_TRIES: Final = 1000  # swaps; each that fails is another's success
_MOST_FORECAST: Final = 1_000_000


@attrs.frozen
class AccountStatus:
    """What an account has left, for people and programs.

    Attributes:
        account_id: whose.
        state: EXHAUSTED also when all units of the window are taken by claims.
        used: units taken in this window.
        limit: units a window.
        left: units that can still be taken.
        reason: why it is in its state, in a phrase.
        available_at: when (UTC) it can be called next; None while it waits for a person.
        window_end: when (UTC) the window is over.
        plan: the provider's plan, if known.
    """

    account_id: str
    state: AccountState
    used: int
    limit: int
    left: int
    reason: str
    available_at: datetime | None
    window_end: datetime
    plan: PlanName | str | None


class Pool:
    """Takes claims on *accounts*, in configured order, and keeps their books in *store*. Safe from many threads.

    *plans* gives the provider's plans, from the smallest to the largest. It is asked when an account has a plan, or one must
    be named.

    What it remembers of the store only guides the choice; each change is swapped in against what the store really
    holds, so that several pools, in one process or many, can share a store.

    Raises:
        ConfigError: two accounts have the same id.
        StoreUnavailable: from any method, when the store can't be reached.
    """

    def __init__(
        self,
        accounts: Sequence[Account],
        store: AccountStore,
        clock: Clock,
        listener: Listener,
        plans: Callable[[], Sequence[Plan]] = tuple,
    ) -> None:
        self.accounts = tuple(accounts)
        self.clock = clock
        self._place = {account.id: place for place, account in enumerate(self.accounts)}
        if len(self._place) != len(self.accounts):
            ids = [account.id for account in self.accounts]
            raise ConfigError(f"account ids must differ: {', '.join(sorted({i for i in ids if ids.count(i) > 1}))}")
        self._store = store
        self._listener = listener
        self._plans = plans
        self._order = plans() if any(account.plan is not None for account in self.accounts) else ()
        limits: dict[str | None, ChartLimits] = {plan.name: plan.chart for plan in self._order}
        self._limits = tuple(limits.get(account.plan, UNKNOWN) for account in self.accounts)
        self._begin()
        _POOLS.add(self)

    def _begin(self) -> None:
        """Know nothing of the books yet: as a new pool, and as one in a child that was forked in the middle of a claim."""
        self._lock = threading.Lock()
        self._lines = AccountLines(self._order)
        self._known: list[AccountSnapshot | None] = [None] * len(self.accounts)
        self._loaded = False
        self._day = LONG_AGO  # the start of the day by which the accounts are lined up
        self._latest: datetime | None = None  # how long the store may be waited for
        self._losses: deque[StoreLostWrites] = deque()

    def account(self, account_id: str) -> Account:
        """Give the account of an id.

        Raises:
            ConfigError: the pool has no such account.
        """
        return self.accounts[self._find(account_id)]

    def claim(
        self, *, latest: datetime | None = None, demand: Demand | None = None, refused: frozenset[str] = frozenset()
    ) -> Granted | WaitUntil | NoneLeft | NoPlan:
        """Take one unit for a call now, or for a moment before *latest* (UTC) that the caller waits out.

        Only accounts that may serve the *demand* are taken, the smallest plan first; all of them when it is left out. Where
        accounts have *refused* it for their plan's sake (their ids), only others whose plan surely allows it.
        """
        choice = self._choice(demand, refused)
        asked = self.clock.now()
        patience = -1.0 if latest is None else max(0.0, min((latest - asked).total_seconds(), threading.TIMEOUT_MAX))
        if not self._lock.acquire(timeout=patience):
            raise StoreBusy("other threads used the account books up to the deadline")
        try:
            self._latest = latest
            outcome = self._claim(asked, latest, choice)
        finally:
            self._latest = None
            self._lock.release()
        self._tell()
        return outcome

    def outlook(self, *, demand: Demand | None = None, refused: frozenset[str] = frozenset()) -> Outlook:
        """Say when the first account can be called and which are spent or suspended; as remembered, if the store is gone.

        It speaks of the accounts that :meth:`claim` would take for this *demand*.
        """
        choice = self._choice(demand, refused)
        with self._lock:
            with contextlib.suppress(StoreUnavailable):
                self._refresh()
            now = self.clock.now()
            first = self._lines.first(now, choice)
            chosen = self._chosen(choice)
            none = self._none_left(None if first is None else max(first[1], now), chosen)
        self._tell()
        return Outlook(none, len(none.exhausted) + len(none.suspended) < len(chosen))

    def confirm(self, claim: Claim, *, demand: Demand | None = None, refused: frozenset[str] = frozenset()) -> bool:
        """Say whether a claim that was waited for still stands; one that doesn't is given back.

        It doesn't, either, when its account has meanwhile turned out to be one that :meth:`claim` would not take for this
        *demand*.
        """
        place, choice = self._find(claim.account_id), self._choice(demand, refused)
        with self._lock:
            self._refresh(place)
            known = self._known[place]
            snapshot = _current(known, self.accounts[place], self.clock.now())
            stands = known is not None and self._takes(choice, place, snapshot) and ledger.confirm(snapshot, claim)
        self._tell()
        if not stands:
            self.refund(claim)
        return stands

    def refund(self, claim: Claim) -> None:
        """Give back a claim that was not used; more than once is no more than once."""
        self._apply(claim.account_id, lambda snapshot: ledger.refund(snapshot, claim))

    def report(self, claim: Claim, error: ChartApiError | None, demand: Demand | None = None) -> None:
        """Book the outcome of the call *claim* was taken for: *error*, or None for a picture, which changes nothing.

        A *demand* that was refused for the plan's sake is not granted on that account again in this window, however the
        refusal is worded; without it only a limit that the refusal states is learned.
        """
        if error is None:
            return
        account, now = self.account(claim.account_id), self.clock.now()
        self._apply(
            claim.account_id, lambda snapshot: ledger.apply_report(snapshot, account, claim, error, now, demand)
        )

    def mark_account_exhausted(self, account_id: str, reason: str = "marked by the host") -> None:
        """Take the account's day as spent, to the end of the window."""
        account = self.account(account_id)
        _refuse_no_text(reason)
        self._apply(account_id, lambda snapshot: ledger.exhaust(snapshot, account, reason))

    def suspend(self, account_id: str, reason: str) -> None:
        """Stop using the account until it is reinstated or its key changes."""
        _refuse_no_text(reason)
        self._apply(account_id, lambda snapshot: ledger.suspend(snapshot, reason))

    def reinstate(self, account_id: str) -> None:
        """Use a suspended account again."""
        self._apply(account_id, ledger.reinstate)

    def status(self) -> tuple[AccountStatus, ...]:
        """Say what each account has left, in configured order."""
        books, now = self._books()
        return tuple(_status(account, snapshot, now) for account, snapshot in zip(self.accounts, books, strict=True))

    def forecast(self, charts: int) -> Forecast:
        """Say whether so many *charts* can be had today, by when, and if not, when; nothing is booked.

        Raises:
            ConfigError: *charts* is negative, or more than a forecast is worth.
        """
        if not isinstance(charts, int) or not 0 <= charts <= _MOST_FORECAST:
            raise ConfigError(f"a forecast is for 0 to {_MOST_FORECAST:,} charts, not {charts}")
        books, now = self._books()
        return forecast(self.accounts, books, charts, now)

    def close(self) -> None:
        """Let go of the store."""
        self._store.close()

    def _find(self, account_id: str) -> int:
        try:
            return self._place[account_id]
        except KeyError:
            known = ", ".join(list(self._place)[:10]) or "none"
            raise ConfigError(f"there is no account {account_id!r}; configured are: {known}") from None

    def _books(self) -> tuple[list[AccountSnapshot], datetime]:
        """Give the books of all accounts as they stand now, and now."""
        with self._lock:
            self._refresh()
            now = self.clock.now()
            books = [_current(known, account, now) for account, known in zip(self.accounts, self._known, strict=True)]
        self._tell()
        return books, now

    def _choice(self, demand: Demand | None, refused: frozenset[str]) -> Choice:
        places = frozenset(self._place[each] for each in refused if each in self._place) if refused else frozenset()
        return Choice(demand, places)

    def _claim(
        self, asked: datetime, latest: datetime | None, choice: Choice
    ) -> Granted | WaitUntil | NoneLeft | NoPlan:
        """Claim on the first account that can serve in time; a deadline that passed meanwhile is not want of quota."""
        now, tries = self.clock.now(), 0
        if not self._loaded or not self._day <= now < self._day + WINDOW:
            self._refresh()
            now = self.clock.now()
        refreshed = False
        while True:
            first = self._lines.first(now, choice)
            at = None if first is None else max(first[1], now)
            if first is not None and at is not None and (at < latest if latest is not None else at <= now):
                taken = self._take(first[0], at, now)
                if isinstance(taken, Granted) or (taken is not None and refreshed):
                    return taken
                if taken is None:
                    now, tries = self.clock.now(), tries + 1
                    if tries > _MOST_TRIES:
                        raise StoreBusy(
                            f"the account store refused {_MOST_TRIES} swaps in a row; is what it reads stale?"
                        )
                    continue
            elif latest is not None and asked < latest <= now:
                raise StoreBusy("the account store took until the deadline")
            elif refreshed:
                chosen = self._chosen(choice)
                return self._none_left(at, chosen) if chosen or not self.accounts else self._no_plan(choice)
            # Another process may have given back, or reinstated, what this one thinks is gone.
            self._refresh()
            now, refreshed = self.clock.now(), True

    def _refresh(self, *places: int) -> None:
        """Read the books of *places* again, of all accounts if there are none."""
        wanted = places or range(len(self.accounts))
        ids = [self.accounts[place].id for place in wanted]
        snapshots = self._patiently(lambda: self._store.read(ids))
        now = self.clock.now()
        if not self._day <= now < self._day + WINDOW:
            self._loaded = False  # on another day every rank is another, and limits may be
        for place, snapshot in zip(wanted, snapshots, strict=True):
            account, known = self.accounts[place], self._known[place]
            if self._loaded and snapshot is known:
                continue  # lined up already; time within the day is what the line knows of
            kept = self._restored(snapshot, known) if known is not None and _is_older(snapshot, known) else snapshot
            self._known[place] = kept
            self._line_up(place, _current(kept, account, now))
        if not places:
            self._loaded, self._day = True, window_of(now)

    def _restored(self, kept: AccountSnapshot | None, known: AccountSnapshot) -> AccountSnapshot:
        """Write again what the store has forgotten, and tell; whoever is faster has written it, too."""
        after = ledger.restore(kept, known)
        if not self._swap(kept, after):
            return known  # which no swap will match, so that it is read again
        same_day = kept is not None and kept.window == known.window
        units = max(0, known.used - (kept.used if kept is not None and same_day else 0))
        lost = StoreLostWrites(known.account_id, units, known.version, None if kept is None else kept.version)
        self._losses.append(lost)
        return after

    def _tell(self) -> None:
        """Tell the listener of losses, now that nobody waits for the lock."""
        while self._losses:
            self._listener.notify(self._losses.popleft())

    def _swap(self, old: AccountSnapshot | None, new: AccountSnapshot) -> bool:
        try:
            return self._store.replace(old, new)
        except StoreBusy:
            return self._patiently(lambda: self._store.replace(old, new))

    def _patiently(self, ask: Callable[[], T]) -> T:
        """Ask the store as long as others use it and there is time."""
        until: float | None = None
        while True:
            try:
                return ask()
            except StoreBusy:
                now = self.clock.monotonic()
                if until is None:
                    left = _PATIENCE if self._latest is None else (self._latest - self.clock.now()).total_seconds()
                    until = now + left
                if now >= until:
                    raise
                self.clock.sleep(_PAUSE)

    def _remember(self, place: int, snapshot: AccountSnapshot) -> None:
        """Keep what was just put into the store, and line the account up anew."""
        self._known[place] = snapshot
        self._line_up(place, snapshot)

    def _line_up(self, place: int, snapshot: AccountSnapshot) -> None:
        account, limits = self.accounts[place], self._limits[place].overlaid(snapshot.told)
        self._lines.put(place, limits, ledger.ready_at(snapshot, account), rank_of(snapshot, account))

    def _take(self, place: int, at: datetime, now: datetime) -> Granted | WaitUntil | None:
        """Take a unit of the account at *place*; None when somebody else changed its books first, or time has."""
        account, known = self.accounts[place], self._known[place]
        snapshot = _current(known, account, now)
        ready = ledger.ready_at(snapshot, account)
        if ready is None or max(ready, now) > at:
            self._line_up(place, snapshot)
            return None
        if at >= snapshot.window_end:
            return WaitUntil(at)
        after, claim = ledger.grant(snapshot, account, at)
        if not self._swap(known, after):
            self._refresh(place)
            return None
        self._remember(place, after)
        return Granted(claim)

    def _chosen(self, choice: Choice) -> list[tuple[Account, AccountSnapshot]]:
        """Give the accounts that may be taken, as they stand now; a failure may look at all of them."""
        now = self.clock.now()
        books = [_current(known, account, now) for account, known in zip(self.accounts, self._known, strict=True)]
        return [
            (account, snapshot)
            for place, (account, snapshot) in enumerate(zip(self.accounts, books, strict=True))
            if self._takes(choice, place, snapshot)
        ]

    def _takes(self, choice: Choice, place: int, snapshot: AccountSnapshot) -> bool:
        """Whether the account at *place* may be taken, as far as plans go."""
        return place not in choice.refused and choice.takes(self._limits[place].overlaid(snapshot.told))

    def _none_left(self, at: datetime | None, chosen: Sequence[tuple[Account, AccountSnapshot]]) -> NoneLeft:
        """Say what became of the accounts that may be taken."""
        spent: list[str] = []
        suspended: list[str] = []
        for account, snapshot in chosen:
            if snapshot.state is AccountState.SUSPENDED:
                suspended.append(account.id)
            elif not ledger.left(snapshot, account):
                spent.append(account.id)
        return NoneLeft(at, tuple(spent), tuple(suspended), len(self.accounts) - len(chosen))

    def _no_plan(self, choice: Choice) -> NoPlan:
        """Say what is more than any account's plan allows."""
        now = self.clock.now()
        allowed: dict[ChartLimits, str] = {}
        for account, known, limits in zip(self.accounts, self._known, self._limits, strict=True):
            told = _current(known, account, now).told
            whose = f"the account {account.id!r}" if account.plan is None or told != UNKNOWN else f"{account.plan}"
            allowed.setdefault(limits.overlaid(told), whose)
        return NoPlan.of(choice.demand or Demand(), allowed, self._plans())

    def _apply(self, account_id: str, change: Change) -> None:
        """Change an account's books, however many others do, and tell the listener what became of it."""
        place = self._find(account_id)
        with self._lock:
            while True:
                self._refresh(place)  # what is remembered only guides the choice of an account
                now, known = self.clock.now(), self._known[place]
                before = _current(known, self.accounts[place], now)
                after = change(before)
                if after is known:
                    break
                if self._swap(known, after):
                    self._remember(place, after)
                    break
        self._tell()
        if (event := _event(before, after)) is not None:
            self._listener.notify(event)


def _refuse_no_text(reason: object) -> None:
    """Keep out of the books what could not be read from them."""
    if not isinstance(reason, str):
        raise ConfigError(f"the reason must be text, not {type(reason).__name__}")


def _is_older(kept: AccountSnapshot | None, known: AccountSnapshot) -> bool:
    """Whether the store keeps less than was in it: versions only grow, and no two snapshots have the same."""
    return kept is None or kept.version < known.version or (kept.version == known.version and kept != known)


def _current(snapshot: AccountSnapshot | None, account: Account, now: datetime) -> AccountSnapshot:
    """Give the snapshot as it stands now; an account without books gets new ones."""
    return ledger.fresh(account, now) if snapshot is None else ledger.current(snapshot, account, now)


def _status(account: Account, snapshot: AccountSnapshot, now: datetime) -> AccountStatus:
    left, ready = ledger.left(snapshot, account), ledger.ready_at(snapshot, account)
    spent = not left and snapshot.state is not AccountState.SUSPENDED
    return AccountStatus(
        account.id,
        AccountState.EXHAUSTED if spent else snapshot.state,
        snapshot.used,
        account.daily_limit,
        left,
        snapshot.reason or ("all units of the day are taken" if spent else ""),
        None if ready is None else max(ready, now),
        snapshot.window_end,
        account.plan,
    )


def _event(before: AccountSnapshot, after: AccountSnapshot) -> Event | None:
    """Give the fact a listener wants to know of, if the change is one."""
    if after.told not in (before.told, UNKNOWN):
        told = after.told
        return PlanLimitLearned(
            after.account_id,
            told.max_width,
            told.max_height,
            told.max_parameters,
            told.custom_watermark,
            after.window_end,
        )
    if after.state is AccountState.THROTTLED and after.until is not None and after.until != before.until:
        return AccountThrottled(after.account_id, after.until, after.reason)
    if after.state is not before.state:
        if after.state is AccountState.EXHAUSTED:
            return AccountExhausted(after.account_id, after.window_end, after.reason)
        if after.state is AccountState.SUSPENDED:
            return AccountSuspended(after.account_id, after.reason)
    return None


_POOLS: Final[weakref.WeakSet[Pool]] = weakref.WeakSet()


def _after_fork() -> None:
    """Begin anew in a child: a thread that held a lock, or was half through a change, is not there to end it."""
    for pool in list(_POOLS):
        pool._begin()  # noqa: SLF001 (our own)


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork)
