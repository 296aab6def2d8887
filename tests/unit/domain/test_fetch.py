"""The fetch machine, fed by hand with every feedback."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from chartimg.domain.account import Claim
from chartimg.domain.account.turn import Granted, Need, NoneLeft, NoPlan, Outlook, WaitUntil
from chartimg.domain.chart import ChartRequest
from chartimg.domain.events import CallFinished, CallStarted, LimitExceeded, RequestRefused, RetryScheduled
from chartimg.domain.faults import MEANINGS, ChartApiError, ErrorCode, FaultKind, Remedy
from chartimg.domain.fetch import (
    TRANSITIONS,
    Action,
    Answered,
    Await,
    Barred,
    Booked,
    ConfirmClaim,
    Confirmed,
    Feedback,
    Fetch,
    Finish,
    IllegalTransition,
    LookAhead,
    Moment,
    Pause,
    ProbeGranted,
    Report,
    Send,
    Stopped,
    TakeClaim,
    Woken,
)
from chartimg.domain.finding import Finding, Severity
from chartimg.domain.plan.demand import Demand
from chartimg.domain.reply import Reply, TransportFailure
from chartimg.domain.result import Attempt, ChartApiResult, ChartApiSuccess, Source, pictured, refused
from chartimg.domain.retry import RetryPolicy
from chartimg.testing import picture
from rows import for_each
from samples import NOON, REQUEST

MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)
CHART = "BINANCE:BTCUSDT 1h price_v1"
LATER = datetime(2026, 1, 6, tzinfo=UTC)
POLICY = RetryPolicy(max_attempts=3, base_delay=2.0, max_delay=8.0, deadline=100.0)
PICTURE = picture(8, 8)

SAID: dict[FaultKind, Reply | TransportFailure] = {
    FaultKind.BAD_IMAGE: Reply(200, body=b"not a picture"),
    FaultKind.UNEXPECTED_REPLY: Reply(302),
    FaultKind.INVALID_REQUEST: Reply(422, body=b'[{"msg":"Invalid value","param":"interval"}]'),
    FaultKind.CREDENTIAL_REJECTED: Reply(403, body=b'{"message":"Forbidden"}'),
    FaultKind.PLAN_LIMIT: Reply(403, body=b'{"message":"Exceed Max Usage Resolution Limit"}'),
    FaultKind.THROTTLED: Reply(429, body=b'{"message":"Too Many Requests"}'),
    FaultKind.QUOTA_EXCEEDED: Reply(429, body=b'{"message":"Limit Exceeded"}'),
    FaultKind.SERVICE_UNAVAILABLE: Reply(503),
    FaultKind.NOT_SENT: TransportFailure(FaultKind.NOT_SENT, "connection refused"),
    FaultKind.NETWORK: TransportFailure(FaultKind.NETWORK, "read timed out"),
    FaultKind.FIXTURE_MISSING: TransportFailure(FaultKind.FIXTURE_MISSING, "no fixture", fixture_path=Path("x.png")),
}


def claim(at: datetime = NOON, account_id: str = "a", serial: int = 1) -> Claim:
    """Make a claim for a moment."""
    return Claim(account_id, serial, MIDNIGHT, 0, at)


class Play:
    """Feeds one fetch; time stands still between the acts unless *after* lets it pass."""

    def __init__(self, policy: RetryPolicy = POLICY, request: ChartRequest = REQUEST) -> None:
        """Begin at noon."""
        self.elapsed = 0.0
        self.step = Fetch.begin(request, policy, Moment(NOON, 0.0, 0.5))

    @property
    def utc(self) -> datetime:
        """Return the date and time."""
        return NOON + timedelta(seconds=self.elapsed)

    @property
    def result(self) -> ChartApiResult:
        """Return the result of a fetch that is over."""
        assert isinstance(self.step.action, Finish)
        return pictured(self.step.action.result)

    @property
    def error(self) -> ChartApiError:
        """Return the error of a fetch that failed."""
        assert self.result.error is not None
        return self.result.error

    def feed(self, feedback: Feedback, after: float = 0.0, jitter: float = 0.5) -> Play:
        """Feed the fetch with the outcome of its action, *after* so many seconds."""
        self.elapsed += after
        self.step = self.step.next(feedback, Moment(self.utc, self.elapsed, jitter))
        return self

    def call(
        self, outcome: Reply | TransportFailure, account_id: str = "a", after: float = 0.0, jitter: float = 0.5
    ) -> Play:
        """Grant a claim, answer the call and book the outcome."""
        granted = claim(self.utc, account_id, len(self.step.attempts) + 1)
        self.feed(Granted(granted))
        assert isinstance(self.step.action, Send)
        self.feed(Answered(granted, outcome), after)
        if isinstance(self.step.action, Report):
            self.feed(Booked(), jitter=jitter)
        return self


YEAR = 365 * 86_400.0
FULL = {"width": 1024, "height": 768, "studies": [{}, {}], "drawings": [{}], "watermark": "ours"}


@pytest.mark.parametrize(
    ("deadline", "payload", "demand"),
    [(100.0, {}, Demand()), (YEAR, {}, Demand()), (100.0, FULL, Demand(1024, 768, 2, 1, watermark=True))],
    ids=["plain", "a year", "everything"],
)
def test_a_fetch_begins_with_a_claim(deadline: float, payload: dict[str, object], demand: Demand) -> None:
    """A fetch begins with a claim that meets the chart's demand before the deadline, even the longest one."""
    step = Play(RetryPolicy(deadline=deadline), ChartRequest("A:B", "1h", "t", payload)).step

    assert TakeClaim(NOON + timedelta(seconds=deadline), Need(demand)) == step.action
    assert (step.facts, step.unused, step.attempts) == ((), None, ())


