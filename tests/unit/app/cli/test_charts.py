"""The commands ``chartimg fetch`` and ``chartimg export``: files, messages, JSON, and mistakes found before a call."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shlex
import socket
import stat
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from chartimg.adapters.recording import RecordingTransport
from chartimg.adapters.templates import load_templates
from chartimg.domain.chart import ChartRequest
from chartimg.domain.reply import Reply
from chartimg.testing import ScriptedTransport, picture
from command import call, environment, plain, run_bound
from fetching import FETCH, FIXTURE, PNG, TEMPLATE, mock, real, refused
from limits import small_files
from loopback import LoopbackServer, answer

SHIPPED = tuple(load_templates())


def test_fetch_makes_the_folder_of_its_file(tmp_path: Path) -> None:
    """Missing folders in the path of a file are made."""
    settings = mock(tmp_path / "fixtures", FIXTURE)
    child = call(*FETCH[:-1], "new/deeper/chart.png", cwd=tmp_path, **settings)

    assert 0 == child.returncode
    assert ["chart.png"] == [path.name for path in (tmp_path / "new" / "deeper").iterdir()]


def test_fetch_in_json_is_json_and_nothing_else(server: LoopbackServer, tmp_path: Path) -> None:
    """With --json standard output is one document with the documented fields of the call."""
    server.script.append(answer(200, PNG))
    child = call(*FETCH, "--json", cwd=tmp_path, **real(server))
    report: dict[str, Any] = json.loads(child.stdout)
    attempts, taken_at = report.pop("attempts"), datetime.fromisoformat(report.pop("takenAt"))

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
        "source": "HTTP",
        "fromFixture": False,
        "fixturePath": None,
        "accountId": "main",
        "error": None,
        "warnings": [],
    }
    assert taken_at >= datetime.fromisoformat(attempts[0]["startedAt"])
    assert [{"accountId", "startedAt", "duration", "httpStatus", "kind"}] == [set(attempt) for attempt in attempts]


def test_a_failed_fetch_in_json_is_json_too(tmp_path: Path) -> None:
    """With --json an error is in the document with its code, and the exit code is the same as without."""
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
    """A picture from a fixture is reported with its file, and the user's state folder is not touched."""
    settings = mock(tmp_path / "fixtures", FIXTURE)
    child = call(*FETCH, cwd=tmp_path, **settings)

    assert 0 == child.returncode
    assert f"fixture {tmp_path}/fixtures/{FIXTURE}.png" in child.stdout
    assert not (tmp_path / "home").exists()


def test_a_symbol_without_an_exchange_goes_through_the_pattern_of_the_template(
    server: LoopbackServer, tmp_path: Path
) -> None:
    """A symbol without an exchange gets the exchange of the template; any other symbol stays as it is."""
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


def test_a_bare_symbol_that_is_no_pair_is_not_posted(server: LoopbackServer, tmp_path: Path) -> None:
    """A bare stock is not sent to the exchange of the template, which lists pairs alone; the exchanges that are named get it."""
    server.otherwise = answer(200, PNG)
    commands = {
        2: ("export", "--symbols", "AAPL", "--timeframes", "1D", "--templates", TEMPLATE, "--out", "charts"),
        1: ("fetch", "AAPL", "1D", "--template", TEMPLATE, "--out", "c.png"),
    }
    for code, command in commands.items():
        child = call(*command, cwd=tmp_path, **real(server))

        assert (code, []) == (child.returncode, server.requests)
        assert 'symbol: "AAPL" has no exchange; write it like BINANCE:BTCUSDT' in child.stderr
    for command in commands.values():
        assert 0 == call(*command, "--on-invalid-symbol", "NASDAQ", cwd=tmp_path, **real(server)).returncode
    assert ["NASDAQ:AAPL"] * 2 == [json.loads(each.body)["symbol"] for each in server.requests]
    stored = call("store", "AAPL", "1D", "--template", TEMPLATE, cwd=tmp_path, **real(server))
    assert (1, 2) == (stored.returncode, len(server.requests))


