"""The commands ``chartimg cache``, and the option ``--fresh`` of a fetch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from command import call
from fetching import FETCH, PNG, mock, real, refused
from loopback import LoopbackServer, answer


def test_a_fresh_picture_is_fetched_once_listed_and_removed(server: LoopbackServer, tmp_path: Path) -> None:
    """The second fetch makes no call and says where its picture is from; clearing makes the third one pay again."""
    server.script += [answer(200, PNG), answer(200, PNG)]
    settings = real(server, XDG_CACHE_HOME=str(tmp_path / "cache"))
    first, second = (call(*FETCH, "--fresh", "3600", cwd=tmp_path, **settings) for _ in range(2))
    listed = call("cache", "list", cwd=tmp_path, **settings)
    as_json = call("cache", "list", "--json", cwd=tmp_path, **settings)
    cleared = call("cache", "clear", cwd=tmp_path, **settings)
    third = call(*FETCH, "--fresh", "3600", "--json", cwd=tmp_path, **settings)

    assert [0] * 6 == [each.returncode for each in (first, second, listed, as_json, cleared, third)]
    assert "from account main" in first.stdout
    assert "from the cache, taken at " in second.stdout
    assert PNG == (tmp_path / "chart.png").read_bytes()
    heading, _, row, total = listed.stdout.splitlines()
    assert ["chart", "taken", "(UTC)", "account", "bytes"] == heading.split()
    assert row.startswith("BINANCE:BTCUSDT 1h price_psar_adi_v1")
    assert f"1 picture, {len(PNG):,} bytes" == total
    (entry,) = json.loads(as_json.stdout)["pictures"]
    assert ("main", len(PNG)) == (entry["accountId"], entry["size"])
    assert "removed 1 picture\n" == cleared.stdout
    assert "HTTP" == json.loads(third.stdout)["source"]
    assert 2 == len(server.requests)
    assert [*(tmp_path / "cache").rglob("*.chart")]


def test_an_empty_cache_is_listed_and_cleared(tmp_path: Path) -> None:
    """No settings of accounts are needed."""
    variables = {"CHARTS_CACHE": str(tmp_path / "pictures")}

    assert "0 pictures, 0 bytes\n" == call("cache", "list", cwd=tmp_path, **variables).stdout
    assert {"removed": 0} == json.loads(call("cache", "clear", "--json", cwd=tmp_path, **variables).stdout)
    assert not (tmp_path / "pictures").exists()


def test_fetching_and_replaying_by_default_keep_no_picture(server: LoopbackServer, tmp_path: Path) -> None:
    """Without freshness no folder is made, and neither is one in mock mode with it."""
    server.script.append(answer(200, PNG))
    cache = {"CHARTS_CACHE": str(tmp_path / "pictures")}
    replay = mock(tmp_path / "fixtures", "BINANCE_BTCUSDT__1h__price_psar_adi_v1")

    assert 0 == call(*FETCH, cwd=tmp_path, **real(server, **cache)).returncode
    assert 0 == call(*FETCH, "--fresh", "candle", cwd=tmp_path, **replay, **cache).returncode
    assert not (tmp_path / "pictures").exists()


@pytest.mark.parametrize("place", ["off", "memory://"])
@pytest.mark.parametrize("command", ["list", "clear"])
def test_a_cache_that_ends_with_the_process_can_not_be_shown(place: str, command: str, tmp_path: Path) -> None:
    """The message says so, and names the setting."""
    (line,) = refused(call("cache", command, cwd=tmp_path, CHARTS_CACHE=place))

    assert line.startswith(f"CHARTS_CACHE={place} keeps no picture beyond the end of a process")


@pytest.mark.parametrize("command", ["list", "clear"])
def test_a_cache_that_can_not_be_used_is_one_line_and_exit_code_1(command: str, tmp_path: Path) -> None:
    """The line names the folder and the remedy."""
    (tmp_path / "pictures").write_text("a file")
    child = call("cache", command, cwd=tmp_path, CHARTS_CACHE=str(tmp_path / "pictures"))

    assert (1, "") == (child.returncode, child.stdout)
    (line,) = child.stderr.splitlines()
    assert "set CHARTS_CACHE to another folder or to off" in line


def test_a_wrong_freshness_names_the_option(tmp_path: Path) -> None:
    """It is told before any setting is read."""
    (line,) = refused(call(*FETCH, "--fresh", "daily", cwd=tmp_path))

    assert line.startswith("--fresh must be off, candle or seconds")


def test_a_fetch_goes_on_without_a_cache_and_says_so(
    server: LoopbackServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The picture is written, and the log has one line about the folder that can't be used."""
    server.script.append(answer(200, PNG))
    (tmp_path / "pictures").write_text("a file")
    settings = real(server, CHARTS_CACHE=str(tmp_path / "pictures"))
    child = call(*FETCH, "--fresh", "60", cwd=tmp_path, **settings)

    assert 0 == child.returncode
    assert 1 == caplog.text.count("chart_api_cache_failed")
    assert PNG == (tmp_path / "chart.png").read_bytes()
