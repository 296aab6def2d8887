"""One list of charts in all three modes: the same results byte for byte, and no call too many."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from chartimg import AsyncChartClient, ChartApiResult, ChartClient, ChartRequest, ConfigError
from chartimg.adapters.templates import load_templates
from chartimg.domain.reply.png import Picture, inspect
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
DRAWN_QUICKLY = [chart for chart in CHARTS if chart.chart_template_id == "small"]
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


@pytest.mark.parametrize("known", [0, 1, len(DRAWN_QUICKLY)])
def test_record_mode_calls_once_for_each_missing_fixture(tmp_path: Path, known: int) -> None:
    """Record mode makes one call for each chart without a fixture, also if a chart is fetched twice."""
    with emulator(QUICK) as provider:
        fetched(provider, tmp_path, "record", DRAWN_QUICKLY[:known])
        before = charged(provider)
        results = fetched(provider, tmp_path, "record", [*DRAWN_QUICKLY, *DRAWN_QUICKLY])

        assert (known, len(DRAWN_QUICKLY)) == (before, charged(provider))
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


def fetched_on_a_loop(
    provider: Emulator, folder: Path, mode: str, requests: list[ChartRequest]
) -> list[ChartApiResult]:
    """Fetch *requests* in *mode* with a new asynchronous client."""
    settings = {**provider.environ, "CHARTS_API_MODE": mode, "CHARTS_FIXTURES_DIR": str(folder)}

    async def fetch() -> list[ChartApiResult]:
        """Fetch one after another."""
        async with AsyncChartClient.from_env(settings) as client:
            return [await client.fetch(request) for request in requests]

    return asyncio.run(fetch())


@pytest.mark.parametrize("fetch", [fetched, fetched_on_a_loop])
def test_a_request_without_a_payload_is_the_template_that_its_id_names(fetch: Any, tmp_path: Path) -> None:
    """In every mode, and on both clients, the id of a template alone gets the picture of that template, without a warning."""
    looks = load_templates()
    with emulator(QUICK) as provider:
        whole = fetched(provider, tmp_path, "real", [each.request("BTCUSDT", "1h") for each in looks.values()])
        named = [ChartRequest("BINANCE:BTCUSDT", "1h", each) for each in looks]
        results = [fetch(provider, tmp_path, mode, named) for mode in ("real", "record", "record", "mock")]

        assert 3 * len(looks) == charged(provider)
    assert len(looks) == len({each.png_bytes for each in whole})
    for each in results:
        assert [result.png_bytes for result in whole] == [result.png_bytes for result in each]
        assert {()} == {result.warnings for result in each}


def test_an_own_template_wins_over_one_that_ships_in_every_mode(tmp_path: Path) -> None:
    """CHARTS_TEMPLATES_DIR is honoured by a client, and a template in it replaces the one that ships with its id."""
    own = {"id": "price_psar_adi_v1", "description": "", "chartImgSymbolTemplate": "KRAKEN:{symbol}", "request": SMALL}
    (tmp_path / "price_psar_adi_v1.json").write_text(json.dumps(own))
    with emulator(QUICK) as provider:
        for mode in ("real", "record", "mock"):
            places = {"CHARTS_TEMPLATES_DIR": str(tmp_path), "CHARTS_FIXTURES_DIR": str(tmp_path / "fixtures")}
            with ChartClient.from_env({**provider.environ, **places, "CHARTS_API_MODE": mode}) as client:
                request = client.request("BTCUSDT", "1h", template="price_psar_adi_v1")
                named, built = client.fetch(attrs.evolve(request, payload={})), client.fetch(request)

            assert ChartRequest("KRAKEN:BTCUSDT", "1h", "price_psar_adi_v1", SMALL) == request
            assert (400, 300, ()) == (*size(named.unwrap()), named.warnings)
            assert named.png_bytes == built.png_bytes


def size(png: bytes) -> tuple[int, int]:
    """Return the pixels of a picture."""
    found = inspect(png)
    assert isinstance(found, Picture)
    return found.width, found.height


def test_a_misspelt_or_broken_template_costs_nothing(tmp_path: Path) -> None:
    """A misspelt id without a payload fails before a call, with the nearest id; a broken template is a ConfigError."""
    (tmp_path / "broken.json").write_text("{")
    settings = {"CHARTS_TEMPLATES_DIR": str(tmp_path), "CHARTS_FIXTURES_DIR": str(tmp_path)}
    with emulator(QUICK) as provider:
        for mode in ("real", "record", "mock"):
            with ChartClient.from_env({**provider.environ, **settings, "CHARTS_API_MODE": mode}) as client:
                error = client.fetch(ChartRequest("BINANCE:BTCUSDT", "1h", "price_psar_adi")).error
                with pytest.raises(ConfigError, match=r"broken\.json is not JSON"):
                    client.fetch(ChartRequest("BINANCE:BTCUSDT", "1h", "broken"))
                with pytest.raises(
                    ConfigError, match="no template 'price_pasr_adi_v1'; did you mean price_psar_adi_v1"
                ):
                    client.request("BTCUSDT", "1h", template="price_pasr_adi_v1")

            assert error is not None
            assert "INVALID_BEFORE_CALL" == error.kind
            assert "did you mean price_psar_adi_v1?" in error.message
        assert 0 == provider.ledger().accounts["a"].total.asked
