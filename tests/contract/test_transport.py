"""One suite for the port ``Transport``, over all its adapters: the same request gets the same reply, never an exception.

Each adapter is brought to a given answer: HTTP by an emulated CHART-IMG, fixtures by recording that
once, and the recorder around either.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chartimg import Account, ChartRequest, FaultKind
from chartimg.adapters.catalog import shipped_catalog
from chartimg.adapters.fixture import FixtureTransport
from chartimg.adapters.fixture.folder import folder_of
from chartimg.adapters.http import Urllib3Transport
from chartimg.adapters.recording import RecordingTransport
from chartimg.domain.chart import LayoutRequest, ListRequest, Request
from chartimg.domain.chart.endpoint import Answer
from chartimg.domain.chart.file_name import stem
from chartimg.domain.chart.listing import Rows
from chartimg.domain.chart.storage import StorageRequest
from chartimg.domain.classification import classify
from chartimg.domain.ports import Transport
from chartimg.domain.reply import Reply, TransportFailure
from chartimg.emulator.drawing import draw
from chartimg.emulator.listings import exchange_list, symbol_list
from chartimg.emulator.rules import AcceptedChart, read_body
from chartimg.testing import EmulatedAccount, Emulator, Fault, Rule, emulator
from patience import LONG
from rows import for_each
from samples import NOON

SMALL = {"width": 400, "height": 300}
REQUEST = ChartRequest("BINANCE:BTCUSDT", "1h", "small", SMALL)
LAYOUT = LayoutRequest("abc", "BINANCE:BTCUSDT", "1h", SMALL)
REQUESTS: dict[str, Request] = {
    "chart": REQUEST,
    "layout": LAYOUT,
    "address of a chart": StorageRequest(REQUEST),
    "address of a layout": StorageRequest(LAYOUT),
    "exchanges": ListRequest(),
    "symbols": ListRequest("NASDAQ"),
}
OTHER: dict[Answer, Request] = {
    Answer.PICTURE: StorageRequest(REQUEST),
    Answer.ADDRESS: REQUEST,
    Answer.LISTING: StorageRequest(REQUEST),
}
"""For each answer a request that it does not answer."""
PRO = EmulatedAccount("a", "canary-key-of-a", 10**6, "PRO", 1e5, 10**5)

DOCUMENTED: list[tuple[int, object, FaultKind]] = [
    (401, {"message": "Invalid Request"}, FaultKind.INVALID_REQUEST),
    (403, {"message": "Forbidden"}, FaultKind.CREDENTIAL_REJECTED),
    (403, {"message": "Layout Forbidden"}, FaultKind.SESSION_REJECTED),
    (403, {"message": "Exceed Max Usage Resolution Limit (800x600)"}, FaultKind.PLAN_LIMIT),
    (403, {"message": "Exceed Max Usage Parameter Limit (3)"}, FaultKind.PLAN_LIMIT),
    (404, None, FaultKind.INVALID_REQUEST),
    (404, {"message": "Route not found."}, FaultKind.INVALID_REQUEST),
    (409, {"message": "Session Disconnected"}, FaultKind.SESSION_REJECTED),
    (422, [{"value": "X", "msg": "is wrong", "param": "symbol", "location": "body"}], FaultKind.INVALID_REQUEST),
    (422, {"message": "Invalid Symbol"}, FaultKind.INVALID_REQUEST),
    (422, {"message": "Invalid Interval"}, FaultKind.INVALID_REQUEST),
    (422, {"error": "Invalid symbol."}, FaultKind.INVALID_REQUEST),
    (
        422,
        {"errors": [{"msg": "The field must be valid interval id.", "param": "interval"}]},
        FaultKind.INVALID_REQUEST,
    ),
    (400, None, FaultKind.INVALID_REQUEST),
    (429, {"message": "Too Many Requests"}, FaultKind.THROTTLED),
    (429, {"message": "Limit Exceeded"}, FaultKind.QUOTA_EXCEEDED),
    (429, {}, FaultKind.QUOTA_EXCEEDED),
    (500, {"message": "Something Went Wrong"}, FaultKind.SERVICE_UNAVAILABLE),
    (500, {"error": "Server error."}, FaultKind.SERVICE_UNAVAILABLE),
    (503, None, FaultKind.SERVICE_UNAVAILABLE),
    (504, {"message": "External Request Timeout"}, FaultKind.SERVICE_UNAVAILABLE),
    (504, {"message": "Endpoint request timed out"}, FaultKind.SERVICE_UNAVAILABLE),
    (504, {"error": "Process timeout."}, FaultKind.SERVICE_UNAVAILABLE),
]
"""Every error body of the documentation, with its meaning."""


@attrs.frozen
class Stage:
    """A transport, and a way to bring it to a given answer."""

    transport: Transport
    account: Account | None
    answer_with: Callable[[Request, Rule | None], None]

    def ask(self, request: Request, rule: Rule | None = None) -> Reply | TransportFailure:
        """Send *request* once; it is answered by *rule*, or without a rule as the provider would."""
        self.answer_with(request, rule)
        return self.transport.send(request, self.account, timeout=LONG)


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    """A provider that never throttles."""
    with emulator(PRO) as provider:
        yield provider


def _over_http(running: Emulator, opened: ExitStack, _: Path) -> Stage:
    """HTTP to the emulator."""

    def answer_with(_: Request, rule: Rule | None) -> None:
        running.play(*([] if rule is None else [rule]))

    return Stage(opened.enter_context(Urllib3Transport(running.url)), PRO.account, answer_with)


def _from_fixtures(running: Emulator, opened: ExitStack, folder: Path) -> Stage:
    """Fixtures recorded from the emulator; replies that the recorder skips are written by hand, as a host would."""
    source = _over_http(running, opened, folder)
    recorder = RecordingTransport(source.transport, folder)

    def answer_with(request: Request, rule: Rule | None) -> None:
        for path in [path for path in folder.rglob("*") if path.is_file()]:
            path.unlink()
        source.answer_with(request, rule)
        reply = recorder.send(request, source.account)
        place = folder_of(folder, request.endpoint)
        if rule is not None and not list(place.glob("*.json")):
            assert isinstance(reply, Reply)
            body = json.loads(reply.body) if reply.body else ""
            by_hand = json.dumps({"status": reply.status, "body": body})
            place.mkdir(exist_ok=True)
            (place / f"{stem(request.key)}__{reply.status}_BY_HAND.json").write_text(by_hand)

    return Stage(FixtureTransport(folder), None, answer_with)


def _recording(inner: Stage, folder: Path) -> Stage:
    """The recorder around another transport."""
    return attrs.evolve(inner, transport=RecordingTransport(inner.transport, folder))


ADAPTERS = ("http", "fixtures", "recorder around http", "recorder around fixtures")


@pytest.fixture(params=ADAPTERS)
def stage(request: pytest.FixtureRequest, running: Emulator, tmp_path: Path) -> Iterator[Stage]:
    """Each adapter in turn."""
    with ExitStack() as opened:
        build = _over_http if "http" in request.param else _from_fixtures
        for name in ("inner", "outer"):
            (tmp_path / name).mkdir()
        made = build(running, opened, tmp_path / "inner")
        yield _recording(made, tmp_path / "outer") if "recorder" in request.param else made
        running.play()


def drawn(request: ChartRequest) -> bytes:
    """Return the picture that the provider draws for *request*."""
    chart = read_body(request.encoded)
    assert isinstance(chart, AcceptedChart)
    return draw(chart.body)


def replied(outcome: Reply | TransportFailure) -> Reply:
    """Check that *outcome* is a reply, and return it."""
    assert isinstance(outcome, Reply), outcome
    return outcome


def test_a_chart_request_gets_its_picture(stage: Stage) -> None:
    """A request gets the picture that the provider drew, and the same bytes when repeated."""
    first, again = replied(stage.ask(REQUEST)), replied(stage.transport.send(REQUEST, stage.account))

    assert (200, drawn(REQUEST), "image/png") == (first.status, first.body, first.headers["content-type"])
    assert first.body == again.body
    assert classify(first, now=NOON) is None


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_each_endpoint_is_answered_over_each_adapter(stage: Stage, request_: Request) -> None:
    """A request gets what its endpoint answers, and a refusal as it is; a recording has the same bytes again."""
    first, again = replied(stage.ask(request_)), replied(stage.transport.send(request_, stage.account))
    refused = replied(stage.ask(request_, Rule(status=422, body={"message": "Invalid Symbol"})))
    is_new = request_.endpoint.answer is Answer.ADDRESS and stage.account is not None  # each call stores anew

    assert [None, None] == [classify(each, now=NOON, request=request_) for each in (first, again)]
    assert is_new is (first.body != again.body)
    assert classify(first, now=NOON, request=OTHER[request_.endpoint.answer]) is not None
    assert (422, b'{"message":"Invalid Symbol"}') == (refused.status, refused.body.replace(b": ", b":"))


@pytest.mark.parametrize("listed", [None, "NASDAQ"])
def test_a_request_for_a_list_gets_its_list(stage: Stage, listed: str | None) -> None:
    """A list has the same rows over each adapter, as JSON that is its answer, and the same bytes when repeated."""
    request = ListRequest(listed)
    first, again = replied(stage.ask(request)), replied(stage.transport.send(request, stage.account))
    catalog = shipped_catalog()
    made = exchange_list(catalog, NOON) if listed is None else symbol_list(listed, {}, catalog, NOON)
    rows = request.read(first.body)

    assert (200, "application/json") == (first.status, first.headers["content-type"])
    assert first.body == again.body
    assert classify(first, now=NOON, request=request) is None
    assert isinstance(rows, Rows)
    assert isinstance(expected := request.read(json.dumps(made).encode()), Rows)
    assert expected.rows == rows.rows


@pytest.mark.parametrize("exchange", ["NOWHERE", "NASDAQ1"])
def test_the_list_of_an_unknown_exchange_is_an_error(stage: Stage, exchange: str) -> None:
    """It is a refusal of the request, over each adapter."""
    fault = classify(replied(stage.ask(ListRequest(exchange))), now=NOON, request=ListRequest(exchange))

    assert fault is not None
    assert (FaultKind.INVALID_REQUEST, 404) == (fault.kind, fault.http_status)


def test_different_requests_get_different_pictures(stage: Stage) -> None:
    """Requests that differ in symbol, timeframe or body get different pictures."""
    requests = [
        REQUEST,
        attrs.evolve(REQUEST, symbol="BINANCE:ETHUSDT"),
        attrs.evolve(REQUEST, timeframe="4h"),
        attrs.evolve(REQUEST, chart_template_id="dark", payload={**SMALL, "theme": "dark"}),
    ]
    bodies = {replied(stage.ask(request)).body for request in requests}

    assert len(requests) == len(bodies)


@for_each("request_", [REQUEST, ListRequest("NASDAQ")])
@for_each(("status", "body", "kind"), DOCUMENTED)
def test_each_documented_error_comes_as_it_is(
    stage: Stage, status: int, body: object, kind: FaultKind, request_: Request
) -> None:
    """An error has the same status, body and meaning over each adapter, for each endpoint."""
    reply = replied(stage.ask(request_, Rule(status=status, body=body)))
    fault = classify(reply, now=NOON, request=request_)

    assert (status, body) == (reply.status, json.loads(reply.body) if reply.body else None)
    assert fault is not None
    assert (kind, status) == (fault.kind, fault.http_status)


@pytest.mark.parametrize(
    ("payload", "status", "message"),
    [
        ({"theme": "grey", "width": 9000, "studies": [{}]}, 422, "theme"),
        ({"width": 9000, "studies": [{"name": "MACD"}] * 9}, 403, "Resolution Limit (1920x1080)"),
        ({"width": 1000, "studies": [{"name": "MACD"}] * 9}, 403, "Parameter Limit (5)"),
    ],
)
def test_of_several_mistakes_the_first_is_reported(
    stage: Stage, payload: dict[str, object], status: int, message: str
) -> None:
    """Mistakes in fields are reported before the plan's limits, and the size before the number of studies."""
    reply = replied(stage.ask(attrs.evolve(REQUEST, payload=payload), Rule(latency=0.001)))

    assert (status, True) == (reply.status, message in reply.body.decode())


