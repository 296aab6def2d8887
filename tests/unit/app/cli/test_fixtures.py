"""The commands ``chartimg fixtures``: output, files, exit codes, and the settings they read."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chartimg.adapters.recording import RecordingTransport
from chartimg.adapters.templates import load_templates
from chartimg.domain.chart import ChartRequest
from chartimg.domain.errors import ConfigError
from chartimg.domain.reply import Reply
from chartimg.testing import ScriptedTransport, picture
from command import Result, invoke

TEMPLATE = load_templates()["price_psar_adi_v1"]
REQUEST = TEMPLATE.request("BTCUSDT", "1h")
STEM = "BINANCE_BTCUSDT__1h__price_psar_adi_v1"
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
INVALID = Reply(422, {}, b'{"message": "Invalid <Symbol>"}')


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder with its fixtures in "fixtures", and wrong values for all settings that must not matter."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fixtures").mkdir()
    for name in ("CHARTS_TEMPLATES_DIR", "CHARTS_DEFAULT_TIMEZONE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CHARTS_FIXTURES_DIR", "fixtures")
    for name in ("CHARTS_API_MODE", "CHART_IMG_ACCOUNTS_JSON", "CHARTS_ACCOUNT_STORE", "CHARTS_API_BASE_URL"):
        monkeypatch.setenv(name, "wrong")


def record(request: ChartRequest = REQUEST, reply: Reply | None = None, folder: str = "fixtures") -> None:
    """Record *reply*, or else a picture, as the fixture of *request*."""
    inner = ScriptedTransport([reply or Reply(200, {}, picture(8, 6))])
    RecordingTransport(inner, folder, origin="a test", now=lambda: NOW).send(request, None)


def run(*arguments: str) -> Result:
    """Run the command."""
    return invoke("fixtures", *arguments)


def test_verify_says_how_many_fixtures_are_sound() -> None:
    """Sound fixtures are one line with their number, and exit code 0."""
    record()
    record(TEMPLATE.request("BTCUSDT", "4h"), INVALID)

    result = run("verify")
    assert (0, "checked 2 fixtures in fixtures: nothing is wrong\n", "") == (
        result.returncode,
        result.stdout,
        result.stderr,
    )


def test_verify_prints_a_line_for_each_finding() -> None:
    """Each finding is one line that begins with its file, and the exit code is 1."""
    record()
    Path("fixtures", f"{STEM}.png").write_bytes(b"")
    Path("fixtures/new\nline.txt").touch()
    result = run("verify")
    first, second = result.stdout.splitlines()

    assert f"{STEM}.png: it is not a whole PNG: it is empty; delete it and record it again" == first
    assert second.startswith(r"new\nline.txt: its name is not that of a fixture")
    assert 1 == result.returncode


def test_verify_prints_json() -> None:
    """With --json the document has the folder, the number checked, and each finding with the exact name of its file."""
    record()
    sound = run("verify", "--json")
    Path("fixtures/new\nline.txt").touch()
    flawed = run("verify", "--json")
    (finding,) = json.loads(flawed.stdout)["findings"]

    assert {"directory": "fixtures", "checked": 1, "findings": []} == json.loads(sound.stdout)
    assert ({"file", "problem"}, "new\nline.txt") == (finding.keys(), finding["file"])
    assert (0, 1) == (sound.returncode, flawed.returncode)


def test_a_fixture_recorded_for_another_body_is_stale() -> None:
    """A fixture is stale if its template asks for another body today; one of an unknown template is not."""
    record(ChartRequest("A:B", "1h", TEMPLATE.id))
    record(ChartRequest("A:B", "1h", "unknown"))
    record()

    assert ["A_B__1h__price_psar_adi_v1.png"] == [line.split(":")[0] for line in run("verify").stdout.splitlines()]


def test_a_symbol_without_exchange_is_compared_as_it_was_asked_for() -> None:
    """The fixture of a bare symbol is compared as a bare symbol, and a lone surrogate in a symbol is not a finding."""
    record(ChartRequest("BTCUSDT", "1h", TEMPLATE.id, REQUEST.payload))
    record(ChartRequest("\ud800", "1h", TEMPLATE.id, REQUEST.payload))

    assert "nothing is wrong" in run("verify").stdout


def test_templates_and_time_zone_of_the_host_say_what_is_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host's templates, and its time zone for a template without one, decide which fixture is stale."""
    template = {"id": "mine", "description": "", "chartImgSymbolTemplate": "{symbol}", "request": {"theme": "light"}}
    Path("templates").mkdir()
    Path("templates/mine.json").write_text(json.dumps(template))
    monkeypatch.setenv("CHARTS_TEMPLATES_DIR", "templates")
    light = ChartRequest("A:B", "4h", "mine", {"theme": "light"})
    record(ChartRequest("A:B", "1h", "mine", {"theme": "dark"}))
    record(light)
    record(TEMPLATE.request("A:B", "1h"))

    assert ["A_B__1h__mine.png"] == [line.split(":")[0] for line in run("verify").stdout.splitlines()]
    monkeypatch.setenv("CHARTS_DEFAULT_TIMEZONE", "America/New_York")
    assert 2 == run("verify").stdout.count("it is stale")
    record(light.with_timezone("America/New_York"))
    assert 1 == run("verify").stdout.count("it is stale")


