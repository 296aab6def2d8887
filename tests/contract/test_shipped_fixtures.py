"""The fixtures that ship have the content that their names state."""

from __future__ import annotations

import json

import pytest

from chartimg import ChartClient, ErrorCode, FaultKind, WorkerConfig
from chartimg.adapters.fixture import FixtureTransport
from chartimg.adapters.templates import load_templates
from chartimg.app.bootstrap import take_fixture_inventory
from chartimg.domain.events import FetchFinished, FetchStarted
from chartimg.testing import EventLog
from places import FIXTURES
from rows import for_each

TEMPLATES = load_templates()


@for_each("timeframe", ["1h", "4h"])
@for_each("template", TEMPLATES)
def test_every_template_has_a_picture_for_each_timeframe(template: str, timeframe: str) -> None:
    """A request by a bare symbol replays the picture that was recorded for the template's own body."""
    heard = EventLog()
    client = ChartClient(transport=FixtureTransport(FIXTURES, listener=heard), listener=heard)
    result = client.fetch(TEMPLATES[template].request("BTCUSDT", timeframe))

    assert result.ok
    assert FIXTURES / f"BINANCE_BTCUSDT__{timeframe}__{template}.png" == result.fixture_path
    assert [] == heard.other_than(FetchStarted, FetchFinished)
    meta = json.loads((FIXTURES / f"BINANCE_BTCUSDT__{timeframe}__{template}.meta.json").read_bytes())
    assert meta["origin"].startswith("recorded from chartimg-emulator/")


@pytest.mark.parametrize(
    ("timeframe", "status", "code", "kind"),
    [
        ("1D", 429, ErrorCode.CHART_API_LIMIT_EXCEEDED, FaultKind.QUOTA_EXCEEDED),
        ("1W", 500, ErrorCode.CHART_API_FAILED, FaultKind.SERVICE_UNAVAILABLE),
        ("INVALID", 422, ErrorCode.CHART_API_FAILED, FaultKind.INVALID_REQUEST),
    ],
)
def test_the_error_fixtures_replay_as_their_errors(
    timeframe: str, status: int, code: ErrorCode, kind: FaultKind
) -> None:
    """A spent day, a fault of the service and an array of field errors replay as such."""
    result = ChartClient(transport=FixtureTransport(FIXTURES)).fetch(
        TEMPLATES["price_ma1226_vol_v1"].request("BTCUSDT", timeframe)
    )

    assert result.error is not None
    assert (status, code, kind) == (result.http_status, result.error.code, result.error.kind)
    assert ("interval" in str(result.error.details)) == (status == 422)


def test_nothing_is_wrong_with_them() -> None:
    """The inventory of the shipped fixtures has no findings."""
    assert [] == [finding for entry in take_fixture_inventory(WorkerConfig(), FIXTURES) for finding in entry.findings]


def test_nothing_else_lies_in_the_folder() -> None:
    """The folder holds ten pictures and one error with meta files, and two errors without."""
    suffixes = [".png" if path.suffix == ".png" else path.name.rpartition("__")[2] for path in FIXTURES.iterdir()]

    assert 10 == suffixes.count(".png")
    assert 24 == len(suffixes)
