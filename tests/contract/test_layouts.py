"""Layouts over every adapter, and the sessions that open private ones."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import chartimg
from chartimg.adapters.fixture import FixtureTransport
from chartimg.adapters.fixture.inventory import take_inventory
from chartimg.adapters.http import Urllib3Transport
from chartimg.adapters.recording import RecordingTransport
from chartimg.domain.chart import LayoutRequest, TradingViewSession
from chartimg.domain.classification import classify
from chartimg.domain.faults import FaultKind
from chartimg.domain.finding import Severity
from chartimg.domain.reply import Reply, TransportFailure
from chartimg.domain.reply.png import Picture, inspect
from chartimg.testing import EmulatedAccount, EmulatedSession, Emulator, emulator
from command import call
from samples import NOON

ACCOUNT = EmulatedAccount("a", "canary-key-of-a", 10**6, "PRO", 1e5, 10**5)
MINE = EmulatedSession("canary-session-1", "canary-sign-1", layouts=("mine",))
GONE = EmulatedSession("canary-session-2", "canary-sign-2", connected=False)
SIZE = {"width": 400, "height": 300}
REQUEST = LayoutRequest("abc", "BINANCE:BTCUSDT", "1h", SIZE)


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    """Run an emulator with two sessions."""
    with emulator(ACCOUNT, sessions=[MINE, GONE]) as provider:
        yield provider


def over_http(running: Emulator, session: EmulatedSession | None = None) -> Urllib3Transport:
    """Return a transport, with the session of a host."""
    own = None if session is None else TradingViewSession(session.session_id, session.session_id_sign)
    return Urllib3Transport(running.url, session=own)


def replied(outcome: Reply | TransportFailure) -> Reply:
    """Check that *outcome* is a reply, and return it."""
    assert isinstance(outcome, Reply), outcome
    return outcome


def test_a_layout_is_recorded_and_replayed_byte_for_byte(running: Emulator, tmp_path: Path) -> None:
    """The picture over HTTP, its recording and its replay are the same bytes, in a folder of the layouts' own."""
    charts = tmp_path / "advanced-chart-v2"
    with over_http(running) as http:
        recorder = RecordingTransport(http, charts)
        first, recorded = (replied(each.send(REQUEST, ACCOUNT.account)) for each in (http, recorder))
    replayed = replied(FixtureTransport(charts).send(REQUEST))

    assert first.body == recorded.body == replayed.body
    assert Picture(400, 300) == replayed.picture
    assert tmp_path / "layout-chart-v2" / "abc__BINANCE_BTCUSDT__1h.png" == replayed.fixture_path
    assert () == replayed.warnings
    (entry,) = take_inventory(tmp_path / "layout-chart-v2", lambda _: "unknown")
    assert (REQUEST.key, ()) == (entry.key, entry.findings)
    assert not charts.exists() or [] == list(charts.iterdir())


@pytest.mark.parametrize(
    "request_",
    [LayoutRequest("abc"), LayoutRequest("abc", None, "1h"), LayoutRequest("abc", "SP:SPX"), LayoutRequest("ABC")],
)
def test_each_picture_of_a_layout_is_found_again(running: Emulator, tmp_path: Path, request_: LayoutRequest) -> None:
    """Requests for a layout with and without a symbol and an interval have fixtures of their own."""
    with over_http(running) as http:
        recorder = RecordingTransport(http, tmp_path)
        for each in (REQUEST, request_):
            recorder.send(each, ACCOUNT.account)
    replay = FixtureTransport(tmp_path)

    assert replied(replay.send(request_)).body != replied(replay.send(REQUEST)).body
    assert [] == [finding for entry in take_inventory(tmp_path, lambda _: None) for finding in entry.findings]


def test_a_changed_body_makes_a_fixture_stale_and_a_missing_one_names_its_command(
    running: Emulator, tmp_path: Path
) -> None:
    """A recording for another size is stale, and without a recording the command is named that makes one."""
    with over_http(running) as http:
        RecordingTransport(http, tmp_path).send(REQUEST, ACCOUNT.account)
    replay = FixtureTransport(tmp_path)
    changed = replied(replay.send(LayoutRequest("abc", "BINANCE:BTCUSDT", "1h", {"width": 500})))
    missing = replay.send(LayoutRequest("abd", "SP:SPX"))

    assert ["stale"] == ["stale" for each in changed.warnings if "stale" in each.message]
    assert isinstance(missing, TransportFailure)
    assert FaultKind.FIXTURE_MISSING is missing.kind
    assert "chartimg layout abd --symbol SP:SPX --out chart.png" in missing.message


