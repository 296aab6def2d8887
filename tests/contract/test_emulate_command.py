"""The command ``chartimg emulate``: alone until a signal ends it, and around another command."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from chartimg.domain.reply.png import Picture, inspect
from command import call, run, start
from forks import Started
from patience import LONG

PROBE = """
import json, os, sys
from chartimg import ChartClient, ChartRequest
with ChartClient.from_env() as client:
    results = [client.fetch(ChartRequest("BINANCE:BTCUSDT", "1h", "small", {"width": 400})) for _ in range(2)]
print(json.dumps([[result.ok, result.account_id] for result in results]), os.environ["CHARTS_ACCOUNT_STORE"][:10])
sys.exit(7)
"""
BODY = {"symbol": "BINANCE:BTCUSDT", "interval": "1h", "studies": [{"name": "Volume"}, {"name": "MACD"}]}


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Started]:
    """Run the command on a free port, and end it after the test."""
    child = start("emulate", "--port", "0", cwd=tmp_path)
    yield child
    if child.poll() is None:
        child.kill()
    child.communicate()


def address(child: Started) -> str:
    """Return the address in the first line of the command."""
    match = re.search(r"http://127\.0\.0\.1:\d+", child.stderr.readline())
    assert match is not None
    return match[0]


def post(url: str, body: Mapping[str, object], key: str) -> tuple[int, bytes]:
    """Make the documented request, as curl does."""
    request = urllib.request.Request(
        f"{url}/v2/tradingview/advanced-chart",
        json.dumps(body).encode(),
        {"x-api-key": key, "content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=LONG) as response:
        return response.status, response.read()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_asked_to_end(alone: Started, ending: signal.Signals) -> None:
    """The documented request gets a picture; after a signal the command reports the calls, with exit code 0."""
    url = address(alone)
    status, body = post(url, BODY, "demo-key")
    alone.send_signal(ending)
    alone.wait(timeout=LONG)
    out, err = (stream.read() for stream in (alone.stdout, alone.stderr))

    assert (200, Picture(800, 600)) == (status, inspect(body))
    assert (0, "") == (alone.returncode, out)
    assert f"curl {url}/v2/tradingview/advanced-chart -H 'x-api-key: demo-key'" in err
    assert "200 demo BINANCE:BTCUSDT 1h" in err
    assert "demo: 1 call, 1 charged, 0 throttled, 0 refused" in err
    assert "Traceback" not in err


def test_a_command_finds_it_in_its_settings(tmp_path: Path) -> None:
    """The command's calls go to the emulator, its books are temporary, and its exit code is returned."""
    child = run("emulate", "--", sys.executable, "-c", PROBE, cwd=tmp_path, CHARTS_API_MODE="real")

    assert 7 == child.returncode
    assert '[[true, "demo"], [true, "demo"]] sqlite:///\n' == child.stdout
    assert "demo: 2 calls, 2 charged" in child.stderr
    assert not (tmp_path / "home").exists()


def test_a_file_of_accounts_may_be_a_pipe(tmp_path: Path) -> None:
    """The file of --accounts may be a pipe, so that keys need not lie on a disk."""
    reading, writing = os.pipe()
    os.write(writing, b'[{"id": "piped", "apiKey": "a-key-in-a-pipe", "plan": "BASIC"}]')
    os.close(writing)
    child = call("emulate", "--accounts", f"/dev/fd/{reading}", "--", "true", cwd=tmp_path)
    os.close(reading)

    assert 0 == child.returncode
    assert "for piped (BASIC)" in child.stderr


def test_accounts_and_a_scenario_come_from_files(tmp_path: Path) -> None:
    """The accounts are those of the file, and the first call fails as the scenario says."""
    (tmp_path / "a.json").write_text('[{"id": "mine", "apiKey": "canary-key", "dailyLimit": 9}]')
    (tmp_path / "s.json").write_text('{"rules": [{"next": 1, "fault": "200-json"}]}')
    files = ("--accounts", "a.json", "--script", "s.json")
    child = run("emulate", *files, "--", sys.executable, "-c", PROBE, cwd=tmp_path, CHARTS_API_MODE="real")

    assert child.stdout.startswith('[[false, "mine"], [true, "mine"]]')
    assert "canary" not in child.stdout + child.stderr


def test_a_catalog_of_the_hosts_is_law_to_both_sides(tmp_path: Path) -> None:
    """An interval and an exchange of the host's catalog pass the command's check, and are served."""
    (tmp_path / "c.json").write_text('{"intervals": ["9h"], "exchanges": ["NOWHERE"]}')
    probe = PROBE.replace("BINANCE", "NOWHERE").replace("1h", "9h")
    command = ("emulate", "--", sys.executable, "-c", probe)
    without = run(*command, cwd=tmp_path, CHARTS_CHECK="off")
    child = run(*command, cwd=tmp_path, CHARTS_CATALOG="c.json")

    assert without.stdout.startswith('[[false, "demo"], [false, null]]')  # no call for what was refused before
    assert child.stdout.startswith('[[true, "demo"], [true, "demo"]]')


