"""The driver and the machine together, over a real pool in virtual time, against every kind of reply."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path

import attrs
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from chartimg.adapters.catalog import shipped_catalog
from chartimg.adapters.memory import MemoryAccountStore
from chartimg.app.fetch import fetch_steps, run
from chartimg.app.pool import Pool
from chartimg.domain.account import Account, AccountSnapshot
from chartimg.domain.account.status import AccountStatus
from chartimg.domain.account.turn import Granted, Need
from chartimg.domain.chart import ChartRequest, Request
from chartimg.domain.errors import StoreUnavailable
from chartimg.domain.events import (
    AccountExhausted,
    AccountThrottled,
    CallFinished,
    CallStarted,
    Event,
    LimitExceeded,
    PlanLimitLearned,
    RequestRefused,
    RetryScheduled,
    StoreFailed,
)
from chartimg.domain.faults import MEANINGS, ChartApiError, ErrorCode, FaultKind, Remedy
from chartimg.domain.fetch import Fetch, Moment
from chartimg.domain.plan.demand import Demand
from chartimg.domain.ports import AccountStore, Listener
from chartimg.domain.reply import Reply, TransportFailure
from chartimg.domain.result import Attempt, ChartApiResult, pictured
from chartimg.domain.retry import RetryPolicy
from chartimg.testing import Answer, EventLog, Outcome, ScriptedTransport, VirtualClock, picture
from rows import for_each
from samples import NOON, REQUEST

MIDNIGHT = datetime(2026, 1, 6, tzinfo=UTC)
LARGE = ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1", {"width": 1920, "height": 1600})
CHART = "BINANCE:BTCUSDT 1h price_v1"
PNG = picture(8, 8)
PICTURE = Reply(200, body=PNG)
FAULT = Reply(503)
THROTTLED = Reply(429, body=b'{"message":"Too Many Requests"}')
SPENT = Reply(429, body=b'{"message":"Limit Exceeded"}')
FORBIDDEN = Reply(403, body=b'{"message":"Forbidden"}')
TOO_LARGE = Reply(403, body=b'{"message":"Exceed Max Usage Resolution Limit"}')
TOO_LARGE_FOR_BASIC = Reply(403, body=b'{"message":"Exceed Max Usage Resolution Limit (800x600)"}')
TOO_MANY_FOR_BASIC = Reply(403, body=b'{"message":"Exceed Max Usage Parameter Limit (3)"}')
REFUSED = TransportFailure(FaultKind.NOT_SENT, "connection refused")
RESET = TransportFailure(FaultKind.NETWORK, "connection reset")


class WatchedClock(VirtualClock):
    """Keeps the start of each pause, and can be interrupted."""

    def __init__(self, start: datetime = NOON) -> None:
        """Begin at noon."""
        super().__init__(start)
        self.pauses: list[tuple[float, float]] = []
        self.interrupt: Callable[[], None] = lambda: None

    def sleep(self, seconds: float) -> None:
        """Note the pause, then let it pass."""
        self.interrupt()
        self.pauses.append((self.monotonic(), seconds))
        super().sleep(seconds)


@attrs.define
class Bench:
    """A pool with its store, clock and listener, and a way to fetch over it."""

    accounts: Sequence[Account]
    policy: RetryPolicy = attrs.field(default=RetryPolicy(base_delay=2.0, max_delay=8.0, deadline=100.0))
    store: AccountStore = attrs.field(factory=MemoryAccountStore)
    clock: WatchedClock = attrs.field(factory=WatchedClock)
    notes: EventLog = attrs.field(factory=EventLog)
    chance: Callable[[], float] = lambda: 0.5

    def script(self, *outcomes: Outcome | Answer, duration: float = 0.0) -> ScriptedTransport:
        """Write a script for the transport."""
        return ScriptedTransport(outcomes, clock=self.clock, duration=duration)

    def pool(self) -> Pool:
        """Open the pool."""
        return Pool(self.accounts, self.store, self.clock, self.notes, lambda: shipped_catalog().plans)

    def fetch(
        self,
        transport: ScriptedTransport,
        request: ChartRequest = REQUEST,
        listener: Listener | None = None,
        pool: Pool | None = None,
    ) -> ChartApiResult:
        """Fetch one chart."""
        stop, started = threading.Event(), self.clock.monotonic()
        steps = fetch_steps(
            Fetch.begin(request, self.policy, Moment(self.clock.now(), 0.0, 0.5)),
            transport=transport,
            pool=pool or self.pool(),
            clock=self.clock,
            chance=self.chance,
            listener=listener or self.notes,
            stop=stop,
            started=started,
        )
        return pictured(run(steps, self.clock, stop))

    def used(self) -> list[int]:
        """Count the units taken of each account."""
        return [status.used for status in self.status()]

    def status(self) -> tuple[AccountStatus, ...]:
        """Return the status of each account."""
        return self.pool().status()


def accounts(count: int = 1, *, daily_limit: int = 44, burst: int = 3) -> list[Account]:
    """Make accounts named a, b, c."""
    return [Account(name, f"key-of-{name}", daily_limit, burst=burst) for name in "abc"[:count]]


def called(transport: ScriptedTransport) -> list[str]:
    """List the accounts that were called, in order."""
    return [call.account.id for call in transport.calls if call.account is not None]


def kind(result: ChartApiResult) -> FaultKind:
    """Return the kind of a failure."""
    assert result.error is not None
    return result.error.kind


def test_a_picture_is_fetched_with_one_call_and_one_unit() -> None:
    """A picture costs one call on the first account, with the whole deadline, and listeners hear of the call."""
    bench = Bench(accounts(2))
    transport = bench.script(PICTURE, duration=7.0)
    result = bench.fetch(transport)

    assert PNG == result.unwrap()
    assert (200, "a", False) == (result.http_status, result.account_id, result.from_fixture)
    assert [(REQUEST, bench.accounts[0], 100.0)] == transport.calls
    assert ([1, 0], []) == (bench.used(), bench.clock.slept)
    assert [CallStarted(CHART, "a", 1), CallFinished(CHART, "a", 1, 7.0, 200, None)] == bench.notes.events
    assert [("a", NOON, 7.0, 200, None)] == [attrs.astuple(attempt) for attempt in result.attempts]


def test_a_request_that_is_wrong_takes_no_claim() -> None:
    """A malformed request is VALIDATION_FAILED and takes no unit."""
    bench = Bench(accounts())
    result = bench.fetch(bench.script(), ChartRequest("", "1h", "price_v1"))

    assert result.error is not None
    assert (ErrorCode.VALIDATION_FAILED, [0]) == (result.error.code, bench.used())


def test_a_services_failure_is_waited_out_on_the_same_account() -> None:
    """The wait after a service failure is the backoff times the chance, and each call takes a unit."""
    bench = Bench(accounts(2))
    transport = bench.script(FAULT, RESET, PICTURE, duration=1.0)

    assert bench.fetch(transport).ok
    assert (["a", "a", "a"], [1.0, 2.0], [3, 0]) == (called(transport), bench.clock.slept, bench.used())
    assert [
        RetryScheduled(CHART, 1, 1.0, FaultKind.SERVICE_UNAVAILABLE),
        RetryScheduled(CHART, 2, 2.0, FaultKind.NETWORK),
    ] == [event for event in bench.notes.events if isinstance(event, RetryScheduled)]
    assert [100.0, 98.0, 95.0] == [call.timeout for call in transport.calls]


def test_what_was_never_sent_is_given_back() -> None:
    """The unit of a call that can't have reached the provider is given back."""
    bench = Bench(accounts())
    result = bench.fetch(bench.script(REFUSED, REFUSED, REFUSED))

    assert (FaultKind.NOT_SENT, 3, [0]) == (kind(result), len(result.attempts), bench.used())


