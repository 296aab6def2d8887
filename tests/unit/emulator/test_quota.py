"""The throttle comes first, and each call that passes it is charged to the day's quota."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.plan import CallLimits
from chartimg.emulator.quota import AccountTallies, Admission, KeyQuota, Tally
from samples import NOON

SECOND = timedelta(seconds=1)


def test_a_burst_passes_and_the_next_call_is_throttled() -> None:
    """A full bucket holds the burst, and one token comes each second at a rate of 1."""
    quota = KeyQuota(CallLimits(1, 3, 50))
    at_once = [quota.admit(NOON) for _ in range(4)]
    later = [quota.admit(NOON + SECOND), quota.admit(NOON + SECOND)]

    assert [Admission.CHARGED] * 3 + [Admission.THROTTLED] == at_once
    assert [Admission.CHARGED, Admission.THROTTLED] == later


def test_a_spent_day_refuses_and_the_next_one_serves() -> None:
    """The quota is that of the UTC day, in any time zone of the argument."""
    quota = KeyQuota(CallLimits(100, 100, 2))
    day = [quota.admit(NOON) for _ in range(3)]
    east = timedelta(hours=12)
    next_day = quota.admit((NOON + east).astimezone())

    assert [Admission.CHARGED, Admission.CHARGED, Admission.REFUSED] == day
    assert Admission.CHARGED == next_day
    tallies = quota.tallies()
    assert {"2026-01-05": Tally(3, 0, 2, 1), "2026-01-06": Tally(1, 0, 1, 0)} == tallies.days
    assert Tally(4, 0, 3, 1) == tallies.total


def test_a_throttled_call_is_not_charged() -> None:
    """The throttle comes before the quota: a throttled call costs no unit, and is not refused on a spent day."""
    quota = KeyQuota(CallLimits(1, 1, 1))
    told = [quota.admit(NOON), quota.admit(NOON), quota.admit(NOON + SECOND)]

    assert [Admission.CHARGED, Admission.THROTTLED, Admission.REFUSED] == told


def test_a_key_without_calls_has_empty_tallies() -> None:
    """The tallies of an unused key are zero, without a day."""
    assert AccountTallies(Tally(), {}) == KeyQuota(CallLimits(1, 3, 50)).tallies()


@given(
    st.integers(1, 5),
    st.integers(1, 4),
    st.integers(0, 30),
    st.lists(st.floats(-5, 5, allow_nan=False), max_size=60),
)
def test_calls_that_pass_never_exceed_burst_rate_and_quota(
    rate: int, burst: int, daily: int, steps: list[float]
) -> None:
    """At most burst + rate * time calls pass in any time that goes forward, and at most the quota is charged a day."""
    quota, now, passed_time, passing = KeyQuota(CallLimits(rate, burst, daily)), NOON, 0.0, 0
    for step in steps:
        now += timedelta(seconds=step)
        passed_time += max(0.0, step)
        passing += quota.admit(now) is not Admission.THROTTLED

    assert passing <= burst + rate * passed_time + 1e-3
    tallies = quota.tallies()
    assert all(tally.charged <= daily for tally in tallies.days.values())
    assert len(steps) == tallies.total.asked
    assert tallies.total.asked == tallies.total.throttled + tallies.total.charged + tallies.total.refused
