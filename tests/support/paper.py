"""The books of an account on paper: the model that the pool is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Final

import attrs

from chartimg.domain.account import Account, AccountState, Claim
from chartimg.domain.account.ledger import MARGIN
from chartimg.domain.plan.demand import Demand
from pools import DAY

FLOAT: Final = Fraction(1, 2**50)
"""Relative error of a rate, which is a float."""


def within_pace(moments: Sequence[datetime], account: Account) -> bool:
    """Return whether grants, in order, keep to rate and burst between any two of them."""
    rate = Fraction(account.calls.requests_per_second) * (1 + FLOAT)
    return all(
        last - first + 1
        <= account.calls.burst + rate * Fraction(abs(end - begin) // timedelta(microseconds=1), 1_000_000)
        for first, begin in enumerate(moments)
        for last, end in enumerate(moments[first:], first)
    )


Allowed = tuple[float | None, float | None, float | None, bool | None]
"""Width, height, studies and drawings, a watermark of a chart; None is unknown."""

PRICES: dict[str | None, Allowed] = {
    None: (None, None, None, None),
    "BASIC": (800, 600, 3, False),
    "PRO": (1920, 1080, 5, False),
    "ULTRA": (2048, 1920, 25, True),
}
LESSONS: dict[str, Allowed] = {
    "Exceed Max Usage Resolution Limit (800x600)": (800, 600, None, None),
    "Exceed Max Usage Resolution Limit (1920x1080)": (1920, 1080, None, None),
    "Exceed Max Usage Parameter Limit (3)": (None, None, 3, None),
    "Exceed Max Usage Parameter Limit (0)": (None, None, None, None),
    "Exceed Max Usage Watermark Limit": (None, None, None, False),
    "Exceed Max Usage": (None, None, None, None),
}


def corrected(allowed: Allowed, learned: Allowed) -> Allowed:
    """Return the limits of a plan with the learned ones in their place."""
    width, height, count, watermark = (b if a is None else a for a, b in zip(learned, allowed, strict=True))
    return width, height, count, None if watermark is None else bool(watermark)


def fits(demand: Demand | None, allowed: Allowed) -> bool:
    """Return whether no known limit refuses a chart."""
    if demand is None:
        return True
    asked = (demand.width, demand.height, demand.studies + demand.drawings, demand.watermark)
    return all(limit is None or ask <= limit for ask, limit in zip(asked, allowed, strict=True))


def sure(demand: Demand | None, allowed: Allowed) -> bool:
    """Return whether a chart is allowed even if every unknown limit is the smallest."""
    return fits(demand, corrected((0, 0, 0, False), allowed))


def tighter(allowed: Allowed, learned: Allowed) -> Allowed:
    """Return the smaller of each limit."""
    width, height, count, watermark = (
        min((limit for limit in pair if limit is not None), default=None) for pair in zip(allowed, learned, strict=True)
    )
    return width, height, count, None if watermark is None else bool(watermark)


def turn(demand: Demand | None, allowed: Allowed) -> tuple[float, ...]:
    """Return the rank of an account: the size of its plan; an unknown plan counts as BASIC, or comes last."""
    if not fits(demand, PRICES["BASIC"]) and not sure(demand, allowed):
        return (99,)
    allowed = corrected(PRICES["BASIC"], allowed)
    width, height, count, watermark = (float(limit or 0) for limit in allowed)
    whole = Demand(width, height, int(count), 0, bool(watermark))
    plan = min(place for place, prices in enumerate(PRICES.values()) if place and fits(whole, prices))
    return (plan, width * height, count, watermark)


@attrs.define
class Paper:
    """The book of one account."""

    window: datetime
    arrival: datetime
    key: str
    used: int = 0
    spent: bool = False
    suspended: bool = False
    until: datetime | None = None
    epoch: int = 0
    full_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    learned: Allowed = PRICES[None]

    @property
    def state(self) -> AccountState:
        """The state."""
        if self.suspended:
            return AccountState.SUSPENDED
        if self.spent:
            return AccountState.EXHAUSTED
        return AccountState.AVAILABLE if self.until is None else AccountState.THROTTLED

    def allowed(self, account: Account) -> Allowed:
        """Return the limits of a chart today."""
        return corrected(PRICES[account.plan], self.learned)

    def lag(self, account: Account) -> timedelta:
        """Return how late grants are: the margin, once a call of a busy time has needed a refill."""
        return MARGIN if self.arrival - self.full_at > account.tolerance else timedelta()

    def take(self, moment: datetime, account: Account) -> None:
        """Write in a grant."""
        scheduled = moment - self.lag(account)
        if scheduled >= self.arrival + MARGIN:
            self.arrival = self.full_at = moment
        self.arrival = max(self.arrival, scheduled) + account.emission
        self.used += 1

    def free(self, account: Account, now: datetime) -> datetime | None:
        """Return the first moment from *now* on at which a call is allowed; None for never."""
        if self.suspended or not account.calls.daily_limit:
            return None
        moments = [now, self.arrival - account.tolerance + self.lag(account)]
        moments += [] if self.until is None else [self.until]
        moments += [self.window + DAY] if self.spent or self.used >= account.calls.daily_limit else []
        return max(moments)


def today(paper: Paper | None, account: Account, now: datetime) -> Paper:
    """Copy the paper and write in the passing of time and a change of key."""
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    paper = Paper(day, datetime(1970, 1, 1, tzinfo=UTC), account.api_key) if paper is None else attrs.evolve(paper)
    if paper.key != account.api_key:
        paper.key, paper.suspended, paper.epoch, paper.learned = account.api_key, False, paper.epoch + 1, PRICES[None]
    if day > paper.window:
        paper.window, paper.used, paper.spent, paper.learned = day, 0, False, PRICES[None]
    if paper.until is not None and paper.until <= now:
        paper.until = None
    return paper


@attrs.define
class Held:
    """A granted claim, with the epoch and limit at that moment."""

    claim: Claim
    epoch: int
    limit: int
    demand: Demand | None
    refunded: bool = False
