"""Flights of threads: one fetch for equal requests, whoever leaves."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chartimg import Account, ChartClient, ChartRequest, FaultKind, RetryPolicy, StoreUnavailable
from chartimg.app.fetch import Steps, Until
from chartimg.app.flights import Flights, Waiter
from chartimg.domain.chart import Request
from chartimg.domain.chart.freshness import Freshness
from chartimg.domain.events import CallStarted, Event, FetchFinished, FetchStarted
from chartimg.domain.faults import ChartApiError
from chartimg.domain.fetch import STOPPED
from chartimg.domain.reply import Reply, TransportFailure
from chartimg.domain.result import Attempt, ChartApiFailure, ChartApiResult, ChartApiSuccess, FetchResult, Source
from chartimg.testing import EventLog, Outcome, ScriptedTransport, VirtualClock, picture
from command import eventually
from patience import LONG
from samples import NOON

REQUEST = ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1", {"theme": "dark"})
EQUAL = attrs.evolve(REQUEST, chart_template_id="price_v2")
ACCOUNT = Account("a", "key-of-a", daily_limit=9, requests_per_second=100.0, burst=9)
PNG = picture()
FOUND = Reply(200, body=PNG)
POLICY = RetryPolicy(max_attempts=3, base_delay=1.0, max_delay=1.0, deadline=60.0)
ATTEMPT = Attempt("a", NOON, 1.0, 200, None)
RESULT = ChartApiSuccess(png_bytes=b"png", source=Source.HTTP, attempts=(ATTEMPT,), fetch_id="first")


class Called:
    """A transport whose calls stop until the test lets them go on, each with its outcome."""

    def __init__(self) -> None:
        """Have no call."""
        self.calls: list[Future[Outcome]] = []

    def send(self, request: Request, account: Account | None, *, timeout: float | None = None) -> Outcome:
        """Wait for the outcome."""
        self.calls.append(Future())
        return self.calls[-1].result(LONG)

    def reached(self, count: int) -> None:
        """Wait until so many calls have begun."""
        eventually(lambda: len(self.calls) == count)


class Table:
    """A client with a gated transport in virtual time, and threads that fetch."""

    def __init__(self, threads: ThreadPoolExecutor, start: datetime = NOON) -> None:
        """Begin nothing."""
        self.threads, self.transport, self.clock, self.log = threads, Called(), VirtualClock(start), EventLog()
        self.client = ChartClient(
            transport=self.transport, accounts=[ACCOUNT], clock=self.clock, policy=POLICY, listener=self.log, log=False
        )

    def fetch(
        self, request: ChartRequest = REQUEST, deadline: float | None = None, fresh: str | None = None
    ) -> Future[ChartApiResult]:
        """Fetch in a thread, and return when its fetch is under way."""
        before = self.flying()
        future = self.threads.submit(self.client.fetch, request, deadline=deadline, fresh=fresh)
        eventually(lambda: self.flying() > before or future.done())
        return future

    def flying(self) -> int:
        """Count those who wait for a flight, with their leaders."""
        flights = self.client._routes.flights._under_way  # noqa: SLF001 (nothing else tells that a thread waits)
        return sum(flight.waiters for flight in list(flights.values()))

    def used(self) -> int:
        """Return the units spent."""
        assert self.client.accounts is not None
        return self.client.accounts.status()[0].used


@pytest.fixture
def table() -> Callable[[], Table]:
    """Return a maker of tables whose threads end with the test."""
    return lambda: Table(ThreadPoolExecutor(8))


def test_equal_requests_are_one_call_and_each_has_its_own_frame(table: Callable[[], Table]) -> None:
    """The leader has the attempts; the others have the picture, SHARED, without attempts, under names and in frames of their own."""
    at = table()
    fetches = [at.fetch(request) for request in (REQUEST, EQUAL, REQUEST)]
    at.transport.reached(1)
    at.transport.calls[0].set_result(FOUND)
    results = [each.result(LONG) for each in fetches]

    assert [(PNG, Source.HTTP, 1), (PNG, Source.SHARED, 0), (PNG, Source.SHARED, 0)] == [
        (result.unwrap(), result.source, len(result.attempts)) for result in results
    ]
    names = {result.fetch_id for result in results}
    assert 3 == len(names)
    assert names == {event.fetch_id for event in at.log.of(FetchStarted)}
    assert names == {event.fetch_id for event in at.log.of(FetchFinished)}
    assert (1, 1) == (len(at.transport.calls), at.used())


def test_other_bodies_are_other_flights(table: Callable[[], Table]) -> None:
    """A request with another body makes a call of its own."""
    at = table()
    fetches = [at.fetch(), at.fetch(attrs.evolve(REQUEST, payload={"theme": "light"}))]
    at.transport.reached(2)
    for call in at.transport.calls:
        call.set_result(FOUND)

    assert [Source.HTTP] * 2 == [each.result(LONG).source for each in fetches]


def test_a_later_request_is_another_flight(table: Callable[[], Table]) -> None:
    """A request that comes after the end of a flight makes a call of its own."""
    at = table()
    for number in range(2):
        fetch = at.fetch()
        at.transport.reached(number + 1)
        at.transport.calls[number].set_result(FOUND)
        assert Source.HTTP is fetch.result(LONG).source


def test_a_failure_is_shared(table: Callable[[], Table]) -> None:
    """A final failure is that of all, and no one tries again."""
    at = table()
    fetches = [at.fetch(), at.fetch()]
    at.transport.reached(1)
    at.transport.calls[0].set_result(Reply(422, body=b'{"message":"Invalid Symbol"}'))
    first, second = (each.result(LONG) for each in fetches)

    assert first.error == second.error
    assert (Source.SHARED, ()) == (second.source, second.attempts)
    assert 1 == len(at.transport.calls)


def test_a_waiter_with_less_time_leaves_and_the_flight_goes_on(table: Callable[[], Table]) -> None:
    """A waiter ends at its own deadline, with NETWORK while a call is under way; the leader gets its picture."""
    at = table()
    leader, waiter = at.fetch(), at.fetch(deadline=5.0)
    at.clock.advance(5.0)
    left = waiter.result(LONG)
    at.transport.calls[0].set_result(FOUND)

    assert left.error is not None
    assert (FaultKind.NETWORK, True, ()) == (left.error.kind, left.error.retriable, left.attempts)
    assert Source.HTTP is leader.result(LONG).source


def test_a_waiter_with_more_time_begins_its_own_flight_when_the_first_ends_for_want_of_it(
    table: Callable[[], Table],
) -> None:
    """If the leader had too little time, exactly one of those with more begins another flight, and the others join it."""
    at = table()
    leader, *others = at.fetch(deadline=2.0), at.fetch(), at.fetch()
    at.transport.reached(1)
    at.clock.advance(2.0)
    at.transport.calls[0].set_result(TransportFailure(FaultKind.NETWORK, "read timed out"))
    at.transport.reached(2)
    eventually(lambda: at.flying() == 2)
    at.transport.calls[1].set_result(FOUND)

    assert not leader.result(LONG).ok
    assert sorted([Source.HTTP, Source.SHARED]) == sorted(str(each.result(LONG).source) for each in others)
    assert (2, 2) == (len(at.transport.calls), at.used())


@pytest.mark.parametrize(
    ("leaders", "waiters", "failure"),
    [
        (2.0, 2.25, TransportFailure(FaultKind.NETWORK, "read timed out")),
        (2.0, 60.0, Reply(429, body=b'{"message":"Limit Exceeded"}')),
    ],
    ids=["hardly more time", "no account before tomorrow"],
)
def test_a_waiter_does_not_try_again_in_vain(
    leaders: float, waiters: float, failure: Outcome, table: Callable[[], Table]
) -> None:
    """A waiter who could hardly do better than the leader takes the failure, and no further call is made."""
    at = table()
    leader, waiter = at.fetch(deadline=leaders), at.fetch(deadline=waiters)
    at.transport.reached(1)
    at.clock.advance(2.0)
    at.transport.calls[0].set_result(failure)

    assert leader.result(LONG).error == waiter.result(LONG).error
    assert 1 == len(at.transport.calls)


def test_a_picture_from_before_the_close_of_a_candle_is_not_that_of_a_request_after_it(
    table: Callable[[], Table],
) -> None:
    """Who asks for a picture of the present candle does not get one whose call was sent before the candle began."""
    at = Table(table().threads, NOON - timedelta(seconds=10))
    early, before = at.fetch(fresh="candle"), at.fetch(fresh="candle")
    at.transport.reached(1)
    at.clock.advance(20.0)
    after, any_time = at.fetch(fresh="candle"), at.fetch()
    at.clock.advance(1.0)
    at.transport.calls[0].set_result(FOUND)
    at.transport.reached(2)
    at.transport.calls[1].set_result(FOUND)

    assert [Source.HTTP, Source.SHARED, Source.HTTP, Source.SHARED] == [
        each.result(LONG).source for each in (early, before, after, any_time)
    ]


class Interrupted(BaseException):
    """Stands for KeyboardInterrupt, which pytest takes for one of its user's."""


