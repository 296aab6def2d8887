"""Spans and measures of OpenTelemetry: those of the conventions, once for each call, without a key."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import attrs
import pytest
from opentelemetry import trace
from opentelemetry.context import Context  # noqa: TC002 (as the SDK's own signature)
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader, NumberDataPoint
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from chartimg import Account, AccountPool, AsyncChartClient, ChartClient, ChartRequest, LayoutRequest, RetryPolicy
from chartimg.adapters.opentelemetry import OpenTelemetryListener
from chartimg.domain.account.status import AccountStatus
from chartimg.domain.chart import Request
from chartimg.domain.errors import StoreUnavailable
from chartimg.domain.events import CallFinished
from chartimg.domain.reply import Reply, TransportFailure
from chartimg.testing import EmulatedAccount, Fault, Rule, ScriptedTransport, VirtualClock, emulator, picture

KEY = "canary-key"
PNG = picture()
REQUEST = ChartRequest("BINANCE:BTCUSDT", "1h", "small")
Attributes = frozenset[tuple[str, object]]


class Watch:
    """A listener with providers of the test's own, and what it has told them."""

    def __init__(self, exporter: SpanExporter | None = None) -> None:
        self.exporter, self.reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracers, self.meters = TracerProvider(), MeterProvider([self.reader])
        self.tracers.add_span_processor(SimpleSpanProcessor(exporter or self.exporter))
        self.listener = OpenTelemetryListener(
            "https://charts.example:8443", tracer_provider=self.tracers, meter_provider=self.meters
        )

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        """The spans that have ended, in the order of their beginning."""
        return sorted(self.exporter.get_finished_spans(), key=lambda span: span.start_time or 0)

    def points(self, name: str) -> dict[Attributes, float]:
        """Return the values of a measure by attributes: the number of a counter or gauge, the count of a histogram."""
        told = self.reader.get_metrics_data()
        found: dict[Attributes, float] = {}
        for resource in told.resource_metrics if told else ():
            for metric in (each for scope in resource.scope_metrics for each in scope.metrics if each.name == name):
                for point in metric.data.data_points:
                    assert isinstance(point, HistogramDataPoint | NumberDataPoint)
                    value = point.count if isinstance(point, HistogramDataPoint) else point.value
                    found[frozenset((point.attributes or {}).items())] = value
        return found

    def client(self, *outcomes: Reply) -> ChartClient:
        """Return a client that gets these outcomes, in virtual time."""
        account = Account("a", KEY, plan="PRO")
        return ChartClient(
            transport=ScriptedTransport(outcomes), accounts=[account], clock=VirtualClock(), listener=self.listener
        )


@pytest.fixture
def watch() -> Watch:
    """Return a listener of the test's own."""
    return Watch()


def attributes(span: ReadableSpan) -> dict[str, object]:
    """Return the attributes of a span."""
    return dict(span.attributes or {})


def test_a_fetch_is_a_span_with_a_client_span_for_each_call(watch: Watch) -> None:
    """A fetch with a retry has two CLIENT spans below it, with the names of the conventions, and the retry as its event."""
    assert watch.client(Reply(503), Reply(200, body=PNG)).fetch(REQUEST)
    fetch, first, second = watch.spans
    called = {
        "http.request.method": "POST",
        "server.address": "charts.example",
        "server.port": 8443,
        "url.full": "https://charts.example:8443/v2/tradingview/advanced-chart",
        "chartimg.account.id": "a",
    }

    assert ["chartimg.fetch", "POST", "POST"] == [span.name for span in watch.spans]
    assert [SpanKind.INTERNAL, SpanKind.CLIENT, SpanKind.CLIENT] == [span.kind for span in watch.spans]
    assert [fetch.context] * 2 == [first.parent, second.parent]
    assert {**called, "http.response.status_code": 503, "error.type": "SERVICE_UNAVAILABLE"} == attributes(first)
    assert {**called, "http.response.status_code": 200, "http.request.resend_count": 1} == attributes(second)
    assert [StatusCode.UNSET, StatusCode.ERROR, StatusCode.UNSET] == [span.status.status_code for span in watch.spans]
    assert {"chartimg.chart": str(REQUEST.key), "chartimg.calls": 2, "chartimg.source": "HTTP"} == attributes(fetch)
    assert ["chart_api_retry_scheduled"] == [event.name for event in fetch.events]


