"""Spans and measures of OpenTelemetry, from the events of a client.

A fetch is a span, and each of its calls a CLIENT span below it, by the semantic conventions for HTTP. The key is in neither:
events don't have it. The host's own exporters decide where spans and measures go.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

import attrs

from ..address import DEFAULT_BASE_URL, read_address
from ..domain.account.status import AccountStatus
from ..domain.errors import StoreUnavailable, missing_extra
from ..domain.events import CallFinished, CallStarted, Event, FetchFinished, FetchStarted
from ..fork import begin_in_children
from ..version import __version__
from .logs import LOG_NAMES

try:
    from opentelemetry import trace
    from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation, get_meter_provider
    from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider
except ImportError:
    raise missing_extra("the listener of OpenTelemetry", "otel") from None

__all__ = ["Accounts", "OpenTelemetryListener"]

_NAME: Final = "chartimg"
_POST: Final = "POST"
_SECONDS: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 60.0, 120.0)
"""Boundaries of the histograms: a chart takes seconds."""
_OTHER: Final = "_OTHER"  # the conventions' word for an error without a name


class Accounts(Protocol):
    """Whose books the gauges read: ``client.accounts`` is one."""

    def status(self) -> Sequence[AccountStatus]:
        """Return the status of each account.

        Raises:
            StoreUnavailable: the store can't be reached.
        """
        ...


@attrs.define
class _Open:
    """The spans of a fetch under way."""

    fetch: Span
    call: Span | None = None
    method: str = _POST


class OpenTelemetryListener:
    """A listener that makes spans and measures; safe from many threads.

    ::

        listener = OpenTelemetryListener()
        client = ChartClient.from_env(listener=listener)
        listener.observe(client.accounts)

    The spans: ``chartimg.fetch``, with the other events of the fetch as its span events, and ``POST`` (or ``GET``) for a call.
    The measures: ``http.client.request.duration`` and ``chartimg.fetch.duration`` (histograms, seconds), ``chartimg.account.calls`` (a
    counter) and ``chartimg.account.units`` (a gauge of the units ``used`` and ``left`` of the window).

    Args:
        base_url: the provider's address, which the spans of calls name.
        tracer_provider: by default the process's own.
        meter_provider: by default the process's own.
    """

    def __init__(
        self,
        base_url: str = DEFAULT_BASE_URL,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        address = read_address(base_url)
        port = address.port or {"https": 443, "http": 80}[address.scheme]
        self._base_url = address.geturl().rstrip("/")
        self._server: Mapping[str, str | int] = {"server.address": str(address.hostname), "server.port": port}
        self._tracer = trace.get_tracer(_NAME, __version__, tracer_provider)
        meter = (meter_provider or get_meter_provider()).get_meter(_NAME, __version__)
        self._calls = meter.create_counter("chartimg.account.calls", "{call}", "Calls made, by account and outcome.")
        self._call_seconds = meter.create_histogram(
            "http.client.request.duration", "s", "Duration of a call.", explicit_bucket_boundaries_advisory=_SECONDS
        )
        self._fetch_seconds = meter.create_histogram(
            "chartimg.fetch.duration", "s", "Duration of a fetch.", explicit_bucket_boundaries_advisory=_SECONDS
        )
        meter.create_observable_gauge(
            "chartimg.account.units", [self._units], "{call}", "Units of the window, used and left, by account."
        )
        self._accounts: Accounts | None = None
        self.begin()
        begin_in_children(self)

    def begin(self) -> None:
        """Have no span open: at first, and in a forked child, which leaves those of its parent alone."""
        self._lock = threading.Lock()
        self._open: dict[str, _Open] = {}

    def observe(self, accounts: Accounts | None) -> None:
        """Read the gauges from the books of *accounts* from now on; None, as in mock mode, leaves them without a value."""
        self._accounts = accounts

    def notify(self, event: Event) -> None:
        """Begin or end a span, or add *event* to the span of its fetch."""
        match event:
            case FetchStarted(fetch_id=str(fetch_id)):
                span = self._tracer.start_span("chartimg.fetch", attributes={"chartimg.chart": event.chart})
                with self._lock:
                    self._open[fetch_id] = _Open(span)
            case FetchFinished():
                self._end(event)
            case CallStarted():
                self._begin_call(event)
            case CallFinished():
                self._end_call(event)
            case _:
                if (spans := self._spans(event)) is not None:
                    spans.fetch.add_event(LOG_NAMES[type(event)][0], _plain(event))

    def _spans(self, event: Event) -> _Open | None:
        with self._lock:
            return self._open.get(event.fetch_id or "")

    def _begin_call(self, event: CallStarted) -> None:
        if (spans := self._spans(event)) is None:
            return
        resent = {"http.request.resend_count": event.attempt - 1} if event.attempt > 1 else {}
        called = {"http.request.method": event.method, "url.full": f"{self._base_url}{event.path}"}
        spans.method = event.method
        spans.call = self._tracer.start_span(
            event.method,
            trace.set_span_in_context(spans.fetch),
            kind=SpanKind.CLIENT,
            attributes={**self._server, **called, **resent, "chartimg.account.id": event.account_id},
        )

    def _end_call(self, event: CallFinished) -> None:
        outcome: Mapping[str, str | int] = {**_status_code(event.http_status), **_error_type(event.kind)}
        spans = self._spans(event)
        method = {"http.request.method": _POST if spans is None else spans.method}
        self._call_seconds.record(event.duration, {**self._server, **method, **outcome})
        self._calls.add(1, {"chartimg.account.id": event.account_id, **_error_type(event.kind)})
        if spans is None or spans.call is None:
            return
        spans.call.set_attributes(outcome)
        if event.kind is not None:
            spans.call.set_status(Status(StatusCode.ERROR, str(event.kind)))
        spans.call.end()
        spans.call = None

    def _end(self, event: FetchFinished) -> None:
        kind = None if event.ok else event.kind or _OTHER
        source = {} if event.source is None else {"chartimg.source": str(event.source)}
        outcome: Mapping[str, str | int] = {**source, **_error_type(kind)}
        self._fetch_seconds.record(event.duration, outcome)
        with self._lock:
            spans = self._open.pop(event.fetch_id or "", None)
        if spans is None:
            return
        if spans.call is not None:
            spans.call.end()  # an exception has ended the call
        spans.fetch.set_attributes({"chartimg.calls": event.calls, **outcome})
        if kind is not None:
            spans.fetch.set_status(Status(StatusCode.ERROR, str(kind)))
        spans.fetch.end()

    def _units(self, _: CallbackOptions) -> Iterable[Observation]:
        """Read the books; without an answer of the store the gauge has no value."""
        if self._accounts is None:
            return
        try:
            statuses = self._accounts.status()
        except StoreUnavailable:
            return
        for status in statuses:
            for state, units in (("used", status.used), ("left", status.left)):
                yield Observation(units, {"chartimg.account.id": status.account_id, "chartimg.units.state": state})


def _status_code(status: int | None) -> Mapping[str, str | int]:
    return {} if status is None else {"http.response.status_code": status}


def _error_type(kind: str | None) -> Mapping[str, str | int]:
    return {} if kind is None else {"error.type": str(kind)}


def _plain(event: Event) -> Mapping[str, str | int | float | bool]:
    """Return the fields of *event* that OpenTelemetry takes as they are."""
    fields = attrs.asdict(event, recurse=False, filter=lambda field, _: field.name not in {"chart", "fetch_id"})
    return {
        f"chartimg.{name}": str(value) if isinstance(value, str) else value
        for name, value in fields.items()
        if isinstance(value, str | int | float)
    }
