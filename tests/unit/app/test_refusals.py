"""Bodies that were refused for good."""

from __future__ import annotations

import os
from datetime import timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg import ChartRequest, FaultKind
from chartimg.app.refusals import MAX_REFUSALS, Refusals
from chartimg.domain.faults import ChartApiError
from chartimg.domain.result import Attempt, ChartApiFailure, ChartApiSuccess, Source
from samples import NOON

REQUEST = ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1", {"theme": "dark"})
DAY = timedelta(days=1)


def refusal(
    kind: FaultKind = FaultKind.INVALID_REQUEST, status: int = 422, source: Source = Source.HTTP
) -> ChartApiFailure:
    """Return the failure of one call."""
    attempt = Attempt("a", NOON, 1.0, status, kind)
    error = ChartApiError.of(kind, "Invalid Symbol", http_status=status)
    return ChartApiFailure(error=error, http_status=status, source=source, account_id="a", attempts=(attempt,))


def different(number: int) -> ChartRequest:
    """Return a request with a body of its own."""
    return attrs.evolve(REQUEST, payload={"width": 400 + number})


def test_the_same_failure_is_returned_without_a_call_and_says_so() -> None:
    """A body that was refused has the same error again, without attempts, with a warning that says how to send it all the same."""
    refusals, first = Refusals(), refusal()
    refusals.remember(REQUEST, first, NOON)
    again = refusals.final(attrs.evolve(REQUEST, chart_template_id="price_v2"), "second", NOON)

    assert again is not None
    assert (first.error, 422, Source.CACHE, None, (), "second") == (
        *(again.error, again.http_status, again.source, again.account_id, again.attempts, again.fetch_id),
    )
    assert [
        "not sent again: the provider has refused this body today; change the request, or send it with a new client"
    ] == [each.message for each in again.warnings]


@given(st.sampled_from(FaultKind), st.sampled_from([400, 401, 403, 404, 407, 409, 413, 422]), st.sampled_from(Source))
def test_only_a_refusal_of_the_body_is_remembered(kind: FaultKind, status: int, source: Source) -> None:
    """What an account, a session, the pace, the service or a fixture caused is asked again."""
    refusals = Refusals()
    refusals.remember(REQUEST, refusal(kind, status, source), NOON)
    is_final = (kind, source) == (FaultKind.INVALID_REQUEST, Source.HTTP) and status not in {401, 403, 407}

    assert is_final is (refusals.final(REQUEST, "", NOON) is not None)


@pytest.mark.parametrize("days", [-1, 1])
def test_another_day_forgets(days: int) -> None:
    """In another window of the provider the body is sent again."""
    refusals = Refusals()
    refusals.remember(REQUEST, refusal(), NOON)
    assert refusals.final(REQUEST, "", NOON + DAY / 2 - timedelta(seconds=1)) is not None

    assert refusals.final(REQUEST, "", NOON + days * DAY) is None
    assert refusals.final(REQUEST, "", NOON) is None


def test_a_picture_and_another_body_are_none_of_it() -> None:
    """Nothing is remembered of a picture, and another body is sent."""
    refusals = Refusals()
    refusals.remember(REQUEST, ChartApiSuccess(png_bytes=b"png", source=Source.HTTP), NOON)
    refusals.remember(different(1), refusal(), NOON)

    assert refusals.final(REQUEST, "", NOON) is None
    assert frozenset() == refusals.by_plan(REQUEST, NOON)


def test_accounts_that_refuse_a_body_because_of_their_plan_add_up() -> None:
    """Each account that refused a body because of its plan is named for that body, and the body itself is no fault."""
    refusals = Refusals()
    for name in ("a", "b"):
        failure = refusal(FaultKind.PLAN_LIMIT, 403)
        attempts = (attrs.evolve(failure.attempts[0], account_id=name),)
        refusals.remember(REQUEST, attrs.evolve(failure, attempts=attempts), NOON)

    assert frozenset({"a", "b"}) == refusals.by_plan(REQUEST, NOON)
    assert frozenset() == refusals.by_plan(different(1), NOON)
    assert refusals.final(REQUEST, "", NOON) is None


def test_the_oldest_leave() -> None:
    """At most a thousand bodies are remembered, and the one that was refused first leaves first."""
    refusals = Refusals()
    for number in range(MAX_REFUSALS + 1):
        refusals.remember(different(number), refusal(), NOON)

    assert [False, True, True] == [
        refusals.final(different(number), "", NOON) is not None for number in (0, 1, MAX_REFUSALS)
    ]


def test_a_child_can_use_what_its_parent_remembers() -> None:
    """A forked child has a lock of its own, also if a thread of the parent held it."""
    refusals = Refusals()
    refusals.remember(REQUEST, refusal(), NOON)
    with refusals._lock:  # noqa: SLF001 (as another thread may)
        if (child := os.fork()) == 0:
            os._exit(0 if refusals.final(REQUEST, "", NOON) is not None else 1)
        _, status = os.waitpid(child, 0)

    assert 0 == os.waitstatus_to_exitcode(status)
