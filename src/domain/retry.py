"""Whether another call is worth it, and when.

A call costs quota whether it succeeds or not, so the rules are few and strict. They follow the remedy of the error:

- NONE: the error is final.
- OTHER_ACCOUNT: another account is asked at once.
- WAIT: exponential backoff with full jitter, a uniform share of the step, so that clients who failed together do not
  return together.

No wait ends past the deadline or follows the last attempt.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import attrs

from .argument import require, typed
from .errors import ConfigError
from .faults import ChartApiError, Remedy

__all__ = ["Decision", "GiveUp", "RetryPolicy", "SwitchAccount", "WaitAndRetry", "decide"]

_MAX_EXPONENT: Final = 60
_MAX_SECONDS: Final = 31_536_000.0  # a year


@attrs.frozen(field_transformer=typed)
class RetryPolicy:
    """How much one chart request may cost.

    Attributes:
        max_attempts: calls at most, over all accounts together.
        base_delay: seconds; the first step of the backoff, doubled with every call.
        max_delay: seconds; the largest step.
        deadline: seconds for the whole fetch, waits and calls included.

    Raises:
        ConfigError: a value is of a wrong type or out of its range.
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
            if not 0 <= value <= _MAX_SECONDS:
                problems.append(f"{name} must be a number of seconds from 0 to a year, not {value}")
        if problems:
            raise ConfigError(problems)

    def backoff(self, calls: int, jitter: float) -> float:
        """Return the seconds to wait after *calls* calls (1 or more), with *jitter* in [0, 1)."""
        require("calls", calls, int)
        require("jitter", jitter, float)
        step = self.base_delay * 2.0 ** min(calls - 1, _MAX_EXPONENT)
        return min(step, self.max_delay) * jitter


@attrs.frozen
class GiveUp:
    """The last call has been made: *error* is the outcome."""

    error: ChartApiError


@attrs.frozen
class SwitchAccount:
    """Take another account now."""


@attrs.frozen
class WaitAndRetry:
    """Wait *delay* seconds, then take any free account."""

    delay: float


Decision = GiveUp | SwitchAccount | WaitAndRetry


def decide(
    error: ChartApiError, *, calls: int, elapsed: float, jitter: float, policy: RetryPolicy, now: datetime
) -> Decision:
    """Decide how to go on from *error* after *calls* calls and *elapsed* seconds; *now* (UTC) dates a give-up."""
    delay = max(policy.backoff(calls, jitter), error.retry_after or 0.0)
    match error.remedy if calls < policy.max_attempts else Remedy.NONE:
        case Remedy.OTHER_ACCOUNT:
            return SwitchAccount()
        case Remedy.WAIT if elapsed + delay < policy.deadline:
            return WaitAndRetry(delay)
        case _ if error.retriable and error.retry_after is not None:
            return GiveUp(attrs.evolve(error, available_at=now + timedelta(seconds=error.retry_after)))
        case _:
            return GiveUp(error)
