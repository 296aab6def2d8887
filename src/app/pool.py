"""The pool: the host's accounts over one store, and claims on them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

from ..domain.account import Account, AccountSnapshot, AccountState, Claim, ledger
from ..domain.account.forecast import Forecast, forecast
from ..domain.account.status import AccountStatus, status_of
from ..domain.account.turn import Granted, Need, NoneLeft, NoPlan, Outlook, Turns, WaitUntil, capped, owners_of
from ..domain.argument import require
from ..domain.errors import ConfigError, StoreBusy, StoreUnavailable
from ..domain.events import AccountDoubtful
from ..domain.faults import ChartApiError
from ..domain.outage import ServiceStatus
from ..domain.plan import UNKNOWN, ChartLimits, Plan
from ..domain.plan.demand import Demand
from ..domain.ports import AccountStore, Clock, Listener
from .books import Books
from .outage_watch import OutageWatch

__all__ = ["Pool"]

_ANY: Final = Need()
_MAX_SWAPS: Final = 1000
"""A swap fails only if another one succeeds. More failures in a row mean that the store returns old books."""
_MAX_FORECAST_CHARTS: Final = 1_000_000


class Pool:
    """Takes claims on *accounts* and keeps their books in *store*. Safe from many threads.

    *plans* returns the provider's plans, from the smallest to the largest. It is called if an account has a plan, or if a
    refusal has to name one.

    Several pools, in one process or many, can share a store.

    Raises:
        ConfigError: two accounts have the same id.
        StoreUnavailable: from any method, if the store can't be reached.
    """

    def __init__(
        self,
        accounts: Sequence[Account],
        store: AccountStore,
        clock: Clock,
        listener: Listener,
        plans: Callable[[], Sequence[Plan]] = tuple,
        watch: OutageWatch | None = None,
    ) -> None:
        given = tuple(accounts) if isinstance(accounts, Iterable) else accounts
        require("accounts", given, tuple[Account, ...])
        self._plans = plans
        self._plan_order = plans() if any(account.plan is not None for account in given) else ()
        known: dict[str | None, Plan] = {plan.name: plan for plan in self._plan_order}
        on = tuple(known.get(account.plan) for account in given)
        self.accounts = tuple(
            account if plan is None else account.on(plan) for account, plan in zip(given, on, strict=True)
        )
        self.clock = clock
        self.watch = OutageWatch(clock, listener, is_on=False) if watch is None else watch
        self._place = {account.id: place for place, account in enumerate(self.accounts)}
        if len(self._place) != len(self.accounts):
            ids = [account.id for account in self.accounts]
            raise ConfigError(f"account ids must differ: {', '.join(sorted({i for i in ids if ids.count(i) > 1}))}")
        self._limits = tuple(UNKNOWN if plan is None else plan.chart for plan in on)
        self._books = Books(self.accounts, self._limits, self._plan_order, store, clock, listener)
        for account, plan in zip(self.accounts, on, strict=True):
            if plan is not None and (findings := account.excess(plan)):
                listener.notify(AccountDoubtful(account.id, findings))

    def account(self, account_id: str) -> Account:
        """Return the account with this id.

        Raises:
            ConfigError: the pool has no such account.
        """
        return self.accounts[self._find(account_id)]

    def claim(self, *, latest: datetime | None = None, need: Need = _ANY) -> Granted | WaitUntil | NoneLeft | NoPlan:
        """Take one unit of an account that meets *need*.

        The claim is for now, or for a moment before *latest* (UTC); the caller waits for it.
        """
        if latest is not None:
            require("latest", latest, datetime)
        require("need", need, Need)
        asked = self.clock.now()
        with self._books.held(latest=latest):
            return self._claim(asked, latest, need)

    def outlook(self, *, need: Need = _ANY) -> Outlook:
        """Return when the first account that meets *need* can be called, and the exhausted and suspended ones among them.

        If the store can't be reached, the remembered books answer.
        """
        require("need", need, Need)
        with self._books.held():
            with contextlib.suppress(StoreUnavailable):
                self._books.read_all()
            now = self.clock.now()
            first = Turns(self._books.standings, need, self._plan_order, now).first
            chosen = self._chosen(need, now)
        none = self._none_left(None if first is None else max(first[1], now), chosen)
        return Outlook(none, len(none.exhausted) + len(none.suspended) < len(chosen))

    def confirm(self, claim: Claim, *, need: Need = _ANY) -> bool:
        """Return whether a claim still stands after a wait; one that does not is refunded.

        It does not stand if its account has meanwhile been found not to meet *need*.
        """
        require("claim", claim, Claim)
        require("need", need, Need)
        place = self._find(claim.account_id)
        with self._books.held():
            self._books.read(place)
            snapshot = self._books.snapshot(place, self.clock.now())
            stands = self._meets(need, place, snapshot) and ledger.confirm(snapshot, claim)
        if not stands:
            self.refund(claim)
        return stands

    def refund(self, claim: Claim) -> None:
        """Return an unused claim. Idempotent."""
        require("claim", claim, Claim)
        self._change(claim.account_id, lambda snapshot: ledger.refund(snapshot, claim))

    def report(self, claim: Claim, error: ChartApiError | None) -> None:
        """Book the *error* of the call of *claim*. A picture has no error and changes no count.

        A limit that a refusal states is kept to the end of the window.
        """
        require("claim", claim, Claim)
        require("error", error, ChartApiError | None)
        if error is None:
            return
        account, now = self.account(claim.account_id), self.clock.now()
        self._change(claim.account_id, lambda snapshot: ledger.apply_report(snapshot, account, claim, error, now))

    def mark_account_exhausted(self, account_id: str, reason: str = "marked by the host") -> None:
        """Mark the account's day as spent, to the end of the window."""
        account = self.account(account_id)
        require("the reason", reason, str)
        self._change(account_id, lambda snapshot: ledger.exhaust(snapshot, account, reason))

    def suspend(self, account_id: str, reason: str) -> None:
        """Stop all calls of the account until it is reinstated or its key changes."""
        require("the reason", reason, str)
        self._change(account_id, lambda snapshot: ledger.suspend(snapshot, reason))

    def reinstate(self, account_id: str) -> None:
        """Allow calls of a suspended account again."""
        self._change(account_id, ledger.reinstate)

    def reset(self, account_id: str) -> None:
        """Begin the books of the account anew, for all processes: after its clock was wrong. A suspension stays.

        The units that its key has spent today are forgotten; the provider has not forgotten them.
        """
        self._change(account_id, lambda snapshot: ledger.reset(snapshot, self.clock.now()))

    def status(self) -> tuple[AccountStatus, ...]:
        """Return the status of each account, in configured order."""
        snapshots, now = self._read()
        return tuple(
            status_of(account, snapshot, now) for account, snapshot in zip(self.accounts, snapshots, strict=True)
        )

    def chart_limits(self) -> dict[ChartLimits, str]:
        """Return what plan and refusals allow of a chart on each account, and the owner's name, as the books were last read."""
        now = self.clock.now()
        with self._books.held(), contextlib.suppress(StoreUnavailable):
            if not self._books.are_of(now):
                self._books.read_all()
        owners = self._owners(now, ChartLimits.tightened)  # a snapshot never changes, so it needs no lock
        return capped(owners, () if all(account.plan for account in self.accounts) else self._plans())

    def service(self) -> ServiceStatus:
        """Return whether the service is up, as the calls over this pool show it."""
        return self.watch.status()

    def probe(self) -> None:
        """Let the next request find out at once whether the service is back, because a person wants it."""
        self.watch.probe()

    def forecast(self, charts: int) -> Forecast:
        """Return whether *charts* charts can be had today, and when the last call would be. The books stay unchanged.

        Raises:
            ConfigError: *charts* is not a whole number from 1 to a million.
        """
        require("charts", charts, int)
        if not 1 <= charts <= _MAX_FORECAST_CHARTS:
            raise ConfigError(f"a forecast is for 1 to {_MAX_FORECAST_CHARTS:,} charts, not {charts}")
        snapshots, now = self._read()
        return forecast(self.accounts, snapshots, charts, now)

    def close(self) -> None:
        """Close the store."""
        self._books.close()

    def _find(self, account_id: str) -> int:
        require("account_id", account_id, str)
        try:
            return self._place[account_id]
        except KeyError:
            configured = ", ".join(list(self._place)[:10]) or "none"
            raise ConfigError(f"account {account_id!r} does not exist; configured accounts: {configured}") from None

    def _change(self, account_id: str, change: Callable[[AccountSnapshot], AccountSnapshot]) -> None:
        self._books.change(self._find(account_id), change)

    def _read(self) -> tuple[list[AccountSnapshot], datetime]:
        """Return all snapshots as they stand now, and now."""
        with self._books.held():
            self._books.read_all()
            now = self.clock.now()
            return self._books.snapshots(now), now

    def _claim(self, asked: datetime, latest: datetime | None, need: Need) -> Granted | WaitUntil | NoneLeft | NoPlan:
        """Claim on the first account in turn that can be called in time.

        If the store took until the deadline, raise StoreBusy: that is not want of quota.
        """
        books, lost_swaps, is_read = self._books, 0, False
        now = self.clock.now()
        if not books.are_of(now):
            books.read_all()
            now = self.clock.now()
        turns = Turns(books.standings, need, self._plan_order, now)
        while True:
            first = turns.first
            at = None if first is None else max(first[1], now)
            if first is not None and at is not None and (at < latest if latest is not None else at <= now):
                taken = self._take(first[0], at, now)
                if isinstance(taken, Granted) or (taken is not None and is_read):
                    return taken
                if taken is None:
                    now, lost_swaps = self.clock.now(), lost_swaps + 1
                    if lost_swaps > _MAX_SWAPS:
                        raise StoreBusy(
                            f"the account store refused {_MAX_SWAPS} swaps in a row; does it read old books?"
                        )
                    turns.renew()
                    continue
            elif latest is not None and asked < latest <= now:
                raise StoreBusy("the account store took until the deadline")
            elif is_read:
                chosen = self._chosen(need, now)
                return self._none_left(at, chosen) if chosen or not self.accounts else self._no_plan(need, now)
            # Another process may have refunded a claim or reinstated an account meanwhile.
            books.read_all()
            now, is_read = self.clock.now(), True
            turns = Turns(books.standings, need, self._plan_order, now)

    def _take(self, place: int, at: datetime, now: datetime) -> Granted | WaitUntil | None:
        """Take a unit of the account at *place*; return None if its snapshot or the time has changed meanwhile."""
        account, snapshot = self.accounts[place], self._books.snapshot(place, now)
        ready = ledger.ready_at(snapshot, account)
        if ready is None or max(ready, now) > at:
            self._books.stand(place, now)
            return None
        if at >= snapshot.window_end:
            return WaitUntil(at)
        after, claim = ledger.grant(snapshot, account, at)
        if not self._books.swap(place, after):
            self._books.read(place)
            return None
        return Granted(claim)

    def _chosen(self, need: Need, now: datetime) -> list[tuple[Account, AccountSnapshot]]:
        """Return the accounts that meet *need*, as they stand *now*."""
        return [
            (account, snapshot)
            for place, (account, snapshot) in enumerate(zip(self.accounts, self._books.snapshots(now), strict=True))
            if self._meets(need, place, snapshot)
        ]

    def _meets(self, need: Need, place: int, snapshot: AccountSnapshot) -> bool:
        return need.is_met_by(self.accounts[place].id, self._limits[place].overlaid(snapshot.learned_limits))

    def _none_left(self, at: datetime | None, chosen: Sequence[tuple[Account, AccountSnapshot]]) -> NoneLeft:
        """Return the exhausted and the suspended ones among the accounts that meet a need."""
        suspended = tuple(a.id for a, snapshot in chosen if snapshot.state is AccountState.SUSPENDED)
        spent = tuple(a.id for a, snapshot in chosen if a.id not in suspended and not ledger.left(snapshot, a))
        return NoneLeft(at, spent, suspended, len(self.accounts) - len(chosen))

    def _no_plan(self, need: Need, now: datetime) -> NoPlan:
        """Explain why no account meets *need*."""
        return NoPlan.of(need.demand or Demand(), self._owners(now, ChartLimits.overlaid), self._plans())

    def _owners(
        self, now: datetime, with_learned: Callable[[ChartLimits, ChartLimits], ChartLimits]
    ) -> dict[ChartLimits, str]:
        return owners_of(self.accounts, self._books.snapshots(now), self._limits, with_learned)
