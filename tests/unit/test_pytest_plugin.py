"""The pytest plugin: strict scripts, an emulator that is new for each test, and keys that show nowhere."""

from __future__ import annotations

from importlib.metadata import distribution

import pytest

from patience import LONG

HEAD = """
import logging, sys, warnings
import pytest
from chartimg import Account, ChartClient, ChartRequest
from chartimg.testing import Fault, Reply, Rule, VirtualClock, picture
ASKED = ChartRequest("BINANCE:BTCUSDT", "1h", "small", {"width": 400})
PICTURE = Reply(200, body=picture())
"""


def run(pytester: pytest.Pytester, tests: str, *arguments: str, **expected: int) -> str:
    """Run *tests* of a host in this process, check the number of each outcome, and return the report."""
    pytester.makeconftest('pytest_plugins = ["chartimg.pytest_plugin"]')
    pytester.makepyfile(HEAD + tests)
    done = pytester.runpytest_inprocess("-p", "no:cacheprovider", "--strict-markers", *arguments)
    done.assert_outcomes(**expected)
    return done.stdout.str()


def test_nothing_loads_the_plugin_by_itself() -> None:
    """The package has no entry point for pytest."""
    assert [] == list(distribution("chartimg").entry_points.select(group="pytest11"))


def test_a_script_is_played_to_its_end_and_no_further(pytester: pytest.Pytester) -> None:
    """A test fails if outcomes are left or a call has none, even if the host swallowed that; what failed says so, too."""
    report = run(
        pytester,
        """
def test_whole(chartimg_script):
    script = chartimg_script([Reply(503), PICTURE], duration=2.0)
    with script.client() as client:
        assert client.fetch(ASKED).ok
    assert 4.0 < script.clock.monotonic()

def test_endless(chartimg_script):
    clock = VirtualClock()
    assert chartimg_script(iter([PICTURE]), clock=clock).clock is clock

def test_left(chartimg_script):
    chartimg_script([PICTURE])

def test_swallowed(chartimg_script):
    script = chartimg_script([])
    try:
        script.send(ASKED, None)
    except AssertionError:
        pass

def test_fails_itself(chartimg_script):
    chartimg_script([PICTURE, PICTURE])
    assert False, "its own reason"

@pytest.mark.xfail(reason="known")
def test_known(chartimg_script):
    chartimg_script([PICTURE])
    assert False

@pytest.fixture
def calling_at_its_end(chartimg_script):
    script = chartimg_script([])
    yield
    try:
        script.send(ASKED, None)
    except AssertionError:
        pass

def test_swallowed_at_the_end(calling_at_its_end):
    pass
""",
        passed=3,
        failed=3,
        errors=1,
        xfailed=1,
    )

    for told in (
        "1 of the script's outcomes not played",
        "call 1, for ",
        "its own reason",
        "2 of the script's outcomes",
    ):
        assert told in report


LEAKS = {
    "a log at DEBUG": 'logging.getLogger("host").debug("with %s", KEY)',
    "a field of a log": 'logging.getLogger("host").debug("hello", extra={"given": {"key": KEY}})',
    "output": "print(KEY)",
    "errors": "print(KEY, file=sys.stderr)",
    "a warning": 'warnings.warn("what of " + KEY)',
    "a file": '(tmp_path / "deep").mkdir(); (tmp_path / "deep" / "a.bin").write_bytes(b"\\xff" + KEY.encode())',
    "the name of a file": "(tmp_path / KEY).touch()",
}


def test_a_key_that_shows_fails_the_test(pytester: pytest.Pytester) -> None:
    """A key in a log of any level, in output, a warning or a file of tmp_path fails the test, and is not repeated."""
    tests = f"""
KEY = "canary-key-51f0"
LEAKS = {LEAKS!r}

@pytest.fixture
def leaking_at_the_end():
    yield
    print("canary-key-51f0")

@pytest.mark.filterwarnings("always")
@pytest.mark.parametrize("leak", LEAKS)
def test_leaks(leak, chartimg_keys, tmp_path):
    chartimg_keys(KEY)
    exec(LEAKS[leak])

def test_leaks_at_the_end(leaking_at_the_end, chartimg_keys):
    chartimg_keys(KEY)

def test_keeps(chartimg_keys, tmp_path):
    chartimg_keys(KEY)
    print(Account("a", KEY)); logging.getLogger("host").debug("hello"); (tmp_path / "a").write_text("hello")

def test_after_that_nothing_is_watched():
    assert logging.WARNING == logging.getLogger().level
    print(KEY)
"""
    report = run(pytester, tests, "--show-capture=no", "--tb=short", "--disable-warnings", passed=3, failed=7, errors=1)

    for place in ("the log", "the output", "a warning", "the file deep/a.bin", "the name of a file"):
        assert f"a key shows in {place}" in report
    assert "canary-key-51f0" not in report


