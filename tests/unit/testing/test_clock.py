"""A virtual clock moves when a test says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chartimg.testing import VirtualClock
from samples import NOON


def test_a_virtual_clock_moves_when_told_to() -> None:
    """Sleeping and advancing move both clocks, stepping moves the wall clock alone, and pauses are recorded."""
    clock = VirtualClock(NOON)
    clock.sleep(2)
    clock.sleep(-1)
    clock.advance(3)
    clock.step(-10)

    assert (NOON - timedelta(seconds=5), 5.0, [2, -1]) == (clock.now(), clock.monotonic(), clock.slept)


def test_a_virtual_clock_tells_the_time_in_utc() -> None:
    """A start in another zone is the same moment in UTC; the default is noon of a Monday."""
    east = NOON.astimezone(tz=None)

    assert (NOON, UTC) == (VirtualClock(east).now(), VirtualClock(east).now().tzinfo)
    assert NOON == VirtualClock().now()


def test_a_virtual_clock_refuses_impossible_times() -> None:
    """A start without a time zone, and time that would pass backwards, are ValueErrors."""
    with pytest.raises(ValueError, match="aware"):
        VirtualClock(datetime(2026, 1, 5, 12))  # noqa: DTZ001 (the mistake)
    with pytest.raises(ValueError, match="backwards"):
        VirtualClock().advance(-1)
