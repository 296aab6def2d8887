"""The clock of the machine."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from chartimg.adapters.clock import SystemClock


def test_now_is_the_moment_in_utc() -> None:
    """The moment is in UTC and agrees with the machine's clock."""
    before = datetime.now(UTC)
    now = SystemClock().now()

    assert before <= now <= datetime.now(UTC)
    assert UTC is now.tzinfo


def test_monotonic_never_steps_back() -> None:
    """A later reading is never less than an earlier one."""
    clock = SystemClock()
    looks = [clock.monotonic() for _ in range(100)]

    assert sorted(looks) == looks


def test_sleeping_lets_the_time_pass() -> None:
    """A sleep lasts at least as long as was asked for."""
    clock = SystemClock()
    before = clock.monotonic()
    clock.sleep(0.02)

    assert clock.monotonic() - before >= 0.02


@pytest.mark.parametrize("seconds", [0.0, -60.0])
def test_a_pause_that_is_over_takes_no_time(seconds: float) -> None:
    """A sleep of no or of negative seconds returns at once."""
    before = time.perf_counter()
    SystemClock().sleep(seconds)

    assert time.perf_counter() - before < 30
