"""Events as log lines: their names are API, and only the host configures and prints them."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, get_args

import attrs
import pytest
import structlog

from chartimg.adapters.logs import LOG_NAMES, LogListener
from chartimg.domain import events
from chartimg.domain.events import Event
from chartimg.domain.faults import FaultKind
from chartimg.domain.finding import Finding, Severity

MOMENT = datetime(2026, 1, 5, 12, tzinfo=UTC)
CHART = "BINANCE:BTCUSDT 1h price_v1"

SAMPLES: dict[str, tuple[Event, int, Mapping[str, object]]] = {
    "chart_api_call_start": (
        events.CallStarted(CHART, "a", 1, path="/v2/tradingview/advanced-chart"),
        logging.DEBUG,
        {
            "chart": CHART,
            "account_id": "a",
            "attempt": 1,
            "method": "POST",
            "path": "/v2/tradingview/advanced-chart",
        },
    ),
    "chart_api_fetch_start": (
        events.FetchStarted(CHART, fetch_id="f1"),
        logging.DEBUG,
        {"chart": CHART, "fetch_id": "f1"},
    ),
    "chart_api_fetch_finished": (
        events.FetchFinished(CHART, 1.23456, 0, ok=False, source=None, kind=FaultKind.NO_ACCOUNT),
        logging.DEBUG,
        {"chart": CHART, "duration": 1.235, "calls": 0, "ok": False, "source": None, "kind": "NO_ACCOUNT"},
    ),
    "chart_api_picture_kept": (
        events.PictureKept(CHART, "a", 9),
        logging.INFO,
        {"chart": CHART, "account_id": "a", "size": 9},
    ),
    "chart_api_call_finished": (
        events.CallFinished(CHART, "a", 2, 1.23456789, 503, FaultKind.SERVICE_UNAVAILABLE),
        logging.INFO,
        {
            "chart": CHART,
            "account_id": "a",
            "attempt": 2,
            "duration": 1.235,
            "http_status": 503,
            "kind": "SERVICE_UNAVAILABLE",
        },
    ),
    "chart_api_retry_scheduled": (
        events.RetryScheduled(CHART, 1, 0.1 + 0.2, FaultKind.NETWORK),
        logging.INFO,
        {"chart": CHART, "attempt": 1, "delay": 0.3, "kind": "NETWORK"},
    ),
    "chart_api_account_doubtful": (
        events.AccountDoubtful("a", (Finding("burst", Severity.WARNING, "high"),)),
        logging.WARNING,
        {"account_id": "a", "findings": ["burst: WARNING: high"]},
    ),
    "chart_api_account_throttled": (
        events.AccountThrottled("a", MOMENT, "Too Many Requests"),
        logging.WARNING,
        {"account_id": "a", "until": "2026-01-05T12:00:00+00:00", "reason": "Too Many Requests"},
    ),
    "chart_api_account_exhausted": (
        events.AccountExhausted("a", MOMENT, "Limit Exceeded"),
        logging.WARNING,
        {"account_id": "a", "until": "2026-01-05T12:00:00+00:00", "reason": "Limit Exceeded"},
    ),
    "chart_api_account_suspended": (
        events.AccountSuspended("a", "Forbidden"),
        logging.ERROR,
        {"account_id": "a", "reason": "Forbidden"},
    ),
    "chart_api_books_ahead": (
        events.BooksAhead("a", MOMENT),
        logging.ERROR,
        {"account_id": "a", "window": MOMENT.isoformat()},
    ),
    "chart_api_cache_failed": (events.CacheFailed("disk full"), logging.WARNING, {"reason": "disk full"}),
    "chart_api_account_reinstated": (events.AccountReinstated("a"), logging.INFO, {"account_id": "a"}),
    "chart_api_plan_limit_learned": (
        events.PlanLimitLearned("a", 800, 600, None, None, MOMENT),
        logging.WARNING,
        {
            "account_id": "a",
            "max_width": 800,
            "max_height": 600,
            "max_parameters": None,
            "custom_watermark": None,
            "until": "2026-01-05T12:00:00+00:00",
        },
    ),
    "chart_api_limit_exceeded": (
        events.LimitExceeded(CHART, ("a", "b"), (), MOMENT),
        logging.ERROR,
        {
            "chart": CHART,
            "exhausted_accounts": ["a", "b"],
            "suspended_accounts": [],
            "available_at": "2026-01-05T12:00:00+00:00",
        },
    ),
    "chart_api_mock_missing": (
        events.MockMissing(CHART, "/f/x.png"),
        logging.WARNING,
        {"chart": CHART, "path": "/f/x.png"},
    ),
    "chart_api_fixture_recorded": (
        events.FixtureRecorded(CHART, "/f/x.png", 200),
        logging.INFO,
        {"chart": CHART, "path": "/f/x.png", "http_status": 200},
    ),
    "chart_api_fixture_not_recorded": (
        events.FixtureNotRecorded(CHART, "/f", "disk full"),
        logging.ERROR,
        {"chart": CHART, "path": "/f", "reason": "disk full"},
    ),
    "chart_api_fixture_stale": (
        events.FixtureStale(CHART, "/f/x.png"),
        logging.WARNING,
        {"chart": CHART, "path": "/f/x.png"},
    ),
    "chart_api_request_doubtful": (
        events.RequestDoubtful(CHART, (Finding("interval", Severity.WARNING, "odd"),)),
        logging.WARNING,
        {"chart": CHART, "findings": ["interval: WARNING: odd"]},
    ),
    "chart_api_request_refused": (
        events.RequestRefused(CHART, (Finding("interval", Severity.ERROR, "wrong"),)),
        logging.ERROR,
        {"chart": CHART, "findings": ["interval: ERROR: wrong"]},
    ),
    "chart_api_picture_doubtful": (
        events.PictureDoubtful(
            CHART,
            None,
            (Finding("width", Severity.WARNING, "400 pixels"), Finding("", Severity.WARNING, "of one colour")),
        ),
        logging.WARNING,
        {"chart": CHART, "account_id": None, "findings": ["width: WARNING: 400 pixels", "WARNING: of one colour"]},
    ),
    "chart_api_service_down": (
        events.ServiceDown(3, MOMENT, "HTTP 503"),
        logging.ERROR,
        {"failures": 3, "until": MOMENT.isoformat(), "reason": "HTTP 503"},
    ),
    "chart_api_service_up": (events.ServiceUp(61.5), logging.INFO, {"seconds": 61.5}),
    "chart_api_store_failed": (
        events.StoreFailed("a", "locked"),
        logging.ERROR,
        {"account_id": "a", "reason": "locked"},
    ),
    "chart_api_store_lost_writes": (
        events.StoreLostWrites("a", 2, 7, 5),
        logging.ERROR,
        {"account_id": "a", "units": 2, "version_known": 7, "version_kept": 5},
    ),
}


class Kept(logging.Handler):
    """A handler that keeps the records."""

    def __init__(self) -> None:
        """Begin without records."""
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep *record*."""
        self.records.append(record)


