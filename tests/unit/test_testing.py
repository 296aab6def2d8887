"""What hosts use in their own tests does what it says, and complains where it is misused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

import chartimg.testing
from chartimg import Account, ChartClient, ChartRequest, WorkerConfig
from chartimg.domain.faults import FaultKind
from chartimg.domain.reply import Reply, TransportFailure
from chartimg.domain.reply.png import Picture, inspect
from chartimg.testing import EmulatedAccount, Emulator, Fault, Rule, ScriptedTransport, VirtualClock, emulator, picture
from command import run_python

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


def test_an_emulator_serves_a_client_over_real_http() -> None:
    """With its account for demos, on the clock of the client, and with what is to go wrong."""
    clock = VirtualClock(datetime(2026, 1, 5, 12, tzinfo=UTC))
    with emulator(rules=[Rule(Fault.UNAVAILABLE, next=1)], clock=clock) as provider:
        config = WorkerConfig.from_env(provider.environ)
        with ChartClient(config, clock=clock) as client:
            result = client.fetch(ChartRequest("BINANCE:BTCUSDT", "1h", "small", {"width": 400}))
        ledger = provider.ledger()

    assert [503, 200] == [attempt.http_status for attempt in result.attempts]
    assert 2 == ledger.accounts["demo"].days["2026-01-05"].charged


def test_what_belongs_to_the_emulator_is_imported_when_it_is_used() -> None:
    """A host without the extra has the rest; and what isn't there is not there."""
    assert Emulator is chartimg.testing.Emulator
    assert EmulatedAccount("a", "b").account == Account("a", "b", 50, "BASIC")
    assert set(chartimg.testing.__all__) <= set(dir(chartimg.testing))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        chartimg.testing.nothing  # noqa: B018 (asked for what it raises)


def test_without_the_extra_the_emulator_says_what_to_install(tmp_path: Path) -> None:
    """In a process in which h11 can't be imported."""
    code = """
import sys
sys.modules["h11"] = None
from chartimg import ConfigError
from chartimg.testing import VirtualClock, emulator
try:
    emulator()
except ConfigError as error:
    print(error)
"""
    child = run_python(code, cwd=tmp_path)

    assert (
        "the emulator needs the extra emulator; in a clone of chartimg, run: pip install '.[emulator]'\n"
        == child.stdout
    )


def test_the_pytest_plugin_gives_an_emulator(tmp_path: Path) -> None:
    """A host's test asks for it by name."""
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["chartimg.pytest_plugin"]\n')
    (tmp_path / "test_host.py").write_text(
        "from chartimg import ChartClient, ChartRequest\n"
        "def test_host(chartimg_emulator):\n"
        "    with ChartClient.from_env(chartimg_emulator.environ) as client:\n"
        "        assert client.fetch(ChartRequest('BINANCE:BTCUSDT', '1h', 'small', {'width': 400})).ok\n"
        "    assert 1 == chartimg_emulator.ledger().accounts['demo'].total.charged\n"
    )
    child = run_python("import pytest; raise SystemExit(pytest.main(['-q', '-p', 'no:cacheprovider']))", cwd=tmp_path)

    assert (0, True) == (child.returncode, "1 passed" in child.stdout), child.stdout
