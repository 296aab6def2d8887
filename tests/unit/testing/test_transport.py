"""A scripted transport follows its script and records the calls."""

from __future__ import annotations

import pytest

from chartimg import Account
from chartimg.domain.faults import FaultKind
from chartimg.domain.reply import Reply, TransportFailure
from chartimg.testing import ScriptedTransport, VirtualClock
from samples import REQUEST

ACCOUNT = Account("a", "a-key")


def test_a_scripted_transport_follows_its_script_and_records_the_calls() -> None:
    """Replies, failures and functions come in order; a script that has run out is an AssertionError."""
    failure = TransportFailure(FaultKind.NETWORK, "it broke")
    transport = ScriptedTransport([Reply(500), failure, lambda request, account, timeout: Reply(200)])
    outcomes = [transport.send(REQUEST, ACCOUNT, timeout=timeout) for timeout in (None, 5.0, 1.0)]

    assert [Reply(500), failure, Reply(200)] == outcomes
    assert [(REQUEST, ACCOUNT, None), (REQUEST, ACCOUNT, 5.0), (REQUEST, ACCOUNT, 1.0)] == transport.calls
    with pytest.raises(AssertionError, match=r"call 4, for .* on account 'a', has no outcome"):
        transport.send(REQUEST, ACCOUNT)


def test_a_scripted_call_takes_its_time() -> None:
    """Each call moves the clock by its duration, without a pause; a duration without a clock is a ValueError."""
    clock = VirtualClock()
    ScriptedTransport([Reply(200)], clock=clock, duration=2.5).send(REQUEST, ACCOUNT)

    assert (2.5, []) == (clock.monotonic(), clock.slept)
    with pytest.raises(ValueError, match="clock"):
        ScriptedTransport([], duration=1.0)
