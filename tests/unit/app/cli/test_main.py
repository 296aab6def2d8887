"""The command, as a process: what it prints, what it leaves, and its exit code."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import chartimg
from chartimg.testing import picture
from command import call, environment, run, run_bound, run_python
from loopback import LoopbackServer, answer

PNG = picture()
KEY = "canary-key-7f3a9"
TEMPLATE = "price_psar_adi_v1"
FETCH = ("fetch", "BINANCE:BTCUSDT", "1h", "--template", TEMPLATE, "--out", "chart.png")
SHIPPED = (
    "price_ma1226_bb_macd1226_v1",
    "price_ma1226_vol_v1",
    TEMPLATE,
    "price_rsi14_stochrsi_v1",
    "price_vpvr_obv_v1",
)
SPENT = answer(429, b'{"message":"Limit Exceeded"}', content_type="application/json")


def real(server: LoopbackServer, **more: str) -> dict[str, str]:
    """Write settings that call *server* with one account."""
    listed = [{"id": "main", "apiKey": KEY, "plan": "BASIC"}]
    return {"CHARTS_API_BASE_URL": server.url, "CHART_IMG_ACCOUNTS_JSON": json.dumps(listed), **more}


def mock(folder: Path, *names: str) -> dict[str, str]:
    """Write settings that replay *folder*, after putting a picture there under each of *names*."""
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / f"{name}.png").write_bytes(PNG)
    return {"CHARTS_API_MODE": "mock", "CHARTS_FIXTURES_DIR": str(folder)}


def refused(child: subprocess.CompletedProcess[str]) -> list[str]:
    """Give the lines of a run that ended with exit code 2 and nothing on standard output, without the command's name."""
    assert (2, "") == (child.returncode, child.stdout), child.stderr
    lines = child.stderr.splitlines()
    assert all(line.startswith("chartimg: ") for line in lines), child.stderr
    return [line.removeprefix("chartimg: ") for line in lines]


def test_fetch_writes_the_picture_and_says_so(server: LoopbackServer, tmp_path: Path) -> None:
    """A chart that came is in the file, one line names it and its account, and the exit code is 0."""
    server.script.append(answer(200, PNG))
    child = run(*FETCH, cwd=tmp_path, **real(server))

    assert (0, "") == (child.returncode, child.stderr)
    (line,) = child.stdout.splitlines()
    assert all(part in line for part in ("BINANCE:BTCUSDT 1h", "chart.png", "account main"))
    assert PNG == (tmp_path / "chart.png").read_bytes()
    assert [KEY] == server.keys


def test_fetch_makes_the_folder_of_its_file(tmp_path: Path) -> None:
    """A file in folders that are not there yet is written all the same."""
    settings = mock(tmp_path / "fixtures", f"BINANCE_BTCUSDT__1h__{TEMPLATE}")
    child = call(*FETCH[:-1], "new/deeper/chart.png", cwd=tmp_path, **settings)

    assert 0 == child.returncode
    assert ["chart.png"] == [path.name for path in (tmp_path / "new" / "deeper").iterdir()]


def test_fetch_that_fails_is_exit_code_1_and_leaves_what_was_there(server: LoopbackServer, tmp_path: Path) -> None:
    """The error is one line on standard error, and the file of before still holds what it held."""
    (tmp_path / "chart.png").write_bytes(b"of before")
    server.script.append(answer(422, b'[{"value":"1h","msg":"Invalid value","param":"interval","location":"body"}]'))
    child = run(*FETCH, cwd=tmp_path, **real(server))

    assert (1, "") == (child.returncode, child.stdout)
    (line,) = child.stderr.splitlines()
    assert all(part in line for part in ("BINANCE:BTCUSDT 1h", "CHART_API_FAILED", "INVALID_REQUEST", "interval"))
    assert b"of before" == (tmp_path / "chart.png").read_bytes()