@pytest.mark.parametrize("command", ["fetch", "export"])
def test_a_doubt_is_printed_before_the_unit_is_spent(command: str, server: LoopbackServer, tmp_path: Path) -> None:
    """The WARNING about a stock on an exchange of coins stands on standard error when the provider gets the call."""
    told: list[bytes] = []

    def look(connection: socket.socket, closing: threading.Event) -> bool:
        """Keep the errors printed so far, and answer."""
        assert isinstance(sys.stderr.buffer, io.BytesIO)
        told.append(sys.stderr.buffer.getvalue())
        return answer(200, PNG)(connection, closing)

    server.otherwise = look
    arguments = {
        "fetch": ("fetch", "BINANCE:AAPL", "1D", "--template", TEMPLATE, "--out", "c.png"),
        "export": (
            "export",
            "--symbols",
            "BINANCE:AAPL",
            "--timeframes",
            "1D",
            "--templates",
            TEMPLATE,
            "--out",
            "charts",
        ),
    }[command]
    child = call(*arguments, cwd=tmp_path, **real(server))

    assert 0 == child.returncode
    (line,) = (each.decode() for each in told)
    assert line.startswith(f'chartimg: BINANCE:AAPL 1D {TEMPLATE}: symbol: WARNING: "AAPL" is evidently not a pair')
    assert (command == "fetch") is (
        line == "".join(f"{each}\n" for each in child.stderr.splitlines() if "symbol" in each)
    )


def test_a_fixture_of_another_body_is_told(tmp_path: Path) -> None:
    """A fixture that was recorded for another body than that of the template today is replayed, and a warning says so."""
    bare = ChartRequest("BINANCE:BTCUSDT", "1h", TEMPLATE, {"theme": "light"})
    RecordingTransport(ScriptedTransport([Reply(200, body=picture(800, 600))]), tmp_path / "fixtures").send(bare, None)
    child = call(*FETCH, cwd=tmp_path, **mock(tmp_path / "fixtures"))

    assert 0 == child.returncode
    assert f"chartimg: BINANCE:BTCUSDT 1h {TEMPLATE}: WARNING: " in child.stderr
    assert "recorded for another body" in child.stderr


@pytest.mark.parametrize(
    ("template", "message"),
    [("price_pasr_adi_v1", f"did you mean {TEMPLATE}?"), ("zzz", f"the templates are {', '.join(SHIPPED)}")],
)
def test_an_unknown_template_is_answered_with_what_there_is(template: str, message: str, tmp_path: Path) -> None:
    """A near miss of a template id gets a suggestion, and any other id the list of ids."""
    child = call("fetch", "A:B", "1h", "--template", template, "--out", "c.png", cwd=tmp_path, **mock(tmp_path / "f"))

    (line,) = refused(child)
    assert f"'{template}'" in line
    assert message in line
    assert not (tmp_path / "c.png").exists()


@pytest.mark.parametrize(
    ("symbol", "timeframe", "message"),
    [
        ("", "1h", "symbol: is empty"),
        ("A:B", "", "interval: is empty"),
        ("A:B", "1h\n", "space around it"),
        ("A:\tB", "1h", "control character"),
        (os.fsdecode(b"A:\xff"), "1h", "a lone surrogate"),
    ],
)
def test_a_bad_symbol_or_timeframe_is_reported(symbol: str, timeframe: str, message: str, tmp_path: Path) -> None:
    """A symbol or a timeframe that can't be right is exit code 2 and one line, and no file is written."""
    settings = mock(tmp_path / "fixtures")
    child = call("fetch", symbol, timeframe, "--template", TEMPLATE, "--out", "new/c.png", cwd=tmp_path, **settings)

    lines = refused(child)
    assert message in " ".join(lines)
    assert 1 == len(lines)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("option", ["--symbols", "--timeframes", "--templates"])
