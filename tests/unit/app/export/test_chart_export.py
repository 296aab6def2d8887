"""``chartimg.ChartExport``: an iterator over the ends of charts, with threads and on a loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import count, repeat
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chartimg import (
    Account,
    ChartApiResult,
    ChartClient,
    ChartExport,
    ChartRequest,
    ConfigError,
    RetryPolicy,
    StoreUnavailable,
    WorkerConfig,
)
from chartimg.app.async_client import AsyncClient
from chartimg.app.client import SyncClient
from chartimg.app.export.folder import JOURNAL_NAME, FolderInUse
from chartimg.app.export.manifest import MANIFEST_NAME, ExportEnd, Manifest
from chartimg.app.mode import ApiMode
from chartimg.domain.chart import Request
from chartimg.domain.faults import FaultKind
from chartimg.testing import Reply, ScriptedTransport, picture
from exporting import numbered_picture
from patience import LONG

ACCOUNT = Account("a", "key-of-a", daily_limit=1_000, requests_per_second=1_000.0, burst=1_000)
ACCOUNTS = [ACCOUNT]
INVALID = Reply(422, body=b'{"message":"Invalid Symbol"}')
GRID = [ChartRequest(f"BINANCE:{name}USDT", frame, "mine") for name in ("BTC", "ETH", "SOL") for frame in ("1h", "4h")]


def pictures() -> Iterator[Reply]:
    """Return a picture of its own for each call."""
    return (Reply(200, body=picture(8 + number, 6)) for number in count())


def exported(
    transport: ScriptedTransport,
    out: Path,
    requests: Sequence[ChartRequest] = GRID,
    accounts: Sequence[Account] = ACCOUNTS,
    **options: Any,
) -> Manifest:
    """Export *requests*, and return the manifest."""
    with transport.client(accounts) as client:
        export = ChartExport(client, requests, out, **options)
        ends = list(export)
        manifest = export.manifest
    assert len(requests) == len(ends) == len(manifest.items) + len(manifest.failures)
    return manifest


async def async_exported(
    transport: ScriptedTransport,
    out: Path,
    requests: Sequence[ChartRequest] = GRID,
    accounts: Sequence[Account] = ACCOUNTS,
    **options: Any,
) -> Manifest:
    """Export *requests* on the loop, and return the manifest."""
    async with transport.async_client(accounts) as client:
        export = ChartExport(client, requests, out, **options)
        ends = [end async for end in export]
    assert len(requests) == len(ends)
    return export.manifest


def on_loop(transport: ScriptedTransport, out: Path, *arguments: Any, **options: Any) -> Manifest:
    """Export on a loop of its own."""
    return asyncio.run(async_exported(transport, out, *arguments, **options))


Way = Callable[..., Manifest]
both_ways = pytest.mark.parametrize("way", [exported, on_loop], ids=["threads", "loop"])


@both_ways
def test_a_complete_folder_costs_no_call(way: Way, tmp_path: Path) -> None:
    """A second run with resume keeps all pictures; without it all are called for again."""
    transport = ScriptedTransport(pictures())
    first, second = (way(transport, tmp_path, resume=True) for _ in range(2))

    assert (len(GRID), 0) == (first.calls, second.calls)
    assert [(item.file, item.sha256, True) for item in first.items] == [
        (item.file, item.sha256, item.kept) for item in second.items
    ]
    assert {*(item.file for item in first.items), MANIFEST_NAME} == {path.name for path in tmp_path.iterdir()}
    assert len(GRID) == way(transport, tmp_path).calls
    assert 2 * len(GRID) == len(transport.calls)


@settings(max_examples=12)
@given(data=st.data())
def test_only_what_is_not_proved_is_called_for(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """A picture that is edited, cut or gone, and one of another body, is called for again; the others are not."""
    out, transport = tmp_path_factory.mktemp("out"), ScriptedTransport(pictures())
    before = exported(transport, out)
    requests, expected = list(GRID), set[str]()
    for place, item in enumerate(before.items):
        file = out / item.file
        match data.draw(st.sampled_from(["leave", "edit", "cut", "remove", "body"])):
            case "edit":
                file.write_bytes(file.read_bytes()[:-1] + b"!")
            case "cut":
                file.write_bytes(file.read_bytes()[:-9])
            case "remove":
                file.unlink()
            case "body":
                request = requests[place]
                requests[place] = ChartRequest(request.symbol, request.timeframe, "mine", {"theme": "dark"})
            case _:
                continue
        expected.add(item.file)
    with transport.client([ACCOUNT]) as client:
        plan = ChartExport(client, requests, out, resume=True).plan()
    after = exported(transport, out, requests, resume=True)

    assert expected == {item.file for item in after.items if not item.kept}
    assert len(expected) == after.calls == len(plan.calls)
    assert len(GRID) - len(expected) == plan.kept


def test_a_resumed_run_is_told_of_charts_that_another_run_had(tmp_path: Path) -> None:
    """Pictures of other charts in the folder are not lost to a later run that is asked for them."""
    transport = ScriptedTransport(pictures())
    exported(transport, tmp_path, GRID[:3], resume=True)
    exported(transport, tmp_path, GRID[3:], resume=True)
    manifest = exported(transport, tmp_path, resume=True)

    assert len(GRID) == len(transport.calls)
    assert [True] * len(GRID) == [item.kept for item in manifest.items]


@both_ways
def test_a_picture_is_kept_while_it_is_fresh(way: Way, tmp_path: Path) -> None:
    """By candle a picture is kept until its candle closes; by seconds for so long."""
    transport = ScriptedTransport(pictures())
    transport.clock.advance(60.0)  # from noon
    way(transport, tmp_path)
    transport.clock.advance(3_540.0 - 1)
    assert 0 == way(transport, tmp_path, resume=True, fresh="candle").calls
    transport.clock.advance(1.0)
    assert 3 == way(transport, tmp_path, resume=True, fresh="candle").calls
    transport.clock.advance(59.0)
    assert 0 == way(transport, tmp_path, resume=True, fresh=3_600).calls
    transport.clock.advance(1.0)
    assert 3 == way(transport, tmp_path, resume=True, fresh=3_600).calls
    transport.clock.advance(86_400.0)
    assert 0 == way(transport, tmp_path, resume=True).calls
    item = way(transport, tmp_path, resume=True, fresh="candle").items[0]
    assert item.candle is not None
    assert item.taken_at is not None
    assert (timedelta(hours=1), True) == (item.candle.closes - item.candle.begins, item.candle.begins < item.taken_at)


@both_ways
@pytest.mark.parametrize("jobs", [1, 4, 16])
def test_the_other_charts_of_a_refused_symbol_are_not_paid_for(jobs: int, way: Way, tmp_path: Path) -> None:
    """After the first Invalid Symbol of a grid its other charts end without a call, however many run at once."""
    transport = ScriptedTransport(
        repeat(lambda request, *_: INVALID if "ETH" in request.symbol else Reply(200, body=picture()))
    )
    requests = [
        ChartRequest(each.symbol, frame, "mine") for each in GRID[::2] for frame in ("1h", "2h", "3h", "4h", "1D")
    ]
    manifest = way(transport, tmp_path, requests, jobs=jobs)
    first, *others = manifest.failures

    assert (10, 5, 11) == (len(manifest.items), len(manifest.failures), len(transport.calls))
    assert {"INVALID_REQUEST"} == {failure.kind for failure in manifest.failures}
    assert ([1], [0] * 4) == ([first.calls], [failure.calls for failure in others])
    assert {"not asked for, since the symbol was refused for another chart: HTTP 422: Invalid Symbol"} == {
        failure.message for failure in others
    }


@both_ways
def test_a_grid_with_an_error_costs_nothing(way: Way, tmp_path: Path) -> None:
    """If the check finds an ERROR in one chart, no chart is called for, and each mistake is told once."""
    transport = ScriptedTransport([])
    wrong = [ChartRequest(each.symbol, "1H", "mine") for each in GRID[::2]]
    with pytest.raises(ConfigError) as caught:
        way(transport, tmp_path / "out", [*GRID, *wrong])

    assert (
        '3 chart requests are wrong: interval: "1H" is not an interval; did you mean "1h"?',
    ) == caught.value.problems
    assert ([], False) == (transport.calls, (tmp_path / "out").exists())


@both_ways
def test_a_store_that_is_gone_is_the_failure_of_each_chart(
    way: Way, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """If no claim can be taken, each chart ends with the code of the store."""

    def gone(*_: object, **__: object) -> ChartApiResult:
        raise StoreUnavailable("the store is gone")

    for client in (SyncClient, AsyncClient):
        monkeypatch.setattr(client, "fetch_for", gone)
    manifest = way(ScriptedTransport([]), tmp_path)

    assert [("STORE_UNAVAILABLE", "the store is gone", 0)] * len(GRID) == [
        (failure.code, failure.message, failure.calls) for failure in manifest.failures
    ]


def test_a_system_without_threads_is_told_or_done_with_fewer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One thread is enough for an export; if there is none, it raises, and the folder is free again."""
    start, left = threading.Thread.start, [1]

    def limited(thread: threading.Thread) -> None:
        if thread.name.startswith("chartimg-export"):
            left[0] -= 1
            if left[0] < 0:
                raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    transport = ScriptedTransport(pictures())
    assert len(GRID) == len(exported(transport, tmp_path).items)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        exported(transport, tmp_path)
    left[0] = 1
    assert len(GRID) == len(exported(transport, tmp_path).items)