def test_fetch_without_quota_is_exit_code_75(server: LoopbackServer, tmp_path: Path) -> None:
    """Come back later has a code of its own, and the second run knows without a call that the day is spent."""
    server.otherwise = SPENT
    first, second = (command(*FETCH, cwd=tmp_path, **real(server)) for command in (call, run))

    assert (75, 75) == (first.returncode, second.returncode)
    assert "CHART_API_LIMIT_EXCEEDED" in first.stderr
    assert "NO_ACCOUNT" in second.stderr
    assert 1 == len(server.requests)
    assert not (tmp_path / "chart.png").exists()


def test_fetch_in_json_is_json_and_nothing_else(server: LoopbackServer, tmp_path: Path) -> None:
    """With --json standard output is one document with the documented fields, about the call that was made."""
    server.script.append(answer(200, PNG))
    child = call(*FETCH, "--json", cwd=tmp_path, **real(server))
    report: dict[str, Any] = json.loads(child.stdout)
    attempts = report.pop("attempts")

    assert (0, "") == (child.returncode, child.stderr)
    assert report == {
        "ok": True,
        "symbol": "BINANCE:BTCUSDT",
        "timeframe": "1h",
        "template": TEMPLATE,
        "file": "chart.png",
        "bytes": len(PNG),
        "sha256": hashlib.sha256(PNG).hexdigest(),
        "httpStatus": 200,
        "fromFixture": False,
        "fixturePath": None,
        "accountId": "main",
        "error": None,
        "warnings": [],
    }
    assert [{"accountId", "startedAt", "duration", "httpStatus", "kind"}] == [set(attempt) for attempt in attempts]


def test_a_failed_fetch_in_json_is_json_too(tmp_path: Path) -> None:
    """The error is in the document with its code, and the exit code is that of any failure."""
    child = call(*FETCH, "--json", cwd=tmp_path, **mock(tmp_path / "fixtures"))
    report: dict[str, Any] = json.loads(child.stdout)

    assert 1 == child.returncode
    assert (False, None, None, []) == (report["ok"], report["file"], report["bytes"], report["attempts"])
    assert ("CHART_API_MOCK_MISSING", "FIXTURE_MISSING", False) == (
        report["error"]["code"],
        report["error"]["kind"],
        report["error"]["retriable"],
    )
    assert {"code", "kind", "message", "retriable", "httpStatus", "retryAfter", "availableAt", "details"} == set(
        report["error"]
    )


def test_mock_mode_says_which_fixture_it_is_from(tmp_path: Path) -> None:
    """A picture from a file is told with that file; the user's state folder is not touched."""
    settings = mock(tmp_path / "fixtures", f"BINANCE_BTCUSDT__1h__{TEMPLATE}")
    child = call(*FETCH, cwd=tmp_path, **settings)

    assert 0 == child.returncode
    assert f"fixture {tmp_path}/fixtures/BINANCE_BTCUSDT__1h__{TEMPLATE}.png" in child.stdout
    assert not (tmp_path / "home").exists()


def test_a_symbol_without_an_exchange_goes_through_the_pattern_of_the_template(
    server: LoopbackServer, tmp_path: Path
) -> None:
    """BTCUSDT is asked for where the template trades it, NYSE:IBM as it stands."""
    folder = tmp_path / "templates"
    folder.mkdir()
    own = {"id": "own", "description": "mine", "chartImgSymbolTemplate": "KRAKEN:{symbol}", "request": {"width": 640}}
    (folder / "own.json").write_text(json.dumps(own), encoding="utf-8")
    server.otherwise = answer(200, PNG)
    settings = real(server, CHARTS_TEMPLATES_DIR=str(folder), CHARTS_DEFAULT_TIMEZONE="Asia/Tokyo")
    for symbol in ("BTCUSDT", "NYSE:IBM"):
        child = call("fetch", symbol, "4h", "--template", "own", "--out", "chart.png", cwd=tmp_path, **settings)
        assert 0 == child.returncode

    posted = [json.loads(received.body) for received in server.requests]
    assert posted == [
        {"symbol": symbol, "interval": "4h", "width": 640, "timezone": "Asia/Tokyo"}
        for symbol in ("KRAKEN:BTCUSDT", "NYSE:IBM")
    ]