@pytest.mark.parametrize("outcome", [THROTTLED, SPENT, FORBIDDEN], ids=["throttled", "spent", "refused"])
def test_an_accounts_failure_switches_at_once(outcome: Reply) -> None:
    """After an account's error another account is called at once, and listeners hear of the switch."""
    bench = Bench(accounts(2))
    transport = bench.script(outcome, PICTURE)

    assert bench.fetch(transport).ok
    assert (["a", "b"], []) == (called(transport), bench.clock.slept)
    assert any(isinstance(event, RetryScheduled) and event.delay == 0 for event in bench.notes.events)


def test_a_throttle_within_the_deadline_is_waited_for_when_there_is_no_other_account() -> None:
    """A throttled account is called again at the end of its pause, and its day is not spent."""
    bench = Bench(accounts())
    transport = bench.script(Reply(429, {"retry-after": "7"}, THROTTLED.body), PICTURE)

    assert bench.fetch(transport).ok
    assert ([7.0], [2]) == (bench.clock.slept, bench.used())
    assert AccountThrottled("a", NOON + timedelta(seconds=7), "HTTP 429: Too Many Requests") in bench.notes.events


def test_a_throttle_past_the_deadline_fails_now_and_says_when() -> None:
    """A fetch does not wait for a pause that is longer than the deadline."""
    bench = Bench(accounts())
    result = bench.fetch(bench.script(Reply(429, {"retry-after": "500"}, THROTTLED.body)))

    assert result.error is not None
    assert (FaultKind.THROTTLED, NOON + timedelta(seconds=500)) == (result.error.kind, result.error.available_at)
    assert (1, []) == (len(result.attempts), bench.clock.slept)