def test_the_span_of_a_fetch_is_below_that_of_its_caller(watch: Watch) -> None:
    """Both clients put the span of a fetch below the span in which it is asked for."""

    async def asked() -> None:
        """Fetch within a span of the caller."""
        async with AsyncChartClient(
            transport=ScriptedTransport([Reply(200, body=PNG)]), listener=watch.listener
        ) as client:
            with tracer.start_as_current_span("bot"):
                await client.fetch(REQUEST)

    tracer = trace.get_tracer("host", tracer_provider=watch.tracers)
    with tracer.start_as_current_span("host"):
        watch.client(Reply(200, body=PNG)).fetch(REQUEST)
    asyncio.run(asked())
    by_name = {span.name: span for span in watch.spans if span.name != "POST"}
    fetches = [span for span in watch.spans if span.name == "chartimg.fetch"]

    assert [by_name["host"].context, by_name["bot"].context] == [span.parent for span in fetches]


def test_a_failed_fetch_is_an_error_of_its_kind(watch: Watch) -> None:
    """A fetch that fails has the status ERROR and its kind; one that ends with an exception has the type _OTHER."""
    watch.client(Reply(422, body=b"no")).fetch(REQUEST)
    with pytest.raises(AssertionError):
        watch.client().fetch(REQUEST)  # an empty script
    kinds = [attributes(span).get("error.type") for span in watch.spans if span.name == "chartimg.fetch"]

    assert ["INVALID_REQUEST", "_OTHER"] == kinds
    assert {StatusCode.ERROR} == {span.status.status_code for span in watch.spans if span.name == "chartimg.fetch"}


@pytest.fixture
def instrumented(watch: Watch) -> Iterator[None]:
    """Let the instrumentation of urllib3 see all calls, with all their headers."""
    instrumentor = URLLib3Instrumentor()
    instrumentor.instrument(
        tracer_provider=watch.tracers, captured_request_headers=[".*"], captured_response_headers=[".*"]
    )
    yield
    instrumentor.uninstrument()


@pytest.mark.usefixtures("instrumented")
@pytest.mark.gate
def test_calls_of_both_clients_are_the_tallies_once_and_without_a_key(watch: Watch) -> None:
    """Beside the instrumentation of urllib3 each call over HTTP is one CLIENT span and one count, as the provider tallies."""
    keys = [EmulatedAccount(f"a{number}", f"{KEY}-{number}", 1000, "PRO", 1000.0, 1000) for number in range(2)]
    rules = [Rule(Fault.SERVER_ERROR, share=0.3), Rule(status=422, share=0.2)]
    policy = RetryPolicy(base_delay=0.001, max_delay=0.002)

    async def crowd() -> None:
        """Fetch twenty charts at once."""
        async with provider.async_client(listener=watch.listener, policy=policy) as client:
            await asyncio.gather(*(client.fetch(request(number)) for number in range(20)))

    def request(number: int) -> ChartRequest:
        return ChartRequest("BINANCE:BTCUSDT", "1h", "small", {"width": 400, "height": 300, "shiftRight": 1 + number})

    with emulator(*keys, rules=rules) as provider:
        with provider.client(listener=watch.listener, policy=policy) as client, ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda number: client.fetch(request(number)), range(20, 40)))
        asyncio.run(crowd())
        tallies = {
            account: tally.total.charged for account, tally in provider.ledger().accounts.items() if tally.total.charged
        }
    counted: Counter[object] = Counter()
    for point, count in watch.points("chartimg.account.calls").items():
        counted[dict(point)["chartimg.account.id"]] += int(count)
    calls = [span for span in watch.spans if span.kind is SpanKind.CLIENT]

    assert tallies == counted
    assert sum(tallies.values()) == len(calls) == sum(watch.points("http.client.request.duration").values())
    assert {"POST"} == {span.name for span in calls}
    assert 40 == sum(watch.points("chartimg.fetch.duration").values())
    assert not [span for span in watch.spans if KEY in span.to_json()]