@pytest.mark.parametrize(
    ("template", "told"),
    [("price_pasr_adi_v1", f"did you mean {TEMPLATE}?"), ("zzz", f"the templates are {', '.join(SHIPPED)}")],
)
def test_an_unknown_template_is_answered_with_what_there_is(template: str, told: str, tmp_path: Path) -> None:
    """A near miss gets a suggestion, anything else the list."""
    child = call("fetch", "A:B", "1h", "--template", template, "--out", "c.png", cwd=tmp_path, **mock(tmp_path / "f"))

    (line,) = refused(child)
    assert f"'{template}'" in line
    assert told in line
    assert not (tmp_path / "c.png").exists()


@pytest.mark.parametrize(
    "command", [FETCH, ("export", "--symbols", "A", "--timeframes", "1h", "--out", "o"), ("accounts",)]
)
def test_missing_settings_are_told_by_every_command(command: tuple[str, ...], tmp_path: Path) -> None:
    """Without any setting each command says in one line which is missing and what it looks like."""
    (line,) = refused(call(*command, cwd=tmp_path))

    assert line.startswith("CHART_IMG_ACCOUNTS_JSON is not set")
    assert '[{"id": "main", "apiKey": "<your key>"}]' in line
    assert [] == list(tmp_path.iterdir())


def test_every_wrong_setting_has_its_line(tmp_path: Path) -> None:
    """Bad JSON, a bad mode and a bad zone are three lines of one run; no key is in any of them."""
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


@pytest.mark.parametrize(
    ("symbol", "timeframe", "told"),
    [
        ("", "1h", "symbol: is empty"),
        ("A:B", "", "interval: is empty"),
        ("A:B", "1h\n", "space around it"),
        ("A:\tB", "1h", "control character"),
        (os.fsdecode(b"A:\xff"), "1h", "a lone surrogate"),
    ],
)
def test_a_bad_symbol_or_timeframe_is_told(symbol: str, timeframe: str, told: str, tmp_path: Path) -> None:
    """What can't be a chart is exit code 2 and one line, and nothing is written."""
    settings = mock(tmp_path / "fixtures")
    child = call("fetch", symbol, timeframe, "--template", TEMPLATE, "--out", "new/c.png", cwd=tmp_path, **settings)

    lines = refused(child)
    assert told in " ".join(lines)
    assert 1 == len(lines)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("option", ["--symbols", "--timeframes", "--templates"])
def test_an_empty_part_of_a_list_is_told(option: str, tmp_path: Path) -> None:
    """A comma too many is exit code 2 and names the option."""
    given = {"--symbols": "A:B", "--timeframes": "1h", "--templates": TEMPLATE} | {option: "A,,B"}
    arguments = [word for pair in given.items() for word in pair]
    (line,) = refused(call("export", *arguments, "--out", "o", cwd=tmp_path, **mock(tmp_path / "fixtures")))

    assert line.startswith(option)
    assert not (tmp_path / "o").exists()


def test_every_bad_template_is_told(tmp_path: Path) -> None:
    """One run names every template that can't be used, with its file and what is wrong in it."""
    good = {"id": "none", "description": "", "chartImgSymbolTemplate": "A:{symbol}"}
    templates = {
        "text": ("{", "is not JSON"),
        "fields": ('{"id": "fields"}', "is missing"),
        "other": (json.dumps(good), "its file name"),
        "pattern": (json.dumps({**good, "id": "pattern", "chartImgSymbolTemplate": "A:B"}), "{symbol}"),
        "extra": (json.dumps({**good, "id": "extra", "symbol": "A:B"}), "unknown field symbol"),
    }
    folder = tmp_path / "templates"
    (folder / "folder.json").mkdir(parents=True)
    for name, (content, _) in templates.items():
        (folder / f"{name}.json").write_text(content, encoding="utf-8")
    lines = refused(call(*FETCH, cwd=tmp_path, CHARTS_TEMPLATES_DIR=str(folder), **mock(tmp_path / "fixtures")))

    for name, (_, told) in {**templates, "folder": ("", "can't be read")}.items():
        assert any(str(folder / f"{name}.json") in line and told in line for line in lines), (name, lines)