def test_a_request_that_is_wrong_costs_nothing() -> None:
    """A request that is not one ends before a claim, with every problem as a detail."""
    request = ChartRequest("", " 1h", "price_v1")

    assert refused(request.problems) == Play(request=request).result
    assert "" == Play(request=request).result.fetch_id
    assert 2 == len(request.problems)


def test_a_claim_for_now_is_used_at_once() -> None:
    """A call has the granted claim and the rest of the deadline, and listeners hear of it."""
    play = Play().feed(Granted(claim()), after=1.5)

    assert Send(claim(), 98.5) == play.step.action
    assert (CallStarted(CHART, "a", 1),) == play.step.facts
    assert Send(claim(), 0.5) == Play().feed(Granted(claim()), after=99.5).step.action
    assert Pause(0.5) == Play().feed(Granted(claim(NOON + timedelta(seconds=0.5)))).step.action


@pytest.mark.parametrize("stands", [True, False])
def test_a_claim_for_later_is_waited_for_and_confirmed(*, stands: bool) -> None:
    """A claim for later is slept for in full and confirmed, and held meanwhile; one that still stands is used, or else replaced."""
    later = claim(NOON + timedelta(seconds=4))
    play = Play().feed(Granted(later))
    assert (Pause(4.0), later) == (play.step.action, play.step.unused)

    play.feed(Woken(), after=3.75)
    assert (Pause(0.25), later) == (play.step.action, play.step.unused)

    play.feed(Woken(), after=0.25)
    assert (ConfirmClaim(later, Need(Demand())), later) == (play.step.action, play.step.unused)

    play.feed(Confirmed(later, stands=stands), after=0.5)
    if stands:
        assert Send(later, 95.5) == play.step.action
    else:
        assert (TakeClaim(NOON + timedelta(seconds=100), Need(Demand())), None) == (play.step.action, play.step.unused)


def test_a_clock_that_steps_back_makes_no_wait_go_past_the_deadline() -> None:
    """If a step of the clock moves a claim or a window past the deadline, no wait goes that far, and the pool is asked."""
    at = NOON + timedelta(seconds=50)
    for feedback in (Granted(claim(at)), WaitUntil(at)):
        step = Play().step.next(feedback, Moment(NOON - timedelta(hours=1), 1.0, 0.5))
        assert not isinstance(step.action, Pause) or step.action.seconds <= 99.0

    for seconds in (0, 45):
        held = Play().feed(Granted(claim(at))).step.next(Woken(), Moment(NOON - timedelta(seconds=seconds), 50.0, 0.5))
        assert (ConfirmClaim(claim(at), Need(Demand())), claim(at)) == (held.action, held.unused)


def test_a_deadline_that_passes_during_a_wait_ends_the_fetch_without_a_call() -> None:
    """A claim after the deadline is held to be given back; the error names the deadline, unless a call had failed before."""
    later = claim(NOON + timedelta(seconds=99))
    play = Play().feed(Granted(later)).feed(Woken(), after=100.0).feed(Confirmed(later, stands=True))

    message = "no account could be called within the deadline of 100 s"
    assert ChartApiError.of(FaultKind.NO_ACCOUNT, message, available_at=play.utc) == play.error
    assert (later, ()) == (play.step.unused, play.result.attempts)

    play = Play().call(SAID[FaultKind.NETWORK]).feed(Woken(), after=1.0)
    play.feed(Granted(claim()), after=99.0)
    assert (FaultKind.NETWORK, claim()) == (play.error.kind, play.step.unused)


def test_a_store_or_cache_that_took_the_whole_deadline_is_not_want_of_an_account() -> None:
    """If an account is free when the deadline has passed, the message speaks of the deadline alone."""
    play = Play().feed(NoneLeft(NOON + timedelta(seconds=100)), after=100.0)

    message = "no account could be called within the deadline of 100 s"
    assert ChartApiError.of(FaultKind.NO_ACCOUNT, message, available_at=play.utc) == play.error


def test_a_window_that_begins_in_time_is_waited_for() -> None:
    """A unit of the next window is waited for and claimed then."""
    play = Play().feed(WaitUntil(NOON + timedelta(seconds=30)))
    assert (Pause(30.0), None) == (play.step.action, play.step.unused)

    play.feed(Woken(), after=30.0)
    assert TakeClaim(NOON + timedelta(seconds=100), Need(Demand())) == play.step.action


