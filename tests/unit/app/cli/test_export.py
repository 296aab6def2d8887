"""The command ``chartimg export``: go on with an export, plan it, and its exit codes."""

from __future__ import annotations

import json
import signal
import socket
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from chartimg import ChartRequest
from chartimg.app.export.folder import ExportFolder
from chartimg.testing import picture
from command import call
from exporting import numbered_picture
from fetching import TEMPLATE, mock, real, refused
from loopback import LoopbackServer, answer

EXPORT = ("export", "--timeframes", "1h,4h", "--templates", TEMPLATE, "--out", "out", "--jobs", "1")
TWO = (*EXPORT, "--symbols", "BTCUSDT,ETHUSDT")
PICTURES = tuple(map(numbered_picture, range(30)))
"""Pictures of one size, each with a text of its own."""


@pytest.fixture
def settings(server: LoopbackServer) -> dict[str, str]:
    """Return settings that call a server with a picture of its own for each call."""
    server.script += [answer(200, each) for each in PICTURES]
    return real(server, CHARTS_ACCOUNT_STORE="memory://", CHARTS_CACHE="off")


def test_a_run_goes_on_where_another_one_ended(
    server: LoopbackServer, settings: dict[str, str], tmp_path: Path
) -> None:
    """With --resume what is there costs no call and is told as kept, also in the plan; an edited file is called for again."""
    first = call(*TWO, cwd=tmp_path, **settings)
    (tmp_path / "out" / f"BINANCE_BTCUSDT__4h__{TEMPLATE}.png").write_bytes(b"edited")
    plan = call(*TWO, "--symbols", "SOLUSDT", "--resume", "--plan", cwd=tmp_path, **settings)
    second = call(*TWO, "--symbols", "SOLUSDT", "--resume", cwd=tmp_path, **settings)
    third = call(*TWO, "--symbols", "SOLUSDT", "--resume", cwd=tmp_path, **settings)

    assert [0] * 4 == [each.returncode for each in (first, plan, second, third)]
    head, *charts, forecast = plan.stdout.splitlines()
    assert "6 charts: 3 kept, 0 from fixtures, 0 from the cache, 3 to be called for" == head
    assert [f"  BINANCE:{name} {TEMPLATE}" for name in ("BTCUSDT 4h", "SOLUSDT 1h", "SOLUSDT 4h")] == charts
    assert forecast.startswith("yes: 3 charts can be had today, the last call at ")
    assert "3 charts kept, 0 charts from fixtures, 3 calls made" in second.stdout
    assert "6 charts kept, 0 charts from fixtures, 0 calls made" in third.stdout
    assert 6 == third.stderr.count("(kept)")
    assert 7 == len(server.requests)


def test_a_plan_in_json_has_each_call(settings: dict[str, str], server: LoopbackServer, tmp_path: Path) -> None:
    """With --json a plan is one document, and no folder is made."""
    child = call(*TWO, "--plan", "--json", cwd=tmp_path, **settings)
    plan: dict[str, Any] = json.loads(child.stdout)

    assert (0, "", []) == (child.returncode, child.stderr, server.requests)
    assert {"requested", "kept", "fromFixtures", "fromCache", "calls", "missing", "forecast"} == set(plan)
    assert {"symbol": "BINANCE:BTCUSDT", "timeframe": "1h", "chartTemplateId": TEMPLATE} == plan["calls"][0]
    assert (4, 4) == (plan["requested"], plan["forecast"]["today"])
    assert not (tmp_path / "out").exists()


def test_a_plan_beyond_the_quota_is_exit_code_75(settings: dict[str, str], tmp_path: Path) -> None:
    """If not all charts can be had today, the plan says how many, and lists the first ones."""
    symbols = ",".join(f"C{number}USDT" for number in range(40))
    child = call(*EXPORT, "--symbols", symbols, "--plan", cwd=tmp_path, **settings)
    lines = child.stdout.splitlines()

    assert 75 == child.returncode
    assert "  and 60 more" == lines[21]
    assert lines[22].startswith("no: 50 of 80 charts can be had today")


