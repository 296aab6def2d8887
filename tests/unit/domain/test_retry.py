"""Whether another call is worth it, and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from chartimg.domain.errors import ConfigError
from chartimg.domain.faults import MEANINGS, ChartApiError, FaultKind, Remedy
from chartimg.domain.retry import Decision, GiveUp, RetryPolicy, SwitchAccount, WaitAndRetry, decide

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
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


def ask(error: ChartApiError, calls: int = 1, elapsed: float = 0.0, jitter: float = 0.5) -> Decision:
    """Decide by the policy of default."""
    return decide(error, calls=calls, elapsed=elapsed, jitter=jitter, policy=RetryPolicy(), now=NOW)


@pytest.mark.parametrize(
    ("calls", "seconds"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 8.0), (6, 8.0), (5000, 8.0)]
)
def test_the_step_doubles_up_to_its_largest(calls: int, seconds: float) -> None:
    """Jitter takes a share of the step: none, half, nearly all."""
    policy = RetryPolicy()

    assert [0.0, seconds / 2, seconds * 0.999] == [policy.backoff(calls, jitter) for jitter in (0.0, 0.5, 0.999)]


def test_the_service_is_waited_for() -> None:
    """The first step, by its half."""
    assert WaitAndRetry(0.25) == ask(BUSY)


def test_another_account_is_taken_at_once() -> None:
    """What belongs to an account, or to its plan, needs no pause."""
    for kind in (FaultKind.THROTTLED, FaultKind.QUOTA_EXCEEDED, FaultKind.CREDENTIAL_REJECTED, FaultKind.PLAN_LIMIT):
        assert SwitchAccount() == ask(ChartApiError.of(kind, "", retry_after=50.0))


def test_a_retry_after_is_honoured() -> None:
    """A longer one is waited for, a shorter one is not shorter than the backoff."""
    assert WaitAndRetry(30.0) == ask(attrs.evolve(BUSY, retry_after=30.0))
    assert WaitAndRetry(0.25) == ask(attrs.evolve(BUSY, retry_after=0.1))


def test_a_retry_after_past_the_deadline_ends_it_and_says_when() -> None:
    """The request fails now, and tells its host when to come back."""
    error = attrs.evolve(BUSY, retry_after=200.0)

    assert GiveUp(attrs.evolve(error, available_at=NOW + timedelta(seconds=200))) == ask(error)


@given(error=errors, policy=policies, calls=st.integers(1, 8), elapsed=st.floats(0, 700), jitter=st.floats(0, 0.999))
def test_the_rules_hold_for_any_error(
    error: ChartApiError, policy: RetryPolicy, calls: int, elapsed: float, jitter: float
) -> None:
    """Calls are bounded, final is final, waits end before the deadline, only the service is waited for."""
    decision = decide(error, calls=calls, elapsed=elapsed, jitter=jitter, policy=policy, now=NOW)
    event(type(decision).__name__)
    if calls >= policy.max_attempts or error.remedy is Remedy.NONE:
        assert isinstance(decision, GiveUp)
    match decision:
        case GiveUp(last):
            assert error.kind is last.kind
            assert last.available_at is None or error.retriable
        case SwitchAccount():
            assert error.remedy is Remedy.OTHER_ACCOUNT
        case WaitAndRetry(delay):
            assert error.remedy is Remedy.WAIT
            assert elapsed + delay < policy.deadline
            assert (error.retry_after or 0.0) <= delay <= max(policy.max_delay, error.retry_after or 0.0)


@pytest.mark.parametrize("name", ["base_delay", "max_delay", "deadline"])
@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf"), 1e12])
def test_a_delay_that_is_no_delay_is_refused(name: str, value: float) -> None:
    """The message names the field."""
    with pytest.raises(ConfigError, match=name):
        RetryPolicy(**{name: value})  # type: ignore[arg-type]


def test_every_mistake_is_told() -> None:
    """Four fields, four lines."""
    with pytest.raises(ConfigError) as refusal:
        RetryPolicy(0, -1, -1, -1)

    assert 4 == len(refusal.value.problems)


@given(error=errors, policy=policies, calls=st.integers(1, 8), elapsed=st.floats(0, 700), jitter=st.floats(0, 0.999))
def test_nothing_is_given_up_that_another_call_may_bring(
    error: ChartApiError, policy: RetryPolicy, calls: int, elapsed: float, jitter: float
) -> None:
    """With a call left an account's error always switches, and a service's waits whenever the wait fits."""
    decision = decide(error, calls=calls, elapsed=elapsed, jitter=jitter, policy=policy, now=NOW)
    if calls < policy.max_attempts and error.remedy is Remedy.OTHER_ACCOUNT:
        assert SwitchAccount() == decision
    if calls < policy.max_attempts and error.remedy is Remedy.WAIT:
        delay = max(policy.backoff(calls, jitter), error.retry_after or 0.0)
        assert isinstance(decision, WaitAndRetry if elapsed + delay < policy.deadline else GiveUp)


@given(error=errors, policy=policies, jitter=st.floats(0, 0.999))
def test_a_give_up_says_when_to_come_back_where_the_provider_did(
    error: ChartApiError, policy: RetryPolicy, jitter: float
) -> None:
    """The last error is the same but for the moment, which is there whenever another try may help."""
    decision = decide(error, calls=policy.max_attempts, elapsed=0.0, jitter=jitter, policy=policy, now=NOW)
    asked = error.retry_after if error.retriable else None
    moment = None if asked is None else NOW + timedelta(seconds=asked)

    assert GiveUp(attrs.evolve(error, available_at=moment)) == decision


@given(policy=policies, calls=st.integers(1, 10_000), jitter=st.floats(0, 1, exclude_max=True))
def test_a_step_is_never_longer_than_its_largest(policy: RetryPolicy, calls: int, jitter: float) -> None:
    """Whatever the number of calls, and never negative."""
    assert 0.0 <= policy.backoff(calls, jitter) <= policy.max_delay


@pytest.mark.parametrize("kind", [kind for kind in FaultKind if MEANINGS[kind].remedy is Remedy.NONE])
def test_what_no_other_call_can_mend_is_final_at_once(kind: FaultKind) -> None:
    """Errors of the request, the fixtures and of all accounts together end the fetch with the very same error."""
    error = ChartApiError.of(kind, "it failed")

    assert GiveUp(error) == ask(error)


def test_a_wait_that_ends_at_the_deadline_leaves_no_time_for_a_call() -> None:
    """One moment less is waited for."""
    error = attrs.evolve(BUSY, retry_after=20.0)

    assert isinstance(ask(error, elapsed=100.0), GiveUp)
    assert WaitAndRetry(20.0) == ask(error, elapsed=99.9)