def test_a_folder_without_templates_is_told(tmp_path: Path) -> None:
    """A folder that holds no template is one line that names it."""
    (tmp_path / "templates").mkdir()
    child = call(*FETCH, cwd=tmp_path, CHARTS_TEMPLATES_DIR="templates", **mock(tmp_path / "fixtures"))

    (line,) = refused(child)
    assert "templates holds no template" in line


def test_a_templates_folder_that_is_none_is_told(tmp_path: Path) -> None:
    """A file in the place of the folder is told with the setting that names it."""
    (tmp_path / "file").write_bytes(b"")
    child = call(*FETCH, cwd=tmp_path, CHARTS_TEMPLATES_DIR=str(tmp_path / "file"), **mock(tmp_path / "fixtures"))

    (line,) = refused(child)
    assert line.startswith("CHARTS_TEMPLATES_DIR")


def test_folders_without_permission_are_told(tmp_path: Path) -> None:
    """A templates folder that can't be read and a target that can't be written are one line each."""
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0)
    settings = mock(tmp_path / "fixtures", f"BINANCE_BTCUSDT__1h__{TEMPLATE}")
    try:
        (unread,) = refused(run_bound(*FETCH, cwd=tmp_path, CHARTS_TEMPLATES_DIR=str(closed), **settings))
        (unwritten,) = refused(run_bound(*FETCH[:-1], "closed/c.png", cwd=tmp_path, **settings))
    finally:
        closed.chmod(stat.S_IRWXU)

    assert str(closed) in unread
    assert unwritten.startswith("--out")


@pytest.mark.parametrize(("out", "there"), [("folder", "folder"), ("file/c.png", "file")])
def test_an_out_that_can_not_be_a_file_is_found_before_any_call(
    out: str, there: str, server: LoopbackServer, tmp_path: Path
) -> None:
    """A folder as the target, or a file as its folder, is one line that names --out; no call is paid for."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"mine")
    (line,) = refused(call(*FETCH[:-1], out, cwd=tmp_path, **real(server)))

    assert line.startswith("--out")
    assert there in line
    assert [] == server.requests
    assert b"mine" == (tmp_path / "file").read_bytes()


def test_a_store_that_can_not_be_opened_is_one_line(server: LoopbackServer, tmp_path: Path) -> None:
    """Without books no call may be made: both commands that need them say where they should be."""
    (tmp_path / "file").write_bytes(b"")
    settings = real(server, CHARTS_ACCOUNT_STORE=f"sqlite:///{tmp_path}/file/books.sqlite3")
    for command in (FETCH, ("accounts",)):
        (line,) = refused(call(*command, cwd=tmp_path, **settings))
        assert "file/books.sqlite3" in line

    assert [] == server.requests


def test_an_unwritable_fixtures_folder_is_found_before_any_call(server: LoopbackServer, tmp_path: Path) -> None:
    """In record mode the folder is tried first, and its setting is named."""
    (tmp_path / "file").write_bytes(b"")
    settings = real(server, CHARTS_API_MODE="record", CHARTS_FIXTURES_DIR=str(tmp_path / "file"))
    (line,) = refused(call(*FETCH, cwd=tmp_path, **settings))

    assert "CHARTS_FIXTURES_DIR" in line
    assert [] == server.requests


@pytest.mark.parametrize(
    "arguments",
    [("fetch",), ("fetch", "A:B", "1h"), ("draw",), ("export", "--jobs", "0"), (*FETCH, "--no-such-option")],
)
def test_wrong_usage_is_exit_code_2(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """Missing and unknown arguments are told on standard error."""
    child = call(*arguments, cwd=tmp_path, **mock(tmp_path / "fixtures"))

    assert (2, "") == (child.returncode, child.stdout)
    assert "Error" in child.stderr


def test_accounts_shows_what_a_fetch_has_used(server: LoopbackServer, tmp_path: Path) -> None:
    """The books in the user's state folder say 0 of 44 before the first call and 1 of 44 after it."""
    server.script.append(answer(200, PNG))

    def used() -> list[str]:
        """Give the cells of the account's row."""
        child = call("accounts", cwd=tmp_path, **real(server))
        assert (0, "") == (child.returncode, child.stderr)
        (row,) = [line for line in child.stdout.splitlines() if "main" in line]
        return row.split()

    before = used()
    assert 0 == call(*FETCH, cwd=tmp_path, **real(server)).returncode
    after = used()

    assert ["main", "BASIC", "AVAILABLE", "0", "44", "44"] == before[:6]
    assert ["main", "BASIC", "AVAILABLE", "1", "44", "43"] == after[:6]
    assert "now" == before[6]