def test_many_mistakes_are_cut(tmp_path: Path) -> None:
    """The first twenty mistakes are told, and the number of the others."""
    wrong = [ChartRequest("BINANCE:BTCUSDT", f"{number}x", "mine") for number in range(1, 24)]
    with pytest.raises(ConfigError) as caught:
        exported(ScriptedTransport([]), tmp_path, wrong)

    assert (21, "and 3 more problems") == (len(caught.value.problems), caught.value.problems[-1])


@both_ways
def test_the_folder_of_a_run_is_refused_to_another(way: Way, tmp_path: Path) -> None:
    """A second export into the folder raises while the first one lives, and makes no call."""
    transport, other = ScriptedTransport(pictures()), ScriptedTransport([])
    with transport.client([ACCOUNT]) as client:
        run = iter(ChartExport(client, GRID, tmp_path, jobs=1))
        next(run)
        with pytest.raises(FolderInUse):
            way(other, tmp_path)
        assert len(GRID) - 1 == len(list(run))
    assert [] == other.calls


def test_a_caller_who_leaves_makes_no_further_call(tmp_path: Path) -> None:
    """If the loop is left, the calls under way are awaited and saved, and the manifest has them all."""
    transport = ScriptedTransport(pictures())
    with transport.client([ACCOUNT]) as client:
        export = ChartExport(client, GRID, tmp_path, jobs=1)
        for _ in export:
            break
        manifest = export.manifest

    assert len(transport.calls) == manifest.calls == len(manifest.items) < len(GRID)
    assert {"INTERRUPTED"} == {failure.code for failure in manifest.failures}
    assert not (tmp_path / JOURNAL_NAME).exists()
    assert len(GRID) - len(transport.calls) == exported(transport, tmp_path, resume=True).calls


