"""An emulator for tests serves a client over HTTP, and the rest of the tools need no extra."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import chartimg.testing
from chartimg import Account, ChartApiResult, ChartClient, ConfigError, FaultKind, RetryPolicy, WorkerConfig
from chartimg.domain.events import CallFinished
from chartimg.domain.faults import ChartApiError
from chartimg.testing import EmulatedAccount, Emulator, EventLog, Fault, Rule, VirtualClock, emulator
from command import run_python
from samples import NOON, REQUEST


def test_an_emulator_serves_a_client_over_real_http() -> None:
    """By default there is one account, on the client's clock, and the rules say what goes wrong."""
    clock = VirtualClock(NOON)
    with emulator(rules=[Rule(Fault.UNAVAILABLE, next=1)], clock=clock) as provider:
        config = WorkerConfig.from_env(provider.environ)
        with ChartClient(config, clock=clock) as client:
            result = client.fetch(REQUEST)
        ledger = provider.ledger()

    assert [503, 200] == [attempt.http_status for attempt in result.attempts]
    assert 2 == ledger.accounts["demo"].days["2026-01-05"].charged


def test_names_of_the_emulator_are_imported_on_first_use() -> None:
    """Every documented name can be asked for; an unknown one is an AttributeError."""
    assert Emulator is chartimg.testing.Emulator
    assert EmulatedAccount("a", "b").account == Account("a", "b", 50, "BASIC", 1, 3)
    assert set(chartimg.testing.__all__) <= set(dir(chartimg.testing))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        chartimg.testing.nothing  # noqa: B018 (asked for what it raises)


def test_without_the_extra_the_emulator_says_how_to_install_it(tmp_path: Path) -> None:
    """Without h11 the other tools and the plugin work, and the emulator is a ConfigError with the command that installs it."""
    code = """
import sys
sys.modules["h11"] = None
import chartimg.pytest_plugin
from chartimg import ConfigError
from chartimg.testing import VirtualClock, emulator
try:
    emulator()
except ConfigError as error:
    print(error)
"""
    expected = "the emulator needs the extra emulator; in a clone of chartimg, run: pip install '.[emulator]'\n"

    assert expected == run_python(code, cwd=tmp_path).stdout


def test_the_clock_of_an_emulator_is_named_once() -> None:
    """The clients of an emulator live on its clock, so that a wait takes no time and both have the same day."""
    clock = VirtualClock(NOON)
    with emulator(rules=[Rule(Fault.UNAVAILABLE, next=1)], clock=clock) as provider, provider.client() as client:
        assert client.fetch(REQUEST).ok
        assert 2 == provider.ledger().accounts["demo"].days["2026-01-05"].charged
        assert 2 == client.accounts.status()[0].used if client.accounts else None
    assert clock.slept


def test_an_asynchronous_client_lives_on_the_clock_of_its_emulator() -> None:
    """An asynchronous client of an emulator takes the options of its class beside the clock of the emulator."""
    log = EventLog()

    async def fetched(provider: Emulator) -> bool:
        """Fetch one chart."""
        async with provider.async_client(listener=log) as client:
            return (await client.fetch(REQUEST)).ok

    with emulator(clock=VirtualClock(NOON)) as provider:
        assert asyncio.run(fetched(provider))
        assert 1 == provider.ledger().accounts["demo"].days["2026-01-05"].charged
    assert log.of(CallFinished)


def test_an_emulator_that_is_reset_is_a_new_one_at_the_same_address() -> None:
    """A reset ends connections, and leaves no tally, fault, account or move of the clock; a wrong one changes nothing."""
    clock = VirtualClock(NOON)
    with emulator(EmulatedAccount("old", "old-key"), clock=clock, rules=[Rule(Fault.UNAVAILABLE)]) as provider:
        url = provider.url
        provider.move_clock(86_400)
        with provider.client(policy=RetryPolicy(max_attempts=1)) as client:
            assert not client.fetch(REQUEST).ok
            with pytest.raises(ConfigError, match="unknown accounts: nobody"):
                provider.reset(rules=[Rule(Fault.RESET, account="nobody")])
            assert (1, clock) == (provider.ledger().accounts["old"].total.charged, provider.clock)
            provider.reset(clock=clock)
            assert (url, NOON) == (provider.url, provider.ledger().now)
            assert FaultKind.CREDENTIAL_REJECTED is unwrapped(client.fetch(REQUEST)).kind
        with provider.client() as client:
            assert client.fetch(REQUEST).ok
        assert ({"demo"}, 1) == (set(provider.ledger().accounts), provider.ledger().unknown_key)


def unwrapped(result: ChartApiResult) -> ChartApiError:
    """Return the error of a result that has one."""
    assert result.error is not None
    return result.error