@pytest.mark.parametrize("name", ["abc.png", "abc__BINANCE_BTCUSDT.png", "abc____1h.png"])
def test_a_picture_put_there_by_hand_is_found(tmp_path: Path, name: str) -> None:
    """A file without a meta file replays, and the inventory finds nothing wrong with its name."""
    folder = tmp_path / "layout-chart-v2"
    folder.mkdir()
    (folder / name).write_bytes(chartimg.testing.picture(4, 4))
    parts = [*name.removesuffix(".png").split("__"), "", ""]
    request = LayoutRequest(parts[0], parts[1].replace("_", ":") or None, parts[2] or None)

    assert 200 == replied(FixtureTransport(tmp_path).send(request)).status
    assert [] == [finding for entry in take_inventory(folder, lambda _: None) for finding in entry.findings]
    assert () == take_inventory(tmp_path, lambda _: None)  # the folder of the layouts is not one of the charts


@pytest.mark.parametrize(
    ("layout", "session", "status", "kind", "words"),
    [
        ("abc", None, 200, None, ""),
        ("mine", MINE, 200, None, ""),
        ("mine", None, 403, FaultKind.SESSION_REJECTED, "share the layout at TradingView"),
        ("abc", GONE, 409, FaultKind.SESSION_REJECTED, "sign in to TradingView again"),
        ("abc", EmulatedSession("canary-x", "canary-y"), 403, FaultKind.SESSION_REJECTED, "check the two cookies"),
    ],
)
def test_a_session_that_is_refused_is_told_what_to_do(
    running: Emulator, layout: str, session: EmulatedSession | None, status: int, kind: FaultKind | None, words: str
) -> None:
    """A refused session is a kind of its own, with words that say what to do, and never the session."""
    with over_http(running, session) as http:
        reply = replied(http.send(LayoutRequest(layout, payload=SIZE), ACCOUNT.account))
    error = classify(reply, now=NOON)

    assert (status, kind) == (reply.status, None if error is None else error.kind)
    assert error is None or (words in error.message and not error.retriable)
    assert "canary" not in repr(reply) + str(error)


def test_a_refused_session_suspends_no_account(running: Emulator) -> None:
    """With a session that is unknown, the account goes on; the result is final after one call."""
    wrong = Urllib3Transport(running.url, session=TradingViewSession("canary-x", "canary-y"))
    with wrong, chartimg.ChartClient(transport=wrong, accounts=[ACCOUNT.account]) as client:
        result = client.fetch(chartimg.ChartRequest("BINANCE:BTCUSDT", "1h", "small", SIZE))

        assert not result.ok
        assert (FaultKind.SESSION_REJECTED, 1) == (result.error.kind, len(result.attempts))
        assert client.accounts is not None
        assert ["AVAILABLE"] == [status.state for status in client.accounts.status()]


def test_a_session_is_in_no_file(running: Emulator, tmp_path: Path) -> None:
    """A recording made with a session has neither its cookies nor the key."""
    with over_http(running, MINE) as http:
        RecordingTransport(http, tmp_path).send(LayoutRequest("mine", payload=SIZE), ACCOUNT.account)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]

    assert {"mine.png", "mine.meta.json"} == {path.name for path in files}
    assert [] == [path for path in files if b"canary" in path.read_bytes()]
    meta = json.loads((tmp_path / "layout-chart-v2" / "mine.meta.json").read_bytes())
    assert ("mine", None, None) == (meta["layoutId"], meta["symbol"], meta["timeframe"])


def test_a_request_for_a_layout_is_checked() -> None:
    """The check uses the table of layouts, the plan, and the problems of the request itself."""
    wrong = LayoutRequest("abc", "binance:btcusdt", "1H", {"zoomIn": 26, "shiftLeft": 3, "width": 900})
    found = {each.path: each for each in chartimg.check(wrong, "BASIC")}

    assert [] == chartimg.check(REQUEST)
    assert [] == chartimg.check(LayoutRequest("abc"))
    assert ["layout_id"] == [each.path for each in chartimg.check(LayoutRequest("a/b"))]
    assert {"symbol", "interval", "zoomIn", "shiftLeft", "width"} == set(found)
    assert ("moveLeft", "1h") == (found["shiftLeft"].suggestion, found["interval"].suggestion)
    assert {"shiftLeft"} == {path for path, each in found.items() if each.severity is Severity.WARNING}


MANY = [LayoutRequest("abc", "BINANCE:BTCUSDT", "1h", SIZE), LayoutRequest("abc", payload=SIZE), REQUEST]


def settings(running: Emulator, folder: Path, **changes: str) -> dict[str, str]:
    """Return the settings of a host with a session, and everything else in *folder*."""
    session = json.dumps({"sessionId": MINE.session_id, "sessionIdSign": MINE.session_id_sign})
    places = {"CHARTS_FIXTURES_DIR": str(folder / "fixtures"), "CHARTS_CACHE": str(folder / "pictures")}
    return {**running.environ, "CHARTS_TRADINGVIEW_SESSION_JSON": session, **places, **changes}


