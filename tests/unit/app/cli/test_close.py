"""The command ``chartimg next-close``, and the wait of an export for a close."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chartimg import Account, ChartRequest, ConfigError
from chartimg.app.cli.close import wait_for_close
from chartimg.testing import ScriptedTransport
from command import call
from fetching import TEMPLATE, mock, refused


@pytest.mark.parametrize(
    ("arguments", "step"),
    [
        (("1h",), 60),
        (("1h", "--symbol", "ETHUSDT"), 60),
        (("1h", "--symbol", "NASDAQ:AAPL"), 30),
        (("5m", "--symbol", "no symbol"), 5),
    ],
)
def test_the_next_close_is_a_moment_of_the_grid(arguments: tuple[str, ...], step: int, tmp_path: Path) -> None:
    """The next close is at most a candle away, in UTC, and the same in JSON."""
    before = datetime.now(UTC)
    plain, as_json = (call("next-close", *arguments, *more, cwd=tmp_path) for more in ((), ("--json",)))
    closes_at = datetime.fromisoformat(plain.stdout.strip())

    assert [0, 0] == [plain.returncode, as_json.returncode]
    assert before < closes_at <= datetime.now(UTC) + timedelta(minutes=step)
    assert 0 == (closes_at - closes_at.replace(hour=0, minute=0)).total_seconds() % (60 * step)
    in_json = datetime.fromisoformat(json.loads(as_json.stdout)["closesAt"])
    assert in_json - closes_at in {timedelta(0), timedelta(minutes=step)}  # it may close between the two


def test_an_interval_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    """A wrong interval is one line with the likely one."""
    assert ["'1H' is not an interval; did you mean 1h?"] == refused(call("next-close", "1H", cwd=tmp_path))


def test_the_wait_ends_when_pictures_show_the_first_close(capsys: pytest.CaptureFixture[str]) -> None:
    """The wait is for the first close of any chart and five seconds more, in naps, so that a clock that is set is noticed."""
    transport = ScriptedTransport([])
    transport.clock.advance(60 * 59 + 0.5)
    requests = [ChartRequest("BINANCE:BTCUSDT", frame, "x") for frame in ("4h", "1h", "1D")]
    with transport.client([Account("a", "key-of-a")]) as client:
        wait_for_close(client.routes, requests)

    assert [30.0, 30.0, 4.5] == transport.clock.slept
    assert datetime(2026, 1, 5, 13, 0, 5, tzinfo=UTC) == transport.clock.now()
    assert "chartimg: waiting for the close of 1h at 2026-01-05 13:00:00 UTC\n" == capsys.readouterr().err


def test_an_unknown_interval_has_no_close(tmp_path: Path) -> None:
    """An interval that the check lets pass is refused by the wait, before any call."""
    with ScriptedTransport([]).client([Account("a", "key-of-a")]) as client, pytest.raises(ConfigError, match="'2x'"):
        wait_for_close(client.routes, [ChartRequest("BINANCE:BTCUSDT", "2x", "x")])


def test_mistakes_are_found_before_the_wait(tmp_path: Path) -> None:
    """A wrong chart ends an export with --at-close at once."""
    arguments = ("export", "--symbols", "BTCUSDT", "--timeframes", "1D", "--templates", TEMPLATE, "--out", "out")
    (line,) = refused(call(*arguments, "--timeframes", "1x", "--at-close", cwd=tmp_path, **mock(tmp_path / "fixtures")))

    assert "is not an interval" in line
