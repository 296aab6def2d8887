"""One list of charts in all three modes: the same results byte for byte, and no call too many."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import attrs
import pytest

from chartimg import ChartApiResult, ChartClient, ChartRequest
from chartimg.adapters.templates import load_templates
from chartimg.testing import EmulatedAccount, Emulator, emulator

QUICK = EmulatedAccount("a", "canary-key-of-a", 1000, "BASIC", 1e5, 10**5)
SMALL = {"width": 400, "height": 300}

CHARTS = [
    *(template.request(symbol, "1h") for template in load_templates().values() for symbol in ("BTCUSDT", "ETHUSDT")),
    ChartRequest("BINANCE:BTCUSDT", "1m", "small", SMALL),
    ChartRequest("BINANCE:BTCUSDT", "1M", "small", SMALL),
    ChartRequest("CME_MINI:NQ1!", "1D", "small", SMALL),
    ChartRequest("CME:MINI_NQ1!", "1D", "small", SMALL),
    ChartRequest("BMV:CEMEX/CPO", "1W", "small", SMALL),
    ChartRequest("(NASDAQ:MARA+NASDAQ:RIOT)/10", "4h", "small", {**SMALL, "theme": "dark"}),
]
REFUSED = [
    ChartRequest("BINANCE:BTCUSDT", "9h", "small", SMALL),
    ChartRequest("NOWHERE:BTCUSDT", "1h", "small", SMALL),
    ChartRequest("BTCUSDT", "1h", "small", SMALL),
    ChartRequest("BINANCE:BTCUSDT", "1h", "grey", {"theme": "grey"}),
]


def fetched(provider: Emulator, folder: Path, mode: str, requests: list[ChartRequest]) -> list[ChartApiResult]:
    """Fetch *requests* in *mode* with a new client."""
    settings: Mapping[str, str] = {
        **provider.environ,
        "CHARTS_API_MODE": mode,
        "CHARTS_FIXTURES_DIR": str(folder),
        "CHARTS_CHECK": "off",  # refusals of the provider's are to be seen, too
    }
    with ChartClient.from_env(settings) as client:
        return [client.fetch(request) for request in requests]


def charged(provider: Emulator) -> int:
    """Count the units that the provider has charged."""
    total = provider.ledger().accounts["a"].total
    assert total.asked == total.charged
    return total.charged


def outcomes(results: list[ChartApiResult]) -> list[tuple[object, ...]]:
    """Return the parts of results that do not depend on their route."""
    return [
        (result.png_bytes, result.http_status, None if result.error is None else attrs.astuple(result.error))
        for result in results
    ]


def test_the_three_modes_give_the_same_results(tmp_path: Path) -> None:
    """All modes give the same bytes and errors; real and the first record call for each chart, the others never."""
    requests, asked = [*CHARTS, *REFUSED], len(CHARTS) + len(REFUSED)
    with emulator(QUICK) as provider:
        real = fetched(provider, tmp_path, "real", requests)
        assert asked == charged(provider)
        recorded = fetched(provider, tmp_path, "record", requests)
        assert 2 * asked == charged(provider)
        replayed = fetched(provider, tmp_path, "record", requests)
        mocked = fetched(provider, tmp_path, "mock", requests)
        assert 2 * asked == charged(provider)

    assert [True] * len(CHARTS) + [False] * len(REFUSED) == [result.ok for result in real]
    assert outcomes(real) == outcomes(recorded) == outcomes(replayed) == outcomes(mocked)
    assert len(CHARTS) == len({result.png_bytes for result in real if result.ok})
    assert [False] * asked == [result.from_fixture for result in recorded]
    assert [True] * asked == [result.from_fixture for result in replayed] == [result.from_fixture for result in mocked]


@pytest.mark.parametrize("known", [0, 1, 5, len(CHARTS)])
def test_record_mode_calls_once_for_each_missing_fixture(tmp_path: Path, known: int) -> None:
    """Record mode makes one call for each chart without a fixture, also if a chart is fetched twice."""
    with emulator(QUICK) as provider:
        fetched(provider, tmp_path, "record", CHARTS[:known])
        before = charged(provider)
        results = fetched(provider, tmp_path, "record", [*CHARTS, *CHARTS])

        assert (known, len(CHARTS)) == (before, charged(provider))
    assert all(result.ok for result in results)


def test_mock_mode_makes_no_call_for_what_is_missing(tmp_path: Path) -> None:
    """In mock mode a missing fixture is an error, and no call is made."""
    with emulator(QUICK) as provider:
        results = fetched(provider, tmp_path, "mock", CHARTS)

        assert 0 == provider.ledger().accounts["a"].total.asked
    assert {"CHART_API_MOCK_MISSING"} == {result.error.code for result in results if result.error is not None}


def test_with_the_check_the_three_modes_refuse_alike_and_nothing_is_charged(tmp_path: Path) -> None:
    """All modes refuse a wrong request with the same code, kind and details, and no call is charged."""
    with emulator(QUICK) as provider:
        results = []
        for mode in ("real", "record", "mock"):
            settings = {**provider.environ, "CHARTS_API_MODE": mode, "CHARTS_FIXTURES_DIR": str(tmp_path)}
            with ChartClient.from_env(settings) as client:
                results.append([client.fetch(request).error for request in (REFUSED[0], REFUSED[2], REFUSED[3])])

        assert 0 == charged(provider)
    assert results[0] == results[1] == results[2]
    assert ["VALIDATION_FAILED"] * 3 == [error.code for error in results[0] if error is not None]