def test_the_interrupt_of_a_leader_is_not_that_of_the_others(table: Callable[[], Table]) -> None:
    """If the leader is interrupted in its call, the others go on with a flight of their own, and neither hang nor raise."""
    at = table()
    leader, *others = at.fetch(), at.fetch(), at.fetch()
    at.transport.reached(1)
    at.transport.calls[0].set_exception(Interrupted())
    with pytest.raises(Interrupted):
        leader.result(LONG)
    at.transport.reached(2)
    eventually(lambda: at.flying() == 2)
    at.transport.calls[1].set_result(FOUND)

    assert [True, True] == [each.result(LONG).ok for each in others]


@pytest.mark.parametrize("error", [StoreUnavailable("the books are gone"), ValueError("a bug of the host's")])
def test_an_error_of_the_leader_is_raised_for_all(error: Exception, table: Callable[[], Table]) -> None:
    """An exception that each of them would meet is raised for each, and no further call is made."""
    at = table()
    fetches = [at.fetch(), at.fetch()]
    at.transport.reached(1)
    at.transport.calls[0].set_exception(error)
    for each in fetches:
        with pytest.raises(type(error), match=str(error)):
            each.result(LONG)

    assert 1 == len(at.transport.calls)


def test_closing_wakes_those_who_wait(table: Callable[[], Table]) -> None:
    """When the client closes, a waiter ends at once with STOPPED; the call under way goes on to its end."""
    at = table()
    leader, waiter = at.fetch(), at.fetch()
    at.client.close()
    stopped = waiter.result(LONG)
    at.transport.calls[0].set_result(FOUND)

    assert stopped.error is not None
    assert (FaultKind.STOPPED, STOPPED) == (stopped.error.kind, stopped.error.message)
    assert leader.result(LONG).ok


