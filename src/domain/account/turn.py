"""Whose turn it is: the account that serves a chart next, or the reason why no account can.

Among accounts that may serve a chart and can be called now: the smallest plan, then the fewest steps of its day spent,
then configured order. If every one must wait: the one that waits the shortest time.

Large plans stay free for charts that need them. Accounts are spent evenly, in steps: if the first account were drained
before the next is used, the last bursts of a day would run at one account's pace.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from heapq import heapify, heappop, heappush
from typing import Final

import attrs

from ..finding import Finding, Severity
from ..plan import UNKNOWN, ChartLimits, Plan, largest_limits, smallest_plan
from ..plan.demand import Demand
from ..plan.excess import exceeded
from .ledger import left, ready_at
from .settings import Account
from .snapshot import AccountSnapshot, Claim

__all__ = [
    "Granted",
    "Need",
    "NoPlan",
    "NoneLeft",
    "Outlook",
    "Standing",
    "Turns",
    "WaitUntil",
    "capped",
    "owners_of",
    "size_of",
    "standing_of",
    "steps_spent",
]

_STEPS: Final = 16
"""Steps of a day."""

_MIN_STEP_UNITS: Final = 8
"""A smaller step is not worth a change of account."""

_LAST: Final = (math.inf,)
"""The size of an account that may refuse the chart: it comes after all accounts that surely allow it."""


@attrs.frozen
class Granted:
    """A claim was taken."""

    claim: Claim


@attrs.frozen
class WaitUntil:
    """All units of the window are taken; the next unit can be taken *at* the start (UTC) of the next window."""

    at: datetime


@attrs.frozen
class NoneLeft:
    """No account that may serve the chart can be called in time.

    Attributes:
        available_at: when (UTC) the first of them can be called, if that is known.
        exhausted: ids of the accounts with a spent day, in configured order.
        suspended: ids of the suspended accounts, in configured order.
        too_small: number of accounts that may not allow the chart.
    """

    available_at: datetime | None
    exhausted: tuple[str, ...] = ()
    suspended: tuple[str, ...] = ()
    too_small: int = 0


@attrs.frozen
class NoPlan:
    """No account may serve the chart, in any state: it asks for more than their plans allow.

    Attributes:
        findings: the limits that it exceeds, for the account that comes nearest to serving it.
    """

    findings: tuple[Finding, ...]

    @classmethod
    def of(cls, demand: Demand, allowed: Mapping[ChartLimits, str], plans: Sequence[Plan]) -> NoPlan:
        """Explain why no account serves *demand*; *allowed* maps the limits of the accounts to their owner's name."""
        excess = {limits: exceeded(demand, limits, allowed_by=owner, plans=plans) for limits, owner in allowed.items()}
        nearest = min(excess, key=lambda limits: (len(excess[limits]), *(-each for each in limits.extent)))
        refused = Finding("", Severity.ERROR, "an account has refused it, and no other is known to allow it")
        return cls(excess[nearest] or (refused,))


@attrs.frozen
class Outlook:
    """The accounts that may serve a chart, for a request that makes no more calls.

    Attributes:
        none: when the first can be called, and the exhausted and the suspended ones.
        any_left: whether one is neither exhausted nor suspended.
    """

    none: NoneLeft
    any_left: bool


@attrs.frozen
class Need:
    """The needs of a chart.

    Attributes:
        demand: pixels, studies and drawings that it asks for; None fits any account.
        refused_ids: ids of the accounts that have refused it because of their plan. After the first such refusal an
            account is taken only if its plan surely allows the chart.
        earlier_ids: ids of those that refused it in an earlier fetch; another account may be tried.
    """

    demand: Demand | None = None
    refused_ids: frozenset[str] = frozenset()
    earlier_ids: frozenset[str] = frozenset()

    def is_met_by(self, account_id: str, limits: ChartLimits) -> bool:
        """Return whether an account with these *limits* may be taken."""
        if account_id in self.refused_ids or account_id in self.earlier_ids:
            return False
        if self.demand is None:
            return True
        return limits.surely_allows(self.demand) if self.refused_ids else limits.allows(self.demand)