def test_an_empty_part_of_a_list_is_reported(option: str, tmp_path: Path) -> None:
    """A comma too many is exit code 2, and the message names the option."""
    given = {"--symbols": "A:B", "--timeframes": "1h", "--templates": TEMPLATE} | {option: "A,,B"}
    arguments = [word for pair in given.items() for word in pair]
    (line,) = refused(call("export", *arguments, "--out", "o", cwd=tmp_path, **mock(tmp_path / "fixtures")))

    assert line.startswith(option)
    assert not (tmp_path / "o").exists()


def test_every_bad_template_is_reported(tmp_path: Path) -> None:
    """An export of all names each template that can't be used, with its file and the mistake in it; others can be used."""
    good = {"id": "none", "description": "", "chartImgSymbolTemplate": "A:{symbol}"}
    templates = {
        "text": ("{", "is not JSON"),
        "fields": ('{"id": "fields"}', "is missing"),
        "other": (json.dumps(good), "the file's name"),
        "pattern": (json.dumps({**good, "id": "pattern", "chartImgSymbolTemplate": "A:B"}), "{symbol}"),
        "extra": (json.dumps({**good, "id": "extra", "symbol": "A:B"}), "unknown field symbol"),
    }
    folder = tmp_path / "templates"
    (folder / "folder.json").mkdir(parents=True)
    for name, (content, _) in templates.items():
        (folder / f"{name}.json").write_text(content, encoding="utf-8")
    settings = mock(tmp_path / "fixtures", FIXTURE, f"{FIXTURE[: -len(TEMPLATE)]}none")
    settings["CHARTS_TEMPLATES_DIR"] = str(folder)
    (folder / "none.json").write_text(json.dumps(good), encoding="utf-8")
    export = ("export", "--symbols", "BINANCE:BTCUSDT", "--timeframes", "1h", "--out", "charts")
    lines = refused(call(*export, cwd=tmp_path, **settings))

    assert 0 == call(*FETCH, cwd=tmp_path, **settings).returncode
    assert 0 == call(*export, "--templates", f"none,{TEMPLATE}", cwd=tmp_path, **settings).returncode
    for name, (_, message) in {**templates, "folder": ("", "can't be read")}.items():
        assert any(str(folder / f"{name}.json") in line and message in line for line in lines), (name, lines)


def test_a_folder_without_templates_leaves_those_that_ship(tmp_path: Path) -> None:
    """With an empty folder of templates, those that ship can be fetched."""
    (tmp_path / "templates").mkdir()
    child = call(*FETCH, cwd=tmp_path, CHARTS_TEMPLATES_DIR="templates", **mock(tmp_path / "fixtures", FIXTURE))

    assert 0 == child.returncode


def test_folders_without_permission_are_reported(tmp_path: Path) -> None:
    """A templates folder that can't be read, and an --out that can't be written, are one line each."""
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0)
    settings = mock(tmp_path / "fixtures", FIXTURE)
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
    """If --out is a folder, or its folder is a file, one line says so and no call is made."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"mine")
    (line,) = refused(call(*FETCH[:-1], out, cwd=tmp_path, **real(server)))

    assert line.startswith("--out")
    assert there in line
    assert [] == server.requests
    assert b"mine" == (tmp_path / "file").read_bytes()


def test_an_unwritable_fixtures_folder_is_found_before_any_call(server: LoopbackServer, tmp_path: Path) -> None:
    """In record mode a fixtures folder that can't be written is reported with its setting, before any call."""
    (tmp_path / "file").write_bytes(b"")
    settings = real(server, CHARTS_API_MODE="record", CHARTS_FIXTURES_DIR=str(tmp_path / "file"))
    (line,) = refused(call(*FETCH, cwd=tmp_path, **settings))

    assert "CHARTS_FIXTURES_DIR" in line
    assert [] == server.requests