def test_when_every_account_is_spent_no_call_is_made() -> None:
    """After a spent day is found out, later requests fail without a call, with the moment to come back."""
    bench = Bench(accounts(2))
    transport = bench.script(SPENT, SPENT)
    first, second = bench.fetch(transport), bench.fetch(transport)

    assert first.error is not None
    assert second.error is not None
    assert (FaultKind.QUOTA_EXCEEDED, FaultKind.NO_ACCOUNT) == (first.error.kind, second.error.kind)
    assert first.error.available_at == second.error.available_at == MIDNIGHT
    assert (ErrorCode.CHART_API_LIMIT_EXCEEDED, ()) == (second.error.code, second.attempts)
    assert LimitExceeded(CHART, ("a", "b"), (), MIDNIGHT) == bench.notes.events[-1]
    assert AccountExhausted("b", MIDNIGHT, "HTTP 429: Limit Exceeded") in bench.notes.events
    assert ["a", "b"] == called(transport)


def test_midnight_within_the_deadline_is_waited_for() -> None:
    """If the next day begins within the deadline, a fetch waits for it."""
    bench = Bench(accounts(daily_limit=1), clock=WatchedClock(MIDNIGHT - timedelta(seconds=40)))
    transport = bench.script(PICTURE, PICTURE)

    assert bench.fetch(transport).ok
    assert bench.fetch(transport).ok
    assert ([40.0], [1]) == (bench.clock.slept, bench.used())


def test_pacing_is_waited_out() -> None:
    """Calls beyond the burst wait for their moment, the first of them a margin longer."""
    bench = Bench(accounts(burst=2))
    transport = bench.script(*[PICTURE] * 4)

    assert all(bench.fetch(transport).ok for _ in range(4))
    assert [1.1, 1.0] == bench.clock.slept


@for_each(
    ("plans", "tried"),
    [
        (("BASIC", "PRO", "MEGA"), ["c"]),
        (("BASIC", None, "ULTRA"), ["c"]),
        ((None, "ULTRA", "MEGA"), ["c", "b"]),
        (("MEGA", "MEGA", None), ["a", "b"]),
        ((None, "BASIC", None), ["a"]),
        ((None, "PRO", "PRO"), ["a"]),
    ],
)
def test_after_a_plans_limit_only_a_plan_that_allows_the_request_is_tried(
    plans: tuple[str | None, ...], tried: list[str]
) -> None:
    """No unit is spent on a plan that is too small, nor, after a refusal, on an unknown plan."""
    bench = Bench([Account(name, "key", plan=plan) for name, plan in zip("abc", plans, strict=True)])
    transport = bench.script(*[TOO_LARGE] * 3)
    result = bench.fetch(transport, LARGE)

    assert tried == called(transport)
    assert FaultKind.PLAN_LIMIT is kind(result)
    assert [1 if name in tried else 0 for name in "abc"] == bench.used()
    assert not any(isinstance(event, LimitExceeded) for event in bench.notes.events)


def test_after_a_plans_limit_want_of_another_account_is_not_final() -> None:
    """A refusal is the error if the accounts that allow the chart are spent, with the moment to come back."""
    bench = Bench([Account("a", "key", plan="MEGA"), Account("b", "key", plan="ULTRA")])
    bench.pool().mark_account_exhausted("b")
    result = bench.fetch(bench.script(TOO_LARGE), LARGE)

    assert result.error is not None
    assert (FaultKind.PLAN_LIMIT, MIDNIGHT) == (result.error.kind, result.error.available_at)
    assert "(1 exhausted, 1 too small); the next is free at 2026-01-06 00:00:00 UTC" in result.error.message
    assert LimitExceeded(CHART, ("b",), (), MIDNIGHT) == bench.notes.events[-1]


def test_a_chart_that_no_accounts_plan_allows_costs_nothing() -> None:
    """If no plan allows the chart, no claim is taken, and the error names the smallest plan that does."""
    bench = Bench([Account("a", "key", plan="BASIC"), Account("b", "key", plan="PRO")])
    result = bench.fetch(bench.script(), LARGE)

    assert result.error is not None
    assert (ErrorCode.VALIDATION_FAILED, FaultKind.INVALID_BEFORE_CALL, False) == (
        result.error.code,
        result.error.kind,
        result.error.retriable,
    )
    assert (
        "1600 is more than PRO allows (1080); MEGA is the smallest plan that allows this chart" in result.error.message
    )
    assert ["height"] == [detail["param"] for detail in result.error.details]
    assert [RequestRefused] == [type(event) for event in bench.notes.events]
    assert ([0, 0], ()) == (bench.used(), result.attempts)