@for_each(
    ("none", "said"),
    [
        (NoneLeft(None), "(all busy); none will be free"),
        (
            NoneLeft(NOON, ("a", "b"), ("c",)),
            (
                "(2 exhausted, 1 suspended); the next is free at 2026-01-05 12:00:00 UTC; "
                "to use c again, change its key or run: chartimg accounts reinstate c"
            ),
        ),
        (
            NoneLeft(None, (), ("c", "d", "e", "f")),
            (
                "(4 suspended); none will be free; "
                "to use c, d, e, … again, change their keys or run for each: chartimg accounts reinstate c"
            ),
        ),
        (
            NoneLeft(None, (), ("my key",)),
            (
                "(1 suspended); none will be free; "
                "to use my key again, change its key or run: chartimg accounts reinstate 'my key'"
            ),
        ),
        (NoneLeft(None, ("a",), (), 2), "(1 exhausted, 2 too small); none will be free"),
        (NoneLeft(None, too_small=2), "(2 too small, the others busy); none will be free"),
    ],
)
def test_no_account_is_an_error_without_a_call(none: NoneLeft, said: str) -> None:
    """Without an account the error counts the accounts by their state and says when to ask again; listeners hear of it."""
    play = Play().feed(none)

    message = f"no account is left before the deadline {said}"
    assert ChartApiError.of(FaultKind.NO_ACCOUNT, message, available_at=none.available_at) == play.error
    assert (LimitExceeded(CHART, none.exhausted, none.suspended, none.available_at),) == play.step.facts
    assert (play.result.attempts, play.result.account_id) == ((), None)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (FaultKind.QUOTA_EXCEEDED, "HTTP 429: Limit Exceeded"),
        (FaultKind.PLAN_LIMIT, "HTTP 403: Exceed Max Usage Resolution Limit"),
    ],
)
def test_no_other_account_leaves_the_error_of_the_last_one(kind: FaultKind, said: str) -> None:
    """After the error of an account or a plan, kind and status stay, and the message adds when an account is free."""
    none = NoneLeft(NOON + timedelta(hours=12), ("a",))
    play = Play().call(SAID[kind]).feed(none)

    assert (kind, none.available_at) == (play.error.kind, play.error.available_at)
    assert f"HTTP {play.result.http_status}" == said[:8]
    assert play.error.message.startswith(f"{said}; no account is left before the deadline (1 exhausted)")
    assert (LimitExceeded(CHART, ("a",), (), none.available_at),) == play.step.facts
    assert (play.result.account_id, len(play.result.attempts)) == ("a", 1)


@pytest.mark.parametrize("kind", [FaultKind.SERVICE_UNAVAILABLE, FaultKind.NETWORK])
def test_an_error_of_the_service_stays_if_no_account_is_left(kind: FaultKind) -> None:
    """An error of the service keeps its message, gets the moment of the next account, and listeners hear of no limit."""
    before = Play(attrs.evolve(POLICY, max_attempts=1)).call(SAID[kind]).error
    play = Play().call(SAID[kind]).feed(Woken(), after=1.0).feed(NoneLeft(LATER))

    assert (attrs.evolve(before, available_at=LATER), ()) == (play.error, play.step.facts)


def test_a_picture_ends_the_fetch() -> None:
    """The result of a picture has its bytes, status, account and call; the claim has been used."""
    play = Play().feed(Granted(claim())).feed(Answered(claim(), Reply(200, body=PICTURE)), after=7.5)
    assert (CallFinished(CHART, "a", 1, 7.5, 200, None),) == play.step.facts
    while not isinstance(play.step.action, Finish):
        play.feed(Booked())

    expected = ChartApiSuccess(
        png_bytes=PICTURE,
        http_status=200,
        source=Source.HTTP,
        account_id="a",
        attempts=(Attempt("a", NOON, 7.5, 200, None),),
        taken_at=NOON + timedelta(seconds=7.5),
    )
    assert (expected, None) == (play.result, play.step.unused)


def test_a_call_is_timed_from_when_it_was_sent() -> None:
    """The duration of a call includes neither the wait for its claim nor an earlier call."""
    play = Play().call(SAID[FaultKind.NETWORK], after=3.0).feed(Woken(), after=2.0)
    later = claim(NOON + timedelta(seconds=9), serial=2)
    play.feed(Granted(later)).feed(Woken(), after=4.0).feed(Confirmed(later, stands=True))
    play.feed(Answered(later, Reply(200, body=PICTURE)), after=1.25)

    assert [("a", NOON, 3.0), ("a", NOON + timedelta(seconds=9), 1.25)] == [
        (attempt.account_id, attempt.started_at, attempt.duration) for attempt in play.step.attempts
    ]


