"""Which account goes next.

Only accounts whose plans allow what a chart demands may serve it. Of those that can be called now the ones of the smallest
plan come first, so that large plans stay free for what only they can do; among them the one of the lowest rank is taken,
and of those the first in configured order. If there is none, the one that can be called soonest. The rank says how much of
its day an account has spent, in a few steps (:func:`rank_of`): were the first one always drained before the next, a day's
last bursts would be served at the pace of the last account alone.

Accounts of equal limits stand in one line, and there are only a few lines. Two heaps hold the order of a line: those that
are ready, by rank and place, and those that are not yet, by time. An entry whose account has changed since is dropped when
it comes up, so a choice costs O(log n) however many accounts are spent, or too small.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from heapq import heappop, heappush
from typing import Final

import attrs

from ..finding import Finding, Severity
from ..plan import UNKNOWN, ChartLimits, Plan, PlanName, smallest_plan
from ..plan.demand import Demand
from ..plan.excess import exceeded
from .ledger import left
from .settings import Account
from .snapshot import AccountSnapshot, Claim

__all__ = [
    "AccountLine",
    "AccountLines",
    "Choice",
    "Granted",
    "NoPlan",
    "NoneLeft",
    "Outlook",
    "WaitUntil",
    "rank_of",
]


_STEPS: Final = 16
"""In how many steps a day is spent evenly over the accounts; but a step is a burst at least."""

_MIN_STEP_UNITS: Final = 8
"""Fewer are not worth leaving the configured order for."""


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
    """No account that may serve the chart can be called within the time given.

    Attributes:
        available_at: when (UTC) the first of them can, if that is known.
        exhausted: the ids of those whose day is spent, in configured order.
        suspended: the ids of those that wait for a person, in configured order.
        too_small: how many others there are, which the chart may be too much for.
    """

    available_at: datetime | None
    exhausted: tuple[str, ...] = ()
    suspended: tuple[str, ...] = ()
    too_small: int = 0


@attrs.frozen
class NoPlan:
    """No account may serve the chart, whatever its state: it asks for more than their plans allow.

    Attributes:
        findings: what is too much, for the account that comes nearest to serving it.
        smallest: the smallest plan that would serve it; None when none would, or none is known.
    """

    findings: tuple[Finding, ...]
    smallest: PlanName | None

    @classmethod
    def of(cls, demand: Demand, allowed: Mapping[ChartLimits, str], plans: Sequence[Plan]) -> NoPlan:
        """Tell why accounts with the limits *allowed*, each with the words for whose they are, don't serve *demand*."""
        told = {limits: exceeded(demand, limits, allowed_by=whose, plans=plans) for limits, whose in allowed.items()}
        nearest = min(told, key=lambda limits: (len(told[limits]), *(-each for each in _extent(limits))))
        plan = smallest_plan(plans, demand)
        refused = Finding("", Severity.ERROR, "it was refused, and no other account is known to allow it")
        return cls(told[nearest] or (refused,), None if plan is None else plan.name)


@attrs.frozen
class Outlook:
    """How the accounts that may serve a chart stand for a request that makes no more calls.

    Attributes:
        none: when the first one can be called, and which are spent or wait for a person.
        any_left: whether there is one that is neither.
    """

    none: NoneLeft
    any_left: bool