def test_a_limit_is_paid_for_once_a_window() -> None:
    """A refusal teaches the pool the limits of an account, so that the next such chart costs no call that day."""
    bench = Bench(accounts())
    transport = bench.script(TOO_LARGE_FOR_BASIC, PICTURE, TOO_MANY_FOR_BASIC, TOO_LARGE_FOR_BASIC)
    many = ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1", {"drawings": [{}] * 4})
    results = [bench.fetch(transport, chart) for chart in (LARGE, LARGE, REQUEST, many, many, LARGE)]
    codes = [None if result.error is None else result.error.code for result in results]
    bench.clock.advance(12 * 3600)
    again = bench.fetch(transport, LARGE)

    failed, refused = ErrorCode.CHART_API_FAILED, ErrorCode.VALIDATION_FAILED
    assert [failed, refused, None, failed, refused, refused] == codes
    assert FaultKind.PLAN_LIMIT is kind(again)
    assert [
        PlanLimitLearned("a", 800, 600, None, None, MIDNIGHT),
        PlanLimitLearned("a", 800, 600, 3, None, MIDNIGHT),
        PlanLimitLearned("a", 800, 600, None, None, MIDNIGHT + timedelta(days=1)),
    ] == [event for event in bench.notes.events if isinstance(event, PlanLimitLearned)]
    assert 4 == len(transport.calls)


def test_after_a_plans_limit_an_account_with_learned_limits_that_suffice_is_tried() -> None:
    """A learned limit counts for an account of an unknown plan, and only for charts above it."""
    bench = Bench([Account("a", "key", plan="MEGA"), Account("b", "key", burst=1)])
    pool, huge = bench.pool(), Demand(4000, 4000)
    outcome = pool.claim(need=Need(huge))
    assert isinstance(outcome, Granted)
    pool.report(outcome.claim, ChartApiError.of(FaultKind.PLAN_LIMIT, "Resolution Limit (2048x1920)"))
    transport = bench.script(TOO_LARGE, PICTURE)

    assert bench.fetch(transport, LARGE).ok
    assert ["a", "b"] == called(transport)


def test_a_plan_that_turns_out_to_be_smaller_makes_way_for_a_larger_one() -> None:
    """After a refusal the chart goes to a larger account, and the next such chart goes there at once."""
    bench = Bench([Account("a", "key", plan="MEGA"), Account("b", "key", plan="ULTRA")])
    transport = bench.script(TOO_LARGE_FOR_BASIC, PICTURE, PICTURE, PICTURE)

    assert all(bench.fetch(transport, chart).ok for chart in (LARGE, LARGE, REQUEST))
    assert ["a", "b", "b", "a"] == called(transport)


def test_want_of_quota_speaks_of_the_accounts_that_may_serve_the_chart() -> None:
    """The moment to come back is that of an account that allows the chart, and the spent accounts are named."""
    bench = Bench([Account("a", "key", plan="BASIC"), Account("b", "key", plan="MEGA")], RetryPolicy(max_attempts=1))
    transport = bench.script(SPENT)
    results = [bench.fetch(transport, LARGE) for _ in range(2)]

    assert [FaultKind.QUOTA_EXCEEDED, FaultKind.NO_ACCOUNT] == [kind(result) for result in results]
    assert [MIDNIGHT] * 2 == [result.error.available_at for result in results if result.error is not None]
    assert [LimitExceeded(CHART, ("b",), (), MIDNIGHT)] * 2 == [
        event for event in bench.notes.events if isinstance(event, LimitExceeded)
    ]


@pytest.mark.parametrize(("second", "tried"), [("MEGA", ["b"]), ("BASIC", [])])
def test_a_plan_that_turns_out_to_be_too_small_during_the_wait_is_not_called(second: str, tried: list[str]) -> None:
    """If a claim does not stand after its wait, another account that allows the chart is called, or no call is made."""
    bench = Bench([Account("a", "key", plan="MEGA", burst=1), Account("b", "key", plan=second, burst=1)])
    pool, demand = bench.pool(), LARGE.demand
    taken = [outcome.claim for outcome in (pool.claim(need=Need(demand)) for _ in "ab") if isinstance(outcome, Granted)]
    refusal = ChartApiError.of(FaultKind.PLAN_LIMIT, "Exceed Max Usage Resolution Limit (800x600)")
    bench.clock.interrupt = lambda: pool.report(taken[0], refusal)
    transport = bench.script(*[PICTURE] * len(tried))
    result = bench.fetch(transport, LARGE)

    assert (result.ok, tried) == (bool(tried), called(transport))
    assert [1, len(tried) * 2] == bench.used()


def test_a_claim_that_was_spent_while_it_was_waited_for_is_not_used() -> None:
    """If the day of an account is spent during a wait, the call goes to another account."""
    bench = Bench(accounts(2, burst=1))
    pool = bench.pool()
    pool.claim()
    pool.claim()
    bench.clock.interrupt = lambda: pool.mark_account_exhausted("a")
    transport = bench.script(PICTURE)

    assert bench.fetch(transport).ok
    assert ["b"] == called(transport)
    assert 2 == bench.used()[1]


