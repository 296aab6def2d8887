"""The command ``chartimg symbols``: tables, JSON, mistakes and the end of a run."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from chartimg.app.client import SyncClient
from command import call

ROWS = [
    {"symbol": "AAPL", "description": "Apple Inc.", "type": "stock", "currency_code": "USD"},
    {"symbol": "AAPB", "description": "[red]2x\x1b Apple", "type": "fund"},
    {"symbol": "MSFT", "description": "Microsoft"},
    {},
]


@pytest.fixture
def environ(tmp_path: Path) -> Mapping[str, str]:
    """Return the settings for two lists that were put there by hand."""
    folder = tmp_path / "exchange-lists-v3"
    folder.mkdir()
    for name, payload in (("exchanges", ["NASDAQ", "NYSE"]), ("symbols__NASDAQ", ROWS), ("symbols__NYSE", None)):
        body = {"updatedAt": "2026-01-05T00:00:00.000Z", "payload": payload}
        (folder / f"{name}__200.json").write_text(json.dumps({"status": 200, "body": body}))
    return {"CHARTS_API_MODE": "mock", "CHARTS_FIXTURES_DIR": str(tmp_path)}


def test_the_exchanges_are_names_a_line(tmp_path: Path, environ: Mapping[str, str]) -> None:
    """Without arguments each exchange is a line, and the last line counts them and says where they came from."""
    done = call("symbols", cwd=tmp_path, **environ)

    assert ["NASDAQ", "NYSE"] == done.stdout.splitlines()[:2]
    assert f"2 exchanges, from fixture {tmp_path / 'exchange-lists-v3' / 'exchanges__200.json'}" in done.stdout
    assert (0, "") == (done.returncode, done.stderr)


def test_the_symbols_of_an_exchange_are_a_table(tmp_path: Path, environ: Mapping[str, str]) -> None:
    """Each symbol is a row as it stands, in the provider's order; a row that can't be read is told on standard error."""
    done = call("symbols", "nasdaq", cwd=tmp_path, **environ)
    words = [line.split() for line in done.stdout.splitlines()]

    assert ["NASDAQ:AAPL", "stock", "USD", "Apple", "Inc."] in words
    assert ["NASDAQ:AAPB", "fund", "[red]2x", "Apple"] in words
    assert "3 symbols, from fixture" in done.stdout
    assert "chartimg: symbols NASDAQ: payload[3]: WARNING: has no name, and was left out\n" == done.stderr


def test_a_text_of_several_words_searches_them_together(tmp_path: Path, environ: Mapping[str, str]) -> None:
    """The words of the search are one text."""
    found = call("symbols", "NASDAQ", "apple", "inc", "--json", cwd=tmp_path, **environ)
    none = call("symbols", "NYSE", "apple", cwd=tmp_path, **environ)

    assert ["NASDAQ:AAPL"] == [each["symbol"] for each in json.loads(found.stdout)["symbols"]]
    assert none.stdout.startswith("0 symbols, from fixture")


def test_json_has_the_rows_and_their_circumstances(tmp_path: Path, environ: Mapping[str, str]) -> None:
    """An exchange is its id, and a symbol an object with its whole name."""
    exchanges = json.loads(call("symbols", "--json", cwd=tmp_path, **environ).stdout)
    listed = json.loads(call("symbols", "NASDAQ", "msft", "--json", cwd=tmp_path, **environ).stdout)

    assert (["NASDAQ", "NYSE"], True, "FIXTURE") == (exchanges["exchanges"], exchanges["ok"], exchanges["source"])
    assert listed["updatedAt"].startswith("2026-01-05T00:00:00")
    assert [
        {
            "symbol": "NASDAQ:MSFT",
            "exchange": "NASDAQ",
            "ticker": "MSFT",
            "description": "Microsoft",
            "type": "",
            "currency": "",
        }
    ] == listed["symbols"]


def test_a_list_that_is_not_recorded_says_how_to_record_it(tmp_path: Path, environ: Mapping[str, str]) -> None:
    """The exit code is 1, and JSON has the error."""
    done = call("symbols", "LSE", "--json", cwd=tmp_path, **environ)

    assert 1 == done.returncode
    assert "record it with: CHARTS_API_MODE=record chartimg symbols LSE" in done.stderr
    assert "symbols LSE: CHART_API_MOCK_MISSING (FIXTURE_MISSING, see " in done.stderr
    assert (False, None) == ((value := json.loads(done.stdout))["ok"], value["symbols"])


def test_lists_put_there_by_hand_are_fixtures_like_others(tmp_path: Path, environ: Mapping[str, str]) -> None:
    """The inventory finds nothing wrong with their names, counts them as answers, and the gallery shows their rows."""
    folder = str(tmp_path / "exchange-lists-v3")
    verified = call("fixtures", "verify", "--dir", folder, cwd=tmp_path, **environ)
    listed = call("fixtures", "list", "--dir", folder, cwd=tmp_path, **environ)
    call("fixtures", "gallery", "--dir", folder, "--out", "page.html", cwd=tmp_path, **environ)
    (tmp_path / "exchange-lists-v3" / "NASDAQ__200.json").write_text('{"status": 200, "body": {}}')
    strange = call("fixtures", "verify", "--dir", folder, cwd=tmp_path, **environ)

    assert "checked 3 fixtures" in verified.stdout
    assert "0 pictures, 0 errors, 3 answers" in listed.stdout
    page = (tmp_path / "page.html").read_text("utf-8")
    assert 3 == page.count("an address or a list, as JSON")
    assert "Microsoft" in page
    assert "NASDAQ__200.json: its name is not that of a fixture" in strange.stdout


def test_an_interrupted_run_says_which_calls_stay_charged(
    tmp_path: Path, environ: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C ends with the exit code of the signal."""

    def interrupt(_: SyncClient) -> None:
        """End as Ctrl-C does."""
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(SyncClient, "exchanges", interrupt)
    done = call("symbols", cwd=tmp_path, **environ)

    assert 130 == done.returncode
    assert "chartimg: exchanges: interrupted; no call is charged" in done.stderr
