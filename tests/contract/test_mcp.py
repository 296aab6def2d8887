"""``chartimg mcp`` as an agent meets it: the SDK's own client over standard input and output, one process for each mode."""

from __future__ import annotations

import importlib
import json
import os
import runpy
import sys
from functools import partial
from pathlib import Path

import pytest

from chartimg.testing import EmulatedAccount, emulator
from command import environment
from model import RAW, process
from places import DOCS, FIXTURES

KEY = "canary-key"
MOCK = {"CHARTS_API_MODE": "mock", "CHARTS_FIXTURES_DIR": str(FIXTURES)}
PICTURE = (FIXTURES / "BINANCE_BTCUSDT__1h__price_psar_adi_v1.png").read_bytes()


@pytest.mark.gate
def test_the_agent_of_the_documentation_saves_a_recorded_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The program starts the server, which replays a chart without a key, and prints the line beside the picture."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", environment(tmp_path, **MOCK))
    stdio = importlib.import_module("mcp.client.stdio")
    loud = partial(
        stdio.stdio_client, errlog=sys.__stderr__
    )  # by default that of its first import, perhaps a captured one
    monkeypatch.setattr(stdio, "stdio_client", loud)
    agent = runpy.run_path(str(DOCS / "examples/agent.py"))

    assert 0 == agent["main"]("BINANCE:BTCUSDT", "1h")
    assert PICTURE == (tmp_path / "chart.png").read_bytes()
    said = capsys.readouterr().out
    assert said.startswith("BINANCE:BTCUSDT 1h, taken at 20")
    assert said.endswith(" UTC, source FIXTURE, units left: not counted in mock mode\n")


@pytest.mark.gate
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