def test_no_retry_follows_when_the_caller_leaves(tmp_path: Path) -> None:
    """A chart that failed and waits for its next attempt ends with the error of its call."""
    called, go_on = threading.Event(), threading.Event()

    def fail(*_: object) -> Reply:
        called.set()
        assert go_on.wait(LONG)
        return Reply(503)

    transport = ScriptedTransport([Reply(200, body=picture()), fail])
    with transport.client([ACCOUNT]) as client:
        export = ChartExport(client, GRID, tmp_path, jobs=1)
        run = iter(export)
        next(run)
        assert called.wait(LONG)
        threading.Timer(0.05, go_on.set).start()
        run.close()  # type: ignore[attr-defined]

    assert 2 == len(transport.calls)
    assert [FaultKind.SERVICE_UNAVAILABLE] == [each.kind for each in export.manifest.failures if each.kind]
    assert [1] == [each.calls for each in export.manifest.failures if each.kind]


def test_a_task_that_is_cancelled_saves_what_is_paid_for(tmp_path: Path) -> None:
    """If the task is cancelled, calls under way come to their end, their pictures are saved, and no other call follows."""
    called, go_on = threading.Semaphore(0), threading.Event()

    def late(*_: object) -> Reply:
        called.release()
        assert go_on.wait(LONG)
        return Reply(200, body=picture(9, 9))

    transport = ScriptedTransport(repeat(late))

    async def run() -> ChartExport:
        """Cancel the task of the export while two calls are under way."""
        async with transport.async_client([ACCOUNT]) as client:
            export = ChartExport(client, GRID, tmp_path, jobs=2)

            async def consume() -> list[ExportEnd]:
                """Collect the ends."""
                return [end async for end in export]

            task = asyncio.create_task(consume())
            for _ in range(2):
                assert await asyncio.to_thread(called.acquire, timeout=LONG)
            task.cancel()
            await asyncio.sleep(0)
            go_on.set()
            with pytest.raises(asyncio.CancelledError):
                await task
        return export

    manifest = asyncio.run(run()).manifest
    assert (2, 2) == (len(manifest.items), len(transport.calls))
    assert {*(item.file for item in manifest.items), MANIFEST_NAME} == {path.name for path in tmp_path.iterdir()}


