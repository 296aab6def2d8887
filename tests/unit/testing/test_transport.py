"""A scripted transport follows its script and records the calls."""

from __future__ import annotations

import asyncio
from itertools import repeat

import pytest

import chartimg.domain.reply
from chartimg import Account, AccountPool
from chartimg.domain.faults import FaultKind
from chartimg.testing import Reply, ScriptedTransport, TransportFailure, VirtualClock, picture
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


def test_a_script_knows_what_it_was_not_asked_and_what_it_could_not_answer() -> None:
    """The problems are the outcomes that were not played and the calls beyond the script; an iterator may have some left."""
    script = ScriptedTransport([Reply(500), Reply(200)])
    assert ["2 of the script's outcomes not played"] == script.problems
    script.send(REQUEST, ACCOUNT)
    assert ["1 of the script's outcomes not played"] == script.problems
    script.send(REQUEST, ACCOUNT)
    assert [] == script.problems == ScriptedTransport(repeat(Reply(200))).problems
    with pytest.raises(AssertionError) as caught:
        script.send(REQUEST, None)
    assert [str(caught.value)] == script.problems


def test_the_clock_of_a_script_is_named_once() -> None:
    """The clients of a script live on its clock, by default with one account and with all options of their class."""
    clock = VirtualClock()
    script = ScriptedTransport([Reply(503), *[Reply(200, body=picture())] * 2], clock=clock, duration=2.0)
    with script.client() as client:
        assert client.fetch(REQUEST).ok

    async def fetched() -> bool:
        """Fetch one chart."""
        async with script.async_client(AccountPool([ACCOUNT], clock=clock), log=False) as client:
            return (await client.fetch(REQUEST)).ok

    assert asyncio.run(fetched())
    assert clock.monotonic() == pytest.approx(6.0 + clock.slept[0])
    assert ["main", "main", "a"] == [call.account.id for call in script.calls if call.account]
    assert script.clock is clock


def test_a_reply_and_a_failure_are_part_of_the_kit() -> None:
    """What a script is made of can be imported with it."""
    assert (chartimg.domain.reply.Reply, chartimg.domain.reply.TransportFailure) == (Reply, TransportFailure)