def test_a_listener_that_fetches_the_same_chart_does_not_wait_for_itself() -> None:
    """A fetch that is begun inside an equal one makes a call of its own."""

    class Again:
        """Fetches once more at the first call."""

        def notify(self, event: Event) -> None:
            """Fetch."""
            if isinstance(event, CallStarted) and not inner:
                inner.append(None)
                inner[0] = client.fetch(REQUEST)

    inner: list[FetchResult | None] = []
    transport = ScriptedTransport([FOUND, FOUND])
    client = ChartClient(
        transport=transport, accounts=[ACCOUNT], clock=transport.clock, listener=Again(), policy=POLICY, log=False
    )

    assert Source.HTTP is client.fetch(REQUEST).source
    assert inner[0] is not None
    assert Source.HTTP is inner[0].source


@pytest.mark.parametrize("fresh", ["off", "candle"])
def test_a_fetch_inside_another_one_waits_for_none_of_those_that_began_it(fresh: str) -> None:
    """A listener that fetches another chart, whose call makes it fetch the first one again, waits for neither."""

    class Again:
        """Fetches once more at each of the first two calls."""

        def notify(self, event: Event) -> None:
            """Fetch."""
            if isinstance(event, CallStarted) and charts:
                inner.append(client.fetch(charts.pop(), fresh=fresh))

    charts = [REQUEST, attrs.evolve(REQUEST, symbol="BINANCE:ETHUSDT")]
    inner: list[FetchResult] = []
    transport = ScriptedTransport([FOUND] * 3)
    client = ChartClient(
        transport=transport, accounts=[ACCOUNT], clock=transport.clock, listener=Again(), policy=POLICY, log=False
    )

    outer = client.fetch(REQUEST, fresh=fresh)

    assert [Source.HTTP] * 3 == [each.source for each in (*inner, outer)]
    assert transport.clock.monotonic() < POLICY.deadline


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_begins_anew(table: Callable[[], Table]) -> None:
    """A forked child waits for no flight of its parent."""
    at = table()
    leader = at.fetch()
    at.transport.reached(1)
    if (child := os.fork()) == 0:
        at.transport.send = lambda *_, **__: FOUND  # type: ignore[method-assign]
        os._exit(0 if at.client.fetch(REQUEST).source is Source.HTTP else 1)
    _, status = os.waitpid(child, 0)
    at.transport.calls[0].set_result(FOUND)

    assert 0 == os.waitstatus_to_exitcode(status)
    assert leader.result(LONG).ok