def test_both_clients_fetch_layouts_in_all_modes_with_the_same_bytes(running: Emulator, tmp_path: Path) -> None:
    """A private layout is fetched by both clients, recorded once, replayed, and kept while it is fresh."""
    mine = LayoutRequest("mine", "BINANCE:BTCUSDT", "1h", SIZE)
    pictures, calls = [], []

    async def fetched(environ: dict[str, str]) -> chartimg.ChartApiResult:
        """Fetch with the asynchronous client."""
        async with chartimg.AsyncChartClient.from_env(environ) as client:
            return await client.fetch(mine)

    for mode in ("real", "record", "mock"):
        environ = settings(running, tmp_path, CHARTS_API_MODE=mode, CHARTS_FRESH="3600")
        with chartimg.ChartClient.from_env(environ) as client:
            results = [client.fetch(mine), asyncio.run(fetched(environ))]
        pictures += [each.unwrap() for each in results]
        calls += [len(each.attempts) for each in results]

    assert 1 == len(set(pictures))
    assert [1, 0, 1, 0, 0, 0] == calls
    assert [] == [path for path in tmp_path.rglob("*") if path.is_file() and b"canary" in path.read_bytes()]


def test_a_session_is_an_argument_of_a_client_and_has_pictures_of_its_own(running: Emulator, tmp_path: Path) -> None:
    """What one session may see is not handed to a client with another session from their common cache."""
    private = LayoutRequest("mine", payload=SIZE)
    environ = {**settings(running, tmp_path, CHARTS_FRESH="3600"), "CHARTS_TRADINGVIEW_SESSION_JSON": ""}
    session = TradingViewSession(MINE.session_id, MINE.session_id_sign)
    with chartimg.ChartClient.from_env(environ, session=session) as own, chartimg.ChartClient.from_env(environ) as none:
        assert own.fetch(private).ok
        refused = none.fetch(private)
        again = own.fetch(private)
        wrong = own.fetch(LayoutRequest("mine", payload={"symbol": f"A:{MINE.session_id}"}))

    assert not refused.ok
    assert refused.error.kind is FaultKind.SESSION_REJECTED
    assert (True, ()) == (again.ok, again.attempts)
    assert not wrong.ok
    assert "canary" not in repr((own.routes, wrong))


def test_a_session_for_a_transport_of_the_hosts_own_is_refused(running: Emulator) -> None:
    """The client can't send it there, so it says where the session belongs, and shows none of it."""
    session = TradingViewSession("canary-a", "canary-b")
    with over_http(running) as http, pytest.raises(chartimg.ConfigError, match="give it to the transport") as caught:
        chartimg.ChartClient(transport=http, accounts=[ACCOUNT.account], session=session)

    assert "canary" not in str(caught.value)


def test_an_export_saves_layouts_beside_charts_and_resumes_them(running: Emulator, tmp_path: Path) -> None:
    """Each layout is an item of the manifest with its id; equal requests are one, and a second run makes no call."""
    chart = chartimg.ChartRequest("BINANCE:BTCUSDT", "1h", "small", SIZE)
    with chartimg.ChartClient.from_env(settings(running, tmp_path)) as client:
        runs = [chartimg.ChartExport(client, [*MANY, chart], tmp_path / "out", resume=True) for _ in range(2)]
        ends = [list(run) for run in runs]
    manifests = [run.manifest for run in runs]
    written = json.loads((tmp_path / "out" / "manifest.json").read_bytes())

    assert [3, 3] == [len(each) for each in ends]
    assert [3, 0] == [each.calls for each in manifests]
    assert {chart.key, *(each.key for each in MANY)} == {item.key for item in manifests[1].items}
    assert {"abc__BINANCE_BTCUSDT__1h.png", "abc.png", "BINANCE_BTCUSDT__1h__small.png"} == {
        item["file"] for item in written["items"]
    }
    assert {"abc", None} == {item.get("layoutId") for item in written["items"]}


def test_the_command_fetches_a_layout(running: Emulator, tmp_path: Path) -> None:
    """``chartimg layout`` writes the picture and reports the id; a body may come from a file."""
    (tmp_path / "body.json").write_text(json.dumps(SIZE))
    asked = ("layout", "mine", "--symbol", "BINANCE:ETHUSDT", "--interval", "4h", "--body", "body.json", "--out")
    environ = settings(running, tmp_path)
    first = call(*asked, "a.png", "--json", cwd=tmp_path, **environ)
    misspelt = call("layout", "https://www.tradingview.com/chart/mine/", "--out", "b.png", cwd=tmp_path, **environ)
    report = json.loads(first.stdout)

    assert (0, "mine", "BINANCE:ETHUSDT", "4h", None) == (
        first.returncode,
        *(report[name] for name in ("layoutId", "symbol", "timeframe", "template")),
    )
    assert isinstance(inspect((tmp_path / "a.png").read_bytes()), Picture)
    assert 2 == misspelt.returncode
    assert "did you mean mine" in misspelt.stderr
    assert "canary" not in first.stdout + first.stderr + misspelt.stderr