def test_export_writes_a_whole_grid(tmp_path: Path) -> None:
    """An export writes a file for each symbol, timeframe and template, and a manifest of all of them."""
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
    """With --json standard output is the manifest on disk, and a missing chart is exit code 1."""
    settings = mock(tmp_path / "fixtures", FIXTURE)
    grid = ("--symbols", "BTCUSDT", "--timeframes", "1h,4h", "--templates", TEMPLATE, "--out", "charts")
    child = call("export", *grid, "--json", cwd=tmp_path, **settings)
    manifest: dict[str, Any] = json.loads(child.stdout)

    assert 1 == child.returncode
    assert manifest == json.loads((tmp_path / "charts" / "manifest.json").read_bytes())
    assert {"schemaVersion", "createdAt", "requested", "items", "failures"} == set(manifest)
    assert ["1h"] == [item["timeframe"] for item in manifest["items"]]
    assert [("4h", "CHART_API_MOCK_MISSING")] == [(each["timeframe"], each["code"]) for each in manifest["failures"]]


def test_an_out_that_is_a_link_or_a_pipe_stays_one(tmp_path: Path) -> None:
    """The target of a link is written, and so is a pipe; the link and the pipe are not replaced."""
    settings = mock(tmp_path / "fixtures", FIXTURE)
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
    """A file of the user keeps its content although chartimg tries the folder first."""
    (tmp_path / ".chartimg-probe").write_bytes(b"mine")
    call(*FETCH, cwd=tmp_path, **mock(tmp_path / "fixtures", FIXTURE))

    assert b"mine" == (tmp_path / ".chartimg-probe").read_bytes()


def test_a_name_that_is_too_long_is_one_line(tmp_path: Path) -> None:
    """A name that is too long for a file is one line, and no chart is fetched."""
    (line,) = refused(call(*FETCH[:-1], 300 * "a" + ".png", cwd=tmp_path, **mock(tmp_path / "fixtures")))

    assert line.endswith("File name too long")


@pytest.mark.parametrize("folder", ["nowhere", "file", 300 * "a"])
def test_a_fixtures_folder_that_does_not_exist_is_one_line(folder: str, tmp_path: Path) -> None:
    """A missing fixtures folder is one line in the same words from each command, however many charts are wanted."""
    (tmp_path / "file").write_bytes(b"")
    grid = ("export", "--symbols", "A:B,A:C", "--timeframes", "1h", "--out", "out")
    for command in (FETCH, grid, ("fixtures", "list")):
        (line,) = refused(call(*command, cwd=tmp_path, CHARTS_API_MODE="mock", CHARTS_FIXTURES_DIR=folder))

        assert f"the fixtures folder {folder} does not exist; set CHARTS_FIXTURES_DIR to one that does" == line


def test_a_paid_picture_that_can_not_be_written_is_one_line_with_its_cost(
    server: LoopbackServer, tmp_path: Path
) -> None:
    """If the file of --out fails after the call, one line says the cause and the cost, and the code is 1."""
    server.script.append(answer(200, picture(12_000, 12_000)))
    with small_files(12_000):
        child = call(*FETCH, cwd=tmp_path, **real(server, CHARTS_ACCOUNT_STORE="memory://"))

    assert (1, "") == (child.returncode, child.stdout)
    line = "chartimg: --out: chart.png can't be written: File too large; 1 call stays charged: 1 to main\n"
    assert line == child.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize(
    ("reader", "cause"),
    [
        (">/dev/full", "--out: standard output can't be written: No space left on device"),
        ("| true", "the reader of standard output has left"),
    ],
)
@pytest.mark.gate
def test_a_paid_picture_that_standard_output_loses_is_one_line_with_its_cost(
    reader: str, cause: str, server: LoopbackServer, tmp_path: Path
) -> None:
    """If standard output fails under a paid picture, one line says the cause and the cost."""
    server.script.append(answer(200, picture(1200, 1200)))
    command = shlex.join((sys.executable, "-m", "chartimg", *FETCH[:-1], "-"))
    child = subprocess.run(
        ("sh", "-c", f"{command} {reader}"),
        cwd=tmp_path,
        env=environment(tmp_path / "home", **real(server, CHARTS_ACCOUNT_STORE="memory://")),
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )

    assert f"chartimg: {cause}; 1 call stays charged: 1 to main\n" == child.stderr