def test_accounts_in_json_is_json_and_nothing_else(server: LoopbackServer, tmp_path: Path) -> None:
    """With XDG_STATE_HOME the books are there, and the document says when a spent account comes back."""
    server.script.append(SPENT)
    settings = real(server, XDG_STATE_HOME=str(tmp_path / "state"))
    call(*FETCH, cwd=tmp_path, **settings)
    child = call("accounts", "--json", cwd=tmp_path, **settings)
    (account,) = json.loads(child.stdout)["accounts"]

    assert (0, "") == (child.returncode, child.stderr)
    assert {"accountId", "state", "used", "limit", "left", "reason", "availableAt", "windowEnd", "plan"} == set(account)
    assert ("main", "EXHAUSTED", 44, 44, 0, "BASIC") == tuple(
        account[name] for name in ("accountId", "state", "used", "limit", "left", "plan")
    )
    assert account["availableAt"] == account["windowEnd"]
    assert account["windowEnd"].endswith("T00:00:00+00:00")
    assert (tmp_path / "state" / "chartimg" / "accounts.sqlite3").is_file()
    assert KEY not in child.stdout


def test_accounts_are_put_right_by_hand(server: LoopbackServer, tmp_path: Path) -> None:
    """Exhausted to the end of the day, and no call is made; a suspended one is used again when it is reinstated."""
    settings = real(server)
    exhausted = call("accounts", "exhaust", "main", "--json", cwd=tmp_path, **settings)
    fetched = call(*FETCH, cwd=tmp_path, **settings)
    reinstated = call("accounts", "reinstate", "main", "--json", cwd=tmp_path, **settings)

    assert [0, 75, 0] == [child.returncode for child in (exhausted, fetched, reinstated)]
    for child in (exhausted, reinstated):  # to reinstate lifts a suspension, not a spent day
        (account,) = json.loads(child.stdout)["accounts"]
        assert ("EXHAUSTED", "marked by hand", 0) == (account["state"], account["reason"], account["left"])
    assert [] == server.requests


@pytest.mark.parametrize("deed", ["exhaust", "reinstate"])
def test_an_account_that_is_not_there_is_one_line(deed: str, server: LoopbackServer, tmp_path: Path) -> None:
    """It says which there are."""
    (line,) = refused(call("accounts", deed, "nobody", cwd=tmp_path, **real(server)))

    assert line == "account 'nobody' does not exist; configured accounts: main"


