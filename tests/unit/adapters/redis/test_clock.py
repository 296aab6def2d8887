"""The server's time: what a machine makes of it between two answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg import StoreUnavailable
from chartimg.adapters.redis.clock import RedisClock
from chartimg.domain.ports import Clock

START = datetime(2026, 1, 5, 12, tzinfo=UTC)


class World:
    """A server and a machine, whose clocks a test sets; the machine's own time is hours off."""

    def __init__(self) -> None:
        self.server = START
        self.passed = 1000.0
        self.wrong = timedelta(hours=7)
        self.delays = 0.0, 0.0
        self.reachable = True
        self.asked = 0
        self.clock = RedisClock(self.ask, monotonic=lambda: self.passed, wall=self.wall)

    def wall(self) -> float:
        """Tell the machine's own time."""
        return (self.server + self.wrong).timestamp()

    def let_pass(self, seconds: float) -> None:
        """Let time pass for everybody."""
        self.passed += seconds
        self.server += timedelta(seconds=seconds)

    def ask(self) -> None:
        """Run a script: so long there, and so long back."""
        self.asked += 1
        if not self.reachable:
            raise StoreUnavailable("gone")
        before = self.passed
        self.let_pass(self.delays[0])
        told = self.server.timestamp()
        self.let_pass(self.delays[1])
        self.clock.note(told, before, self.passed)

    def error(self) -> float:
        """Give the seconds the clock is wrong by."""
        return abs((self.clock.now() - self.server).total_seconds())


def test_it_is_a_clock() -> None:
    """It can stand wherever the machine's clock can, and gives UTC."""
    clock: Clock = World().clock

    assert UTC is clock.now().tzinfo
    assert 1000.0 == clock.monotonic()
    clock.sleep(-1.0)
    clock.sleep(0.0)


def test_a_machine_that_is_hours_off_gets_the_servers_time() -> None:
    """Its own time is not looked at."""
    world = World()

    assert world.error() < 1e-5
    world.let_pass(30)
    assert world.error() < 1e-5


def test_the_server_is_asked_once_a_minute_at_most() -> None:
    """And not at all as long as scripts run, whose answers bring the time."""
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
    """However slow, and however unequal in its two ways, each of the others was."""
    world = World()
    for world.delays in delays:
        world.ask()
    quickest = min(there + back for there, back in delays)

    assert world.error() <= quickest / 2 + 0.001 * 60 + 1e-5


def test_a_step_of_the_servers_clock_is_followed() -> None:
    """With the next answer, either way."""
    world = World()
    world.delays = 0.01, 0.01
    world.ask()
    for seconds in (3600.0, -7200.0):
        world.server += timedelta(seconds=seconds)
        world.ask()
        assert world.error() <= 0.011


def test_a_machine_that_has_slept_asks_again() -> None:
    """Its monotonic clock stood still meanwhile, its own time did not."""
    world = World()
    world.clock.now()
    world.server += timedelta(hours=8)

    assert world.error() < 1e-5
    assert 2 == world.asked


def test_without_the_server_the_last_known_time_goes_on() -> None:
    """The server is asked again now and then, not by each look at the clock, as each may have to wait for a timeout."""
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
    """This machine's own is not put in its place."""
    world = World()
    world.reachable = False
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="gone"):
            world.clock.now()
    world.reachable = True

    assert world.error() < 1e-5