@pytest.fixture
def kept() -> Iterator[Kept]:
    """A handler of the host's at the lowest level, removed after the test."""
    logger, handler = logging.getLogger("chartimg"), Kept()
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def test_every_event_has_a_row() -> None:
    """Every event has a name in the log, and no two have the same."""
    assert set(get_args(Event)) == set(LOG_NAMES)
    assert len(LOG_NAMES) == len({name for name, _ in LOG_NAMES.values()})


def test_the_names_are_those_of_the_contract() -> None:
    """The names in the log are those that are documented."""
    assert SAMPLES.keys() == {name for name, _ in LOG_NAMES.values()}


@pytest.mark.parametrize("name", SAMPLES)
def test_an_event_is_one_record_with_its_fields(name: str, kept: Kept) -> None:
    """A record has the event's name and level, and its fields as plain, rounded values."""
    happened, level, fields = SAMPLES[name]
    LogListener().notify(happened)
    (record,) = kept.records

    assert ("chartimg", level) == (record.name, record.levelno)
    carried: dict[str, Any] = record.__dict__["chartimg"]
    assert {"event": name, **fields} == {"event": name, **carried}
    assert {type(value) for value in carried.values()} <= {str, int, bool, float, list, type(None)}
    assert {field.name for field in attrs.fields(type(happened))} == fields.keys() | {"fetch_id"}


@pytest.mark.parametrize("name", SAMPLES)
def test_an_event_is_one_line_that_begins_with_its_name(name: str, kept: Kept) -> None:
    """An event is one line: its name, then keys with the values of the record."""
    happened, _, fields = SAMPLES[name]
    LogListener().notify(happened)
    line = kept.records[0].getMessage()

    assert line.startswith(f"{name} ")
    assert [line] == line.splitlines()
    for field, value in fields.items():
        assert f"{field}={value!r}" in line


def test_a_line_break_in_a_reason_makes_no_second_line(kept: Kept) -> None:
    """A reason of the provider's neither adds a line nor breaks a format string."""
    LogListener().notify(events.StoreFailed("a", "no\nchart_api_call_start %s %d {x} ü"))
    line = kept.records[0].getMessage()

    assert [line] == line.splitlines()
    assert "%s %d {x}" in line


