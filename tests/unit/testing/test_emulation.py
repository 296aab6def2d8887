"""An emulator for tests serves a client over HTTP, and the rest of the tools need no extra."""

from __future__ import annotations

from pathlib import Path

import pytest

import chartimg.testing
from chartimg import Account, ChartClient, WorkerConfig
from chartimg.testing import EmulatedAccount, Emulator, Fault, Rule, VirtualClock, emulator
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
    """Without h11 the other tools work, and the emulator is a ConfigError with the command that installs it."""
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
    expected = "the emulator needs the extra emulator; in a clone of chartimg, run: pip install '.[emulator]'\n"

    assert expected == run_python(code, cwd=tmp_path).stdout


def test_the_pytest_plugin_gives_an_emulator(tmp_path: Path) -> None:
    """A test of a host asks for the emulator by the name of its fixture."""
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