def test_a_key_that_is_repeated_by_the_provider_goes_no_further() -> None:
    """The key in a reply or a failure is masked in the result and in events."""
    for said in (Reply(422, body=b'{"message":"bad key key-of-a"}'), TransportFailure(FaultKind.BAD_IMAGE, "key-of-a")):
        bench = Bench(accounts())
        result = bench.fetch(bench.script(said))

        assert "[key]" in str(result)
        assert "key-of-a" not in f"{result}{bench.notes.events}"


def test_a_missing_fixture_ends_the_fetch() -> None:
    """A missing fixture is not retried, and its path is in the result."""
    bench = Bench(accounts())
    missing = TransportFailure(FaultKind.FIXTURE_MISSING, "no fixture", fixture_path=Path("x.png"))
    result = bench.fetch(bench.script(missing))

    assert (FaultKind.FIXTURE_MISSING, Path("x.png"), []) == (kind(result), result.fixture_path, bench.clock.slept)


@attrs.define
class Gate:
    """A store that fails from its n-th operation on, for a number of operations."""

    failing: range = range(0)
    operations: int = 0
    inner: MemoryAccountStore = attrs.field(factory=MemoryAccountStore)

    def read(self, account_ids: Sequence[str]) -> tuple[AccountSnapshot | None, ...]:
        """Read or fail."""
        self._pass()
        return self.inner.read(account_ids)

    def replace(self, old: AccountSnapshot | None, new: AccountSnapshot) -> bool:
        """Swap or fail."""
        self._pass()
        return self.inner.replace(old, new)

    def close(self) -> None:
        """Do nothing."""

    def _pass(self) -> None:
        """Count the operation, and fail if it is one of those."""
        self.operations += 1
        if self.operations - 1 in self.failing:
            raise StoreUnavailable("the store is gone")


@pytest.mark.parametrize("first", [0, 1])
def test_a_store_that_is_gone_means_no_call(first: int) -> None:
    """If the store fails at a claim, the fetch raises StoreUnavailable, and no call is made."""
    bench = Bench(accounts(), store=Gate(range(first, 10**6)))
    transport = bench.script()
    with pytest.raises(StoreUnavailable, match="the store is gone"):
        bench.fetch(transport)

    assert transport.calls == []


def test_a_store_that_goes_during_a_call_costs_no_picture() -> None:
    """A picture is returned even if the store fails during its call."""
    store = Gate()
    bench = Bench(accounts(), store=store)

    def goes(*_: object) -> Reply:
        """Lose the store, then bring the picture."""
        store.failing = range(10**6)
        return PICTURE

    assert PNG == bench.fetch(bench.script(goes)).unwrap()
    store.failing = range(0)
    assert [1] == bench.used()


def test_a_store_that_goes_during_a_failed_call_is_reported_and_the_error_kept() -> None:
    """If an error can't be booked, listeners hear of the store, and the error is still the result."""
    store = Gate()
    bench = Bench(accounts(), RetryPolicy(max_attempts=1), store=store)

    def goes(*_: object) -> Reply:
        """Lose the store, then refuse."""
        store.failing = range(10**6)
        return SPENT

    assert FaultKind.QUOTA_EXCEEDED is kind(bench.fetch(bench.script(goes)))
    assert StoreFailed("a", "the store is gone") == bench.notes.events[-1]


def test_a_store_that_comes_back_is_used_again() -> None:
    """If one error can't be booked but the next claim can be taken, the fetch goes on."""
    store = Gate()
    bench = Bench(accounts(), store=store)

    def goes_for_a_moment(*_: object) -> Reply:
        """Fail the next operation only."""
        store.failing = range(store.operations, store.operations + 1)
        return SPENT

    assert bench.fetch(bench.script(goes_for_a_moment, PICTURE)).ok
    assert StoreFailed("a", "the store is gone") in bench.notes.events


def interrupt(*_: object) -> Reply:
    """Press Ctrl-C."""
    raise KeyboardInterrupt


@given(before=st.lists(st.sampled_from([FAULT, RESET, REFUSED, THROTTLED]), max_size=3), burst=st.integers(1, 3))
def test_an_interrupted_call_stays_charged(before: list[Outcome], burst: int) -> None:
    """A call that is interrupted may have reached the provider, so its unit is not given back."""
    bench = Bench(accounts(burst=burst), RetryPolicy(max_attempts=4))
    with pytest.raises(KeyboardInterrupt):
        bench.fetch(bench.script(*before, interrupt))

    assert [len(before) + 1 - before.count(REFUSED)] == bench.used()


