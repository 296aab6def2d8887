"""``chartimg mcp`` as an agent meets it: the SDK's own client over standard input and output, one process for each mode."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from chartimg.testing import EmulatedAccount, Emulator, emulator
from model import RAW, Model, process
from places import FIXTURES

KEY = "canary-key"
CHART = {"symbol": "BINANCE:BTCUSDT", "interval": "1h", "template": "price_psar_adi_v1"}
PICTURE = (FIXTURES / "BINANCE_BTCUSDT__1h__price_psar_adi_v1.png").read_bytes()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder where the process of real mode runs."""
    return tmp_path_factory.mktemp("real")


@pytest.fixture(scope="module")
def mocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    """Yield a model whose process replays the fixtures that ship."""
    place = tmp_path_factory.mktemp("mock")
    with process(cwd=place, CHARTS_API_MODE="mock", CHARTS_FIXTURES_DIR=str(FIXTURES)) as model:
        yield model


@pytest.fixture(scope="module")
def provider() -> Iterator[Emulator]:
    """Yield a provider with one account."""
    with emulator(EmulatedAccount("main", KEY, 20, "BASIC", 1000.0, 1000)) as running:
        yield running


@pytest.fixture(scope="module")
def real(provider: Emulator, place: Path) -> Iterator[Model]:
    """Yield a model whose process calls the provider, and logs all it can."""
    with process("--verbose", cwd=place, **provider.environ, CHARTS_MCP_BUDGET="10") as model:
        yield model


def charged(provider: Emulator) -> int:
    """Return the number of calls that the provider has charged."""
    return provider.ledger().accounts["main"].total.charged


def test_mock_mode_tries_it_without_a_key(mocked: Model) -> None:
    """In mock mode the five tools answer, and a chart is the recorded picture with one line of text."""
    tools = mocked.tools()
    drawn = mocked.call("chart", **CHART)
    unknown = mocked.call("chart", symbol="NASDAQ:AAPL", interval="1D")

    assert ["chart", "check", "find_study", "templates", "quota"] == list(tools)
    assert (False, (PICTURE,)) == (drawn.is_error, drawn.pictures)
    assert drawn.text.startswith("BINANCE:BTCUSDT 1h, taken at 20")
    assert drawn.text.endswith(" UTC, source FIXTURE, units left: not counted in mock mode")
    assert unknown.is_error
    assert "Recorded are (symbol, interval, template): BINANCE:BTCUSDT 1h price_ma1226" in unknown.text
    assert "units left: not counted in mock mode" == mocked.call("quota").text


def test_a_picture_is_paid_for_once_a_candle(real: Model, provider: Emulator) -> None:
    """A chart costs a unit, and the same chart is free until its candle closes; the line says so."""
    before = charged(provider)
    chart = {"symbol": "BINANCE:ETHUSDT", "interval": "1M", "studies": ["Relative Strength Index"]}
    first, again = (real.call("chart", **chart) for _ in range(2))

    assert 1 == charged(provider) - before
    assert first.pictures == again.pictures
    assert first.text.startswith("BINANCE:ETHUSDT 1M, taken at 20")
    assert "source HTTP, units left: " in first.text
    assert "source CACHE, units left: " in again.text
    assert " today, " in first.text
    assert 1 == len(first.text.splitlines())


def test_a_wrong_call_costs_no_unit_and_says_what_to_write(real: Model, provider: Emulator) -> None:
    """Each mistake that can be known before a call is an error of the tool with its correction, and costs no unit."""
    before = charged(provider)
    wrong = real.call("chart", symbol="AAPL", interval="1H", studies=["RSI"], width=4000)
    unknown = real.call("chart", symbol="BINANCE:BTCUSDT", interval="1h", indicators=["RSI"])
    missing = real.call("chart", symbol="BINANCE:BTCUSDT")
    both = real.call("chart", **CHART, studies=["MACD"])

    assert all(each.is_error and not each.pictures for each in (wrong, unknown, missing, both))
    for part in (
        '"AAPL" has no exchange',
        'did you mean "1h"?',
        'did you mean "Relative Strength Index"?',
        "BASIC allows (800)",
    ):
        assert part in wrong.text
    assert "there is no argument 'indicators'; the arguments are symbol, interval, template" in unknown.text
    assert "interval: Field required" == missing.text
    assert "leave out template or studies" in both.text
    assert 0 == charged(provider) - before


def test_standard_output_carries_the_protocol_alone_and_no_stream_the_key(real: Model, place: Path) -> None:
    """Each line of standard output is a message of the protocol, also with a verbose log; the key is in neither stream."""
    real.call("quota")
    real.call("chart", **CHART)
    written, logged = ((place / name).read_text() for name in (RAW, "stderr"))

    assert ["2.0"] * len(written.splitlines()) == [json.loads(line)["jsonrpc"] for line in written.splitlines()]
    assert "chart_api_call" in logged
    assert KEY not in written + logged
