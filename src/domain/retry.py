"""Whether another call is worth it, and when.

A call costs quota whether it succeeds or not, so the rules are few and strict: an error that belongs to the request is
final; one that belongs to an account is answered by another account, at once; one that belongs to the service is waited
out, with exponential backoff and full jitter (a uniform share of the step, so that clients who failed together do not
come back together), never past the deadline and never after the last attempt.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import attrs

from .errors import ConfigError
from .faults import ChartApiError, Scope

__all__ = ["Decision", "GiveUp", "RetryPolicy", "SwitchAccount", "WaitAndRetry", "decide"]

_LARGEST_EXPONENT: Final = 60
_YEAR: Final = 31_536_000.0  # seconds


@attrs.frozen
class RetryPolicy:
    """How much one chart request may cost.

    Attributes:
        max_attempts: calls at most, over all accounts together.
        base_delay: seconds; the first step of the backoff, which doubles with every call.
        max_delay: seconds; the largest step.
        deadline: seconds for the whole logical request, waits and calls included.

    Raises:
        ConfigError: a value is out of its range.
    """

    max_attempts: int = 3
    base_delay: float = 0.5
    max_delay: float = 8.0
    deadline: float = 120.0

    def __attrs_post_init__(self) -> None:
        problems = []
        if self.max_attempts < 1:
            problems.append(f"max_attempts must be at least 1, not {self.max_attempts}")
        for name in ("base_delay", "max_delay", "deadline"):
            value = getattr(self, name)
            if not 0 <= value <= _YEAR:
                problems.append(f"{name} must be a number of seconds from 0 to a year, not {value}")
        if problems:
            raise ConfigError(problems)

    def backoff(self, calls: int, jitter: float) -> float:
        """Give the seconds to wait after *calls* calls (1 or more), with *jitter* in [0, 1)."""
        step = self.base_delay * 2.0 ** min(calls - 1, _LARGEST_EXPONENT)
        return min(step, self.max_delay) * jitter


@attrs.frozen
class GiveUp:
    """This was the last call: *error* is the outcome."""

    error: ChartApiError


@attrs.frozen
class SwitchAccount:
    """Take another account now."""


@attrs.frozen
class WaitAndRetry:
    """Wait *delay* seconds, then try again on whichever account is free."""

    delay: float


Decision = GiveUp | SwitchAccount | WaitAndRetry


def decide(
    error: ChartApiError, *, calls: int, elapsed: float, jitter: float, policy: RetryPolicy, now: datetime
) -> Decision:
    """Decide after *calls* calls and *elapsed* seconds what to do about *error*; *now* (UTC) dates a give-up."""
    if calls >= policy.max_attempts or error.scope in {Scope.REQUEST, Scope.FIXTURES, Scope.ACCOUNTS}:
        return GiveUp(_dated(error, now))
    if error.scope is not Scope.SERVICE:
        return SwitchAccount()
    delay = max(policy.backoff(calls, jitter), error.retry_after or 0.0)
    if elapsed + delay >= policy.deadline:
        return GiveUp(_dated(error, now))
    return WaitAndRetry(delay)


def _dated(error: ChartApiError, now: datetime) -> ChartApiError:
    """Say when to come back, where the provider said so."""
    if error.retry_after is None or not error.retriable:
        return error
    return attrs.evolve(error, available_at=now + timedelta(seconds=error.retry_after))