def test_events_below_the_level_are_not_logged(kept: Kept) -> None:
    """Only events at or above the host's level are logged."""
    logging.getLogger("chartimg").setLevel(logging.WARNING)
    for happened, _, _ in SAMPLES.values():
        LogListener().notify(happened)

    assert {name for name, (_, level, _) in SAMPLES.items() if level >= logging.WARNING} == {
        record.getMessage().split()[0] for record in kept.records
    }


def test_the_hosts_configuration_of_structlog_plays_no_part(kept: Kept) -> None:
    """Processors that the host configures do not change our lines."""
    structlog.configure(
        processors=[lambda *_: "from the host"], wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL)
    )
    try:
        LogListener().notify(events.StoreFailed("a", "locked"))
    finally:
        structlog.reset_defaults()

    assert "chart_api_store_failed account_id='a' reason='locked'" == kept.records[0].getMessage()


def test_the_hosts_context_of_structlog_is_not_in_our_lines(kept: Kept) -> None:
    """Values that the host binds to structlog's context do not appear in our lines."""
    structlog.contextvars.bind_contextvars(password="hunter2")
    try:
        LogListener().notify(events.StoreFailed("a", "locked"))
    finally:
        structlog.contextvars.clear_contextvars()

    assert "hunter2" not in kept.records[0].getMessage()


def child(program: str) -> str:
    """Run *program* in a new process, check that its output is empty, and return its error stream."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (0, "") == (done.returncode, done.stdout), done.stderr
    return done.stderr


SETUP = """
import logging, sys
from datetime import datetime, UTC
from chartimg.adapters.logs import LogListener
from chartimg.domain import events
notify = LogListener().notify
failed = events.StoreFailed("a", "locked")
started = events.CallStarted("c", "a", 1)
"""


def test_nothing_is_printed_without_a_handler() -> None:
    """Without a handler no event is printed, not even errors, which Python prints by default."""
    everything = 'notify(failed); logging.getLogger("chartimg").setLevel(1); notify(failed); notify(started)'

    assert "" == child(SETUP + everything)


def test_a_host_that_listens_gets_lines() -> None:
    """A host that calls logging.basicConfig gets one line for each event at its level."""
    listening = 'logging.basicConfig(format="%(levelname)s %(message)s"); notify(failed); notify(started)'

    assert "ERROR chart_api_store_failed account_id='a' reason='locked'\n" == child(SETUP + listening)


def test_nothing_is_configured() -> None:
    """The import and the first lines leave the configuration of logging and of structlog unchanged."""
    assert "" == child(
        "import logging, structlog\n"
        "def state():\n"
        "    root, ours = logging.getLogger(), logging.getLogger('chartimg')\n"
        "    return (structlog.is_configured(), {k: v for k, v in structlog.get_config().items()}, root.level,\n"
        "            list(root.handlers), list(root.filters), logging.root.manager.disable, logging.getLoggerClass(),\n"
        "            logging.getLogRecordFactory(), ours.level, ours.propagate, logging.raiseExceptions)\n"
        "before = state()\n" + SETUP + "assert before == state()\n"
        "logging.getLogger('chartimg').setLevel(1)\n"
        "notify(failed); notify(started)\n"
        "logging.getLogger('chartimg').setLevel(0)\n"
        "assert before == state()\n"
        "assert [logging.NullHandler] == [type(each) for each in logging.getLogger('chartimg').handlers]\n"
    )


def test_structlog_is_not_loaded_while_the_level_is_off() -> None:
    """While the level is off, structlog is not imported."""
    assert "" == child(
        SETUP + "logging.getLogger('chartimg').setLevel(logging.CRITICAL)\n"
        "notify(failed); notify(started)\n"
        "assert 'structlog' not in sys.modules\n"
        "logging.getLogger('chartimg').setLevel(logging.ERROR)\n"
        "notify(failed)\n"
        "assert 'structlog' in sys.modules\n"
    )


@pytest.mark.parametrize(("event", "level", "fields"), SAMPLES.values(), ids=SAMPLES)
def test_an_event_is_of_use_from_its_level_on(
    event: Event, level: int, fields: Mapping[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    """The log hears a kind of event at its level and below, and not above."""
    del fields
    heard = []
    for each in (level - 1, level, level + 1):
        caplog.set_level(each, "chartimg")
        heard.append(LogListener().hears(type(event)))

    assert [True, True, False] == heard