def test_the_keys_that_the_kit_knows_are_watched_by_themselves(pytester: pytest.Pytester) -> None:
    """Keys of the environment, of a script's accounts and of the emulator need not be named."""
    run(
        pytester,
        """
def test_of_the_environment(chartimg_keys, monkeypatch):
    monkeypatch.setenv("CHART_IMG_API_KEY", "canary-alone")
    monkeypatch.setenv("CHART_IMG_ACCOUNTS_JSON", "broken")
    print("canary-alone")

def test_of_the_accounts_in_the_environment(chartimg_keys, monkeypatch):
    monkeypatch.setenv("CHART_IMG_ACCOUNTS_JSON", '[{"id": "a", "apiKey": "canary-listed"}]')
    print("canary-listed")

def test_of_a_script(chartimg_keys, chartimg_script):
    with chartimg_script([PICTURE]).client([Account("a", "canary-scripted")]) as client:
        assert client.fetch(ASKED).ok
    print("canary-scripted")

def test_of_the_emulator(chartimg_keys, chartimg_emulator):
    print(chartimg_emulator.environ)

def test_of_a_fetch(chartimg_keys, chartimg_emulator, chartimg_script):
    with chartimg_emulator.client() as client, chartimg_script([PICTURE]).client() as scripted:
        assert client.fetch(ASKED).ok and scripted.fetch(ASKED).ok
""",
        passed=1,
        failed=4,
    )


EMULATED = """
import os
from datetime import datetime, UTC
SEEN = []
MONDAY = VirtualClock(datetime(2026, 1, 5, tzinfo=UTC))

@pytest.fixture(scope="session")
def session_wide(chartimg_emulator):
    return chartimg_emulator.url

@pytest.mark.parametrize("number", range(4))
def test_is_new(number, session_wide, chartimg_emulator):
    assert 0 == chartimg_emulator.ledger().accounts["demo"].total.asked
    assert abs((chartimg_emulator.ledger().now - datetime.now(UTC)).total_seconds()) < 600
    with ChartClient.from_env(chartimg_emulator.environ) as client:
        assert client.fetch(ASKED).ok
    assert 1 == chartimg_emulator.ledger().accounts["demo"].total.charged
    chartimg_emulator.play(Rule(Fault.SERVER_ERROR))
    chartimg_emulator.move_clock(86_400)
    SEEN.append(chartimg_emulator.url)
    assert {session_wide} == set(SEEN)

@pytest.mark.chartimg(plan="BASIC", clock=MONDAY)
class TestMarked:
    @pytest.mark.chartimg(rules=[Rule(Fault.UNAVAILABLE, next=1)])
    def test_wants(self, chartimg_emulator):
        with chartimg_emulator.client() as client:
            result = client.fetch(ASKED)
            assert 50 == client.accounts.status()[0].limit
        assert [503, 200] == [attempt.http_status for attempt in result.attempts]
        assert 2 == chartimg_emulator.ledger().accounts["demo"].days["2026-01-05"].charged

    @pytest.mark.chartimg(plan="mega")
    def test_the_nearest_wins(self, chartimg_emulator):
        assert 1000 == chartimg_emulator.accounts[0].daily_limit
        assert MONDAY is chartimg_emulator.clock
"""


@pytest.mark.parametrize("order", ["", "reversed"])
def test_an_emulator_serves_all_tests_and_is_new_for_each(pytester: pytest.Pytester, order: str) -> None:
    """One address serves the session; no test meets another's tallies, faults or clock, and a marker says what it wants."""
    if order:
        pytester.makepyfile(turned="def pytest_collection_modifyitems(items):\n    items.reverse()\n")
        pytester.syspathinsert()
    run(pytester, EMULATED, *(("-p", "turned") if order else ()), passed=6)


@pytest.mark.gate
def test_each_process_of_a_distributed_run_has_its_own_emulator(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under pytest-xdist tests that run at once do not see each other's calls."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # they take seconds to load, three times
    pytester.makeconftest('pytest_plugins = ["chartimg.pytest_plugin"]')
    pytester.makepyfile(HEAD + EMULATED)
    done = pytester.runpytest_subprocess("-p", "xdist", "-n2", "-p", "no:cacheprovider", timeout=2 * LONG)

    done.assert_outcomes(passed=6)


@pytest.mark.parametrize(
    ("marker", "told"),
    [
        ("plam='PRO'", "takes plan=, rules= and clock="),
        ("'PRO'", "takes plan=, rules= and clock="),
        ("plan='GOLD'", "plan must be one of BASIC"),
        ("rules=[Rule(Fault.RESET, account='spare')]", "unknown accounts: spare"),
    ],
)
def test_a_marker_that_says_nothing_of_use_is_an_error(pytester: pytest.Pytester, marker: str, told: str) -> None:
    """A misspelt name, a value without one, an unknown plan and a rule for an unknown account are told, and nothing else breaks."""
    tests = f"""
@pytest.mark.chartimg({marker})
def test_marked(chartimg_emulator):
    pass

def test_other(chartimg_emulator):
    pass

@pytest.mark.chartimg({marker})
def test_marked_again(chartimg_emulator):
    pass
"""

    assert told in run(pytester, tests, passed=1, errors=2)