def test_charts_of_fixtures_and_of_the_cache_are_told_apart_in_a_plan(
    server: LoopbackServer, settings: dict[str, str], tmp_path: Path
) -> None:
    """A plan counts the charts that would be replayed, and those that the cache has."""
    replayed = call(*TWO, "--plan", cwd=tmp_path, **mock(tmp_path / "f", f"BINANCE_BTCUSDT__1h__{TEMPLATE}"))
    caching = {**settings, "CHARTS_CACHE": str(tmp_path / "cache")}
    call("fetch", "BTCUSDT", "1h", "--template", TEMPLATE, "--out", "c.png", "--fresh", "60", cwd=tmp_path, **caching)
    cached = call(*TWO, "--plan", "--fresh", "600", cwd=tmp_path, **caching)

    assert (
        "4 charts: 0 kept, 1 from fixtures, 0 from the cache, 0 to be called for, 3 without a fixture\n"
        == replayed.stdout
    )
    assert cached.stdout.startswith("4 charts: 0 kept, 0 from fixtures, 1 from the cache, 3 to be called for\n")


def test_a_second_run_in_the_folder_is_exit_code_75(
    server: LoopbackServer, settings: dict[str, str], tmp_path: Path
) -> None:
    """While another export has the folder, a run is one line and makes no call."""
    other = ExportFolder(tmp_path / "out")
    other.begin()
    child = call(*TWO, cwd=tmp_path, **settings)
    other.end()

    assert (75, "", []) == (child.returncode, child.stdout, server.requests)
    assert "chartimg: another export writes to out now; wait for its end, or name another folder\n" == child.stderr


def test_a_grid_with_an_error_is_exit_code_2_before_any_call(
    server: LoopbackServer, settings: dict[str, str], tmp_path: Path
) -> None:
    """An ERROR in one chart of a grid is told before the first call of any other."""
    (line,) = refused(call(*TWO, "--timeframes", "1H", cwd=tmp_path, **settings))

    assert 'chart requests are wrong: interval: "1H" is not an interval; did you mean "1h"?' in line
    assert [] == server.requests


def test_a_refused_symbol_is_paid_for_once(server: LoopbackServer, tmp_path: Path) -> None:
    """The charts of a symbol that the provider refuses cost one call, and the exit code is 1."""
    server.otherwise = answer(422, b'{"message":"Invalid Symbol"}', content_type="application/json")
    child = call(*EXPORT, "--symbols", "NOSUCHUSDT", cwd=tmp_path, **real(server, CHARTS_ACCOUNT_STORE="memory://"))

    assert (1, 1) == (child.returncode, len(server.requests))
    assert "not asked for, since the symbol was refused for another chart: HTTP 422: Invalid Symbol" in child.stderr
    assert "1 call made" in child.stdout


def test_a_service_that_is_down_is_exit_code_75(server: LoopbackServer, tmp_path: Path) -> None:
    """If charts are missing since the service is down, a later run may get them."""
    server.otherwise = answer(503)
    child = call(
        *TWO,
        *("--symbols", ",".join(f"C{number}USDT" for number in range(4))),
        cwd=tmp_path,
        **real(server, CHARTS_ACCOUNT_STORE="memory://", CHARTS_DEADLINE="1", CHARTS_MAX_ATTEMPTS="1"),
    )

    assert 75 == child.returncode
    assert "SERVICE_DOWN" in child.stderr


def test_a_long_table_has_the_failures_and_counts_the_rest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of many charts the table has those that failed first, then the doubtful ones, and counts those in the manifest alone."""
    monkeypatch.setattr("chartimg.app.cli.export_view._MAX_ROWS", 3)
    settings = mock(tmp_path / "fixtures")
    for number in range(7):
        file = tmp_path / "fixtures" / f"BINANCE_C{number}USDT__1h__{TEMPLATE}.png"
        file.write_bytes(picture(801, 600) if number == 5 else PICTURES[number])
    child = call(
        *("export", "--symbols", ",".join(f"C{number}USDT" for number in range(8)), "--timeframes", "1h"),
        *("--templates", TEMPLATE, "--out", "out"),
        cwd=tmp_path,
        **settings,
    )
    lines = child.stdout.splitlines()

    assert "7 of 8 charts" == lines[0]
    assert ["BINANCE:C7USDT", "BINANCE:C5USDT", "BINANCE:C0USDT"] == [line.split()[0] for line in lines[3:6]]
    assert "and 5 charts more, in manifest.json" == lines[6]


def test_the_wait_for_a_close_comes_after_the_check_and_before_the_calls(
    server: LoopbackServer, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With --at-close the charts are listed, then waited for, then fetched."""
    seen: list[tuple[int, int]] = []

    def wait(_: object, requests: Sequence[ChartRequest]) -> None:
        seen.append((len(requests), len(server.requests)))

    monkeypatch.setattr("chartimg.app.cli.export.wait_for_close", wait)
    child = call(*TWO, "--at-close", "--json", cwd=tmp_path, **settings)

    assert (0, [(4, 0)], 4) == (child.returncode, seen, len(server.requests))
    assert child.stdout.encode() == (tmp_path / "out" / "manifest.json").read_bytes()