@given(before=st.lists(st.sampled_from([FAULT, RESET, REFUSED, THROTTLED]), max_size=3), sleeps=st.integers(0, 6))
def test_an_interrupted_wait_costs_nothing(before: list[Outcome], sleeps: int) -> None:
    """A claim that is held during an interrupted wait is given back; earlier calls stay charged."""
    bench = Bench(accounts(burst=1), RetryPolicy(max_attempts=5))
    countdown = iter(range(sleeps, -1, -1))

    def press() -> None:
        """Press Ctrl-C at the last of so many sleeps."""
        if next(countdown) == 0:
            raise KeyboardInterrupt

    bench.clock.interrupt = press
    transport = bench.script(*before, PICTURE)
    try:
        bench.fetch(transport)
    except KeyboardInterrupt:
        event("interrupted")
    calls = len(transport.calls)

    assert [calls - before[:calls].count(REFUSED)] == bench.used()


def test_an_interrupt_before_a_call_is_sent_costs_nothing() -> None:
    """A claim is given back if its call was announced but not begun."""
    bench = Bench(accounts())

    class Impatient:
        """A listener that is interrupted."""

        def notify(self, happened: Event) -> None:
            """Press Ctrl-C when a call starts."""
            if isinstance(happened, CallStarted):
                raise KeyboardInterrupt

    transport = bench.script(PICTURE)
    with pytest.raises(KeyboardInterrupt):
        bench.fetch(transport, listener=Impatient())

    assert ([], [0]) == (transport.calls, bench.used())


def test_an_interrupt_is_an_interrupt_also_when_the_store_is_gone() -> None:
    """An interrupt is raised even if the claim can't be given back."""
    store = Gate()
    bench = Bench(accounts(burst=1), store=store)
    bench.pool().claim()

    def press() -> None:
        """Lose the store and press Ctrl-C."""
        store.failing = range(10**6)
        raise KeyboardInterrupt

    bench.clock.interrupt = press
    with pytest.raises(KeyboardInterrupt):
        bench.fetch(bench.script())


def test_a_transport_that_breaks_its_promise_is_heard_and_charged() -> None:
    """An exception of a transport is raised, and the unit of its call is not given back."""
    bench = Bench(accounts())

    def broken(*_: object) -> Reply:
        """Raise, against the contract of the port."""
        raise RuntimeError("a bug in the transport")

    with pytest.raises(RuntimeError, match="a bug in the transport"):
        bench.fetch(bench.script(broken))

    assert [1] == bench.used()


def test_a_deadline_that_passes_during_the_wait_for_a_claim_gives_it_back() -> None:
    """If a sleep outlasts the deadline, the fetch is an error without a call and without a charge."""
    bench = Bench(accounts(burst=1))
    bench.pool().claim()
    bench.clock.interrupt = lambda: bench.clock.advance(1000)
    transport = bench.script()
    result = bench.fetch(transport)

    assert (FaultKind.NO_ACCOUNT, [], [1]) == (kind(result), transport.calls, bench.used())


def test_threads_that_fetch_at_once_spend_the_day_and_no_more() -> None:
    """Eight threads with sixteen fetches each get fifty pictures from fifty units with fifty calls."""
    bench = Bench(
        [Account("a", "key", daily_limit=50, requests_per_second=10_000.0, burst=200)], RetryPolicy(max_attempts=1)
    )
    pool, transport, outcomes = bench.pool(), ScriptedTransport(cycle([PICTURE])), list[bool]()

    def work() -> None:
        """Fetch sixteen charts."""
        for _ in range(16):
            outcomes.append(bench.fetch(transport, pool=pool).ok)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert (128, 50, 50, [50]) == (len(outcomes), sum(outcomes), len(transport.calls), bench.used())


# The provider as an adversary: any status with any text and any Retry-After, any failure, after any time.

texts = st.sampled_from(
    [
        b"",
        b"<html>Bad gateway</html>",
        b'{"message":"Forbidden"}',
        b'{"message":"Limit Exceeded"}',
        b'{"message":"Too Many Requests"}',
        b'{"message":"Exceed Max Usage Resolution Limit"}',
        b'{"message":"Exceed Max Usage Resolution Limit (800x600)"}',
        b'{"message":"Exceed Max Usage Resolution Limit (1920x1600)"}',
        b'{"message":"Something Went Wrong"}',
        PNG,
        PNG[:-9],
    ]
)
retry_afters = st.one_of(
    st.none(),
    st.integers(0, 10).map(str),
    st.integers(0, 10**9).map(str),
    st.sampled_from(["-5", "soon", "1e400", "0.25", "Mon, 05 Jan 2026 12:00:30 GMT", "Mon, 05 Jan 2099 12:00:30 GMT"]),
)


