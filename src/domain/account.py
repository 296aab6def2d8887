"""The account, a state machine: one key of the host's, and what is left of its day.

Rule 1: everything that changes the state of an account stands in :data:`TRANSITIONS`. A pair of state and event that
has no row is a mistake of ours and raises.

Rule 2: a snapshot is frozen. Every change is a new snapshot with the next version, and a store swaps one for the next
only if nobody else has been faster. So the books are right for any interleaving of threads, processes and crashes.

Theory of operation
    AVAILABLE    may be called as far as its day and its pacing allow.
    THROTTLED    the provider asked for a pause; ``until`` says when it is over. The day is not spent.
    EXHAUSTED    the provider says the day is spent. Nothing but the next window ends this: no refund, no clock that
                 steps back, no larger limit in the settings.
    SUSPENDED    the provider refuses the key. A person reinstates it, or its key changes.

    Two events are the passing of time, COOL and NEW_WINDOW; the ledger applies them when it next looks at a snapshot,
    so that no timer has to run. An account whose units are all taken by claims stays AVAILABLE with nothing left:
    a claim that was never used may still come back.

    The provider names two limits, requests per second with a burst, and requests per day (API page, "Rate Limit").
    The day is taken to be the UTC day, which the page does not say; ``daily_limit`` is 44 rather than BASIC's 50 so
    that what others spend on the same key is not paid for with refusals.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Final

import attrs

from .errors import ConfigError
from .plan import UNKNOWN, ChartLimits, PlanName

__all__ = [
    "LONG_AGO",
    "TRANSITIONS",
    "WINDOW",
    "Account",
    "AccountEvent",
    "AccountSnapshot",
    "AccountState",
    "IllegalTransition",
    "advance",
    "window_of",
]

WINDOW: Final = timedelta(days=1)
LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR: Final = 31_536_000.0  # seconds
_STEPS: Final = 16
"""In how many steps a day is spent evenly over the accounts; but a step is a burst at least."""

_LEAST_STEP: Final = 8
"""Units; fewer are not worth leaving the configured order for."""

_UNSHOWN: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_VISIBLE: Final = re.compile(r"[\x21-\x7e]+")


class AccountState(StrEnum):
    """The states."""

    AVAILABLE = "AVAILABLE"
    THROTTLED = "THROTTLED"
    EXHAUSTED = "EXHAUSTED"
    SUSPENDED = "SUSPENDED"


class AccountEvent(StrEnum):
    """What can happen to an account."""

    CLAIM = "CLAIM"
    REFUND = "REFUND"
    THROTTLE = "THROTTLE"
    COOL = "COOL"
    EXHAUST = "EXHAUST"
    NEW_WINDOW = "NEW_WINDOW"
    SUSPEND = "SUSPEND"
    REINSTATE = "REINSTATE"
    REINSTATE_SPENT = "REINSTATE_SPENT"


_S, _E = AccountState, AccountEvent

TRANSITIONS: Final[Mapping[tuple[AccountState, AccountEvent], AccountState]] = MappingProxyType(
    {
        (_S.AVAILABLE, _E.CLAIM): _S.AVAILABLE,
        (_S.AVAILABLE, _E.REFUND): _S.AVAILABLE,
        (_S.AVAILABLE, _E.THROTTLE): _S.THROTTLED,
        (_S.AVAILABLE, _E.EXHAUST): _S.EXHAUSTED,
        (_S.AVAILABLE, _E.NEW_WINDOW): _S.AVAILABLE,
        (_S.AVAILABLE, _E.SUSPEND): _S.SUSPENDED,
        # A claim for the moment the pause is over, which the caller waits out.
        (_S.THROTTLED, _E.CLAIM): _S.THROTTLED,
        (_S.THROTTLED, _E.REFUND): _S.THROTTLED,
        (_S.THROTTLED, _E.THROTTLE): _S.THROTTLED,
        (_S.THROTTLED, _E.COOL): _S.AVAILABLE,
        (_S.THROTTLED, _E.EXHAUST): _S.EXHAUSTED,
        (_S.THROTTLED, _E.NEW_WINDOW): _S.THROTTLED,
        (_S.THROTTLED, _E.SUSPEND): _S.SUSPENDED,
        # A spent day takes no refund.
        (_S.EXHAUSTED, _E.NEW_WINDOW): _S.AVAILABLE,
        (_S.EXHAUSTED, _E.SUSPEND): _S.SUSPENDED,
        (_S.SUSPENDED, _E.REFUND): _S.SUSPENDED,
        (_S.SUSPENDED, _E.EXHAUST): _S.SUSPENDED,
        (_S.SUSPENDED, _E.NEW_WINDOW): _S.SUSPENDED,
        (_S.SUSPENDED, _E.SUSPEND): _S.SUSPENDED,
        (_S.SUSPENDED, _E.REINSTATE): _S.AVAILABLE,
        # Its day was spent when it was suspended, or while it was.
        (_S.SUSPENDED, _E.REINSTATE_SPENT): _S.EXHAUSTED,
    }
)


class IllegalTransition(Exception):  # noqa: N818 (a mistake of ours, named by what it is)
    """An event has no row for the state it met."""


def advance(state: AccountState, event: AccountEvent) -> AccountState:
    """Give the state after *event*.

    Raises:
        IllegalTransition: the table has no such row.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransition(f"{event} can't happen to an account that is {state}") from None