def test_an_export_into_a_folder_that_fails_pays_for_the_charts_in_flight_alone(
    server: LoopbackServer, tmp_path: Path
) -> None:
    """If no whole picture fits on the disk, one job makes one call, the cost and the cause are told, and the code is 1."""
    server.otherwise = answer(200, picture(12_000, 12_000))
    symbols = ",".join(f"NASDAQ:{number}" for number in range(20))
    with small_files(12_000):
        child = call(
            *("export", "--symbols", symbols, "--timeframes", "1h", "--templates", TEMPLATE, "--jobs", "1"),
            *("--out", "out"),
            cwd=tmp_path,
            **real(server, CHARTS_ACCOUNT_STORE="memory://"),
        )

    assert (1, 1) == (child.returncode, len(server.requests))
    assert "0 charts from fixtures, 1 call made" in plain(child.stdout)
    assert (1, 19) == (child.stdout.count("WRITE_FAILED"), child.stdout.count("INTERRUPTED"))
    (line,) = (line for line in child.stderr.splitlines() if line.startswith("chartimg: "))
    assert line == (
        "chartimg: no further chart was begun, since out/NASDAQ_0__1h__price_psar_adi_v1.png can't be written: "
        "File too large; make the folder writable or name another"
    )


def test_a_doubtful_picture_is_kept_and_reported(tmp_path: Path) -> None:
    """A doubtful picture is written, each warning is a line on standard error, and the exit code is 0."""
    settings = mock(tmp_path / "fixtures")
    (tmp_path / "fixtures" / f"{FIXTURE}.png").write_bytes(picture(400, 1))
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


def test_a_picture_that_can_not_be_recorded_is_kept_and_reported(server: LoopbackServer, tmp_path: Path) -> None:
    """In record mode a picture without room for its fixture is written all the same, and the warning states the reason."""
    large = picture(12_000, 12_000)
    server.script.append(answer(200, large))
    fixtures, out = tmp_path / "fixtures", tmp_path / "pipe"
    os.mkfifo(out)
    reader = threading.Thread(target=out.read_bytes)
    reader.start()
    with small_files(1000):
        child = call(
            *(*FETCH[:-1], str(out), "--json"),
            cwd=tmp_path,
            **real(server, CHARTS_API_MODE="record", CHARTS_FIXTURES_DIR="fixtures", CHARTS_ACCOUNT_STORE="memory://"),
        )
    reader.join()
    warnings = [each["message"] for each in json.loads(child.stdout)["warnings"]]

    assert (0, []) == (child.returncode, list(fixtures.iterdir()))
    path = f"fixtures/{FIXTURE}.png"
    assert f"the reply could not be recorded as a fixture: {path}: File too large" in warnings
    assert f"could not be recorded as a fixture: {path}" in child.stderr


def test_warnings_are_in_the_json(tmp_path: Path) -> None:
    """With --json warnings are objects in the document and also lines on standard error."""
    settings = mock(tmp_path / "fixtures")
    (tmp_path / "fixtures" / f"{FIXTURE}.png").write_bytes(picture(800, 300))
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


def test_a_templates_folder_that_is_a_file_is_reported(tmp_path: Path) -> None:
    """If CHARTS_TEMPLATES_DIR names a file, one line says so."""
    (tmp_path / "file").write_bytes(b"")
    child = call(*FETCH, cwd=tmp_path, CHARTS_TEMPLATES_DIR=str(tmp_path / "file"), **mock(tmp_path / "fixtures"))

    (line,) = refused(child)
    assert line.startswith("CHARTS_TEMPLATES_DIR")