def test_gauges_are_read_from_the_books_when_they_are_asked(watch: Watch) -> None:
    """The gauges show the units of the books at the moment of the question, those that another pool has taken, too."""
    account = Account("a", KEY, daily_limit=10)
    clock = VirtualClock()
    pool = AccountPool([account], clock=clock)
    client = ChartClient(
        transport=ScriptedTransport([Reply(200, body=PNG)] * 2), accounts=pool, listener=watch.listener
    )
    watch.listener.observe(client.accounts)

    def units() -> dict[object, float]:
        told = watch.points("chartimg.account.units")
        return {dict(point)["chartimg.units.state"]: count for point, count in told.items()}

    before = units()
    client.fetch(REQUEST)
    pool.claim()

    assert {"used": 0, "left": 10} == before
    assert {"used": 2, "left": 8} == units()


def test_gauges_without_books_have_no_value(watch: Watch) -> None:
    """Without accounts, and while the store can't be reached, the gauges have no value and the other measures go on."""

    class Gone:
        """Books whose store can't be reached."""

        def status(self) -> Sequence[AccountStatus]:
            """Raise in place of an answer."""
            raise StoreUnavailable("gone")

    watch.listener.observe(None)
    watch.client(Reply(200, body=PNG)).fetch(REQUEST)
    assert {} == watch.points("chartimg.account.units")
    watch.listener.observe(Gone())

    assert {} == watch.points("chartimg.account.units")
    assert [1] == list(watch.points("chartimg.account.calls").values())


def test_a_failing_exporter_costs_no_picture() -> None:
    """If the exporter of spans raises on every span, each fetch still returns its picture."""

    class Failing(SpanExporter):
        """An exporter that takes no span."""

        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            """Raise in place of a result."""
            raise OSError("the collector is gone")

    watch = Watch(Failing())

    assert watch.client(Reply(200, body=PNG)).fetch(REQUEST)


def test_a_processor_that_raises_costs_no_picture(watch: Watch) -> None:
    """If the host's own processor raises at the beginning and the end of each span, the fetch returns its picture."""

    class Raising(SpanProcessor):
        """A processor with a mistake."""

        def on_start(self, span: Span, parent_context: Context | None = None) -> None:
            """Raise."""
            raise RuntimeError(span.name)

        def on_end(self, span: ReadableSpan) -> None:
            """Raise."""
            raise RuntimeError(span.name)

    watch.tracers.add_span_processor(Raising())

    assert watch.client(Reply(503), Reply(200, body=PNG)).fetch(REQUEST)


