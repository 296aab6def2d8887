"""Whether another call is worth it, and when."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import attrs
import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st

from chartimg.domain.errors import ConfigError
from chartimg.domain.faults import ChartApiError, FaultKind, Remedy
from chartimg.domain.retry import Decision, GiveUp, RetryPolicy, SwitchAccount, WaitAndRetry, decide
from rows import for_each
from samples import NOON

BUSY = ChartApiError.of(FaultKind.SERVICE_UNAVAILABLE, "busy", http_status=503)

errors = st.builds(
    lambda kind, pause: ChartApiError.of(kind, "it failed", retry_after=pause),
    st.sampled_from(FaultKind),
    st.none() | st.floats(0, 86_400),
)
policies = st.builds(
    RetryPolicy,
    max_attempts=st.integers(1, 6),
    base_delay=st.floats(0, 10),
    max_delay=st.floats(0, 60),
    deadline=st.floats(0, 600),
)


def ask(error: ChartApiError, elapsed: float = 0.0) -> Decision:
    """Decide by the default policy after a call."""
    return decide(error, calls=1, elapsed=elapsed, jitter=0.5, policy=RetryPolicy(), now=NOON)


TINY = 2.0**-60


@for_each(
    ("base", "calls", "seconds"),
    [
        (0.5, 1, 0.5),
        (0.5, 2, 1.0),
        (0.5, 3, 2.0),
        (0.5, 4, 4.0),
        (0.5, 5, 8.0),
        (0.5, 6, 8.0),
        (0.5, 5000, 8.0),
        (TINY, 5000, 1.0),
    ],
)
def test_the_step_doubles_up_to_its_largest(base: float, calls: int, seconds: float) -> None:
    """The wait is the step of a call, doubled each time up to the largest or 60 times at most, times the jitter."""
    policy = RetryPolicy(base_delay=base)

    assert [0.0, seconds / 2, seconds * 0.999] == [policy.backoff(calls, jitter) for jitter in (0.0, 0.5, 0.999)]


@given(policy=policies, calls=st.integers(1, 10_000), jitter=st.floats(0, 1, exclude_max=True))
def test_a_step_is_never_longer_than_its_largest(policy: RetryPolicy, calls: int, jitter: float) -> None:
    """A wait lies between 0 and the largest step, for any number of calls."""
    assert 0.0 <= policy.backoff(calls, jitter) <= policy.max_delay


def test_a_retry_after_is_honoured() -> None:
    """The service is waited for by the backoff or its Retry-After, the longer, unless that ends at the deadline or later."""
    long = attrs.evolve(BUSY, retry_after=20.0)

    assert WaitAndRetry(0.25) == ask(BUSY) == ask(attrs.evolve(BUSY, retry_after=0.1))
    assert WaitAndRetry(20.0) == ask(long, elapsed=99.9)
    assert GiveUp(attrs.evolve(long, available_at=NOON + timedelta(seconds=20))) == ask(long, elapsed=100.0)


@example(error=ChartApiError.of(FaultKind.QUOTA_EXCEEDED, "spent"), policy=RetryPolicy(), calls=1, elapsed=0, jitter=0)
@given(error=errors, policy=policies, calls=st.integers(1, 8), elapsed=st.floats(0, 700), jitter=st.floats(0, 0.999))
def test_the_rules_hold_for_any_error(
    error: ChartApiError, policy: RetryPolicy, calls: int, elapsed: float, jitter: float
) -> None:
    """With a call left the remedy decides, and a wait must fit the deadline; a give-up dates a retriable error."""
    decision = decide(error, calls=calls, elapsed=elapsed, jitter=jitter, policy=policy, now=NOON)
    event(type(decision).__name__)
    delay = max(policy.backoff(calls, jitter), error.retry_after or 0.0)
    remedy = error.remedy if calls < policy.max_attempts else Remedy.NONE
    if remedy is Remedy.OTHER_ACCOUNT:
        assert SwitchAccount() == decision
    elif remedy is Remedy.WAIT and elapsed + delay < policy.deadline:
        assert WaitAndRetry(delay) == decision
    else:
        pause = error.retry_after if error.retriable else None
        moment = None if pause is None else NOON + timedelta(seconds=pause)
        assert GiveUp(attrs.evolve(error, available_at=moment)) == decision


@for_each("name", ["base_delay", "max_delay", "deadline"])
@for_each("value", [-0.1, float("nan"), float("inf"), 1e12, math.nextafter(365 * 86_400.0, math.inf)])
def test_a_delay_out_of_range_is_refused(name: str, value: float) -> None:
    """A delay that is negative, not finite or longer than a year is a ConfigError that names the field."""
    wrong: dict[str, Any] = {name: value}
    longest: dict[str, Any] = {name: 365 * 86_400.0}
    with pytest.raises(ConfigError, match=name):
        RetryPolicy(**wrong)

    assert 365 * 86_400.0 == getattr(RetryPolicy(**longest), name)


@for_each(("arguments", "name"), [(("1", 0.5), "calls"), ((1, "0.5"), "jitter")])
def test_an_argument_of_another_type_is_named(arguments: Any, name: str) -> None:
    """A number of calls or a jitter that is text is a ConfigError that names the argument."""
    with pytest.raises(ConfigError, match=f"^{name} must be a"):
        RetryPolicy().backoff(*arguments)


def test_every_mistake_is_reported() -> None:
    """A policy with four wrong fields is refused with a line for each."""
    with pytest.raises(ConfigError) as refusal:
        RetryPolicy(0, -1, -1, -1)

    assert refusal.value.problems == (
        "max_attempts must be at least 1, not 0",
        *(
            f"{name} must be a number of seconds from 0 to a year, not -1"
            for name in ("base_delay", "max_delay", "deadline")
        ),
    )


def test_a_policy_has_defaults() -> None:
    """A policy allows three calls, waits of half a second to eight, and two minutes in all, unless a host says otherwise."""
    assert RetryPolicy(3, 0.5, 8.0, 120.0) == RetryPolicy()
