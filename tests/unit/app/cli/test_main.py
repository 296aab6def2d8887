"""The command ``chartimg``: settings, usage, exit codes, and the streams it writes to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import chartimg
from command import (
    MAIN,
    Result,
    call,
    environment,
    eventually,
    run,
    run_command,
    run_into,
    run_loaded,
    run_python,
    start,
)
from fetching import FETCH, FIXTURE, KEY, PNG, SPENT, TEMPLATE, mock, real, refused
from loopback import LoopbackServer, answer, stall
from patience import LONG


def test_fetch_writes_the_picture_and_says_so(server: LoopbackServer, tmp_path: Path) -> None:
    """A chart is written to its file, one line names the chart and the account, and the exit code is 0."""
    server.script.append(answer(200, PNG))
    child = run(*FETCH, cwd=tmp_path, **real(server))

    assert (0, "") == (child.returncode, child.stderr)
    (line,) = child.stdout.splitlines()
    assert all(part in line for part in ("BINANCE:BTCUSDT 1h", "chart.png", "account main"))
    assert PNG == (tmp_path / "chart.png").read_bytes()
    assert [KEY] == server.keys


def test_fetch_that_fails_is_exit_code_1_and_leaves_what_was_there(server: LoopbackServer, tmp_path: Path) -> None:
    """An error is one line on standard error, the exit code is 1, and the old file keeps its content."""
    (tmp_path / "chart.png").write_bytes(b"of before")
    server.script.append(answer(422, b'[{"value":"1h","msg":"Invalid value","param":"interval","location":"body"}]'))
    child = run(*FETCH, cwd=tmp_path, **real(server))

    assert (1, "") == (child.returncode, child.stdout)
    (line,) = child.stderr.splitlines()
    assert all(part in line for part in ("BINANCE:BTCUSDT 1h", "CHART_API_FAILED", "INVALID_REQUEST", "interval"))
    assert " (INVALID_REQUEST, see docs/errors.md#invalid_request): " in line
    assert b"of before" == (tmp_path / "chart.png").read_bytes()


def test_fetch_without_quota_is_exit_code_75(server: LoopbackServer, tmp_path: Path) -> None:
    """A spent day is exit code 75, and the next run knows without a call that the day is spent."""
    server.otherwise = SPENT
    first, second = (command(*FETCH, cwd=tmp_path, **real(server)) for command in (call, run))

    assert (75, 75) == (first.returncode, second.returncode)
    assert "CHART_API_LIMIT_EXCEEDED" in first.stderr
    assert "NO_ACCOUNT" in second.stderr
    assert 1 == len(server.requests)
    assert not (tmp_path / "chart.png").exists()


@pytest.mark.parametrize(
    "command", [FETCH, ("export", "--symbols", "A", "--timeframes", "1h", "--out", "o"), ("accounts",)]
)
def test_missing_settings_are_reported_by_every_command(command: tuple[str, ...], tmp_path: Path) -> None:
    """Without settings each command names the missing one in one line, with an example."""
    (line,) = refused(call(*command, cwd=tmp_path))

    assert line.startswith("CHART_IMG_ACCOUNTS_JSON is not set")
    assert '[{"id": "main", "apiKey": "<your key>"}]' in line
    assert [] == list(tmp_path.iterdir())


def test_every_wrong_setting_has_its_line(tmp_path: Path) -> None:
    """Bad JSON, a bad mode and a bad time zone are three lines of one run, and no key is in them."""
    child = run(
        *FETCH,
        cwd=tmp_path,
        CHART_IMG_ACCOUNTS_JSON=f'[{{"id": "a", "apiKey": "{KEY}"',
        CHARTS_DEFAULT_TIMEZONE="UTC",
        CHARTS_API_MODE="live",
    )

    assert {"CHART_IMG_ACCOUNTS_JSON", "CHARTS_DEFAULT_TIMEZONE", "CHARTS_API_MODE"} == {
        line.split()[0] for line in refused(child)
    }
    assert KEY not in child.stderr


def test_a_store_that_can_not_be_opened_is_one_line(server: LoopbackServer, tmp_path: Path) -> None:
    """If the store can't be opened, both commands that need it name its place, the code is 69, and no call is made."""
    (tmp_path / "file").write_bytes(b"")
    settings = real(server, CHARTS_ACCOUNT_STORE=f"sqlite:///{tmp_path}/file/books.sqlite3")
    for command in (FETCH, ("accounts",)):
        child = call(*command, cwd=tmp_path, **settings)
        assert (69, "") == (child.returncode, child.stdout)
        (line,) = child.stderr.splitlines()
        assert "file/books.sqlite3" in line

    assert [] == server.requests


