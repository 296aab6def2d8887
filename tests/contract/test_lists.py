"""The lists of exchanges and symbols: over every adapter, in every mode, with both clients, and for the check."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from chartimg import AsyncChartClient, ChartClient, ChartRequest, RetryPolicy
from chartimg.adapters.fixture.inventory import take_inventory
from chartimg.domain.chart.listing import Exchange, Symbol
from chartimg.domain.events import CallStarted, FetchFinished
from chartimg.domain.faults import FaultKind
from chartimg.domain.listing import Listing
from chartimg.domain.result import ChartApiFailure, Source
from chartimg.testing import EmulatedAccount, Emulator, EventLog, Rule, emulator
from command import call

ACCOUNT = EmulatedAccount("a", "canary-key-of-a", 400, "PRO", 1e5, 10**5)
QUICK = RetryPolicy(base_delay=0.001)
Listed = Listing[Exchange] | Listing[Symbol] | ChartApiFailure
Ask = Callable[[Mapping[str, str]], list[Listed]]


@pytest.fixture
def running() -> Iterator[Emulator]:
    """Run an emulator with one account."""
    with emulator(ACCOUNT) as provider:
        yield provider


def settings(running: Emulator, folder: Path, mode: str = "real", **more: str) -> dict[str, str]:
    """Return the settings of a client whose fixtures and cache lie in *folder*."""
    return {
        **running.environ,
        "CHARTS_API_MODE": mode,
        "CHARTS_FIXTURES_DIR": str(folder / "advanced-chart-v2"),
        "CHARTS_CACHE": str(folder / "cache"),
        **more,
    }


def charged(running: Emulator) -> int:
    """Return the units that the provider has charged."""
    return running.ledger().accounts["a"].total.charged


def asked(environ: Mapping[str, str]) -> list[Listed]:
    """Ask for three lists with a new client."""
    with ChartClient.from_env(environ) as client:
        return [client.exchanges(), client.symbols("nasdaq"), client.symbols("BINANCE", search="ethusdt")]


def asked_async(environ: Mapping[str, str]) -> list[Listed]:
    """Ask for three lists with a new asynchronous client."""

    async def ask() -> list[Listed]:
        """Ask for them on one loop."""
        async with AsyncChartClient.from_env(environ) as client:
            return [
                await client.exchanges(),
                await client.symbols("nasdaq"),
                await client.symbols("BINANCE", search="ethusdt"),
            ]

    return asyncio.run(ask())


@pytest.fixture(params=[asked, asked_async])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Return each kind of client in turn."""
    kind: Ask = request.param
    return kind


def rows(lists: list[Listed]) -> list[tuple[Sequence[Exchange | Symbol], datetime | None, int | None]]:
    """Return the rows of lists, with all that does not depend on their route."""
    found: list[tuple[Sequence[Exchange | Symbol], datetime | None, int | None]] = [
        (each.rows, each.updated_at, each.http_status) for each in lists if isinstance(each, Listing)
    ]
    assert len(lists) == len(found), lists
    return found


def test_each_mode_gives_the_same_lists(running: Emulator, tmp_path: Path, ask: Ask) -> None:
    """Real and the first record call once for a list, a replay never; the recordings lie in a folder of their own."""
    real = ask(settings(running, tmp_path, CHARTS_CACHE="off"))
    recorded = ask(settings(running, tmp_path, "record"))
    assert 6 == charged(running)
    replayed, mocked = (ask(settings(running, tmp_path, mode)) for mode in ("record", "mock"))

    assert rows(real) == rows(recorded) == rows(replayed) == rows(mocked)
    assert 6 == charged(running)
    exchanges, nasdaq, search = (each[0] for each in rows(real))
    assert Exchange("NASDAQ") in exchanges
    assert Symbol("NASDAQ", "AAPL", "AAPL at NASDAQ", "stock", "USD") == nasdaq[0]
    assert ["BINANCE:ETHUSDT", "BINANCE:ETHUSDT.P"] == list(map(str, search))
    folder = tmp_path / "exchange-lists-v3"
    assert ["exchanges__200.json", "symbols__BINANCE__200.json", "symbols__NASDAQ__200.json"] == sorted(
        each.name for each in folder.iterdir() if "meta" not in each.name
    )
    assert [Source.FIXTURE] * 3 == [each.source for each in mocked]
    assert [each.taken_at for each in replayed] == [each.taken_at for each in mocked]
    assert None not in [each.taken_at for each in mocked]
    assert [] == [finding for entry in take_inventory(folder, lambda _: None) for finding in entry.findings]


def test_a_list_is_kept_for_a_day(running: Emulator, tmp_path: Path, ask: Ask) -> None:
    """The cache of pictures keeps lists, for other processes, too; without one the memory of the client does."""
    first = ask(settings(running, tmp_path))
    second = ask(settings(running, tmp_path))

    assert rows(first) == rows(second)
    assert ([Source.HTTP] * 3, [Source.CACHE] * 3) == (
        [each.source for each in first],
        [each.source for each in second],
    )
    assert 3 == charged(running)
    with ChartClient.from_env(settings(running, tmp_path, CHARTS_CACHE="off")) as client:
        third = [client.symbols("NYSE") for _ in range(3)]
    assert 4 == charged(running)
    assert [Source.HTTP, Source.CACHE, Source.CACHE] == [each.source for each in third]
    assert [1, 0, 0] == [len(each.attempts) for each in third]