# The steps, one at a time and in any order


class World:
    """Callers of one body, whose steps a test carries out in any order, in virtual time."""

    def __init__(self) -> None:
        """Have no caller."""
        self.flights, self.clock = Flights(), VirtualClock()
        self.callers: dict[str, tuple[Waiter, Steps[FetchResult], float]] = {}
        self.ended: dict[str, FetchResult] = {}
        self.left: set[str] = set()
        self.leading: dict[str, int] = {}
        self.begun: list[str] = []
        self.outcome: FetchResult = RESULT

    def arrive(self, seconds: float) -> None:
        """Let a caller come who has so many seconds."""
        name = str(len(self.callers))
        waiter = Waiter(threading.Event(), fetch_id=name)

        def fetch() -> Steps[FetchResult]:
            assert not self.leading, "one fetch at a time, but for those given up"
            self.begun.append(name)
            self.leading[name] = 0
            try:
                while not (waiter.stop.is_set() or self.clock.monotonic() >= ends or self.outcome is not RESULT):
                    yield 1.0
                if waiter.stop.is_set():
                    return _failure(STOPPED, name)
                return self.outcome if self.clock.monotonic() < ends else _failure("late", name)
            finally:
                self.leading.pop(name, None)

        ends = self.clock.monotonic() + seconds
        steps = self.flights.share(
            "body", waiter, fetch, ends=ends, max_attempts=3, clock=self.clock, suits=lambda _, __: True
        )
        self.callers[name] = waiter, steps, ends
        self.step(name)

    def step(self, name: str) -> None:
        """Carry out the steps of a caller up to its next wait."""
        _, steps, _ = self.callers[name]
        try:
            next(steps)
        except StopIteration as end:
            self.ended[name] = end.value
            self.flights.told(self.callers[name][0])
        self._without_given_up()

    def leave(self, name: str) -> None:
        """Let a caller go, as the asynchronous client does."""
        self.left.add(name)
        self.flights.leave(self.callers[name][0])
        self._without_given_up()

    def _without_given_up(self) -> None:
        """Count the fetches no longer that the last one to wait for them has given up."""
        for each in [each for each in self.leading if self.callers[each][0].stop.is_set()]:
            del self.leading[each]

    @property
    def present(self) -> list[str]:
        """The callers whose steps have not ended."""
        return [name for name in self.callers if name not in self.ended]


def iter_of(result: FetchResult) -> Steps[FetchResult]:
    """Return steps without a wait."""
    yield from ()
    return result


