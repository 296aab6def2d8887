"""The throttle comes first, and each call that passes it is charged to the day's quota."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.plan import CallLimits
from chartimg.emulator.quota import AccountTallies, Admission, KeyQuota, Tally
from samples import NOON


@pytest.mark.parametrize(
    ("limits", "seconds", "admitted"),
    [
        (CallLimits(1, 3, 50), (0, 0, 0, 0, 1, 1), "charged charged charged throttled charged throttled"),
        (CallLimits(1, 1, 1), (0, 0, 1), "charged throttled refused"),
        (CallLimits(1, 3, 50), (), ""),
    ],
    ids=["burst", "spent day", "unused"],
)
def test_the_throttle_comes_before_the_quota(limits: CallLimits, seconds: tuple[int, ...], admitted: str) -> None:
    """A full bucket holds the burst, a token comes each second, and a throttled call costs no unit; each is tallied."""
    quota, decisions = KeyQuota(limits), admitted.split()
    day = Tally(len(decisions), *(decisions.count(kind) for kind in ("throttled", "charged", "refused")))

    assert decisions == [quota.admit(NOON + timedelta(seconds=each)) for each in seconds]
    assert AccountTallies(day, {"2026-01-05": day} if seconds else {}) == quota.tallies()


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
