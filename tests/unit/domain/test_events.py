"""Facts for listeners: the union, their fields, and their being values."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

import attrs

from chartimg.domain import events
from chartimg.domain.faults import FaultKind
from chartimg.domain.finding import Finding, Severity
from rows import for_each
from samples import NOON

CHART = "BINANCE:BTCUSDT 1h price_v1"
LATER = datetime(2026, 1, 6, tzinfo=UTC)
PLAIN = Finding("", Severity.WARNING, "the picture is of one colour")

FACTS: list[tuple[events.Event, tuple[str, ...]]] = [
    (events.CallStarted(CHART, "a", 1), ("chart", "account_id", "attempt", "method", "path")),
    (
        events.CallFinished(CHART, "a", 1, 2.5, 503, FaultKind.SERVICE_UNAVAILABLE),
        ("chart", "account_id", "attempt", "duration", "http_status", "kind"),
    ),
    (events.RetryScheduled(CHART, 1, 0.5, FaultKind.NETWORK), ("chart", "attempt", "delay", "kind")),
    (events.AccountDoubtful("a", (PLAIN,)), ("account_id", "findings")),
    (events.AccountThrottled("a", LATER, "Too Many Requests"), ("account_id", "until", "reason")),
    (events.AccountExhausted("a", LATER, "Limit Exceeded"), ("account_id", "until", "reason")),
    (events.AccountSuspended("a", "Forbidden"), ("account_id", "reason")),
    (events.AccountReinstated("a"), ("account_id",)),
    (events.BooksAhead("a", LATER), ("account_id", "window")),
    (
        events.PlanLimitLearned("a", 800, 600, None, None, LATER),
        ("account_id", "max_width", "max_height", "max_parameters", "custom_watermark", "until"),
    ),
    (
        events.LimitExceeded(CHART, ("a", "b"), ("c",), LATER),
        ("chart", "exhausted_accounts", "suspended_accounts", "available_at"),
    ),
    (events.MockMissing(CHART, "x.png"), ("chart", "path")),
    (events.FixtureRecorded(CHART, "x.png", 200), ("chart", "path", "http_status")),
    (events.FixtureNotRecorded(CHART, "x", "disk full"), ("chart", "path", "reason")),
    (events.FixtureStale(CHART, "x.png"), ("chart", "path")),
    (events.FetchStarted(CHART), ("chart",)),
    (
        events.FetchFinished(CHART, 1.5, 1, ok=True, source="HTTP", kind=None),
        ("chart", "duration", "calls", "ok", "source", "kind"),
    ),
    (events.PictureKept(CHART, "a", 9), ("chart", "account_id", "size")),
    (events.RequestDoubtful(CHART, (PLAIN,)), ("chart", "findings")),
    (events.RequestRefused(CHART, (PLAIN,)), ("chart", "findings")),
    (events.PictureDoubtful(CHART, None, (PLAIN,)), ("chart", "account_id", "findings")),
    (events.CacheFailed("disk full"), ("reason",)),
    (events.ServiceDown(3, NOON, "HTTP 503"), ("failures", "until", "reason")),
    (events.ServiceUp(61.5), ("seconds",)),
    (events.StoreFailed("a", "disk full"), ("account_id", "reason")),
    (events.StoreLostWrites("a", 2, 7, 5), ("account_id", "units", "version_known", "version_kept")),
]


def test_every_fact_is_public_and_one_of_the_union() -> None:
    """The members of the union, the exported names and the samples here are the same classes."""
    assert {kind.__name__ for kind in get_args(events.Event)} == set(events.__all__) - {"Event"}
    assert set(get_args(events.Event)) == {type(fact) for fact, _ in FACTS}


def test_what_is_left_out_of_a_call_is_a_post_outside_of_any_fetch() -> None:
    """The name of a fetch, a method and a path are given by name, may be left out, and make no two facts differ."""
    call = events.CallStarted(CHART, "a", 1)

    assert (None, "POST", "") == (call.fetch_id, call.method, call.path)
    assert ["fetch_id", "method", "path"] == [f.name for f in attrs.fields(type(call)) if f.kw_only and not f.eq]


@for_each(("fact", "names"), FACTS)
def test_a_fact_is_a_value_with_the_fields_of_its_log_line(fact: events.Event, names: tuple[str, ...]) -> None:
    """The fields have the documented names and order, facts of the same content are equal in any fetch, and the repr is whole."""
    twin = attrs.evolve(fact, fetch_id="f1")

    assert ("fetch_id", *names) == tuple(field.name for field in attrs.fields(type(fact)))
    assert fact == twin
    assert 1 == len({fact, twin})
    assert all(f"{name}={getattr(fact, name)!r}" in repr(fact) for name in names)