@for_each(("kind", "outcome"), SAID.items())
def test_an_outcome_is_booked_and_then_its_remedy_decides(kind: FaultKind, outcome: Reply | TransportFailure) -> None:
    """A failed call is reported, and listeners hear of it; then follows the end, a claim at once, or a wait, by its remedy."""
    play = Play().feed(Granted(claim())).feed(Answered(claim(), outcome), after=2.0)
    answered, status = play.step, outcome.status if isinstance(outcome, Reply) else None
    play.feed(Booked(), jitter=0.25)

    assert isinstance(answered.action, Report)
    assert (claim(), kind) == (answered.action.claim, answered.action.error.kind)
    assert ((CallFinished(CHART, "a", 1, 2.0, status, kind),), None) == (answered.facts, answered.unused)
    match MEANINGS[kind].remedy:
        case Remedy.NONE:
            assert kind is play.error.kind
        case Remedy.OTHER_ACCOUNT:
            assert isinstance(play.step.action, TakeClaim)
            assert play.step.facts == ()
        case _:
            assert Pause(0.5) == play.step.action
            assert (RetryScheduled(CHART, 1, 0.5, kind),) == play.step.facts


@for_each(("kind", "outcome"), SAID.items())
def test_nothing_follows_the_last_attempt(kind: FaultKind, outcome: Reply | TransportFailure) -> None:
    """After the last call that the policy allows, the error is the result, without a wait or another claim."""
    play = Play(attrs.evolve(POLICY, max_attempts=1)).call(outcome)
    if MEANINGS[kind].code is ErrorCode.CHART_API_LIMIT_EXCEEDED:
        play.feed(Outlook(NoneLeft(LATER), any_left=True))

    assert kind is play.error.kind
    assert len(play.result.attempts) == 1


@pytest.mark.parametrize("kind", [FaultKind.QUOTA_EXCEEDED, FaultKind.THROTTLED])
def test_the_last_attempt_tells_when_an_account_is_free_again(kind: FaultKind) -> None:
    """After the last call the books give the moment of the next free account; if no account is left, listeners hear of it."""
    plays = [Play(attrs.evolve(POLICY, max_attempts=1)).call(SAID[kind]) for _ in range(3)]
    assert [LookAhead(Need(Demand()))] * 3 == [play.step.action for play in plays]
    plays[0].feed(Outlook(NoneLeft(LATER, ("a",), ("b",)), any_left=False))
    plays[1].feed(Outlook(NoneLeft(LATER, ("a",)), any_left=True))
    plays[2].feed(Outlook(NoneLeft(None, (), ("a",)), any_left=False))

    assert [LATER, LATER, None] == [play.error.available_at for play in plays]
    assert (LimitExceeded(CHART, ("a",), ("b",), LATER),) == plays[0].step.facts
    assert () == plays[1].step.facts
    assert (LimitExceeded(CHART, (), ("a",), None),) == plays[2].step.facts


def test_backoff_grows_with_the_calls_and_is_capped() -> None:
    """The wait doubles with every call up to the largest step, times the jitter."""
    play, waits = Play(attrs.evolve(POLICY, max_attempts=5)), []
    for _ in range(4):
        play.call(SAID[FaultKind.SERVICE_UNAVAILABLE], jitter=0.75)
        assert isinstance(play.step.action, Pause)
        waits.append(play.step.action.seconds)
        play.feed(Woken(), after=waits[-1])

    assert waits == [1.5, 3.0, 6.0, 6.0]


def test_a_retry_after_is_waited_out_within_the_deadline() -> None:
    """A Retry-After within the deadline is waited for in full; past it, the fetch ends and says when to ask again."""
    for pause in ("30", "Mon, 05 Jan 2026 12:00:30 GMT"):
        assert Pause(30.0) == Play().call(Reply(503, {"retry-after": pause})).step.action

    error = Play().call(Reply(503, {"retry-after": "99"}), after=1.0).error
    assert (FaultKind.SERVICE_UNAVAILABLE, 99.0) == (error.kind, error.retry_after)
    assert NOON + timedelta(seconds=100) == error.available_at


def test_a_switch_of_accounts_is_reported_when_the_other_one_is_found() -> None:
    """A switch of accounts is reported with its reason and the wait for the other one, and then the start of the call."""
    ready = Play().call(SAID[FaultKind.QUOTA_EXCEEDED]).feed(Granted(claim(NOON - timedelta(seconds=1), "b"))).step
    later = Play().call(SAID[FaultKind.THROTTLED]).feed(Granted(claim(NOON + timedelta(seconds=3)))).step

    assert (RetryScheduled(CHART, 1, 0.0, FaultKind.QUOTA_EXCEEDED), CallStarted(CHART, "b", 2)) == ready.facts
    assert ((RetryScheduled(CHART, 1, 3.0, FaultKind.THROTTLED),), Pause(3.0)) == (later.facts, later.action)


LARGE = ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1", {"width": 1920, "height": 1600})


