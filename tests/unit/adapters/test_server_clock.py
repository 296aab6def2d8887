"""The server's time on a machine: between two answers, and after steps of either clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg import StoreUnavailable
from chartimg.adapters.server_clock import ServerClock
from chartimg.domain.ports import Clock

START = datetime(2026, 1, 5, 12, tzinfo=UTC)


class World:
    """A server and a machine with clocks that a test sets; the machine's own time is hours off."""

    def __init__(self) -> None:
        self.server = START
        self.passed = 1000.0
        self.wrong = timedelta(hours=7)
        self.delays = 0.0, 0.0
        self.reachable = True
        self.asked = 0
        self.clock = ServerClock(self.ask, monotonic=lambda: self.passed, wall=self.wall)

    def wall(self) -> float:
        """Return the machine's own time."""
        return (self.server + self.wrong).timestamp()

    def let_pass(self, seconds: float) -> None:
        """Let time pass for the server and the machine."""
        self.passed += seconds
        self.server += timedelta(seconds=seconds)

    def ask(self) -> None:
        """Run a script that travels for some time each way."""
        self.asked += 1
        if not self.reachable:
            raise StoreUnavailable("gone")
        before = self.passed
        self.let_pass(self.delays[0])
        told = self.server.timestamp()
        self.let_pass(self.delays[1])
        self.clock.note(told, before, self.passed)

    def error(self) -> float:
        """Return the error of the clock in seconds."""
        return abs((self.clock.now() - self.server).total_seconds())


def test_it_is_a_clock() -> None:
    """The clock is a Clock of the port, in UTC."""
    clock: Clock = World().clock

    assert UTC is clock.now().tzinfo
    assert 1000.0 == clock.monotonic()
    clock.sleep(-1.0)
    clock.sleep(0.0)


def test_a_machine_that_is_hours_off_gets_the_servers_time() -> None:
    """The machine's own time does not change the result."""
    world = World()

    assert world.error() < 1e-5
    world.let_pass(30)
    assert world.error() < 1e-5


def test_the_server_is_asked_once_a_minute_at_most() -> None:
    """The server is asked once a minute at most, and not at all while scripts run."""
    world = World()
    for _ in range(600):
        world.clock.now()
        world.let_pass(0.1)
    assert 1 == world.asked
    world.let_pass(1)
    world.clock.now()
    assert 2 == world.asked
    for _ in range(10):
        world.let_pass(59)
        world.clock.note(world.server.timestamp(), world.passed, world.passed)
        world.clock.now()

    assert 2 == world.asked


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0, 3)), min_size=1, max_size=8))
def test_it_is_never_wrong_by_more_than_half_the_quickest_answer(delays: list[tuple[float, float]]) -> None:
    """The error is at most half the duration of the quickest answer."""
    world = World()
    for world.delays in delays:
        world.ask()
    quickest = min(there + back for there, back in delays)

    assert world.error() <= quickest / 2 + 0.001 * 60 + 1e-5


def test_a_step_of_the_servers_clock_is_followed() -> None:
    """A step of the server's clock in either direction is followed with the next answer."""
    world = World()
    world.delays = 0.01, 0.01
    world.ask()
    for seconds in (3600.0, -7200.0):
        world.server += timedelta(seconds=seconds)
        world.ask()
        assert world.error() <= 0.011


def test_a_machine_that_has_slept_asks_again() -> None:
    """A machine that has slept asks again, since its monotonic clock stood still."""
    world = World()
    world.clock.now()
    world.server += timedelta(hours=8)

    assert world.error() < 1e-5
    assert 2 == world.asked


def test_without_the_server_the_last_known_time_goes_on() -> None:
    """Without the server the last known time goes on, and the server is asked again from time to time."""
    world = World()
    world.clock.now()
    world.reachable = False
    world.let_pass(61)
    for _ in range(10):
        assert world.error() < 1e-5
    assert 2 == world.asked
    world.let_pass(6)
    world.clock.now()
    assert 3 == world.asked
    world.reachable = True
    world.let_pass(6)
    world.clock.now()
    world.clock.now()

    assert 4 == world.asked


def test_a_server_that_was_never_heard_of_has_no_time() -> None:
    """Before the first answer the time is an error, and the machine's own is not used."""
    world = World()
    world.reachable = False
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="gone"):
            world.clock.now()
    world.reachable = True

    assert world.error() < 1e-5