@st.composite
def replies(draw: st.DrawFn) -> Reply:
    """Draw a reply."""
    status = draw(st.sampled_from([200, 403, 403, 429, 429, 429, 503]) | st.integers(100, 599))
    after = draw(retry_afters)
    return Reply(status, {} if after is None else {"retry-after": after}, draw(texts))


failures = st.builds(
    TransportFailure,
    st.sampled_from([FaultKind.NOT_SENT, FaultKind.NETWORK, FaultKind.UNEXPECTED_REPLY, FaultKind.BAD_IMAGE]),
    st.just("it failed"),
)
likely = st.sampled_from([FAULT, THROTTLED, SPENT, FORBIDDEN, TOO_LARGE, TOO_LARGE_FOR_BASIC, REFUSED, RESET, PICTURE])


@attrs.frozen
class Turn:
    """One call: its duration, its outcome, and the step of the wall clock meanwhile."""

    duration: float
    outcome: Outcome
    step: float


def turns(steps: st.SearchStrategy[float]) -> st.SearchStrategy[list[Turn]]:
    """Draw the turns of a provider."""
    durations = st.just(0.0) | st.floats(0, 10) | st.floats(0, 400)
    return st.lists(st.builds(Turn, durations, likely | likely | replies() | failures, steps), min_size=1, max_size=8)


policies = st.builds(
    RetryPolicy,
    max_attempts=st.integers(1, 6),
    base_delay=st.floats(0, 10),
    max_delay=st.floats(0, 100),
    deadline=st.sampled_from([0.0, 120.0, 120.0]) | st.floats(0, 1000),
)
pools = st.lists(
    st.builds(
        Account,
        id=st.sampled_from("abc"),
        api_key=st.just("the-key"),
        daily_limit=st.integers(0, 5),
        plan=st.sampled_from([None, "BASIC", "MEGA"]),
        requests_per_second=st.sampled_from([0.05, 1.0, 10.0]),
        burst=st.integers(1, 3),
    ),
    max_size=3,
    unique_by=lambda account: account.id,
)


@attrs.define
class Adversary:
    """Answers calls turn by turn, over and over, and keeps the moments of each call and its request."""

    bench: Bench
    story: Sequence[Turn]
    began: float = 0.0
    calls: list[tuple[datetime, float, Account]] = attrs.field(factory=list)
    answers: list[tuple[datetime, float]] = attrs.field(factory=list)

    def __call__(self, request: Request, account: Account | None, timeout: float | None) -> Outcome:
        """Take the time and return the outcome of the next turn."""
        clock, turn = self.bench.clock, self.story[len(self.calls) % len(self.story)]
        assert account is not None
        assert timeout is not None
        assert 0 < timeout <= self.began + self.bench.policy.deadline - clock.monotonic() + 1e-6
        self.calls.append((clock.now(), clock.monotonic(), account))
        clock.advance(turn.duration)
        clock.step(turn.step)
        self.answers.append((clock.now(), clock.monotonic()))
        return turn.outcome


def play(bench: Bench, story: Sequence[Turn]) -> tuple[ChartApiResult, Adversary]:
    """Fetch a large chart from an adversary."""
    adversary = Adversary(bench, story)
    return bench.fetch(ScriptedTransport(cycle([adversary])), LARGE), adversary


def keeps_to_its_policy(bench: Bench, result: ChartApiResult, adversary: Adversary) -> None:
    """Assert that calls, waits and outcome of a fetch fit its policy and one another."""
    policy, calls, attempts = bench.policy, adversary.calls, result.attempts
    assert len(calls) <= policy.max_attempts
    assert [account.id for _, _, account in calls] == [attempt.account_id for attempt in attempts]
    assert not any(account.plan == "BASIC" for _, _, account in calls)
    assert [when for when, _, _ in calls] == [attempt.started_at for attempt in attempts]
    for attempt in attempts[:-1]:
        assert attempt.kind is not None
        assert MEANINGS[attempt.kind].remedy is not Remedy.NONE
    for began, seconds in bench.clock.pauses:
        assert began + seconds <= policy.deadline + 1e-6
    if len(calls) == policy.max_attempts:
        assert all(began + seconds <= calls[-1][1] + 1e-6 for began, seconds in bench.clock.pauses)
    if result.ok:
        assert (PNG, None) == (result.png_bytes, attempts[-1].kind)
    elif attempts:
        assert kind(result) is attempts[-1].kind
        assert result.http_status == attempts[-1].http_status
    else:
        too_small = bool(bench.accounts) and {account.plan for account in bench.accounts} == {"BASIC"}
        assert kind(result) is (FaultKind.INVALID_BEFORE_CALL if too_small else FaultKind.NO_ACCOUNT)
        assert result.account_id is None