TOO_MUCH = (
    Finding(
        "width", Severity.ERROR, "1920 is more than BASIC allows (800); PRO is the smallest plan that allows this chart"
    ),
    Finding("studies", Severity.ERROR, "4 studies and drawings are more than BASIC allows (3)"),
)


def test_a_chart_that_no_accounts_plan_allows_ends_without_a_call() -> None:
    """A chart that no plan allows is a wrong request: each excess is a detail with its place, and listeners hear of them."""
    play = Play(request=LARGE).feed(NoPlan(TOO_MUCH))

    assert refused(TOO_MUCH) == play.result
    assert (RequestRefused(CHART, TOO_MUCH),) == play.step.facts


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (FaultKind.PLAN_LIMIT, "HTTP 403: Exceed Max Usage Resolution Limit"),
        (FaultKind.THROTTLED, "HTTP 429: Too Many Requests"),
        (FaultKind.SERVICE_UNAVAILABLE, "HTTP 503"),
    ],
)
def test_a_call_that_was_made_is_the_error_when_no_account_is_left_for_the_chart(kind: FaultKind, said: str) -> None:
    """After a call its error stays, and the message adds why no other account is left."""
    play = Play(request=LARGE).call(SAID[kind])
    if isinstance(play.step.action, Pause):
        play.feed(Woken(), after=play.step.action.seconds)
    play.feed(NoPlan(TOO_MUCH))

    why = f"width: {TOO_MUCH[0].message}; studies: {TOO_MUCH[1].message}"
    assert (kind, MEANINGS[kind].code) == (play.error.kind, play.error.code)
    assert [kind] == [attempt.kind for attempt in play.result.attempts]
    assert f"{said}; no account is left that is known to allow the chart ({why})" == play.error.message
    assert () == play.step.facts


def test_a_plans_limit_is_remembered_to_the_end() -> None:
    """An account whose plan was too small is not asked again, after any other error or wait, nor to confirm a claim."""
    play = Play(attrs.evolve(POLICY, max_attempts=9), LARGE)
    play.call(SAID[FaultKind.PLAN_LIMIT], "a").call(SAID[FaultKind.NETWORK], "b").feed(Woken(), after=1.0)
    play.call(SAID[FaultKind.PLAN_LIMIT], "c").feed(WaitUntil(play.utc + timedelta(seconds=1))).feed(Woken(), after=1)

    asked = play.step.action
    confirmed = play.feed(Granted(claim(play.utc + timedelta(seconds=4), "d"))).feed(Woken(), after=4).step
    play.feed(Confirmed(claim(account_id="d"), stands=False))
    for _ in range(6):
        play.call(SAID[FaultKind.QUOTA_EXCEEDED], "d")

    assert isinstance(asked, TakeClaim)
    assert TakeClaim(NOON + timedelta(seconds=100), Need(Demand(1920, 1600), frozenset({"a", "c"}))) == asked
    assert isinstance(confirmed.action, ConfirmClaim)
    assert asked.need == confirmed.action.need
    assert LookAhead(asked.need) == play.step.action


def test_a_step_is_a_value_and_gives_the_same_next_step_every_time() -> None:
    """A step depends on its fields alone, so that the same feedback leads to the same next step twice."""
    step = Play().feed(Granted(claim())).step
    moment = Moment(NOON, 3.0, 0.5)
    answers: Sequence[Reply] = (Reply(503), Reply(200, body=PICTURE), Reply(503))
    first, other, again = (step.next(Answered(claim(), reply), moment) for reply in answers)

    assert first == again != other


def test_an_unknown_feedback_is_refused() -> None:
    """A feedback of another type raises at once."""
    nonsense: Any = object()
    with pytest.raises(AssertionError):
        Play().step.next(nonsense, Moment(NOON, 0.0, 0.5))


def test_a_feedback_without_a_row_is_refused() -> None:
    """A feedback that does not belong to the action raises, and names both."""
    with pytest.raises(IllegalTransition, match=r"^Woken can't lead from TakeClaim to TakeClaim$"):
        Play().feed(Woken())


def feedbacks(action: Action, now: datetime) -> Sequence[Feedback]:
    """List feedbacks to an action that differ in what follows."""
    soon, late = (now + timedelta(seconds=seconds) for seconds in (1.0, 1_000.0))
    match action:
        case TakeClaim():
            claims = [claim(at) for at in (now, soon)]
            granted = [each for one in claims for each in (Granted(one), ProbeGranted(one))]
            none = NoneLeft(None), NoPlan(TOO_MUCH)
            return *granted, WaitUntil(soon), Barred(soon, 3), Barred(late, 3), *none, Stopped()
        case ConfirmClaim(held):
            confirmed = (Confirmed(held, stands) for stands in (True, False))
            return *confirmed, Barred(soon, 3), Barred(late, 3), Stopped()
        case Send(held):
            kinds = FaultKind.SERVICE_UNAVAILABLE, FaultKind.THROTTLED, FaultKind.INVALID_REQUEST
            return *(Answered(held, SAID[kind]) for kind in kinds), Answered(held, Reply(200, body=PICTURE)), Stopped()
        case Report():
            return (Booked(),)
        case LookAhead():
            return (Outlook(NoneLeft(None), any_left=True),)
        case Finish():
            return ()
        case _:
            return Woken(), Stopped()