def test_a_forecast_says_whether_so_many_charts_can_be_had(server: LoopbackServer, tmp_path: Path) -> None:
    """Exit code 0 when they can, and 75 when not all of them can today."""
    few = call("accounts", "forecast", "2", cwd=tmp_path, **real(server))
    many = call("accounts", "forecast", "100", "--json", cwd=tmp_path, **real(server))
    told = json.loads(many.stdout)

    assert (0, True) == (few.returncode, few.stdout.startswith("yes: 2 charts can be had today, the last call at "))
    assert (75, False, 100, 44) == (
        many.returncode,
        told["enough"],
        told["forecast"]["charts"],
        told["forecast"]["today"],
    )
    assert 2 == call("accounts", "forecast", "-1", cwd=tmp_path, **real(server)).returncode
    assert "at most" not in call("accounts", "forecast", "9999999", cwd=tmp_path, **real(server)).stdout


@pytest.mark.parametrize("deed", [("exhaust", "main"), ("reinstate", "main"), ("forecast", "3")])
def test_mock_mode_has_no_accounts_to_put_right(deed: tuple[str, ...], tmp_path: Path) -> None:
    """One line says so."""
    (line,) = refused(call("accounts", *deed, cwd=tmp_path, **mock(tmp_path / "fixtures")))

    assert line == "CHARTS_API_MODE=mock uses no accounts; set it to real"


def test_accounts_in_mock_mode_has_none(tmp_path: Path) -> None:
    """Mock mode needs no accounts, so there are none to show, in either form; no file is made."""
    settings = mock(tmp_path / "fixtures")
    plain = call("accounts", cwd=tmp_path, **settings)
    document = call("accounts", "--json", cwd=tmp_path, **settings)

    assert "mock" in plain.stdout
    assert {"accounts": []} == json.loads(document.stdout)
    assert not (tmp_path / "home").exists()


def test_export_writes_a_whole_grid(tmp_path: Path) -> None:
    """Symbols times timeframes times templates, given with commas or several times, are files and one manifest."""
    names = [f"BINANCE_{s}__{t}__{i}" for s in ("BTCUSDT", "ETHUSDT") for t in ("1h", "4h") for i in SHIPPED]
    child = call(
        "export",
        *("--symbols", "BTCUSDT,BINANCE:BTCUSDT", "--symbols", "ETHUSDT"),
        *("--timeframes", "1h, 4h,1h", "--out", "charts"),
        cwd=tmp_path,
        **mock(tmp_path / "fixtures", *names),
    )

    assert 0 == child.returncode
    assert {"manifest.json", *(f"{name}.png" for name in names)} == {p.name for p in (tmp_path / "charts").iterdir()}
    assert 20 == json.loads((tmp_path / "charts" / "manifest.json").read_bytes())["requested"]
    assert "20 of 20 charts" in child.stdout


def test_export_in_json_is_the_manifest(tmp_path: Path) -> None:
    """With --json standard output is the manifest that is on disk; a chart that is missing is exit code 1."""
    settings = mock(tmp_path / "fixtures", f"BINANCE_BTCUSDT__1h__{TEMPLATE}")
    grid = ("--symbols", "BTCUSDT", "--timeframes", "1h,4h", "--templates", TEMPLATE, "--out", "charts")
    child = call("export", *grid, "--json", cwd=tmp_path, **settings)
    manifest: dict[str, Any] = json.loads(child.stdout)

    assert 1 == child.returncode
    assert manifest == json.loads((tmp_path / "charts" / "manifest.json").read_bytes())
    assert {"schemaVersion", "createdAt", "requested", "items", "failures"} == set(manifest)
    assert ["1h"] == [item["timeframe"] for item in manifest["items"]]
    assert [("4h", "CHART_API_MOCK_MISSING")] == [(each["timeframe"], each["code"]) for each in manifest["failures"]]


def test_the_version_is_the_library_s(tmp_path: Path) -> None:
    """--version prints one line and needs no settings."""
    child = call("--version", cwd=tmp_path)

    assert (0, "chartimg 0.1.0\n".replace("0.1.0", chartimg.__version__), "") == (
        child.returncode,
        child.stdout,
        child.stderr,
    )


