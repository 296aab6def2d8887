"""Pictures at an address: stored by the provider, over every mode, client and face."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from chartimg import AsyncChartClient, ChartClient, ChartRequest, ConfigError, FaultKind, LayoutRequest, StoredChart
from chartimg.adapters.fixture.inventory import take_inventory
from chartimg.domain.events import Event, PictureKept
from chartimg.domain.reply import Reply
from chartimg.domain.reply.png import Picture, inspect
from chartimg.domain.result import ChartApiFailure, Source
from chartimg.domain.stored import StoreResult
from chartimg.testing import EmulatedAccount, Emulator, Rule, ScriptedTransport, VirtualClock, emulator
from command import MAIN, call, run_loaded
from patience import LONG
from samples import NOON

ACCOUNT = EmulatedAccount("a", "canary-key-of-a", 10**6, "PRO", 1e5, 10**5)
SIZE = {"width": 400, "height": 300}
CHART = ChartRequest("BINANCE:BTCUSDT", "1h", "small", SIZE)
LAYOUT = LayoutRequest("abc", "BINANCE:BTCUSDT", "1h", SIZE)
BOTH = pytest.mark.parametrize("request_", [CHART, LAYOUT], ids=["chart", "layout"])


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    """Run a provider that never throttles."""
    with emulator(ACCOUNT) as provider:
        yield provider


def settings(running: Emulator, folder: Path, mode: str = "real") -> dict[str, str]:
    """Return the settings of a host in a *mode*."""
    places = {"CHARTS_FIXTURES_DIR": str(folder / "fixtures"), "CHARTS_CACHE": str(folder / "pictures")}
    return {**running.environ, **places, "CHARTS_API_MODE": mode}


def stored(environ: dict[str, str], request: ChartRequest | LayoutRequest) -> StoredChart:
    """Store with the synchronous client."""
    with ChartClient.from_env(environ) as client:
        result = client.store(request)
    assert isinstance(result, StoredChart), result
    return result


async def stored_async(environ: dict[str, str], request: ChartRequest | LayoutRequest) -> StoredChart:
    """Store with the asynchronous client."""
    async with AsyncChartClient.from_env(environ) as client:
        result = await client.store(request)
    assert isinstance(result, StoredChart), result
    return result


@BOTH
def test_an_address_serves_the_picture_that_a_fetch_returns(
    running: Emulator, tmp_path: Path, request_: ChartRequest | LayoutRequest
) -> None:
    """Both clients pay one call each for an address; anybody gets the picture there, without a key."""
    environ = settings(running, tmp_path)
    results = [stored(environ, request_), asyncio.run(stored_async(environ, request_))]
    with ChartClient.from_env(environ) as client:
        picture = client.fetch(request_).unwrap()
    pictures = [urllib.request.urlopen(each.url).read() for each in results]

    assert [picture, picture] == pictures
    assert [1, 1] == [len(each.attempts) for each in results]
    assert {Source.HTTP} == {each.source for each in results}
    assert all(each.expires_at is not None and each.etag and each.taken_at for each in results)
    assert {None if request_ is CHART else len(picture)} == {each.size for each in results}
    assert results[0].url == results[0].unwrap()


@BOTH
def test_an_address_is_recorded_and_replayed(
    running: Emulator, tmp_path: Path, request_: ChartRequest | LayoutRequest
) -> None:
    """The record and the mock mode give one address, from a folder of its own, and the picture keeps its own fixture."""
    results = [stored(settings(running, tmp_path, mode), request_) for mode in ("record", "record", "mock")]
    with ChartClient.from_env(settings(running, tmp_path, "record")) as client:
        assert 1 == len(client.fetch(request_).attempts)
    folder = tmp_path / "fixtures" / f"{'advanced' if request_ is CHART else 'layout'}-chart-storage-v2"
    (entry,) = take_inventory(folder, lambda _: None)

    assert 1 == len({(each.url, each.etag, each.expires_at, each.size) for each in results})
    assert [1, 0, 0] == [len(each.attempts) for each in results]
    assert [Source.HTTP, Source.FIXTURE, Source.FIXTURE] == [each.source for each in results]
    assert [()] * 3 == [each.warnings for each in results]
    assert (request_.key, 200, ()) == (entry.key, entry.http_status, entry.findings)


def test_an_expired_address_is_stale_and_a_missing_one_names_its_command(running: Emulator, tmp_path: Path) -> None:
    """A replay after the day on which the picture is gone says so; a missing recording says how to make it."""
    recorded = stored(settings(running, tmp_path, "record"), CHART)
    assert recorded.expires_at is not None
    later = VirtualClock(recorded.expires_at)
    with ChartClient.from_env(settings(running, tmp_path, "mock"), clock=later) as client:
        replayed, missing = client.store(CHART), client.store(LAYOUT)

    assert replayed.ok
    assert any("stale: the address has expired" in each.message for each in replayed.warnings)
    assert isinstance(missing, ChartApiFailure)
    assert FaultKind.FIXTURE_MISSING is missing.error.kind
    assert (
        "record it with: CHARTS_API_MODE=record chartimg store BINANCE:BTCUSDT 1h --layout abc" in missing.error.message
    )


def test_a_refusal_is_the_same_failure_as_that_of_a_fetch(running: Emulator, tmp_path: Path) -> None:
    """A wrong body costs no call, a fault of the provider is retried, and a plan that is too small is told."""
    wrong = ChartRequest("BINANCE:BTCUSDT", "1h", "small", {"theme": "grey"})
    with ChartClient.from_env(settings(running, tmp_path)) as client:
        refused = client.store(wrong)
        running.play(Rule(status=500, next=1))
        retried = client.store(CHART)
    running.play()

    assert isinstance(refused, ChartApiFailure)
    assert (FaultKind.INVALID_BEFORE_CALL, ()) == (refused.error.kind, refused.attempts)
    assert retried.ok
    assert [500, 200] == [each.http_status for each in retried.attempts]


def test_an_answer_without_an_address_is_a_failure_that_is_paid_for_once() -> None:
    """Status 200 with something else is final: another call would bring the same."""
    transport = ScriptedTransport([Reply(200, body=b'{"etag": "e"}')], clock=VirtualClock(NOON))
    with transport.client() as client:
        result = client.store(CHART)

    assert isinstance(result, ChartApiFailure)
    assert (FaultKind.UNEXPECTED_REPLY, 1) == (result.error.kind, len(result.attempts))
    assert "without the address of a picture" in result.error.message


def test_what_can_not_be_stored_is_refused_by_type() -> None:
    """A body, or a request of another kind, is a mistake of the host's."""
    with (
        ScriptedTransport([]).client() as client,
        pytest.raises(ConfigError, match="request must be a ChartRequest or"),
    ):
        client.store({"symbol": "BINANCE:BTCUSDT"})  # type: ignore[arg-type]  # by a host without a type checker