Arrow = tuple[type[Action], type[Feedback], type[Action]]


def arrows(policy: RetryPolicy, steps: int) -> set[Arrow]:
    """Return all arrows on the ways from the first action, with as many *steps* at most, each at once or after minutes."""
    met, reached = set[Arrow](), [(Play(policy).step, 0.0)]
    for _ in range(steps):
        ends = dict[object, tuple[Fetch, float]]()
        for step, before in reached:
            for elapsed in (before, before + 2.0, before + 200.0):
                now = NOON + timedelta(seconds=elapsed)
                for feedback in feedbacks(step.action, now):
                    after = step.next(feedback, Moment(now, elapsed, 0.5))
                    arrow = type(step.action), type(feedback), type(after.action)
                    met.add(arrow)
                    ends[arrow, elapsed, tuple(each.kind for each in after.attempts)] = after, elapsed
        reached = [*ends.values()]
    return met


def test_every_arrow_of_the_table_is_met_and_no_other() -> None:
    """Fetches of one call and of two, fed with all feedbacks, meet each arrow of the table."""
    met = arrows(attrs.evolve(POLICY, max_attempts=1), 4) | arrows(POLICY, 4)

    assert {(action, feedback, after) for (action, feedback), row in TRANSITIONS.items() for after in row} == met


def test_a_fetch_can_end_after_any_action() -> None:
    """Each action of the table has a feedback that leads to Finish, or to an action that has one; Finish has no row."""
    ending: set[type[Action]] = {Finish}
    while more := {action for (action, _), row in TRANSITIONS.items() if ending.intersection(row)} - ending:
        ending |= more

    assert {*Action.__args__} == ending
    assert {*Action.__args__} - {Finish} == {action for action, _ in TRANSITIONS}
    assert {*Feedback.__args__} == {feedback for _, feedback in TRANSITIONS}


outcomes = st.sampled_from([*SAID.values(), Reply(503, {"retry-after": "20"}), Reply(200, body=PICTURE)])


@attrs.frozen
class Act:
    """The next events, for any action of the fetch.

    Attributes:
        after: seconds that pass.
        step: seconds the wall clock steps, but for the moment of a claim.
        ahead: seconds to the moment of a claim.
        jitter: a random number in [0, 1).
        choice: the number of the feedback among those the action may have.
        outcome: the outcome of a call.
    """

    after: float
    step: float
    ahead: float
    jitter: float
    choice: int
    outcome: Reply | TransportFailure


acts = st.builds(
    Act,
    after=st.floats(0, 150),
    step=st.just(0.0) | st.floats(-1e5, 1e5),
    ahead=st.floats(-5, 300),
    jitter=st.floats(0, 1, exclude_max=True),
    choice=st.integers(0, 5),
    outcome=outcomes,
)


def answer(step: Fetch, act: Act, utc: datetime) -> Feedback:
    """Answer an action with any feedback that the ports allow."""
    match step.action:
        case TakeClaim(latest) if act.choice == 0 or latest <= utc:
            return NoneLeft(utc)
        case TakeClaim() if act.choice == 2 and act.ahead < 0:
            return NoPlan(TOO_MUCH)
        case TakeClaim(latest):
            moment = min(utc + timedelta(seconds=act.ahead), latest - timedelta(microseconds=1))
            return WaitUntil(moment) if act.choice == 1 else Granted(claim(moment, "abc"[act.choice % 3]))
        case ConfirmClaim(held):
            return Confirmed(held, stands=act.choice > 1)
        case Send(held):
            return Answered(held, act.outcome)
        case Report():
            return Booked()
        case LookAhead():
            return Outlook(
                NoneLeft(utc + timedelta(seconds=act.ahead) if act.choice else None), any_left=act.choice > 1
            )
        case _:
            return Woken()


@given(
    policy=st.builds(
        RetryPolicy,
        max_attempts=st.integers(1, 5),
        base_delay=st.floats(0, 10),
        max_delay=st.floats(0, 60),
        deadline=st.floats(0, 300),
    ),
    story=st.lists(acts, min_size=6, max_size=40),
)
def test_any_story_keeps_to_the_policy(policy: RetryPolicy, story: list[Act]) -> None:
    """With any pool, transport and clocks, calls are counted, waits end in time, and claims are held until sent."""
    utc, elapsed, calls = NOON, 0.0, 0
    step = Fetch.begin(REQUEST, policy, Moment(utc, 0.0, 0.5))
    for act in story:
        event(type(step.action).__name__)
        assert calls == len(step.attempts)
        feedback = answer(step, act, utc)
        match step.action:
            case Finish(result):
                assert result.attempts == step.attempts
                assert result.ok is (pictured(result).png_bytes is not None)
                break
            case Pause(wait):
                assert wait <= policy.deadline - elapsed + 1e-6
                assert calls < policy.max_attempts
                passed = max(0.0, wait)
            case Send(_, timeout):
                calls += 1
                assert calls <= policy.max_attempts
                assert 0 < timeout <= policy.deadline - elapsed
                passed = act.after
            case _:
                passed = act.after / 100
        held = step.unused
        elapsed += passed
        utc += timedelta(seconds=passed + (0.0 if isinstance(step.action, TakeClaim) else act.step))
        step = step.next(feedback, Moment(utc, elapsed, act.jitter))
        if held is not None and not isinstance(feedback, Answered) and feedback != Confirmed(held, stands=False):
            assert held == step.unused