class Held(SpanExporter):
    """An exporter that takes no span until it is released."""

    def __init__(self) -> None:
        self.released = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Wait."""
        self.released.wait(30)
        return SpanExportResult.SUCCESS


def test_an_exporter_that_hangs_delays_no_fetch_if_spans_are_sent_in_batches() -> None:
    """While the exporter of a batch hangs, fetches return their pictures."""
    exporter, watch = Held(), Watch()
    batches = BatchSpanProcessor(exporter, schedule_delay_millis=1, max_export_batch_size=1)
    watch.tracers.add_span_processor(batches)
    try:
        pictures = [watch.client(Reply(200, body=PNG)).fetch(REQUEST).ok for _ in range(5)]
    finally:
        exporter.released.set()
        batches.shutdown()  # type: ignore[no-untyped-call]  # the SDK has no type for it

    assert [True] * 5 == pictures


def test_an_exporter_that_hangs_does_not_hold_the_loop() -> None:
    """While the exporter of a span hangs, the asynchronous fetch waits for it, and the loop goes on."""
    exporter = Held()
    watch = Watch(exporter)

    async def asked() -> bool:
        """Fetch, and release the exporter from the loop."""
        async with AsyncChartClient(
            transport=ScriptedTransport([Reply(200, body=PNG)]), listener=watch.listener
        ) as client:
            fetch = asyncio.ensure_future(client.fetch(REQUEST))
            await asyncio.sleep(0)
            exporter.released.set()
            return (await fetch).ok

    assert asyncio.run(asked())


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_has_spans_of_its_own(watch: Watch) -> None:
    """A child that is forked within a fetch ends no span of its parent, and makes those of its own fetches."""
    kept, told = os.pipe()

    class Forking(ScriptedTransport):
        """A transport in whose call the process forks."""

        def send(self, request: Request, account: Account | None, **_: object) -> Reply | TransportFailure:
            """Fork; the child fetches, and tells the names of its spans."""
            if not os.fork():
                try:
                    made = len(watch.spans)
                    watch.client(Reply(200, body=PNG)).fetch(REQUEST)
                    os.write(told, " ".join(span.name for span in watch.spans[made:]).encode())
                    os._exit(0)
                finally:
                    os._exit(1)
            return Reply(200, body=PNG)

    account = Account("a", KEY, plan="PRO")
    ChartClient(transport=Forking([]), accounts=[account], listener=watch.listener).fetch(REQUEST)
    status = os.waitstatus_to_exitcode(os.wait()[1])
    of_child = os.read(kept, 1000).decode().split()
    os.close(kept)
    os.close(told)

    assert (0, ["chartimg.fetch", "POST"]) == (status, of_child)
    assert ["chartimg.fetch", "POST"] == [span.name for span in watch.spans]


def test_a_fetch_that_is_cancelled_is_told_as_stopped(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    """A fetch whose caller leaves before its call is STOPPED in its span and in the log, and no want of an account."""
    caplog.set_level(logging.DEBUG, "chartimg")
    slow = Account("a", KEY, requests_per_second=0.001, burst=1)

    async def left() -> None:
        """Leave a fetch that waits for the pace of its account."""
        script = ScriptedTransport([Reply(200, body=PNG)])
        async with AsyncChartClient(transport=script, accounts=[slow], listener=watch.listener) as client:
            await client.fetch(REQUEST)
            waiting = asyncio.ensure_future(client.fetch(attrs.evolve(REQUEST, timeframe="4h"), deadline=3_600.0))
            await asyncio.sleep(0)
            waiting.cancel()

    asyncio.run(left())
    fetches = [span for span in watch.spans if span.name == "chartimg.fetch"]

    assert [None, "STOPPED"] == [attributes(span).get("error.type") for span in fetches]
    assert "kind='STOPPED'" in caplog.text
    assert "NO_ACCOUNT" not in caplog.text
    assert "chart_api_limit_exceeded" not in caplog.text


def test_the_address_of_a_call_is_that_of_its_request(watch: Watch) -> None:
    """A layout and a list are called at addresses and with methods of their own, which the spans name without a session."""
    watch.client(Reply(200, body=PNG)).fetch(LayoutRequest("abcDEF12", "BINANCE:BTCUSDT"))
    watch.client(Reply(200, body=b'["BINANCE"]')).exchanges()
    calls = [span for span in watch.spans if span.kind is SpanKind.CLIENT]
    methods = {dict(point)["http.request.method"] for point in watch.points("http.client.request.duration")}

    assert [
        ("POST", "POST", "https://charts.example:8443/v2/tradingview/layout-chart/abcDEF12"),
        ("GET", "GET", "https://charts.example:8443/v3/tradingview/exchange/list"),
    ] == [(call.name, attributes(call)["http.request.method"], attributes(call)["url.full"]) for call in calls]
    assert {"POST", "GET"} == methods
    assert "url.full" not in {name for point in watch.points("http.client.request.duration") for name, _ in point}


def test_an_event_without_its_fetch_is_counted_all_the_same(watch: Watch) -> None:
    """An end of a call whose fetch began before the listener was there is counted, and makes no span."""
    watch.listener.notify(CallFinished("chart", "a", 1, 0.5, 200, None, fetch_id="unknown"))

    assert [1] == list(watch.points("chartimg.account.calls").values())
    assert [] == watch.spans


def test_opentelemetry_is_imported_only_where_it_is_asked_for() -> None:
    """The import of chartimg and a fetch load no part of OpenTelemetry."""
    program = (
        "import sys, chartimg; from chartimg.testing import Reply, ScriptedTransport, picture; "
        "chartimg.ChartClient(transport=ScriptedTransport([Reply(200, body=picture())])).fetch(chartimg.ChartRequest('A:B', '1h', 't')); "
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "[]\n" == child.stdout