@pytest.mark.parametrize(
    "arguments",
    [("fetch",), ("fetch", "A:B", "1h"), ("draw",), ("export", "--jobs", "0"), (*FETCH, "--no-such-option")],
)
def test_wrong_usage_is_exit_code_2(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """Missing and unknown arguments are exit code 2 and an error on standard error."""
    child = call(*arguments, cwd=tmp_path, **mock(tmp_path / "fixtures"))

    assert (2, "") == (child.returncode, child.stdout)
    assert "Error" in child.stderr


def test_verbose_logs_on_standard_error(server: LoopbackServer, tmp_path: Path) -> None:
    """With -v events are lines on standard error without a key, and standard output stays the same."""
    server.script.append(answer(200, PNG))
    child = run("-v", *FETCH, "--json", cwd=tmp_path, **real(server))

    assert 0 == child.returncode
    assert json.loads(child.stdout)["ok"]
    assert "chart_api_call_start" in child.stderr
    assert "chart_api_call_finished" in child.stderr
    assert KEY not in child.stderr


@pytest.mark.parametrize("hidden", ["typer", "rich"])
def test_without_the_extra_one_line_says_what_to_install(hidden: str, tmp_path: Path) -> None:
    """Without the libraries of the command one line says how to install them, with exit code 2."""
    code = """
        import runpy, sys
        sys.modules[sys.argv.pop(1)] = None  # what is None here can't be found or imported
        sys.argv[0] = "chartimg"
        runpy.run_module("chartimg", run_name="__main__")
    """
    child = run_python("\n".join(line.strip() for line in code.splitlines()), hidden, *FETCH, cwd=tmp_path)

    (line,) = refused(child)
    assert "pip install '.[cli]'" in line


def test_the_version_is_the_library_s(tmp_path: Path) -> None:
    """--version prints the version of the library and needs no settings."""
    child = call("--version", cwd=tmp_path)

    assert (0, f"chartimg {chartimg.__version__}\n", "") == (child.returncode, child.stdout, child.stderr)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("catalog studies", 0),
        ("catalog studies Volme", 2),
        ("check price_psar_adi_v1", 0),
        ("check none", 2),
        ("fixtures list --dir .", 0),
        ("templates list", 0),
        ("templates new mine --study MACD --dir own", 0),
    ],
)
def test_a_command_that_makes_no_call_needs_no_setting(command: str, code: int, tmp_path: Path) -> None:
    """In an empty environment such a command prints its result, or one line about a wrong argument."""
    child = call(*command.split(), cwd=tmp_path)

    assert (code, code == 0) == (child.returncode, bool(child.stdout))
    assert (1 if code else 0) == len(child.stderr.splitlines())


@pytest.mark.parametrize("command", ["fetch --json", "fetch", "export"])
def test_any_symbol_can_be_printed_on_any_terminal(command: str, tmp_path: Path) -> None:
    """A symbol that the encoding of the terminal lacks is printed with escapes, and the exit code is 0."""
    symbol = "TSE:東京"  # as it is written there
    settings = mock(tmp_path / "fixtures", f"TSE_{''.join(f'%{byte:02X}' for byte in '東京'.encode())}__1h__{TEMPLATE}")
    arguments = {
        "fetch": ("fetch", symbol, "1h", "--template", TEMPLATE, "--out", "chart.png"),
        "export": ("export", "--symbols", symbol, "--timeframes", "1h", "--templates", TEMPLATE, "--out", "out"),
    }
    name, *options = command.split()
    ascii_alone = "import sys; sys.stdout.reconfigure(encoding='ascii'); sys.stderr.reconfigure(encoding='ascii');"
    child = run_loaded(ascii_alone + MAIN, *arguments[name], *options, cwd=tmp_path, **settings)

    assert 0 == child.returncode
    if options:
        assert symbol == json.loads(child.stdout)["symbol"]
    if name == "export":
        assert "1 of 1 chart" in child.stdout


def fetch_into(stdout: Path, folder: Path, *options: str) -> tuple[int, str]:
    """Fetch a fixture with *stdout* as standard output; return the exit code and standard error."""
    child = run_into(stdout, *FETCH, *options, cwd=folder, **mock(folder / "fixtures", FIXTURE))
    assert PNG == (folder / "chart.png").read_bytes()
    return child.returncode, child.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_output_that_can_not_be_written_is_one_line(options: tuple[str, ...], tmp_path: Path) -> None:
    """If standard output is full, one line says so, the exit code is 1, and the picture is written."""
    ended = fetch_into(Path("/dev/full"), tmp_path, *options)

    assert (1, "chartimg: standard output can't be written: No space left on device\n") == ended


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_long_output_that_can_not_be_written_is_the_same_line(tmp_path: Path) -> None:
    """Output that is longer than any buffer of it fails while it is printed, and is reported alike."""
    child = run_into(Path("/dev/full"), "catalog", "studies", "--json", cwd=tmp_path)

    assert (1, "chartimg: standard output can't be written: No space left on device\n") == (
        child.returncode,
        child.stderr,
    )