def _plan_name(plan: str | None) -> PlanName | str | None:
    """Take a plan by its name in upper or lower case; what is no plan is left for the account to complain about."""
    return PlanName(plan.upper()) if isinstance(plan, str) and plan.upper() in PlanName.__members__ else plan


_KINDS: Final = (
    ("id", str, "text"),
    ("api_key", str, "text"),
    ("daily_limit", int, "a whole number"),
    ("requests_per_second", (int, float), "a number"),
    ("burst", int, "a whole number"),
)


def _is_a(value: object, kind: type | tuple[type, ...]) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


@attrs.frozen
class Account:
    """One CHART-IMG API key of the host's.

    Attributes:
        id: the host's name for it, shown in logs and files.
        api_key: the key; never shown, not even in repr.
        daily_limit: units a UTC day.
        plan: the provider's plan (BASIC, PRO, MEGA, ULTRA, ENTERPRISE), if known.
        requests_per_second: the rate the provider allows.
        burst: calls it allows at once.

    Raises:
        ConfigError: a value is out of its range; the message names the field and holds no text of the account, which may be a key.
    """

    id: str
    api_key: str = attrs.field(repr=False)
    daily_limit: int = 44
    plan: PlanName | str | None = attrs.field(default=None, converter=_plan_name)
    requests_per_second: float = 1.0
    burst: int = 3

    def __attrs_post_init__(self) -> None:
        if problems := self._problems():
            raise ConfigError(problems)

    def _problems(self) -> list[str]:
        """Say what is wrong with the fields."""
        if wrong := [f"{name} must be {what}" for name, kind, what in _KINDS if not _is_a(getattr(self, name), kind)]:
            return wrong
        rules = (
            (bool(self.id.strip()), "id is empty"),
            (not self.id.strip() or not _UNSHOWN.search(self.id), "id holds a control character or half a character"),
            (bool(self.api_key), "api_key is empty"),
            (
                not self.api_key or bool(_VISIBLE.fullmatch(self.api_key)),
                "api_key holds a space, a line break or a character outside ASCII; was it copied whole?",
            ),
            (self.daily_limit >= 0, f"daily_limit must be 0 or more, not {self.daily_limit}"),
            (
                self.plan is None or isinstance(self.plan, PlanName),
                f"plan must be one of {', '.join(PlanName)}",
            ),
            (
                math.isfinite(self.requests_per_second) and self.requests_per_second > 0,
                f"requests_per_second must be more than 0, not {self.requests_per_second}",
            ),
            (self.burst >= 1, f"burst must be at least 1, not {self.burst}"),
            (
                not self.requests_per_second > 0 or self.burst <= _YEAR * self.requests_per_second,
                "burst / requests_per_second must be at most a year in seconds",
            ),
        )
        return [text for holds, text in rules if not holds]

    @cached_property
    def key_digest(self) -> str:
        """Tell this key from the next one without holding it."""
        return hashlib.sha256(self.api_key.encode()).hexdigest()[:16]

    @cached_property
    def emission(self) -> timedelta:
        """The time one call takes up in the provider's bucket; rounded up, so that pacing errs on the quiet side."""
        return timedelta(microseconds=max(1, math.ceil(1_000_000 / self.requests_per_second)))

    @cached_property
    def step(self) -> int:
        """How many units of a day are spent before another account's turn comes."""
        return max(self.burst, _LEAST_STEP, -(-self.daily_limit // _STEPS))

    @cached_property
    def tolerance(self) -> timedelta:
        """How far the bucket may run ahead of time: a burst of calls, less the one that is being made."""
        return self.emission * (self.burst - 1)


@attrs.frozen
class AccountSnapshot:
    """What is known of an account at one moment; the unit that stores keep and swap.

    Attributes:
        account_id: whose it is.
        window: the start (UTC) of the quota day the counts belong to.
        arrival: GCRA's theoretical arrival time (UTC), the provider's bucket in one number.
        key_digest: which key it was made with.
        version: one more than its predecessor's.
        state: the state.
        used: units taken from the window.
        until: when (UTC) a pause the provider asked for is over; meaningful while THROTTLED.
        reason: why it is in its state, in a phrase.
        spent: the provider said so: the window is spent whatever the count.
        refunded: serials of this window's claims that were given back, as far as they might be given back again.
        serial: the serial of the last claim.
        epoch: counts reinstatements and new keys; a report of an earlier epoch speaks of what is over.
        full_at: when (UTC) the bucket was last full; the burst of calls from then on needs no refill.
        told: what the provider has said in this window that one chart may ask for, where it refused more.
    """

    account_id: str
    window: datetime
    arrival: datetime
    key_digest: str
    version: int = 0
    state: AccountState = AccountState.AVAILABLE
    used: int = 0
    until: datetime | None = None
    reason: str = ""
    spent: bool = False
    refunded: frozenset[int] = frozenset()
    serial: int = 0
    epoch: int = 0
    full_at: datetime = LONG_AGO
    told: ChartLimits = UNKNOWN

    @property
    def window_end(self) -> datetime:
        """When (UTC) the window is over."""
        return self.window + WINDOW


def window_of(now: datetime) -> datetime:
    """Give the start of the quota day of *now* (aware, any zone), in UTC."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
