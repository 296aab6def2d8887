"""Time, as the machine tells it."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from chartimg.adapters.clock import SystemClock


def test_now_is_the_moment_in_utc() -> None:
    """It is aware, and lies between two looks at the machine's clock."""
    before = datetime.now(UTC)
    now = SystemClock().now()

    assert before <= now <= datetime.now(UTC)
    assert UTC is now.tzinfo


def test_monotonic_never_steps_back() -> None:
    """A later look gives no less."""
    clock = SystemClock()
    looks = [clock.monotonic() for _ in range(100)]

    assert sorted(looks) == looks


def test_sleeping_lets_the_time_pass() -> None:
    """At least as long as was asked for."""
    clock = SystemClock()
    before = clock.monotonic()
    clock.sleep(0.02)

    assert clock.monotonic() - before >= 0.02


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_nothing_to_sleep_is_no_mistake(seconds: float) -> None:
    """A pause that is already over takes no time."""
    before = time.perf_counter()
    SystemClock().sleep(seconds)

    assert time.perf_counter() - before < 0.1