def test_an_export_into_a_file_is_refused_with_advice(tmp_path: Path) -> None:
    """If --out of an export names a file, one line says so and asks for a folder."""
    (tmp_path / "file").write_bytes(b"mine")
    grid = ("export", "--symbols", "BTCUSDT", "--timeframes", "1h", "--out", "file")

    assert ["--out: file is not a folder; name a folder"] == refused(call(*grid, cwd=tmp_path, **mock(tmp_path)))


INVALID = answer(422, b'{"message":"Invalid Symbol"}')


def test_fetch_tries_the_exchanges_that_the_option_names(server: LoopbackServer, tmp_path: Path) -> None:
    """With --on-invalid-symbol the ticker of a refused symbol is asked for there, and a warning says so."""
    server.script += [INVALID, answer(200, PNG)]
    child = call(*FETCH, "--on-invalid-symbol", "BYBIT,OKX", cwd=tmp_path, **real(server))

    assert 0 == child.returncode
    assert ["BINANCE:BTCUSDT", "BYBIT:BTCUSDT"] == [json.loads(each.body)["symbol"] for each in server.requests]
    assert (
        "symbol: WARNING: drawn at BYBIT, as BYBIT:BTCUSDT, since the provider refused BINANCE:BTCUSDT" in child.stderr
    )


def test_a_layout_may_be_changed_like_a_chart(server: LoopbackServer, tmp_path: Path) -> None:
    """Both options hold for the symbol and the size of a layout, too."""
    server.script += [INVALID, answer(200, PNG)]
    (tmp_path / "body.json").write_text('{"width": 1600, "height": 1200}')
    options = ("--symbol", "NYSE:AAPL", "--body", "body.json", "--fit", "plan", "--on-invalid-symbol", "NASDAQ")
    child = call("layout", "abc", *options, "--out", "chart.png", cwd=tmp_path, **real(server))

    assert 0 == child.returncode
    assert {"symbol": "NASDAQ:AAPL", "width": 800, "height": 600} == json.loads(server.requests[1].body)


def test_fetch_makes_a_template_smaller_that_no_plan_allows(server: LoopbackServer, tmp_path: Path) -> None:
    """Without --fit plan the template is a mistake; with it the chart is cut, and a warning says so."""
    server.script.append(answer(200, PNG))
    template = {
        "id": "wide",
        "description": "Wide",
        "chartImgSymbolTemplate": "BINANCE:{symbol}",
        "request": {"width": 1600, "height": 1200},
    }
    (tmp_path / "wide.json").write_text(json.dumps(template))
    command = ("fetch", "BTCUSDT", "1h", "--template", "wide", "--out", "chart.png")
    settings = real(server, CHARTS_TEMPLATES_DIR=str(tmp_path))
    whole, cut = call(*command, cwd=tmp_path, **settings), call(*command, "--fit", "plan", cwd=tmp_path, **settings)

    assert "1600 is more than BASIC allows" in refused(whole)[0]
    assert 0 == cut.returncode
    assert "width: WARNING: the chart is 800x600 in place of 1600x1200, since BASIC allows 800x600" in cut.stderr


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--fit", "PRO", "--fit must be plan, not 'PRO'"),
        (
            "--on-invalid-symbol",
            "NASDAQ:",
            "--on-invalid-symbol must be names of exchanges, such as NASDAQ and NYSE, not 'NASDAQ:'",
        ),
        ("--on-invalid-symbol", "NYSE,", "--on-invalid-symbol has an empty part: 'NYSE,'"),
    ],
)
def test_a_wrong_change_is_a_mistake_of_the_option(option: str, value: str, message: str, tmp_path: Path) -> None:
    """The message names the option."""
    child = call(*FETCH, option, value, cwd=tmp_path, **mock(tmp_path / "fixtures", FIXTURE))

    assert [message] == refused(child)