def test_a_reader_that_leaves_is_not_a_traceback(tmp_path: Path) -> None:
    """If the reader of standard output leaves, the command ends quietly, and the picture is written."""
    reading, writing = os.pipe()
    os.close(reading)
    child = subprocess.run(
        [sys.executable, "-m", "chartimg", *FETCH, "--json"],
        cwd=tmp_path,
        env=environment(tmp_path / "home", **mock(tmp_path / "fixtures", FIXTURE)),
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)

    assert PNG == (tmp_path / "chart.png").read_bytes()
    assert "Traceback" not in child.stderr
    assert "BrokenPipe" not in child.stderr


def run_after(code: str, *arguments: str, cwd: Path, **variables: str) -> Result:
    """Run ``chartimg`` in a process where a shell has run *code* before."""
    command = ["sh", "-c", f'{code}; exec "$0" -m chartimg "$@"', sys.executable, *arguments]
    return run_command(*command, cwd=cwd, **variables)


@pytest.mark.parametrize(("number", "stream"), [(0, "stdin"), (1, "stdout"), (2, "stderr")])
def test_a_closed_stream_is_not_an_error(number: int, stream: str, server: LoopbackServer, tmp_path: Path) -> None:
    """With a standard stream closed the picture is written and the books are kept, and the exit code is 0."""
    server.script.append(answer(200, PNG))
    closed = f"import os, sys; os.close({number}); sys.{stream} = sys.__{stream}__ = None;"
    child = run_loaded(closed + MAIN, *FETCH, cwd=tmp_path, **real(server))
    books = json.loads(call("accounts", "--json", cwd=tmp_path, **real(server)).stdout)

    assert (0, "") == (child.returncode, child.stderr)
    assert PNG == (tmp_path / "chart.png").read_bytes()
    assert [1] == [account["used"] for account in books["accounts"]]


def test_a_question_is_not_asked_of_a_closed_stream(server: LoopbackServer, tmp_path: Path) -> None:
    """With standard input closed nobody can answer, so the books are reset without a question, as in a pipe."""
    child = run_after("exec 0>&-", "accounts", "reset", "main", cwd=tmp_path, **real(server))

    assert (0, "") == (child.returncode, child.stderr)


def test_a_deleted_working_directory_is_one_line_about_the_file(tmp_path: Path) -> None:
    """If the working directory was deleted, a relative --out is one line that says so, with exit code 2."""
    settings = mock(tmp_path / "fixtures", FIXTURE)
    gone = "mkdir gone; cd gone; rmdir ../gone"
    (line,) = refused(run_after(gone, *FETCH, cwd=tmp_path, **settings))

    assert line == "--out: chart.png can't be written: the working directory was deleted; change to another one"


def test_the_picture_goes_to_standard_output_and_nothing_else_does(tmp_path: Path) -> None:
    """With --out - standard output is the picture alone, and no file is made."""
    there = tmp_path / "there.png"
    there.touch()
    child = run_into(there, *FETCH[:-1], "-", cwd=tmp_path, **mock(tmp_path / "fixtures", FIXTURE))

    assert (0, "") == (child.returncode, child.stderr)
    assert PNG == (tmp_path / "there.png").read_bytes()
    assert {"fixtures", "there.png"} == {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupted_fetch_says_what_was_paid(
    sent: signal.Signals, code: int, server: LoopbackServer, tmp_path: Path
) -> None:
    """A signal during a call ends the fetch with one line that names the account that the call stays charged to."""
    server.otherwise = stall()
    with start(*FETCH, cwd=tmp_path, **real(server)) as child:
        eventually(lambda: bool(server.requests))
        child.send_signal(sent)
        out, err = child.communicate(timeout=LONG)

    assert (code, "") == (child.returncode, out)
    assert f"chartimg: BINANCE:BTCUSDT 1h {TEMPLATE}: interrupted; 1 call stays charged: 1 to main\n" == err
    assert not (tmp_path / "chart.png").exists()


def test_an_interrupt_outside_of_any_call_is_not_a_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt while the command is loaded or closed ends it with exit code 130 and without a word."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("chartimg.app.cli.run", interrupted)
    child = call("templates", "list", cwd=tmp_path)

    assert (130, "", "") == (child.returncode, child.stdout, child.stderr)