def _failure(message: str, fetch_id: str) -> ChartApiFailure:
    kind = FaultKind.STOPPED if message == STOPPED else FaultKind.NO_ACCOUNT
    error = ChartApiError.of(kind, message, available_at=None if message == STOPPED else NOON)
    return ChartApiFailure(error=error, fetch_id=fetch_id)


MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("arrive"), st.integers(1, 30)),
        st.tuples(st.just("pass"), st.integers(1, 10)),
        st.tuples(st.just("step"), st.integers(0, 9)),
        st.tuples(st.just("leave"), st.integers(0, 9)),
    ),
    max_size=40,
)


@given(MOVES)
@example(
    [("arrive", 1), ("arrive", 1), ("arrive", 1), ("pass", 1), ("leave", 0), ("leave", 0), ("step", 2), ("arrive", 1)]
)
def test_whoever_leaves_the_flight_goes_on_for_the_others(moves: list[tuple[str, int]]) -> None:
    """At each moment equal requests are one fetch; nobody's leaving ends another's, and nobody joins a flight that was given up."""
    world = World()
    for move, number in moves:
        present = world.present
        if move == "arrive":
            world.arrive(float(number))
        elif move == "pass":
            world.clock.advance(float(number))
        elif present and move == "step":
            world.step(present[number % len(present)])
        elif present and (stays := [name for name in present if name not in world.left]):
            world.leave(stays[number % len(stays)])
    world.outcome = attrs.evolve(RESULT, fetch_id="all")
    for _ in range(3 * len(world.callers)):
        for name in world.present:
            world.step(name)

    assert not world.present
    for name, result in world.ended.items():
        if result.error is not None and name not in world.left:
            assert result.error.message != STOPPED
            assert world.clock.monotonic() >= world.callers[name][2]
        if result.ok and result.source is Source.SHARED:
            assert (name, ()) == (result.fetch_id, result.attempts)


def test_a_wait_is_until_the_end_of_the_flight() -> None:
    """A waiter yields the seconds of its own deadline, and is told of the end in any thread, also if it asks late."""
    world, told = World(), [0]
    world.arrive(30.0)
    world.clock.advance(10.0)
    waiter = Waiter(threading.Event(), fetch_id="second", fresh=Freshness(1.0))
    steps = world.flights.share(
        "body", waiter, lambda: iter_of(RESULT), ends=40.0, max_attempts=3, clock=world.clock, suits=lambda _, __: True
    )
    until = next(steps)
    assert isinstance(until, Until)

    def tell() -> None:
        told[0] += 1

    until.happening.then(tell)
    assert (30.0, 0) == (until.seconds, told[0])
    world.outcome = attrs.evolve(RESULT, fetch_id="all")
    world.step("0")
    until.happening.then(tell)
    until.happening.wait(LONG)

    assert 2 == told[0]
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert Source.SHARED is end.value.value.source


def test_a_result_that_does_not_suit_is_not_shared() -> None:
    """A waiter whom the result of the flight does not suit begins a flight of its own."""
    world, second = World(), [0]
    world.arrive(30.0)
    waiter = Waiter(threading.Event(), fetch_id="second")

    def fetch() -> Steps[FetchResult]:
        second[0] += 1
        return iter_of(RESULT)

    steps = world.flights.share(
        "body", waiter, fetch, ends=30.0, max_attempts=3, clock=world.clock, suits=lambda _, __: False
    )
    next(steps)
    world.outcome = attrs.evolve(RESULT, fetch_id="all")
    world.step("0")
    with pytest.raises(StopIteration) as end:
        next(steps)

    assert (RESULT, 1) == (end.value.value, second[0])


def test_a_waiter_that_is_closed_at_its_wait_is_not_counted() -> None:
    """Steps of a waiter that are abandoned, as by Ctrl-C, leave the flight to the others."""
    world = World()
    world.arrive(30.0)
    world.arrive(30.0)
    world.callers["1"][1].close()
    world.leave("0")

    assert world.callers["0"][0].stop.is_set()