def test_verbose_logs_on_standard_error(server: LoopbackServer, tmp_path: Path) -> None:
    """With -v the events are lines on standard error, without a key; standard output is as before."""
    server.script.append(answer(200, PNG))
    child = run("-v", *FETCH, "--json", cwd=tmp_path, **real(server))

    assert 0 == child.returncode
    assert json.loads(child.stdout)["ok"]
    assert "chart_api_call_start" in child.stderr
    assert "chart_api_call_finished" in child.stderr
    assert KEY not in child.stderr


@pytest.mark.parametrize("hidden", ["typer", "rich"])
def test_without_the_extra_one_line_says_what_to_install(hidden: str, tmp_path: Path) -> None:
    """Where the command's libraries are not installed it says so in one line, with exit code 2."""
    code = """
        import runpy, sys
        sys.modules[sys.argv.pop(1)] = None  # what is None here can't be found or imported
        sys.argv[0] = "chartimg"
        runpy.run_module("chartimg", run_name="__main__")
    """
    child = run_python("\n".join(line.strip() for line in code.splitlines()), hidden, *FETCH, cwd=tmp_path)

    (line,) = refused(child)
    assert "pip install '.[cli]'" in line


@pytest.mark.parametrize("arguments", [("--json",), ()])
def test_any_symbol_can_be_printed_on_any_terminal(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """A symbol outside the terminal's encoding is written some other way, not answered with a traceback."""
    symbol = "TSE:東京"  # as it is written there
    folder = tmp_path / "fixtures"
    child = run(
        *("fetch", symbol, "1h", "--template", TEMPLATE, "--out", "chart.png", *arguments),
        cwd=tmp_path,
        PYTHONIOENCODING="ascii",
        **mock(folder, f"TSE_{''.join(f'%{byte:02X}' for byte in '東京'.encode())}__1h__{TEMPLATE}"),
    )

    assert 0 == child.returncode
    if arguments:
        assert symbol == json.loads(child.stdout)["symbol"]


def test_an_export_can_be_printed_on_any_terminal(tmp_path: Path) -> None:
    """The table of a run goes to a stream that can't write every symbol, and the exit code is that of the charts."""
    folder = tmp_path / "fixtures"
    settings = mock(folder, f"TSE_{''.join(f'%{byte:02X}' for byte in '東京'.encode())}__1h__{TEMPLATE}")
    grid = ("--symbols", "TSE:東京", "--timeframes", "1h", "--templates", TEMPLATE, "--out", "out")
    child = run("export", *grid, cwd=tmp_path, PYTHONIOENCODING="ascii", **settings)

    assert 0 == child.returncode
    assert "1 of 1 chart" in child.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_output_that_can_not_be_written_is_one_line(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """The picture is there all the same."""
    settings = mock(tmp_path / "fixtures", f"BINANCE_BTCUSDT__1h__{TEMPLATE}")
    with Path("/dev/full").open("wb") as full:
        child = subprocess.run(
            [sys.executable, "-m", "chartimg", *FETCH, *arguments],
            cwd=tmp_path,
            env=environment(tmp_path / "home", **settings),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert (1, "chartimg: standard output can't be written: No space left on device\n") == (
        child.returncode,
        child.stderr,
    )
    assert PNG == (tmp_path / "chart.png").read_bytes()


def test_an_out_that_is_a_link_or_a_pipe_stays_one(tmp_path: Path) -> None:
    """What a link points at is written, and a device or a pipe is written to; neither is replaced."""
    settings = mock(tmp_path / "fixtures", f"BINANCE_BTCUSDT__1h__{TEMPLATE}")
    (tmp_path / "there").mkdir()
    (tmp_path / "link.png").symlink_to("there/real.png")
    linked = call(*FETCH[:-1], "link.png", cwd=tmp_path, **settings)
    os.mkfifo(tmp_path / "pipe")
    reading = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    piped = call(*FETCH[:-1], "pipe", cwd=tmp_path, **settings)
    received = os.read(reading, 1 << 20)
    os.close(reading)

    assert (0, 0) == (linked.returncode, piped.returncode)
    assert (tmp_path / "link.png").is_symlink()
    assert PNG == (tmp_path / "there" / "real.png").read_bytes() == received
    assert (tmp_path / "pipe").is_fifo()


def test_a_file_of_the_user_s_in_the_folder_of_out_stays(tmp_path: Path) -> None:
    """Trying whether a folder can be written leaves every name alone."""
    (tmp_path / ".chartimg-probe").write_bytes(b"mine")
    call(*FETCH, cwd=tmp_path, **mock(tmp_path / "fixtures", f"BINANCE_BTCUSDT__1h__{TEMPLATE}"))

    assert b"mine" == (tmp_path / ".chartimg-probe").read_bytes()


def test_a_name_that_is_too_long_is_one_line(tmp_path: Path) -> None:
    """It can't be a file, and nothing is fetched for it."""
    (line,) = refused(call(*FETCH[:-1], 300 * "a" + ".png", cwd=tmp_path, **mock(tmp_path / "fixtures")))

    assert line.endswith("File name too long")


@pytest.mark.parametrize("folder", ["nowhere", "file", 300 * "a"])
def test_a_fixtures_folder_that_is_none_is_one_line(folder: str, tmp_path: Path) -> None:
    """For mock mode, where everything would be missing from it."""
    (tmp_path / "file").write_bytes(b"")
    grid = ("export", "--symbols", "A:B,A:C", "--timeframes", "1h", "--out", "out")
    for command in (FETCH, grid):
        (line,) = refused(call(*command, cwd=tmp_path, CHARTS_API_MODE="mock", CHARTS_FIXTURES_DIR=folder))

        assert f"the fixtures folder {folder} does not exist" in line


def test_a_reader_that_leaves_is_no_traceback(tmp_path: Path) -> None:
    """Output into a pipe that nobody reads any more ends the command quietly, after the picture is written."""
    settings = mock(tmp_path / "fixtures", f"BINANCE_BTCUSDT__1h__{TEMPLATE}")
    reading, writing = os.pipe()
    os.close(reading)
    try:
        child = subprocess.run(
            [sys.executable, "-m", "chartimg", *FETCH, "--json"],
            cwd=tmp_path,
            env=environment(tmp_path / "home", **settings),
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writing)

    assert "Traceback" not in child.stderr
    assert "BrokenPipe" not in child.stderr
    assert PNG == (tmp_path / "chart.png").read_bytes()


def test_a_doubtful_picture_is_kept_and_told(tmp_path: Path) -> None:
    """Each warning is one line on standard error, the picture is in its file, and the exit code is 0."""
    settings = mock(tmp_path / "fixtures")
    (tmp_path / "fixtures" / f"BINANCE_BTCUSDT__1h__{TEMPLATE}.png").write_bytes(picture(400, 1))
    child = call(*FETCH, cwd=tmp_path, **settings)

    assert 0 == child.returncode
    assert [
        f"chartimg: BINANCE:BTCUSDT 1h {TEMPLATE}: {warning}"
        for warning in (
            "width: WARNING: the picture is 400 pixels wide; 800 were asked for",
            "height: WARNING: the picture is 1 pixel high; 600 were asked for",
        )
    ] == child.stderr.splitlines()
    assert picture(400, 1) == (tmp_path / "chart.png").read_bytes()


def test_warnings_are_in_the_json(tmp_path: Path) -> None:
    """As objects, for programs; standard error still has them for people."""
    settings = mock(tmp_path / "fixtures")
    (tmp_path / "fixtures" / f"BINANCE_BTCUSDT__1h__{TEMPLATE}.png").write_bytes(picture(800, 300))
    child = call(*FETCH, "--json", cwd=tmp_path, **settings)

    assert json.loads(child.stdout)["warnings"] == [
        {
            "path": "height",
            "severity": "WARNING",
            "message": "the picture is 300 pixels high; 600 were asked for",
            "suggestion": None,
        }
    ]
    assert 1 == len(child.stderr.splitlines())
    assert 0 == child.returncode