def test_a_broken_template_is_a_finding_of_its_own_fixtures(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fixture of a template that can't be read has a finding with the reason; the fixtures of others have none."""
    Path("templates").mkdir()
    Path("templates/mine.json").write_text("{")
    monkeypatch.setenv("CHARTS_TEMPLATES_DIR", "templates")
    record(ChartRequest("A:B", "1h", "mine", {"theme": "dark"}))
    record()
    (line,) = run("verify").stdout.splitlines()

    assert line.startswith("A_B__1h__mine.png: it may be stale: template templates/mine.json is not JSON")


@pytest.mark.parametrize("command", ["list", "verify", "gallery"])
def test_another_folder_can_be_named(command: str) -> None:
    """--dir names another folder, and a missing one is refused."""
    record(folder="elsewhere")

    assert 0 == run(command, "--dir", "elsewhere").returncode
    with pytest.raises(ConfigError, match="nowhere"):
        run(command, "--dir", "nowhere")


def test_list_shows_each_fixture_in_a_row() -> None:
    """Each fixture has a row with chart, content, age and origin, below a line with the counts."""
    record()
    Path("fixtures/A_B__1D__t__429_LIMIT_EXCEEDED.json").write_text('{"status": 429, "body": {"message": "[b]no[/b]"}}')
    shown = run("list").stdout

    (row,) = [line for line in shown.splitlines() if "BTCUSDT" in line]
    assert all(part in row for part in ("BINANCE:BTCUSDT 1h price_psar_adi_v1", "8x6", " d ", "a test"))
    (row,) = [line for line in shown.splitlines() if "A_B" in line]
    assert all(part in row for part in ("A_B__1D__t", "429 [b]no[/b]"))
    assert "1 picture, 1 error, 0 KB, 0 findings" in shown


def test_list_prints_json() -> None:
    """With --json each fixture has all its fields, with the date in UTC."""
    record()
    (entry,) = json.loads(run("list", "--json").stdout)["fixtures"]

    assert {
        "stem": STEM,
        "kind": "picture",
        "file": f"{STEM}.png",
        "key": {"symbol": "BINANCE:BTCUSDT", "timeframe": "1h", "chartTemplateId": "price_psar_adi_v1"},
        "httpStatus": None,
        "message": None,
        "size": len(picture(8, 6)),
        "width": 8,
        "height": 6,
        "recordedAt": "2026-01-05T12:00:00+00:00",
        "origin": "a test",
        "findings": [],
    } == entry


def test_gallery_writes_one_page() -> None:
    """The page is written to gallery.html, and one line names it with the counts."""
    record()
    result = run("gallery")

    assert (0, "gallery.html: 1 picture, 0 errors, 0 KB, 0 findings\n", "") == (
        result.returncode,
        result.stdout,
        result.stderr,
    )
    assert "BINANCE:BTCUSDT" in Path("gallery.html").read_text("utf-8")
    assert {"fixtures", "gallery.html"} == {entry.name for entry in Path().iterdir()}


def test_gallery_takes_a_folder_with_anything_in_it() -> None:
    """A folder with damaged files, strange names and a lone surrogate in an error still gives a page."""
    record(reply=INVALID)
    Path("fixtures/A_B__1h__t__422.json").write_text('{"status": 422, "body": "\\ud800"}')
    Path("fixtures/A_B__1h__t.png").write_bytes(b"")
    Path("fixtures/folder.png").mkdir()
    Path("fixtures/<b>.txt").touch()
    page = Path("new/deeper/page.html")

    assert 0 == run("gallery", "--out", str(page)).returncode
    assert "Invalid &lt;Symbol&gt;" in page.read_text("utf-8")
    assert "<b>" not in page.read_text("utf-8")


def test_a_page_that_can_not_be_written_is_refused() -> None:
    """If --out is a folder, or its folder is a file, the message names the option and the path."""
    record()
    Path("file").touch()
    for out, message in (("fixtures", "is a folder"), ("file/page.html", "can't be written")):
        with pytest.raises(ConfigError, match=message) as refusal:
            run("gallery", "--out", out)
        assert "--out" in str(refusal.value)
        assert out in str(refusal.value)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without jinja2 the gallery says how to install the extra, and writes no file."""
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ConfigError, match=r"the gallery needs the extra cli; .*pip install '\.\[cli\]'"):
        run("gallery")

    assert not Path("gallery.html").exists()


def test_settings_that_matter_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong time zone is refused."""
    monkeypatch.setenv("CHARTS_DEFAULT_TIMEZONE", "UTC")
    with pytest.raises(ConfigError, match="CHARTS_DEFAULT_TIMEZONE"):
        run("verify")
