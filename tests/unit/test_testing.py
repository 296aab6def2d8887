"""What hosts use in their own tests does what it says, and complains where it is misused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chartimg import Account, ChartRequest
from chartimg.domain.faults import FaultKind
from chartimg.domain.png import Picture, inspect
from chartimg.domain.reply import Reply, TransportFailure
from chartimg.testing import ScriptedTransport, VirtualClock, picture

REQUEST, ACCOUNT = ChartRequest("A:B", "1h", "t"), Account("a", "a-key")


def test_a_virtual_clock_moves_when_told_to() -> None:
    """Sleeping and advancing move both clocks, stepping only the wall clock."""
    clock = VirtualClock(datetime(2026, 1, 5, 12, tzinfo=UTC))
    clock.sleep(2)
    clock.advance(3)
    clock.step(-10)

    assert (datetime(2026, 1, 5, 11, 59, 55, tzinfo=UTC), 5.0, [2]) == (clock.now(), clock.monotonic(), clock.slept)


def test_a_virtual_clock_refuses_what_is_no_time() -> None:
    """A start without a zone, and time that would pass backwards."""
    with pytest.raises(ValueError, match="aware"):
        VirtualClock(datetime(2026, 1, 5, 12))  # noqa: DTZ001 (the mistake)
    with pytest.raises(ValueError, match="backwards"):
        VirtualClock().advance(-1)


def test_a_scripted_transport_follows_its_script_and_notes_the_calls() -> None:
    """Replies, failures and functions come in order; a script that has run out is the test's mistake."""
    failure = TransportFailure(FaultKind.NETWORK, "it broke")
    transport = ScriptedTransport([Reply(500), failure, lambda request, account, timeout: Reply(200)])
    outcomes = [transport.send(REQUEST, ACCOUNT, timeout=timeout) for timeout in (None, 5.0, 1.0)]

    assert [Reply(500), failure, Reply(200)] == outcomes
    assert [(REQUEST, ACCOUNT, None), (REQUEST, ACCOUNT, 5.0), (REQUEST, ACCOUNT, 1.0)] == transport.calls
    with pytest.raises(AssertionError, match="script"):
        transport.send(REQUEST, ACCOUNT)


def test_a_duration_needs_its_clock() -> None:
    """Time that nobody measures is a mistake of the test."""
    with pytest.raises(ValueError, match="clock"):
        ScriptedTransport([], duration=1.0)


def test_a_scripted_call_takes_its_time() -> None:
    """The clock moves by the duration of each call, and nobody slept."""
    clock = VirtualClock()
    ScriptedTransport([Reply(200)], clock=clock, duration=2.5).send(REQUEST, ACCOUNT)

    assert (2.5, []) == (clock.monotonic(), clock.slept)


@pytest.mark.parametrize("size", [(1, 1), (800, 600), (3, 500)])
def test_a_picture_is_a_picture_of_its_size(size: tuple[int, int]) -> None:
    """Small, valid, and of the size that was asked for."""
    assert Picture(*size) == inspect(picture(*size))


@pytest.mark.parametrize("size", [(0, 1), (1, 0), (2**31, 1)])
def test_no_picture_has_an_impossible_size(size: tuple[int, int]) -> None:
    """It is told instead of written."""
    with pytest.raises(ValueError, match="pixels"):
        picture(*size)
