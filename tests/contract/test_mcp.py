"""``chartimg mcp`` as an agent meets it: the SDK's own client over standard input and output, one process for each mode."""

from __future__ import annotations

import json
from pathlib import Path

from chartimg.testing import EmulatedAccount, emulator
from model import RAW, process
from places import FIXTURES

KEY = "canary-key"
CHART = {"symbol": "BINANCE:BTCUSDT", "interval": "1h", "template": "price_psar_adi_v1"}
PICTURE = (FIXTURES / "BINANCE_BTCUSDT__1h__price_psar_adi_v1.png").read_bytes()


def test_mock_mode_tries_it_without_a_key(tmp_path: Path) -> None:
    """In mock mode the five tools answer, and a chart is the recorded picture with one line of text."""
    with process(cwd=tmp_path, CHARTS_API_MODE="mock", CHARTS_FIXTURES_DIR=str(FIXTURES)) as model:
        tools = model.tools()
        drawn = model.call("chart", **CHART)
        unknown = model.call("chart", symbol="NASDAQ:AAPL", interval="1D")
        quota = model.call("quota")

    assert ["chart", "check", "find_study", "templates", "quota"] == list(tools)
    assert (False, (PICTURE,)) == (drawn.is_error, drawn.pictures)
    assert drawn.text.startswith("BINANCE:BTCUSDT 1h, taken at 20")
    assert drawn.text.endswith(" UTC, source FIXTURE, units left: not counted in mock mode")
    assert unknown.is_error
    assert "Recorded are (symbol, interval, template): BINANCE:BTCUSDT 1h price_ma1226" in unknown.text
    assert "units left: not counted in mock mode" == quota.text


def test_a_picture_is_paid_for_once_and_standard_output_carries_the_protocol_alone(tmp_path: Path) -> None:
    """A chart costs one unit until its candle closes; a verbose log and the key are not on standard output."""
    chart = {"symbol": "BINANCE:ETHUSDT", "interval": "1M", "studies": ["Relative Strength Index"]}
    with (
        emulator(EmulatedAccount("main", KEY, 20, "BASIC", 1000.0, 1000)) as provider,
        process("--verbose", cwd=tmp_path, **provider.environ, CHARTS_MCP_BUDGET="10") as model,
    ):
        first, again = (model.call("chart", **chart) for _ in range(2))
        wrong = model.call("chart", symbol="AAPL", interval="1H")
        calls = provider.ledger().accounts["main"].total.charged
    written, logged = ((tmp_path / name).read_text() for name in (RAW, "stderr"))

    assert 1 == calls
    assert first.pictures == again.pictures
    assert first.text.startswith("BINANCE:ETHUSDT 1M, taken at 20")
    assert first.text.endswith(" UTC, source HTTP, units left: 19 today, 9 in this session")
    assert again.text.endswith(" UTC, source CACHE, units left: 19 today, 9 in this session")
    assert wrong.is_error
    assert ["2.0"] * len(written.splitlines()) == [json.loads(line)["jsonrpc"] for line in written.splitlines()]
    assert "chart_api_call" in logged
    assert KEY not in written + logged
