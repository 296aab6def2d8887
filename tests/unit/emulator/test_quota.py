"""The provider's books: a throttle that comes first, and a quota that is charged for whatever passes it."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.plan import CallLimits
from chartimg.emulator.quota import AccountTallies, Admission, KeyQuota, Tally
from samples import NOON

SECOND = timedelta(seconds=1)


def test_a_burst_passes_and_the_next_call_is_throttled() -> None:
    """A full bucket holds the burst; then one token comes a second."""
    books = KeyQuota(CallLimits(1, 3, 50))
    at_once = [books.admit(NOON) for _ in range(4)]
    later = [books.admit(NOON + SECOND), books.admit(NOON + SECOND)]

    assert [Admission.CHARGED] * 3 + [Admission.THROTTLED] == at_once
    assert [Admission.CHARGED, Admission.THROTTLED] == later


def test_a_spent_day_refuses_and_the_next_one_serves() -> None:
    """The quota is that of the UTC day, whatever zone the time is told in."""
    books = KeyQuota(CallLimits(100, 100, 2))
    day = [books.admit(NOON) for _ in range(3)]
    east = timedelta(hours=12)
    next_day = books.admit((NOON + east).astimezone())

    assert [Admission.CHARGED, Admission.CHARGED, Admission.REFUSED] == day
    assert Admission.CHARGED == next_day
    ledger = books.ledger()
    assert {"2026-01-05": Tally(3, 0, 2, 1), "2026-01-06": Tally(1, 0, 1, 0)} == ledger.days
    assert Tally(4, 0, 3, 1) == ledger.total


def test_a_throttled_call_is_not_charged() -> None:
    """The throttle comes first, so a call it stops costs nothing, even when the day is spent."""
    books = KeyQuota(CallLimits(1, 1, 1))
    told = [books.admit(NOON), books.admit(NOON), books.admit(NOON + SECOND)]

    assert [Admission.CHARGED, Admission.THROTTLED, Admission.REFUSED] == told


def test_books_without_calls_are_empty() -> None:
    """A key that was never used has a ledger, too."""
    assert AccountTallies(Tally(), {}) == KeyQuota(CallLimits(1, 3, 50)).ledger()


@given(
    st.integers(1, 5),
    st.integers(1, 4),
    st.integers(0, 30),
    st.lists(st.floats(-5, 5, allow_nan=False), max_size=60),
)
def test_calls_that_pass_never_exceed_burst_rate_and_quota(
    rate: int, burst: int, quota: int, steps: list[float]
) -> None:
    """In any span that goes forward no more pass than burst + rate x time; in a day no more are charged than the quota."""
    books, now, passed_time, passing = KeyQuota(CallLimits(rate, burst, quota)), NOON, 0.0, 0
    for step in steps:
        now += timedelta(seconds=step)
        passed_time += max(0.0, step)
        passing += books.admit(now) is not Admission.THROTTLED

    assert passing <= burst + rate * passed_time + 1e-3
    ledger = books.ledger()
    assert all(tally.charged <= quota for tally in ledger.days.values())
    assert len(steps) == ledger.total.asked
    assert ledger.total.asked == ledger.total.throttled + ledger.total.charged + ledger.total.refused