def test_an_interrupt_during_the_wait_is_the_end(
    server: LoopbackServer, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An interrupt before the beginning costs no call, and leaves the folder as it was."""

    def wait(*_: object) -> None:
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr("chartimg.app.cli.export.wait_for_close", wait)
    child = call(*TWO, "--at-close", cwd=tmp_path, **settings)

    assert (143, [], []) == (child.returncode, server.requests, list((tmp_path / "out").iterdir()))
    assert "chartimg: interrupted; no call is charged\n" == child.stderr


def test_a_manifest_that_can_not_be_written_at_the_end_is_exit_code_1(
    server: LoopbackServer, settings: dict[str, str], tmp_path: Path
) -> None:
    """All pictures are there and so is the journal, and one line says what could not be written."""

    def spoil(connection: socket.socket, closing: threading.Event) -> bool:
        (tmp_path / "out" / "manifest.json").unlink()
        (tmp_path / "out" / "manifest.json").mkdir()
        return answer(200, picture(800, 599))(connection, closing)

    server.script.insert(0, spoil)
    child = call(*TWO, cwd=tmp_path, **settings)

    assert 1 == child.returncode
    assert (
        "chartimg: out/manifest.json can't be written: Is a directory; make the folder writable or name another"
        == child.stderr.splitlines()[-1]
    )
    assert "pictures and" not in child.stdout


def test_a_report_that_fails_costs_no_chart(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """An exception on the way to the terminal is logged, and the run goes on."""

    def broken(_: object) -> str:
        raise RuntimeError("broken")

    monkeypatch.setattr("chartimg.app.cli.export_view._line", broken)
    child = call(*TWO, cwd=tmp_path, **settings)

    assert 0 == child.returncode
    assert 4 == sum("could not be reported" in message for message in caplog.messages)


def test_an_export_may_change_its_charts(server: LoopbackServer, tmp_path: Path) -> None:
    """Both options hold for an export and for its plan; a later run keeps the changed pictures."""
    server.script += [answer(422, b'{"message":"Invalid Symbol"}'), answer(200, PICTURES[0])]
    template = {
        "id": "wide",
        "description": "Wide",
        "chartImgSymbolTemplate": "NYSE:{symbol}",
        "request": {"width": 1600, "height": 1200},
    }
    (tmp_path / "wide.json").write_text(json.dumps(template))
    settings = real(server, CHARTS_TEMPLATES_DIR=str(tmp_path), CHARTS_ACCOUNT_STORE="memory://")
    charts = ("--symbols", "AAPL", "--timeframes", "1h", "--templates", "wide")
    command = ("export", *charts, "--out", "out", "--resume", "--fit", "plan", "--on-invalid-symbol", "NASDAQ")
    plan = call(*command, "--plan", cwd=tmp_path, **settings)
    first, second = (call(*command, cwd=tmp_path, **settings) for _ in range(2))

    assert [0, 0, 0] == [each.returncode for each in (plan, first, second)]
    assert "1 chart: 0 kept, 0 from fixtures, 0 from the cache, 1 to be called for" == plan.stdout.splitlines()[0]
    assert ["NYSE:AAPL", "NASDAQ:AAPL"] == [json.loads(each.body)["symbol"] for each in server.requests]
    assert {800} == {json.loads(each.body)["width"] for each in server.requests}
    assert "1 chart kept" in second.stdout
