"""Which account goes next.

Among accounts that can be called now the one of the lowest rank is taken, and of those the first in configured order; if
there is none, the one that can be called soonest. The rank says how much of its day an account has spent, in a few steps
(:func:`rank_of`): were the first one always drained before the next, a day's last bursts would be served at the pace of
the last account alone. Two heaps hold the order: those that are ready, by rank and place, and those that are not yet, by
time. An entry whose account has changed since is dropped when it comes up, so a choice costs O(log n) however many
accounts are spent.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from heapq import heappop, heappush

import attrs

from .account import Account, AccountSnapshot
from .ledger import Claim, left

__all__ = ["AccountLine", "Granted", "NoneLeft", "Outlook", "WaitUntil", "rank_of"]


@attrs.frozen
class Granted:
    """A claim was taken."""

    claim: Claim


@attrs.frozen
class WaitUntil:
    """No unit can be taken yet; *at* (UTC), in the next window, there will be one."""

    at: datetime


@attrs.frozen
class NoneLeft:
    """No account can be called within the time given.

    Attributes:
        available_at: when (UTC) the first one can, if that is known.
        exhausted: the ids of those whose day is spent, in configured order.
        suspended: the ids of those that wait for a person, in configured order.
    """

    available_at: datetime | None
    exhausted: tuple[str, ...] = ()
    suspended: tuple[str, ...] = ()


@attrs.frozen
class Outlook:
    """How the accounts stand for a request that makes no more calls.

    Attributes:
        none: when the first one can be called, and which are spent or wait for a person.
        any_left: whether there is one that is neither.
    """

    none: NoneLeft
    any_left: bool


def rank_of(snapshot: AccountSnapshot, account: Account) -> int:
    """Count the steps of its day that an account has spent; a day that is over counts as the new one it is ready for."""
    if not left(snapshot, account):
        return 0
    return snapshot.used // account.step


class AccountLine:
    """Accounts, by their place in configured order, lined up for the next call. Not safe from several threads."""

    def __init__(self, count: int) -> None:
        self._entry: list[tuple[datetime, int] | None] = [None] * count
        self._ready: list[tuple[int, int, datetime]] = []
        self._later: list[tuple[datetime, int, int]] = []

    def put(self, place: int, ready_at: datetime | None, rank: int = 0) -> None:
        """Line the account at *place* up for the moment *ready_at* (UTC), with its *rank*; None takes it out."""
        entry = None if ready_at is None else (ready_at, rank)
        if self._entry[place] != entry:
            self._entry[place] = entry
            if ready_at is not None:
                heappush(self._later, (ready_at, place, rank))
            if len(self._ready) + len(self._later) > 4 * len(self._entry) + 64:
                self._rebuild()

    def first(self, now: datetime, allowed: Callable[[int], bool] | None = None) -> tuple[int, datetime] | None:
        """Give the place of the account to call next and the moment (UTC) it can be; None when no account ever can.

        *allowed* leaves out places for this choice only.
        """
        self._sort_out(now)
        if allowed is None and self._ready:
            rank, place, moment = self._ready[0]
            if self._entry[place] == (moment, rank) and moment <= now:
                return place, moment
        passed_ready: list[tuple[int, int, datetime]] = []
        passed_later: list[tuple[datetime, int, int]] = []
        found: tuple[int, datetime] | None = None
        while found is None and self._ready:
            rank, place, moment = entry = heappop(self._ready)
            if self._entry[place] != (moment, rank):
                continue
            if moment > now:  # the clock has stepped back since it was sorted in
                heappush(self._later, (moment, place, rank))
                continue
            passed_ready.append(entry)
            if allowed is None or allowed(place):
                found = (place, moment)
        while found is None and self._later:
            moment, place, rank = late = heappop(self._later)
            if self._entry[place] != (moment, rank):
                continue
            passed_later.append(late)
            if allowed is None or allowed(place):
                found = (place, moment)
        for entry in passed_ready:
            heappush(self._ready, entry)
        for late in passed_later:
            heappush(self._later, late)
        return found

    def _sort_out(self, now: datetime) -> None:
        """Move those whose moment has come to the ready ones."""
        while self._later and self._later[0][0] <= now:
            moment, place, rank = heappop(self._later)
            if self._entry[place] == (moment, rank):
                heappush(self._ready, (rank, place, moment))

    def _rebuild(self) -> None:
        """Drop every entry that no longer counts."""
        self._ready = []
        self._later = sorted(
            (entry[0], place, entry[1]) for place, entry in enumerate(self._entry) if entry is not None
        )