def test_a_damaged_list_in_the_cache_is_as_none(running: Emulator, tmp_path: Path) -> None:
    """A list that can't be read is fetched again."""
    environ = settings(running, tmp_path)
    asked(environ)
    for each in (tmp_path / "cache").glob("*.chart"):
        each.write_bytes(each.read_bytes()[:-5])

    assert [Source.HTTP] * 3 == [each.source for each in asked(environ)]


def test_a_list_is_fetched_like_a_picture(running: Emulator, tmp_path: Path) -> None:
    """A list has its attempts, events and retries; a failure is a result, and is not kept."""
    notes = EventLog()
    running.play(Rule(status=500, body={"message": "Something Went Wrong"}, next=1))
    with ChartClient.from_env(settings(running, tmp_path), listener=notes, policy=QUICK) as client:
        listed = client.symbols("NASDAQ", search="apple", deadline=30.0)
        running.play(Rule(status=429, body={"message": "Limit Exceeded"}))
        spent = client.exchanges()
        again = client.symbols("NASDAQ")

    assert listed.ok
    assert [FaultKind.SERVICE_UNAVAILABLE, None] == [each.kind for each in listed.attempts]
    assert isinstance(spent, ChartApiFailure)
    assert FaultKind.QUOTA_EXCEEDED is spent.error.kind
    assert Source.CACHE is again.source
    assert ["symbols NASDAQ"] * 2 + ["exchanges"] == [each.chart for each in notes.of(CallStarted)]
    assert [True, False, True] == [each.ok for each in notes.of(FetchFinished)]


def test_a_wrong_exchange_costs_one_call_at_most(running: Emulator, tmp_path: Path) -> None:
    """Without the list of exchanges an unknown one is asked for once; with it, it is refused before a call."""
    with ChartClient.from_env(settings(running, tmp_path)) as client:
        first, second = client.symbols("NASDQ"), client.symbols("NASDQ")
        assert 1 == charged(running)
        client.exchanges()
        third = client.symbols("NASDQ")
        form = client.symbols("../v2")

    assert [404, 404, None, None] == [each.http_status for each in (first, second, third, form)]
    assert ["NASDAQ"] == [each.suggestion for each in first.warnings]
    assert third.error is not None
    assert FaultKind.INVALID_BEFORE_CALL is third.error.kind
    assert 'exchange: "NASDQ" is not an exchange that is known; did you mean NASDAQ?' in third.error.message
    assert 2 == charged(running)


def test_lists_that_are_kept_help_every_client_of_the_cache(running: Emulator, tmp_path: Path) -> None:
    """What one process has read, the check of another knows: a wrong ticker, and where a bare one is listed."""
    asked(settings(running, tmp_path))
    with ChartClient.from_env(settings(running, tmp_path)) as client:
        wrong = client.fetch(ChartRequest("NASDAQ:AAPPL", "1D", "small", {"width": 400, "height": 300}))
        bare = client.fetch(client.request("AAPL", "1D", template="price_psar_adi_v1"))

    assert ["NASDAQ:AAPL"] == [each.suggestion for each in wrong.warnings]
    assert bare.error is not None
    assert "it is listed by NASDAQ" in bare.error.message


def test_no_session_goes_with_a_list(running: Emulator, tmp_path: Path) -> None:
    """A session that is refused with charts does no harm to lists, and lists are kept for clients with and without one."""
    session = json.dumps({"sessionId": "canary-unknown", "sessionIdSign": "canary-sign"})
    with_session = asked(settings(running, tmp_path, CHARTS_TRADINGVIEW_SESSION_JSON=session))
    without = asked(settings(running, tmp_path))

    assert rows(with_session) == rows(without)
    assert [Source.CACHE] * 3 == [each.source for each in without]


def test_the_command_lists_exchanges_and_symbols(running: Emulator, tmp_path: Path) -> None:
    """Without arguments come the exchanges, else the symbols of one, or those with a text; as JSON, too."""
    environ = settings(running, tmp_path)
    exchanges = call("symbols", cwd=tmp_path, **environ)
    found = call("symbols", "nasdaq", "aap", cwd=tmp_path, **environ)
    as_json = json.loads(call("symbols", "nasdaq", "aap", "--json", cwd=tmp_path, **environ).stdout)
    kept = call("symbols", "NASDAQ", cwd=tmp_path, **environ)
    wrong = call("symbols", "NASDQ", cwd=tmp_path, **environ)

    assert ["AMEX", "NASDAQ"] == [each for each in exchanges.stdout.splitlines() if each in {"AMEX", "NASDAQ"}]
    assert "NASDAQ:AAPL" in found.stdout
    assert "1 symbol, from account a" in found.stdout
    assert {"symbol": "NASDAQ:AAPL", "ticker": "AAPL"}.items() <= as_json["symbols"][0].items()
    assert ("CACHE", True) == (as_json["source"], as_json["ok"])
    assert "16 symbols, from the cache, taken at 20" in kept.stdout
    assert (1, 2) == (wrong.returncode, charged(running))
    assert "did you mean NASDAQ?" in wrong.stderr
