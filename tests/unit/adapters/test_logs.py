"""Events as log lines: their names are API, and nothing is printed or configured unless the host does."""

from __future__ import annotations

import logging
import re
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
        events.CallStarted(CHART, "a", 1),
        logging.DEBUG,
        {"chart": CHART, "account_id": "a", "attempt": 1},
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
        events.LimitExceeded(CHART, ("a", "b"), (), None),
        logging.ERROR,
        {"chart": CHART, "exhausted_accounts": ["a", "b"], "suspended_accounts": [], "available_at": None},
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
        """Begin with nothing."""
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep *record*."""
        self.records.append(record)


@pytest.fixture
def kept() -> Iterator[Kept]:
    """A handler of the host's at the lowest level, which is gone after the test."""
    logger, handler = logging.getLogger("chartimg"), Kept()
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def test_every_event_has_a_row() -> None:
    """No event can happen that has no name in the log, and each name is one event's."""
    assert set(get_args(Event)) == set(LOG_NAMES)
    assert len(LOG_NAMES) == len({name for name, _ in LOG_NAMES.values()})


def test_the_names_are_those_of_the_contract() -> None:
    """They are API: hosts search for them."""
    assert {
        "chart_api_call_start",
        "chart_api_call_finished",
        "chart_api_retry_scheduled",
        "chart_api_account_throttled",
        "chart_api_account_exhausted",
        "chart_api_account_suspended",
        "chart_api_limit_exceeded",
        "chart_api_mock_missing",
        "chart_api_fixture_recorded",
        "chart_api_fixture_stale",
    } <= {name for name, _ in LOG_NAMES.values()}
    assert SAMPLES.keys() == {name for name, _ in LOG_NAMES.values()}


@pytest.mark.parametrize("name", SAMPLES)
def test_an_event_is_one_record_with_its_fields(name: str, kept: Kept) -> None:
    """By name and level, with the fields in the record for handlers that want values, rounded and in plain types."""
    happened, level, fields = SAMPLES[name]
    LogListener().notify(happened)
    (record,) = kept.records

    assert ("chartimg", level) == (record.name, record.levelno)
    carried: dict[str, Any] = record.__dict__["chartimg"]
    assert {"event": name, **fields} == {"event": name, **carried}
    assert {type(value) for value in carried.values()} <= {str, int, float, list, type(None)}
    assert {field.name for field in attrs.fields(type(happened))} == fields.keys()


@pytest.mark.parametrize("name", SAMPLES)
def test_an_event_is_one_line_that_begins_with_its_name(name: str, kept: Kept) -> None:
    """Keys and values follow, rounded as in the record, on one line."""
    happened, _, fields = SAMPLES[name]
    LogListener().notify(happened)
    line = kept.records[0].getMessage()

    assert line.startswith(f"{name} ")
    assert [line] == line.splitlines()
    for field, value in fields.items():
        assert f"{field}={value!r}" in line


def test_a_line_break_in_a_reason_makes_no_second_line(kept: Kept) -> None:
    """What a provider says can't forge a record of ours, nor break a format string."""
    LogListener().notify(events.StoreFailed("a", "no\nchart_api_call_start %s %d {x} ü"))
    line = kept.records[0].getMessage()

    assert [line] == line.splitlines()
    assert "%s %d {x}" in line


def test_events_below_the_level_are_not_logged(kept: Kept) -> None:
    """The host's level decides."""
    logging.getLogger("chartimg").setLevel(logging.WARNING)
    for happened, _, _ in SAMPLES.values():
        LogListener().notify(happened)

    assert {name for name, (_, level, _) in SAMPLES.items() if level >= logging.WARNING} == {
        record.getMessage().split()[0] for record in kept.records
    }


def test_the_hosts_configuration_of_structlog_plays_no_part(kept: Kept) -> None:
    """Processors of the host's, however odd, don't touch our lines."""
    structlog.configure(
        processors=[lambda *_: "from the host"], wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL)
    )
    try:
        LogListener().notify(events.StoreFailed("a", "locked"))
    finally:
        structlog.reset_defaults()

    assert "chart_api_store_failed account_id='a' reason='locked'" == kept.records[0].getMessage()


def test_the_hosts_context_of_structlog_is_not_in_our_lines(kept: Kept) -> None:
    """What the host binds is its own; a password among it would be in our line."""
    structlog.contextvars.bind_contextvars(password="hunter2")
    try:
        LogListener().notify(events.StoreFailed("a", "locked"))
    finally:
        structlog.contextvars.clear_contextvars()

    assert "hunter2" not in kept.records[0].getMessage()


def child(program: str) -> str:
    """Run *program* in a Python of its own, which must print nothing but what it prints; give its error stream."""
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
    """Not even errors, which Python would print itself for want of a handler."""
    everything = 'notify(failed); logging.getLogger("chartimg").setLevel(1); notify(failed); notify(started)'

    assert "" == child(SETUP + everything)


def test_a_host_that_listens_gets_lines() -> None:
    """Two lines of the host's own are enough."""
    listening = 'logging.basicConfig(format="%(levelname)s %(message)s"); notify(failed); notify(started)'

    assert "ERROR chart_api_store_failed account_id='a' reason='locked'\n" == child(SETUP + listening)


def test_nothing_is_configured() -> None:
    """Neither logging nor structlog is as much as touched, by the import nor by the first lines."""
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
    """A host that doesn't listen doesn't pay for the rendering."""
    assert "" == child(
        SETUP + "logging.getLogger('chartimg').setLevel(logging.CRITICAL)\n"
        "notify(failed); notify(started)\n"
        "assert 'structlog' not in sys.modules\n"
        "logging.getLogger('chartimg').setLevel(logging.ERROR)\n"
        "notify(failed)\n"
        "assert 'structlog' in sys.modules\n"
    )


def test_a_moment_is_written_with_its_zone(kept: Kept) -> None:
    """So that it can be read where another zone is meant."""
    LogListener().notify(events.LimitExceeded(CHART, (), (), MOMENT))

    assert re.search(r"available_at='2026-01-05T12:00:00\+00:00'", kept.records[0].getMessage())