def test_the_plans_of_a_catalog_of_the_hosts_are_the_accounts_own(tmp_path: Path) -> None:
    """The settings of a command have the limits that the host's catalog gives its plan."""
    pro = {"name": "PRO", "requestsPerSecond": 7, "burst": 9, "dailyLimit": 70, "maxWidth": 700, "maxHeight": 500}
    more = {"maxParameters": 3, "watermark": True, "customWatermark": False, "storageDays": 14}
    (tmp_path / "c.json").write_text(json.dumps({"plans": [{**pro, **more}]}))
    probe = "import os; print(os.environ['CHART_IMG_ACCOUNTS_JSON'])"
    child = run("emulate", "--", sys.executable, "-c", probe, cwd=tmp_path, CHARTS_CATALOG="c.json")
    (account,) = json.loads(child.stdout)

    assert {"plan": "PRO", "requestsPerSecond": 7, "burst": 9, "dailyLimit": 70}.items() <= account.items()
    assert "demo (PRO)" in child.stderr


def test_a_catalog_that_can_not_be_used_is_one_line(tmp_path: Path) -> None:
    """A catalog that can't be read is one line with its file, and exit code 2."""
    child = call("emulate", "--port", "0", cwd=tmp_path, CHARTS_CATALOG="none.json")

    assert 2 == child.returncode
    assert "none.json can't be read" in child.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--accounts", "none.json"), "--accounts none.json can't be read"),
        (("--accounts", "bad.json"), "--accounts bad.json is not JSON"),
        (("--script", "bad.json"), "--script bad.json is not JSON"),
        (("--script", "bytes.json"), "--script bytes.json can't be read: it is not UTF-8"),
        (("--script", "other.json"), "the scenario names unknown accounts: b"),
        (("--", "no-such-command"), "there is no command 'no-such-command'"),
    ],
)
def test_what_can_not_be_used_is_one_line(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    """A file or a command that can't be used is one line that names it, and exit code 2."""
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "bytes.json").write_bytes(b"\xff")
    (tmp_path / "other.json").write_text('{"rules": [{"fault": "500", "account": "b"}]}')
    child = call("emulate", *arguments, cwd=tmp_path)

    assert 2 == child.returncode
    assert message in child.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("echo", "Exec format error; a script needs a first line like #!/bin/sh"),
        ("#!/no/such/shell", "the interpreter that its first line names does not exist"),
    ],
)
def test_a_script_that_the_system_can_not_run_is_one_line(content: str, reason: str, tmp_path: Path) -> None:
    """A script without an interpreter is one line that names the script and the reason, and exit code 2."""
    script = tmp_path / "script"
    script.write_text(f"{content}\n")
    script.chmod(0o755)
    child = call("emulate", "--", "./script", cwd=tmp_path)

    assert 2 == child.returncode
    assert f"chartimg: the command ./script can't be run: {reason}" == child.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "reason"),
    [("folder", "it is a folder"), ("plain", "it is not executable; if it is a script, run: chmod +x plain")],
)
def test_a_path_that_is_not_a_program_is_one_line(name: str, reason: str, tmp_path: Path) -> None:
    """A folder, or a file without permission to run it, is named with the reason; it is not said to be missing."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "plain").write_text("#!/bin/sh\n")
    child = call("emulate", "--", f"./{name}", cwd=tmp_path)

    assert (2, f"chartimg: the command ./{name} can't be run: {reason}\n") == (child.returncode, child.stderr)


def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    """A port in use is one line that names it and the way out, and exit code 2."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        child = run("emulate", "--port", str(port), cwd=tmp_path)

    assert 2 == child.returncode
    assert (
        f"chartimg: the emulator can't listen on port {port}: Address already in use; choose another port\n"
        == child.stderr
    )


def test_a_command_that_hangs_is_ended_with_it(tmp_path: Path) -> None:
    """A SIGTERM ends the command, too."""
    waiting = "import time; print('here', flush=True); time.sleep(600)"
    child = start("emulate", "--", sys.executable, "-c", waiting, cwd=tmp_path)
    assert "here\n" == child.stdout.readline()
    child.send_signal(signal.SIGTERM)
    _, err = child.communicate(timeout=LONG)

    assert 128 + signal.SIGTERM == child.returncode
    assert "Traceback" not in err