@attrs.frozen
class Standing:
    """How one account stands for its next call.

    Attributes:
        account_id: its id.
        limits: limits of one of its charts.
        size: size of its plan (:func:`size_of`).
        steps: steps of its day that are spent.
        ready_at: earliest moment (UTC) of its next call, also in the past; None for a suspended account.
    """

    account_id: str
    limits: ChartLimits
    size: tuple[float, ...]
    steps: int
    ready_at: datetime | None


def standing_of(
    account: Account, snapshot: AccountSnapshot, plan_limits: ChartLimits, plans: Sequence[Plan]
) -> Standing:
    """Return how *account* stands; learned limits replace *plan_limits*, those of its plan."""
    limits = plan_limits.overlaid(snapshot.learned_limits)
    return Standing(
        account.id, limits, size_of(limits, plans), steps_spent(snapshot, account), ready_at(snapshot, account)
    )


class Turns:
    """The turns of the accounts that may serve a chart, as they stand at *now* (UTC).

    A change of the first account's standing costs no look at the others: among a thousand accounts that other processes
    call, too, one claim may meet several such changes.
    """

    def __init__(self, standings: Sequence[Standing], need: Need, plans: Sequence[Plan], now: datetime) -> None:
        is_large = need.demand is not None and bool(plans) and not plans[0].chart.allows(need.demand)
        self._large = need.demand if is_large else None
        self._standings, self._need, self._now = standings, need, now
        self._heap = [turn for place in range(len(standings)) if (turn := self._turn(place)) is not None]
        heapify(self._heap)

    @property
    def first(self) -> tuple[int, datetime] | None:
        """The place of the account to call next and the moment (UTC) of the call; None without such an account."""
        return self._heap[0][1:] if self._heap else None

    def renew(self) -> None:
        """Give the first account another turn, since its standing has changed."""
        _, place, _ = heappop(self._heap)
        if (turn := self._turn(place)) is not None:
            heappush(self._heap, turn)

    def _turn(self, place: int) -> tuple[tuple[object, ...], int, datetime] | None:
        """Return the rank of an account, its place, and the moment of its next call; None if it may not serve."""
        standing = self._standings[place]
        moment = standing.ready_at
        if moment is None or not self._need.is_met_by(standing.account_id, standing.limits):
            return None
        size = standing.size if self._large is None or standing.limits.surely_allows(self._large) else _LAST
        rank = (False, size, standing.steps) if moment <= self._now else (True, moment, size)
        return rank, place, moment


def steps_spent(snapshot: AccountSnapshot, account: Account) -> int:
    """Count the steps of its day that an account has spent; a spent day counts as the new one it waits for."""
    if not left(snapshot, account):
        return 0
    return snapshot.used // max(account.calls.burst, _MIN_STEP_UNITS, -(-account.calls.daily_limit // _STEPS))


def size_of(limits: ChartLimits, plans: Sequence[Plan]) -> tuple[float, ...]:
    """Return a size that orders limits: by the smallest plan that has them, then by themselves.

    Unknown limits count as those of the smallest plan.
    """
    if not plans:
        return ()
    limits = plans[0].chart.overlaid(limits)
    smallest = smallest_plan(plans, limits.utmost)
    place = len(plans) if smallest is None else plans.index(smallest)
    return (place, *limits.extent, bool(limits.custom_watermark))


def owners_of(
    accounts: Sequence[Account],
    snapshots: Sequence[AccountSnapshot],
    plan_limits: Sequence[ChartLimits],
    with_learned: Callable[[ChartLimits, ChartLimits], ChartLimits],
) -> dict[ChartLimits, str]:
    """Return the limits of each account's plan *with_learned* ones, and the name of the first account or plan that has them."""
    owners: dict[ChartLimits, str] = {}
    for account, snapshot, limits in zip(accounts, snapshots, plan_limits, strict=True):
        learned = snapshot.learned_limits
        owner = f"the account {account.id!r}" if account.plan is None or learned != UNKNOWN else f"{account.plan}"
        owners.setdefault(with_learned(limits, learned), owner)
    return owners


def capped(owners: Mapping[ChartLimits, str], plans: Sequence[Plan]) -> dict[ChartLimits, str]:
    """Return limits and their owners, none of them larger than the largest of *plans*."""
    if not plans:
        return dict(owners)
    largest = largest_limits(plans)
    return {
        limits.tightened(largest): "the largest plan" if limits == UNKNOWN else owner
        for limits, owner in owners.items()
    }