class Told:
    """Hears when an answer is kept."""

    def __init__(self) -> None:
        self.kept = threading.Event()

    def notify(self, event: Event) -> None:
        """Take note of an answer without a caller."""
        if isinstance(event, PictureKept):
            self.kept.set()


def test_a_caller_who_leaves_leaves_the_address_to_the_next_one() -> None:
    """An address whose caller was cancelled is paid for, so the next equal request within a minute gets it."""
    body, told = json.dumps({"url": "https://r2.example/a.png"}).encode(), Told()

    async def scenario() -> tuple[StoreResult, int]:
        """Cancel the first caller while the call is under way."""
        loop, left = asyncio.get_running_loop(), threading.Event()

        def answered(*_: object) -> Reply:
            """Answer when the caller has gone."""
            loop.call_soon_threadsafe(first.cancel)
            assert left.wait(LONG)
            return Reply(200, body=body)

        transport = ScriptedTransport([answered], clock=VirtualClock(NOON))
        async with transport.async_client(listener=told) as client:
            first = asyncio.ensure_future(client.store(CHART))
            await asyncio.wait([first])
            left.set()
            assert await asyncio.to_thread(told.kept.wait, LONG)
            return await client.store(CHART), len(transport.calls)

    result, calls = asyncio.run(scenario())
    assert (True, 1, ()) == (result.ok, calls, result.attempts)


def test_the_command_prints_the_address_and_says_that_it_is_public(running: Emulator, tmp_path: Path) -> None:
    """Standard output has the address alone; with --json it has all, and no key."""
    environ = settings(running, tmp_path)
    plain = call("store", "BTCUSDT", "1h", "--template", "price_psar_adi_v1", cwd=tmp_path, **environ)
    as_json = call("store", "BINANCE:ETHUSDT", "4h", "--layout", "abc", "--json", cwd=tmp_path, **environ)
    wrong = [
        call("store", *arguments, cwd=tmp_path, **environ)
        for arguments in (
            ["BTCUSDT", "1h"],
            ["BTCUSDT", "--template", "price_psar_adi_v1"],
            ["--layout", "abc", "--template", "a"],
        )
    ]
    report = json.loads(as_json.stdout)

    assert 0 == plain.returncode, plain.stderr
    assert isinstance(inspect(urllib.request.urlopen(plain.stdout.strip()).read()), Picture)
    assert "whoever has the address sees the picture until" in plain.stderr
    assert (True, "abc", "BINANCE:ETHUSDT") == (report["ok"], report["layoutId"], report["symbol"])
    assert {2} == {each.returncode for each in wrong}
    assert "canary" not in plain.stdout + plain.stderr + as_json.stdout + as_json.stderr


def test_a_recorded_address_of_a_template_is_verified(running: Emulator, tmp_path: Path) -> None:
    """An address that was recorded for today's body of its template is not called stale."""
    environ = settings(running, tmp_path, "record")
    made = call("store", "BTCUSDT", "1h", "--template", "price_psar_adi_v1", cwd=tmp_path, **environ)
    folder = tmp_path / "fixtures" / "advanced-chart-storage-v2"
    verified = call("fixtures", "verify", "--dir", str(folder), cwd=tmp_path, **environ)

    assert 0 == made.returncode, made.stderr
    assert (0, "") == (verified.returncode, verified.stderr)
    assert f"checked 1 fixture in {folder}: nothing is wrong\n" == verified.stdout


def test_the_command_stores_no_picture_whose_address_has_no_place(running: Emulator, tmp_path: Path) -> None:
    """With standard output closed the command ends before a call; if it can't be written, the address is in the error."""
    environ, arguments = settings(running, tmp_path), ("store", "BTCUSDT", "1h", "--template", "price_psar_adi_v1")
    before = running.ledger().accounts["a"].total.charged
    closed = run_loaded("import sys; sys.stdout = None;" + MAIN, *arguments, cwd=tmp_path, **environ)
    between = running.ledger().accounts["a"].total.charged
    full = [
        run_loaded(
            "import sys; sys.stdout = open('/dev/full', 'w');" + MAIN, *arguments, *more, cwd=tmp_path, **environ
        )
        for more in ((), ("--json",))
    ]

    assert (2, before) == (closed.returncode, between)
    assert "standard output is closed, and the address would be lost" in closed.stderr
    for each in full:
        address = each.stderr.partition("has not taken the address ")[2].partition(";")[0]
        assert 1 == each.returncode
        assert isinstance(inspect(urllib.request.urlopen(address).read()), Picture)
        assert "; 1 call stays charged: 1 to " in each.stderr