def step_of(account: Account) -> int:
    """Return how many units of a day are spent before another account's turn comes."""
    return max(account.burst, _MIN_STEP_UNITS, -(-account.daily_limit // _STEPS))


def rank_of(snapshot: AccountSnapshot, account: Account) -> int:
    """Count the steps of its day that an account has spent; a day that is over counts as the new one it is ready for."""
    if not left(snapshot, account):
        return 0
    return snapshot.used // step_of(account)


@attrs.frozen
class Choice:
    """Which accounts may be taken for a chart.

    Attributes:
        demand: what it asks for; None for any account.
        refused: the places, in configured order, of accounts that have refused it for their plan's sake; then only others
            count that surely allow it.
    """

    demand: Demand | None = None
    refused: frozenset[int] = frozenset()

    def takes(self, limits: ChartLimits) -> bool:
        """Whether an account of these *limits* may be taken, if it has not refused."""
        if self.demand is None:
            return True
        return limits.surely_allows(self.demand) if self.refused else limits.allows(self.demand)


_ANYBODY: Final = Choice()


class AccountLines:
    """All accounts, by their place in configured order, in a line for each of their limits. Not safe from several threads.

    Args:
        plans: the provider's, from the smallest to the largest.
    """

    def __init__(self, plans: Sequence[Plan]) -> None:
        self._plans = plans
        self._smallest = plans[0].chart if plans else UNKNOWN
        self._lines: dict[ChartLimits, AccountLine] = {}
        self._line: dict[int, AccountLine] = {}

    def put(self, place: int, limits: ChartLimits, ready_at: datetime | None, rank: int = 0) -> None:
        """Line the account at *place* up for the moment *ready_at* (UTC; None: never), with its *limits* and *rank*."""
        line = self._line.get(place)
        if line is None or (line.limits is not limits and line.limits != limits):
            line = self._move(place, line, limits)
        line.put(place, ready_at, rank)

    def first(self, now: datetime, choice: Choice = _ANYBODY) -> tuple[int, datetime] | None:
        """Give the place of the account of a *choice* to call next and the moment (UTC) it can be; None when none ever can."""
        if len(self._lines) == 1:  # as where all accounts have the same plan, or none is known
            (line,) = self._lines.values()
            found = line.first(now, choice.refused) if choice.takes(line.limits) else None
            return None if found is None else found[:2]
        ready: list[tuple[tuple[float, ...], int, int, datetime]] = []
        later: list[tuple[datetime, tuple[float, ...], int]] = []
        for line in self._lines.values():
            found = line.first(now, choice.refused) if choice.takes(line.limits) else None
            if found is None:
                continue
            place, moment, rank = found
            size = (math.inf,) if self._is_a_try(choice.demand, line.limits) else line.size
            if moment <= now:
                ready.append((size, rank, place, moment))
            else:
                later.append((moment, size, place))
        if ready:
            _, _, place, moment = min(ready)
            return place, moment
        if later:
            moment, _, place = min(later)
            return place, moment
        return None

    def _move(self, place: int, line: AccountLine | None, limits: ChartLimits) -> AccountLine:
        """Let an account change to the line of its *limits*, which may be a new one."""
        if line is not None and line.leave(place):
            del self._lines[line.limits]
        if limits not in self._lines:
            self._lines[limits] = AccountLine(limits, self._size(limits))
        line = self._line[place] = self._lines[limits]
        return line

    def _size(self, limits: ChartLimits) -> tuple[float, ...]:
        """Measure limits: by the smallest plan that has them, then by themselves; in doubt they are the smallest plan's."""
        if not self._plans:
            return ()
        limits = self._smallest.overlaid(limits)
        smallest = smallest_plan(self._plans, limits.utmost)
        place = len(self._plans) if smallest is None else self._plans.index(smallest)
        return (place, *_extent(limits), bool(limits.custom_watermark))

    def _is_a_try(self, demand: Demand | None, limits: ChartLimits) -> bool:
        """Whether a chart may turn out to be too much for an account of these *limits*, which is tried last then."""
        return demand is not None and not self._smallest.allows(demand) and not limits.surely_allows(demand)


def _extent(limits: ChartLimits) -> tuple[float, float]:
    """Measure limits by pixels, then by studies and drawings."""
    width, height, parameters = (
        math.inf if limit is None else limit for limit in (limits.max_width, limits.max_height, limits.max_parameters)
    )
    return width * height, parameters


class AccountLine:
    """The accounts of equal *limits*, lined up for the next call.

    Attributes:
        limits: what they allow.
        size: how large that is, among others.
    """

    def __init__(self, limits: ChartLimits = UNKNOWN, size: tuple[float, ...] = ()) -> None:
        self.limits = limits
        self.size = size
        self._entry: dict[int, tuple[datetime, int] | None] = {}
        self._ready: list[tuple[int, int, datetime]] = []
        self._later: list[tuple[datetime, int, int]] = []

    def put(self, place: int, ready_at: datetime | None, rank: int = 0) -> None:
        """Line the account at *place* up for the moment *ready_at* (UTC; None: never), with its *rank*."""
        entry = None if ready_at is None else (ready_at, rank)
        if self._entry.get(place, ()) != entry:
            self._entry[place] = entry
            if ready_at is not None:
                heappush(self._later, (ready_at, place, rank))
            if len(self._ready) + len(self._later) > 4 * len(self._entry) + 64:
                self._rebuild()

    def leave(self, place: int) -> bool:
        """Take the account at *place* out; say whether the line is empty now."""
        del self._entry[place]
        return not self._entry

    def first(self, now: datetime, without: frozenset[int] = frozenset()) -> tuple[int, datetime, int] | None:
        """Give the place of the account to call next, the moment (UTC) it can be, and its rank; None when none ever can.

        Places in *without* are left out of this choice.
        """
        self._sort_out(now)
        if not without and self._ready:
            rank, place, moment = self._ready[0]
            if self._entry.get(place) == (moment, rank) and moment <= now:
                return place, moment, rank
        passed_ready: list[tuple[int, int, datetime]] = []
        passed_later: list[tuple[datetime, int, int]] = []
        found: tuple[int, datetime, int] | None = None
        while found is None and self._ready:
            rank, place, moment = entry = heappop(self._ready)
            if self._entry.get(place) != (moment, rank):
                continue
            if moment > now:  # the clock has stepped back since it was sorted in
                heappush(self._later, (moment, place, rank))
                continue
            passed_ready.append(entry)
            if place not in without:
                found = (place, moment, rank)
        while found is None and self._later:
            moment, place, rank = late = heappop(self._later)
            if self._entry.get(place) != (moment, rank):
                continue
            passed_later.append(late)
            if place not in without:
                found = (place, moment, rank)
        for entry in passed_ready:
            heappush(self._ready, entry)
        for late in passed_later:
            heappush(self._later, late)
        return found

    def _sort_out(self, now: datetime) -> None:
        """Move those whose moment has come to the ready ones."""
        while self._later and self._later[0][0] <= now:
            moment, place, rank = heappop(self._later)
            if self._entry.get(place) == (moment, rank):
                heappush(self._ready, (rank, place, moment))

    def _rebuild(self) -> None:
        """Drop every entry that no longer counts."""
        self._ready = []
        self._later = sorted((entry[0], place, entry[1]) for place, entry in self._entry.items() if entry is not None)