def test_many_threads_get_the_same_reply(stage: Stage) -> None:
    """Many threads get the same reply over one transport."""
    stage.answer_with(REQUEST, None)
    with ThreadPoolExecutor(16) as threads:
        replies = list(threads.map(lambda _: stage.transport.send(REQUEST, stage.account), range(64)))

    assert {(200, drawn(REQUEST))} == {(replied(reply).status, replied(reply).body) for reply in replies}


def test_no_key_is_in_a_reply(stage: Stage) -> None:
    """A recorded reply has no key, even if the provider repeats it."""
    reply = stage.ask(REQUEST, Rule(status=422, body={"message": f"{PRO.api_key} is not ours"}))
    recorded = isinstance(stage.transport, FixtureTransport | RecordingTransport)

    assert not recorded or PRO.api_key not in str(replied(reply).body)


TEXT = st.text(min_size=1, max_size=12)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(TEXT, TEXT, TEXT, st.dictionaries(TEXT, st.text(max_size=5) | st.integers(), max_size=3))
def test_any_request_gets_an_outcome(
    stage: Stage, symbol: str, timeframe: str, template: str, payload: dict[str, object]
) -> None:
    """Any request gets a reply or a failure, never an exception."""
    request = ChartRequest(symbol, timeframe, template, payload)
    if not request.problems:
        outcome = stage.transport.send(request, stage.account, timeout=LONG)

        assert isinstance(outcome, Reply | TransportFailure)


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_is_a_value(running: Emulator, tmp_path: Path, fault: Fault) -> None:
    """A fault of the provider's never raises, and is neither taken for a picture nor recorded as one."""
    with Urllib3Transport(running.url, read_timeout=0.3) as bare:
        for transport in (bare, RecordingTransport(bare, tmp_path)):
            running.play(Rule(fault))
            outcome = transport.send(REQUEST, PRO.account)
            assert classify(outcome, now=NOON) is not None
    running.play()

    assert [] == list(tmp_path.glob("*.png"))


@pytest.mark.parametrize("content", [b"", b"not a PNG", b"\x89PNG\r\n\x1a\n"])
def test_a_damaged_fixture_is_a_value(tmp_path: Path, content: bytes) -> None:
    """A damaged or missing fixture is a failure, also through the recorder."""
    fixtures = FixtureTransport(tmp_path)
    recorder = RecordingTransport(fixtures, tmp_path / "outer")
    missing = [transport.send(REQUEST, None) for transport in (fixtures, recorder)]
    (tmp_path / f"{stem(REQUEST.key)}.png").write_bytes(content)
    damaged = [transport.send(REQUEST, None) for transport in (fixtures, recorder)]

    assert [FaultKind.FIXTURE_MISSING] * 2 + [FaultKind.BAD_IMAGE] * 2 == [
        outcome.kind if isinstance(outcome, TransportFailure) else None for outcome in (*missing, *damaged)
    ]
