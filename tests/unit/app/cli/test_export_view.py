"""How an export looks: bars on a terminal, plain lines otherwise, and a table that can hold any text."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest

from chartimg.app.cli.export_view import following, show_manifest
from chartimg.app.export.manifest import ExportFailure, ExportItem, Manifest
from chartimg.domain.finding import Finding, Severity
from command import call, environment, lines, plain
from fetching import FIXTURE, mock
from patience import LONG

NOW = datetime.now(UTC)
ITEM = ExportItem(
    *("A:B", "1h", "price_v1", "A_B__1h__price_v1.png", 61_234, "0" * 64, 800, 600),
    from_fixture=False,
    account_id="main",
    calls=1,
)
REPLAYED = attrs.evolve(ITEM, timeframe="4h", bytes=1_000, from_fixture=True, account_id=None, calls=0)
DOUBTFUL = attrs.evolve(
    ITEM,
    symbol="[i]E:F[/i]",
    warnings=(
        Finding("width", Severity.WARNING, "the picture is 400 pixels wide; 800 were asked for"),
        Finding("", Severity.WARNING, "word " * 60 + "end"),
    ),
)
FAILURE = ExportFailure("[bold]X:Y[/bold]", "1h", "price_v1", "CHART_API_FAILED", "HTTP 503: [red]busy[/red]")
EXPORT = (
    *("export", "--symbols", "BTCUSDT", "--timeframes", "1h,4h", "--templates", "price_psar_adi_v1"),
    *("--out", "out", "--jobs", "1"),
)


def test_without_a_terminal_there_is_one_plain_line_for_each_chart(tmp_path: Path) -> None:
    """In a pipe each chart is a numbered line on standard error, and the table is on standard output, without colours."""
    child = call(*EXPORT, cwd=tmp_path, **mock(tmp_path / "fixtures", FIXTURE))
    first, second = child.stderr.splitlines()

    assert first.startswith("[1/2] BINANCE:BTCUSDT 1h price_psar_adi_v1: ")
    assert first.endswith(".png (fixture)")
    assert second.startswith("[2/2] BINANCE:BTCUSDT 4h price_psar_adi_v1: CHART_API_MOCK_MISSING (FIXTURE_MISSING): ")
    assert "1 of 2 charts" in child.stdout
    assert "\nFIXTURE_MISSING: see docs/errors.md#fixture_missing\n" in child.stdout
    assert "pictures and manifest.json are in out" in child.stdout
    assert "\x1b" not in child.stdout + child.stderr


def test_on_a_terminal_there_is_a_bar(tmp_path: Path) -> None:
    """On a terminal a bar counts the charts, and a failure is a line above it."""
    pty = pytest.importorskip("pty")
    settings = environment(
        tmp_path / "home", **mock(tmp_path / "fixtures", FIXTURE), TERM="xterm-256color", COLUMNS="200"
    )
    outside, inside = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "chartimg", *EXPORT],
        cwd=tmp_path,
        env=settings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=inside,
    ) as child:
        os.close(inside)
        shown = _read_to_the_end(outside)
        os.close(outside)
        child.communicate(timeout=LONG)

    assert 1 == child.returncode
    assert "\x1b[" in shown
    assert "━━" in shown
    assert "2/2" in shown
    assert "CHART_API_MOCK_MISSING" in shown
    assert "[1/2]" not in shown
    assert "Traceback" not in shown


def _read_to_the_end(terminal: int) -> str:
    """Read from *terminal* until its other side is closed; Linux reports that as an error."""
    pieces: list[bytes] = []
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            piece = b""
        if not piece:
            return b"".join(pieces).decode("utf-8", "replace")
        pieces.append(piece)


def test_nothing_in_a_line_is_markup(capsys: pytest.CaptureFixture[str]) -> None:
    """Square brackets in a symbol or a message are printed as they are, and a long message stays on one line."""
    long = ExportFailure("A:B", "1h", "price_v1", "CHART_API_FAILED", "word " * 200 + "end")
    with following(2) as on_end:
        on_end(FAILURE)
        on_end(long)
    first, second = capsys.readouterr().err.splitlines()

    assert first == "[1/2] [bold]X:Y[/bold] 1h price_v1: CHART_API_FAILED: HTTP 503: [red]busy[/red]"
    assert second.endswith("word end")


def test_a_line_of_a_chart_ends_with_what_is_doubtful(capsys: pytest.CaptureFixture[str]) -> None:
    """The warnings of a chart end its line; a chart without warnings has a line with its file alone."""
    with following(2) as on_end:
        on_end(DOUBTFUL)
        on_end(ITEM)
    first, second = capsys.readouterr().err.splitlines()

    assert first.startswith(
        "[1/2] [i]E:F[/i] 1h price_v1: A_B__1h__price_v1.png (main); width: WARNING: the picture is 400"
    )
    assert first.endswith("word end")
    assert second == "[2/2] A:B 1h price_v1: A_B__1h__price_v1.png (main)"


@pytest.mark.usefixtures("terminal")
def test_on_a_terminal_a_chart_has_a_line_if_it_is_doubtful(capsys: pytest.CaptureFixture[str]) -> None:
    """On a terminal a chart with a warning has a line, and a chart without one only moves the bar."""
    with following(2) as on_end:
        on_end(ITEM)
        on_end(DOUBTFUL)
    shown = plain(capsys.readouterr().err)

    assert "[i]E:F[/i] 1h price_v1: A_B__1h__price_v1.png (main); width: WARNING: the picture is 400 pixels" in shown
    assert "A:B 1h" not in shown
    assert "2/2" in shown


def test_warnings_are_counted_in_the_table_and_reported_beneath_it(capsys: pytest.CaptureFixture[str]) -> None:
    """The table counts the warnings of each chart, and each warning is a whole line below it."""
    single = attrs.evolve(DOUBTFUL, symbol="G:H", warnings=DOUBTFUL.warnings[:1])
    show_manifest(Manifest(NOW, 3, (ITEM, DOUBTFUL, single), ()), Path("out"), 0)
    shown = capsys.readouterr().out.splitlines()
    rows = {line.split()[0]: line.rstrip() for line in shown[3:6]}

    assert rows["A:B"].endswith(" ok")
    assert rows["[i]E:F[/i]"].endswith("ok, 2 warnings")
    assert rows["G:H"].endswith("ok, 1 warning")
    size = "width: WARNING: the picture is 400 pixels wide; 800 were asked for"
    assert [
        f"[i]E:F[/i] 1h price_v1: {size}",
        f"[i]E:F[/i] 1h price_v1: WARNING: {'word ' * 60}end",
        f"G:H 1h price_v1: {size}",
    ] == shown[6:9]


def test_a_manifest_is_a_table_of_every_chart(capsys: pytest.CaptureFixture[str]) -> None:
    """Every chart has a row, a failed one with its code, and the last line names the folder."""
    again = ExportFailure("C:D", "1h", "price_v1", FAILURE.code, FAILURE.message)
    show_manifest(Manifest(NOW, 4, (ITEM, REPLAYED), (FAILURE, again)), Path("some/folder"), 1)
    shown = capsys.readouterr().out

    assert "2 of 4 charts" in shown
    (row,) = [line for line in shown.splitlines() if "account main" in line]
    assert all(part in row for part in ("A:B", "1h", "price_v1", "800 x 600", "61", "ok"))
    (row,) = [line for line in shown.splitlines() if "4h" in line]
    assert all(part in row for part in ("800 x 600", "1", "fixture", "ok"))
    assert "[bold]X:Y[/bold]" in shown
    assert "pictures and manifest.json are in some/folder" in shown
    assert 2 == shown.count("CHART_API_FAILED")
    assert "busy" not in shown


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("width", [80, 120])
def test_a_chart_of_an_export_is_one_line_on_a_terminal(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal each chart has one line with the whole name of its template and its whole code."""
    monkeypatch.setenv("COLUMNS", str(width))
    names = "BINANCE:BTCUSDT", "price_ma1226_bb_macd1226_v1"
    item = attrs.evolve(ITEM, symbol=names[0], template=names[1])
    failure = ExportFailure(names[0], "4h", names[1], "CHART_API_LIMIT_EXCEEDED", "")
    show_manifest(Manifest(NOW, 2, (item,), (failure,)), Path("out"), 0)
    first, second = lines(capsys.readouterr().out)[3:5]

    assert all(part in first for part in (*names, "1h", "61", "ok"))
    assert all(part in second for part in (*names, "4h", failure.code))


def test_colours_in_a_pipe_are_not_a_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """With FORCE_COLOR in a pipe, each chart is still a numbered line, and the cursor is never moved."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    with following(1) as on_end:
        on_end(ITEM)

    assert "[1/1] A:B 1h price_v1: A_B__1h__price_v1.png (main)\n" == capsys.readouterr().err