def asked(outcome: Outcome) -> timedelta:
    """Return the seconds of a reply's Retry-After, at most a day; 0 if it is not a plain number."""
    said = outcome.headers.get("retry-after", "") if isinstance(outcome, Reply) else ""
    return timedelta(seconds=min(int(said), 86_400) if said.isdecimal() else 0)


def rests_until(attempt: Attempt, account: Account, outcome: Outcome, answered: datetime) -> datetime:
    """Return the moment before which an account must not be called again after *outcome*."""
    match attempt.kind:
        case FaultKind.THROTTLED:
            return answered + max(asked(outcome), account.emission, timedelta(seconds=1))
        case FaultKind.QUOTA_EXCEEDED:
            return answered.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        case FaultKind.CREDENTIAL_REJECTED:
            return datetime.max.replace(tzinfo=UTC)
        case _:
            return answered


@given(accounts_=pools, policy=policies, story=turns(st.just(0.0)), start=st.sampled_from([NOON, MIDNIGHT]))
def test_no_provider_makes_a_fetch_waste_or_lose_a_call(
    accounts_: list[Account], policy: RetryPolicy, story: list[Turn], start: datetime
) -> None:
    """Within a day each call costs a unit, no account is called too early, and no fetch waits while one is free."""
    bench = Bench(accounts_, policy, clock=WatchedClock(start))
    result, adversary = play(bench, story)
    keeps_to_its_policy(bench, result, adversary)

    fresh = {account.id: account for account in accounts_ if account.calls.daily_limit and account.plan != "BASIC"}
    resting: dict[str, datetime] = {}
    too_small: set[str] = set()
    answers = zip(adversary.calls, adversary.answers, cycle(story), result.attempts, strict=False)
    for number, ((when, _, account), (answered, elapsed), turn, attempt) in enumerate(answers, 1):
        event(f"{attempt.kind}")
        fresh.pop(account.id, None)
        assert when >= resting.get(account.id, when)
        assert account.id not in too_small
        assert not too_small or account.plan == "MEGA"
        resting[account.id] = rests_until(attempt, account, turn.outcome, answered)
        if attempt.kind is FaultKind.PLAN_LIMIT:
            too_small.add(account.id)
            fresh = {other.id: other for other in fresh.values() if other.plan == "MEGA"}
        switches = attempt.kind is not None and MEANINGS[attempt.kind].remedy is Remedy.OTHER_ACCOUNT
        if switches and fresh and number < policy.max_attempts and elapsed < policy.deadline:
            event("switched at once")
            assert (answered, elapsed) == adversary.calls[number][:2]

    for account, status in zip(accounts_, bench.status(), strict=True):
        kinds = [attempt.kind for attempt in result.attempts if attempt.account_id == account.id]
        sent = len(kinds) - kinds.count(FaultKind.NOT_SENT)
        assert (account.calls.daily_limit if FaultKind.QUOTA_EXCEEDED in kinds else sent) == status.used
        assert status.available_at is None or status.available_at >= resting.get(account.id, start)


@given(
    accounts_=pools,
    policy=policies,
    story=turns(st.just(0.0) | st.floats(-100_000, 100_000)),
    start=st.sampled_from([MIDNIGHT - timedelta(seconds=5), MIDNIGHT - timedelta(seconds=90)]),
)
def test_no_clock_makes_a_fetch_break_its_policy(
    accounts_: list[Account], policy: RetryPolicy, story: list[Turn], start: datetime
) -> None:
    """A fetch over midnight ends in time and within its calls, even if the wall clock steps."""
    bench = Bench(accounts_, policy, clock=WatchedClock(start))
    result, adversary = play(bench, story)

    keeps_to_its_policy(bench, result, adversary)
    for status, account in zip(bench.status(), accounts_, strict=True):
        assert status.used <= account.calls.daily_limit


@given(charts=st.integers(1, 12), story=turns(st.just(0.0)), accounts_=pools)
def test_a_day_of_fetches_costs_no_more_than_its_units(
    charts: int, story: list[Turn], accounts_: list[Account]
) -> None:
    """Over many fetches no account makes more calls than its limit, apart from those that were never sent."""
    bench = Bench(accounts_, RetryPolicy(deadline=60.0))
    adversary = Adversary(bench, story)
    transport = ScriptedTransport(cycle([adversary]))
    sent = dict.fromkeys((account.id for account in accounts_), 0)
    for _ in range(charts):
        adversary.began = bench.clock.monotonic()
        result = bench.fetch(transport, LARGE)
        for attempt in result.attempts:
            sent[attempt.account_id] += attempt.kind is not FaultKind.NOT_SENT

    assert bench.clock.monotonic() < 12 * 3600
    assert all(sent[account.id] <= account.calls.daily_limit for account in accounts_)