def test_a_plan_makes_no_call_and_no_folder(tmp_path: Path) -> None:
    """A plan tells the calls and their forecast, and leaves the disk as it is."""
    transport = ScriptedTransport([])
    with transport.client([ACCOUNT]) as client:
        plan = ChartExport(client, [*GRID, GRID[0]], tmp_path / "out", resume=True).plan()

    assert (len(GRID), 0, 0, 0) == (plan.requested, plan.kept, plan.from_fixtures, plan.from_cache)
    assert tuple(request.key for request in GRID) == plan.calls
    assert plan.forecast is not None
    assert (len(GRID), True) == (plan.forecast.charts, plan.forecast.enough)
    assert not (tmp_path / "out").exists()


def test_an_export_is_iterated_over_in_the_way_of_its_client(tmp_path: Path) -> None:
    """The wrong kind of loop is a TypeError that names the right one."""
    transport = ScriptedTransport([])

    async def run() -> None:
        """Iterate in the way of the other client."""
        async with transport.async_client([ACCOUNT]) as client:
            with pytest.raises(TypeError, match="async for"):
                iter(ChartExport(client, GRID, tmp_path)).__next__()

    asyncio.run(run())
    with transport.client([ACCOUNT]) as blocking, pytest.raises(TypeError, match="with: for"):
        ChartExport(blocking, GRID, tmp_path).__aiter__()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"jobs": 0}, "jobs must be from 1 to 256"),
        ({"jobs": "4"}, "jobs must be a whole number, not str"),
        ({"resume": 1}, "resume must be True or False, not int"),
        ({"fresh": "hour"}, "fresh must be off, candle or seconds"),
        ({"fresh": "off", "resume": True}, "leave one of them out"),
        ({"out": 5}, "out must be text or"),
        ({"requests": GRID[0]}, "requests must be"),
        ({"client": None}, "client must be a Client, not NoneType"),
    ],
)
def test_a_wrong_argument_is_named(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    """An argument of a wrong type or value is a ConfigError that names it."""
    with ScriptedTransport([]).client([ACCOUNT]) as client:
        arguments: dict[str, Any] = {"client": client, "requests": GRID, "out": tmp_path, **options}
        with pytest.raises(ConfigError, match=message):
            ChartExport(**arguments)


def test_a_request_of_a_wrong_type_is_named(tmp_path: Path) -> None:
    """An element that is no chart request is a ConfigError, with its number if requests are made when they are asked for."""

    class Lazy(Sequence[Any]):
        """Makes a request, then something else."""

        def __len__(self) -> int:
            """Return two."""
            return 2

        def __getitem__(self, place: Any) -> Any:
            """Make the element at a place."""
            return (GRID[0], "BTCUSDT")[place]

    with ScriptedTransport([]).client([ACCOUNT]) as client:
        with pytest.raises(
            ConfigError, match="requests must be a sequence of ChartRequest or LayoutRequest, not tuple of"
        ):
            ChartExport(client, iter([GRID[0], "BTCUSDT"]), tmp_path)  # type: ignore[arg-type]
        with pytest.raises(
            ConfigError, match="request 2 of the export must be a ChartRequest or a LayoutRequest, not str"
        ):
            list(ChartExport(client, Lazy(), tmp_path))


def test_an_export_has_a_manifest_after_its_beginning(tmp_path: Path) -> None:
    """Before its first run an export has no manifest, and the error says so."""
    with ScriptedTransport([]).client([ACCOUNT]) as client:
        export = ChartExport(client, GRID, tmp_path)
        assert export.failure is None
        with pytest.raises(ConfigError, match="when it is iterated over"):
            _ = export.manifest


# Charts that may be changed

WRONG = [ChartRequest("NYSE:AAPL", frame, "mine") for frame in ("1h", "4h")]
WIDE = ChartRequest("BINANCE:BTCUSDT", "1h", "wide", {"width": 1920, "height": 1080})


def market(*listed: str) -> ScriptedTransport:
    """Return a transport with a picture of its own for each chart of the *listed* symbols; it refuses all others."""
    numbers = count()

    def answer(request: Request, *_: object) -> Reply:
        """Look for the symbol."""
        return Reply(200, body=numbered_picture(next(numbers))) if request.symbol in listed else INVALID

    return ScriptedTransport(repeat(answer))


@both_ways
def test_a_chart_of_another_exchange_keeps_its_name_and_is_proved_by_the_body_that_was_sent(
    way: Way, tmp_path: Path
) -> None:
    """The item warns of the exchange; a later run keeps it if that exchange is still allowed, and not otherwise."""
    transport = market("NASDAQ:AAPL")
    first = way(transport, tmp_path, WRONG, on_invalid_symbol=["NASDAQ"], jobs=1)
    second = way(transport, tmp_path, WRONG, on_invalid_symbol=["NASDAQ"], resume=True)
    third = way(transport, tmp_path, WRONG, resume=True)

    assert [2, 1] == [item.calls for item in first.items]
    assert [
        (f"NYSE_AAPL__{each.timeframe}__mine.png", attrs.evolve(each, symbol="NASDAQ:AAPL").body_digest, ["symbol"])
        for each in WRONG
    ] == [(item.file, item.body_sha256, [each.path for each in item.warnings]) for item in first.items]
    assert [(0, True), (0, True)] == [(item.calls, item.kept) for item in second.items]
    assert ([], 1) == (list(third.items), third.calls)


def test_two_names_of_one_chart_are_no_doubtful_duplicates(tmp_path: Path) -> None:
    """A chart that another exchange drew has the picture of that symbol's own chart, and no warning about it."""
    transport = ScriptedTransport([INVALID, *[Reply(200, body=picture())] * 2])
    requests = [WRONG[0], attrs.evolve(WRONG[0], symbol="NASDAQ:AAPL")]
    manifest = exported(transport, tmp_path, requests, on_invalid_symbol=["NASDAQ"], jobs=1)

    assert [["symbol"], []] == [[each.path for each in item.warnings] for item in manifest.items]


@pytest.mark.parametrize(("max_attempts", "calls"), [(1, [1, 1]), (2, [2, 1])])
def test_a_symbol_with_exchanges_left_is_not_given_up_for_its_other_charts(
    max_attempts: int, calls: list[int], tmp_path: Path
) -> None:
    """The next chart of the symbol goes on with the exchange that no call was left for, and a refused symbol costs one call."""
    transport = market("NASDAQ:AAPL")
    with transport.client(ACCOUNTS, policy=RetryPolicy(max_attempts=max_attempts)) as client:
        export = ChartExport(client, WRONG, tmp_path, on_invalid_symbol=["NASDAQ"], jobs=1)
        ends = list(export)

    assert calls == [end.calls for end in ends]
    assert max_attempts == len(export.manifest.items)


@both_ways
def test_a_chart_that_is_cut_for_the_plan_is_proved_by_the_cut_body(way: Way, tmp_path: Path) -> None:
    """Without leave it is a mistake before any call; with it the item warns of the cut, and a later run keeps it."""
    transport = ScriptedTransport([Reply(200, body=picture(800, 450))])
    basic = [Account("a", "key-of-a", plan="BASIC")]
    with pytest.raises(ConfigError, match="1920 is more than BASIC allows"):
        way(transport, tmp_path, [WIDE], accounts=basic)
    first, second = (way(transport, tmp_path, [WIDE], accounts=basic, fit="plan", resume=True) for _ in range(2))

    cut = attrs.evolve(WIDE, payload={"width": 800, "height": 450})
    assert [(cut.body_digest, ["width"], 1, False)] == [
        (item.body_sha256, [each.path for each in item.warnings], item.calls, item.kept) for item in first.items
    ]
    assert [(cut.body_digest, ["width"], 0, True)] == [
        (item.body_sha256, [each.path for each in item.warnings], item.calls, item.kept) for item in second.items
    ]


def test_a_plan_of_changed_charts_counts_what_would_be_called_for(tmp_path: Path) -> None:
    """A recorded refusal that leads to a recorded chart is a chart from fixtures; without that chart it takes a call."""
    stem = "NYSE_AAPL__{}__mine__422_INVALID_SYMBOL.json"
    for frame in ("1h", "4h"):
        (tmp_path / stem.format(frame)).write_text('{"status": 422, "body": {"message": "Invalid Symbol"}}')
    (tmp_path / "NASDAQ_AAPL__1h__mine.png").write_bytes(picture())
    config = WorkerConfig(mode=ApiMode.RECORD, fixtures_dir=tmp_path, accounts=(ACCOUNT,), account_store="memory://")
    with ChartClient(config) as client:
        plan = ChartExport(client, WRONG, tmp_path / "out", on_invalid_symbol=["NASDAQ"]).plan()

    assert (1, (WRONG[1].key,)) == (plan.from_fixtures, plan.calls)