@pytest.mark.parametrize("calls", [0, 1])
def test_a_stopped_fetch_ends_at_once_and_gives_its_claim_back(calls: int) -> None:
    """A fetch that is stopped ends with its last error, or STOPPED before a call; an unsent claim is for the driver to return."""
    play = Play()
    for _ in range(calls):
        play.call(SAID[FaultKind.SERVICE_UNAVAILABLE])
        play.feed(Woken())
    held = claim(play.utc + timedelta(seconds=5))
    play.feed(Granted(held)).feed(Stopped())

    assert (held, FaultKind.SERVICE_UNAVAILABLE if calls else FaultKind.STOPPED) == (
        play.step.unused,
        play.error.kind,
    )
    assert ("HTTP 503" if calls else "the fetch was stopped before an account was called") == play.error.message
    assert calls == len(play.result.attempts)


def test_no_call_is_begun_that_could_hardly_end_in_time() -> None:
    """With four seconds for a call, a claim is asked for up to four seconds before the deadline, and one for later is not used."""
    step = Fetch.begin(REQUEST, POLICY, Moment(NOON, 0.0, 0.5), call_seconds=4.0)
    late = step.next(Granted(claim(NOON)), Moment(NOON + timedelta(seconds=97), 97.0, 0.5))

    assert TakeClaim(NOON + timedelta(seconds=96), Need(REQUEST.demand)) == step.action
    assert isinstance(late.action, Finish)
    assert late.action.result.error is not None
    assert "3.0 s are left, and a call takes 4.0 s at the least" in late.action.result.error.message
    assert claim(NOON) == late.unused


LATE = "could be called within the deadline of 100 s: 0.5 s are left, and a call takes {} s at the least"
BUSY = "is left before the deadline (all busy); the next is free at 2026-01-05 12:01:{} UTC"


@for_each(
    ("call_seconds", "elapsed", "free_at", "end"),
    [
        (4.0, 0.0, 99.5, LATE.format("4.0")),
        (0.5, 0.0, 99.5, LATE.format("0.5")),
        (4.0, 0.0, 100.0, BUSY.format("40")),
        (0.5, 100.0, 100.0, BUSY.format("40")),
        (0.0, 100.0, 100.5, BUSY.format("40")),
        (0.0, 99.5, 99.0, BUSY.format("39")),
    ],
)
def test_an_account_that_is_free_too_late_for_a_call_is_told_from_none(
    call_seconds: float, elapsed: float, free_at: float, end: str
) -> None:
    """If the next account is free before the deadline, with too little time for a call, the message speaks of that time."""
    step = Fetch.begin(REQUEST, POLICY, Moment(NOON, 0.0, 0.5), call_seconds=call_seconds)
    now = Moment(NOON + timedelta(seconds=elapsed), elapsed, 0.5)
    action = step.next(NoneLeft(NOON + timedelta(seconds=free_at)), now).action

    assert isinstance(action, Finish)
    assert action.result.error is not None
    assert f"no account {end}" == action.result.error.message


SOON, TOO_LATE = NOON + timedelta(seconds=30), NOON + timedelta(seconds=200)
SERVICE = [kind for kind, meaning in MEANINGS.items() if meaning.remedy is Remedy.WAIT and kind in SAID]


def failed(kind: FaultKind, booked: Booked, policy: RetryPolicy = POLICY, *, as_probe: bool = False) -> Play:
    """Play a fetch whose first call has failed with *kind* and was *booked*."""
    granted = ProbeGranted(claim()) if as_probe else Granted(claim())
    return Play(policy).feed(granted).feed(Answered(claim(), SAID[kind]), after=1.0).feed(booked)


@given(
    ahead=st.floats(-10, 200),
    elapsed=st.floats(0, 120),
    call_seconds=st.floats(0, 20),
    is_probed=st.booleans(),
)
def test_a_service_that_is_down_is_waited_for_if_a_call_could_follow_in_time(
    ahead: float, elapsed: float, call_seconds: float, *, is_probed: bool
) -> None:
    """A barred fetch waits until the next probe, or for the end of one under way, or ends at once without a call."""
    now = NOON + timedelta(seconds=elapsed)
    at = now + timedelta(seconds=ahead)
    step = Fetch.begin(REQUEST, POLICY, Moment(NOON, 0.0, 0.5), call_seconds=call_seconds)
    step = step.next(Barred(at, 1_234, is_probed), Moment(now, elapsed, 0.5))
    left = POLICY.deadline - elapsed - call_seconds

    match step.action:
        case Await(seconds, told):
            assert 0 < seconds <= left
            assert is_probed == told
            assert seconds == pytest.approx(left if is_probed else max(ahead, 0.001), abs=1e-5)
        case Finish(result):
            assert left < 0.001 + 1e-5 or (not is_probed and ahead > left - 1e-5)
            assert result.error is not None
            assert (FaultKind.SERVICE_DOWN, at, ()) == (result.error.kind, result.error.available_at, result.attempts)
            assert "the provider has failed 1,234 times in a row" in result.error.message
        case _:
            raise AssertionError(step.action)
    assert (step.facts, step.unused) == ((), None)


def test_after_the_wait_for_the_service_a_claim_is_taken() -> None:
    """If the wait is over, the pool is asked again; a claim that was held is not kept during the wait."""
    later = claim(NOON + timedelta(seconds=4))
    play = Play().feed(Granted(later)).feed(Woken(), after=4.0).feed(Barred(SOON, 3))
    assert (Await(26.0, is_probed=False), None) == (play.step.action, play.step.unused)

    assert isinstance(play.feed(Woken(), after=26.0).step.action, TakeClaim)


@pytest.mark.parametrize("kind", SERVICE)
def test_a_service_that_is_down_too_long_leaves_the_error_of_the_last_call(kind: FaultKind) -> None:
    """A fetch that has made a call ends with the error of that call and with the moment of the next probe."""
    before = failed(kind, Booked(), attrs.evolve(POLICY, max_attempts=1)).error
    play = failed(kind, Booked()).feed(Woken(), after=2.0).feed(Barred(TOO_LATE, 3))

    assert attrs.evolve(before, available_at=TOO_LATE) == play.error
    assert 1 == len(play.result.attempts)


@pytest.mark.parametrize("kind", SERVICE)
def test_a_probe_that_fails_ends_its_fetch(kind: FaultKind) -> None:
    """If a probe finds the service down, its fetch ends with the moment of the next probe, even if that is in time."""
    play = failed(kind, Booked(down_until=SOON), as_probe=True)

    assert (kind, SOON, 1) == (play.error.kind, play.error.available_at, len(play.result.attempts))


def test_a_fetch_whose_probe_was_answered_goes_on_like_any_other() -> None:
    """A probe that an account is refused for finds the service up; a later failure is retried, also in a new outage."""
    play = failed(FaultKind.THROTTLED, Booked(), as_probe=True)
    again = claim(play.utc, "b", 2)
    play.feed(Granted(again)).feed(Answered(again, SAID[FaultKind.SERVICE_UNAVAILABLE]))

    assert isinstance(play.feed(Booked(down_until=SOON)).step.action, Pause)


@pytest.mark.parametrize("kind", SERVICE)
def test_a_failure_that_opens_an_outage_is_retried_only_if_a_probe_is_due_in_time(kind: FaultKind) -> None:
    """The fetch backs off if the next probe is due before the deadline, and else ends with the moment of that probe."""
    assert isinstance(failed(kind, Booked(down_until=SOON)).step.action, Pause)
    late = failed(kind, Booked(down_until=TOO_LATE))

    assert (kind, TOO_LATE, True) == (late.error.kind, late.error.available_at, late.error.retriable)


@pytest.mark.parametrize("kind", SERVICE)
def test_the_last_attempt_in_an_outage_tells_when_the_service_is_asked_again(kind: FaultKind) -> None:
    """After the last call that the policy allows, an error that may be retried has the moment of the next probe."""
    once = attrs.evolve(POLICY, max_attempts=1)

    assert attrs.evolve(failed(kind, Booked(), once).error, available_at=SOON) == (
        failed(kind, Booked(down_until=SOON), once).error
    )


@pytest.mark.parametrize("kind", SERVICE)
def test_a_body_at_fault_is_not_retried(kind: FaultKind) -> None:
    """If other charts were drawn meanwhile, the error keeps its kind, is not retriable, and says to change the body."""
    play = failed(kind, Booked(is_at_fault=True))

    assert (kind, False) == (play.error.kind, play.error.retriable)
    assert play.error.message.endswith("so this one is at fault: change its body")


def test_a_chart_that_is_barred_alone_is_told_so() -> None:
    """If the chart and not the service is barred, the error blames the chart and tells when it may be asked for again."""
    error = Play().feed(Barred(TOO_LATE, 2, is_at_fault=True)).error

    assert (FaultKind.SERVICE_DOWN, TOO_LATE) == (error.kind, error.available_at)
    assert error.message == (
        "no call was made, since the provider failed for this chart while it drew others; "
        "it is asked again at 2026-01-05 12:03:20 UTC"
    )
