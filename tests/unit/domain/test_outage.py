"""The outage: three failures open it, one probe at a time, and any answer ends it."""

from __future__ import annotations

import math
from collections.abc import Hashable

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chartimg.domain.faults import ChartApiError, FaultKind
from chartimg.domain.outage import (
    MAX_FAILURES,
    TRANSITIONS,
    Happening,
    IllegalTransition,
    Outage,
    Service,
    ServiceStatus,
    advance,
    is_failure,
)
from rows import for_each

FAILURES = (FaultKind.SERVICE_UNAVAILABLE, FaultKind.NETWORK, FaultKind.NOT_SENT)
UNCLEAR = (FaultKind.BAD_IMAGE, FaultKind.UNEXPECTED_REPLY, FaultKind.FIXTURE_MISSING)
BUSY = ChartApiError.of(FaultKind.SERVICE_UNAVAILABLE, "busy", http_status=500)


def failing(outage: Outage, times: int, *, now: float = 0.0, error: ChartApiError = BUSY) -> Outage:
    """Return *outage* after failures of as many bodies."""
    for number in range(times):
        outage, _ = outage.failed("someone", error, f"body {number}", now, 0.0)
    return outage


DOWN = failing(Outage(), MAX_FAILURES)


def test_without_a_call_the_service_is_up() -> None:
    """A service that was not called is UP, without failures, pauses and suspects; an answer leaves its moment and the suspects."""
    assert Outage(Service.UP, 0, 0.0, 0, None, None, -math.inf, -math.inf, ()) == Outage()
    assert ServiceStatus(Service.UP, 0, None, None) == ServiceStatus()
    assert attrs.evolve(Outage(), ended=0.0, suspects=DOWN.suspects, until=30.0) == DOWN.answered(None)


def test_states_and_happenings_are_their_own_text() -> None:
    """Programs may compare a state with text."""
    assert all(each == each.name for each in (*Service, *Happening))


@for_each("kind", FaultKind)
def test_only_failures_of_the_service_open_the_outage(kind: FaultKind) -> None:
    """Three failures of the three kinds open it, and three other errors do not; any answer of the service ends it."""
    error = ChartApiError.of(kind, "it failed")
    opened = failing(Outage(), MAX_FAILURES, error=error)

    assert (kind in FAILURES) == is_failure(error) == (opened.state is Service.DOWN)
    assert (Service.DOWN if kind in (*FAILURES, *UNCLEAR) else Service.UP) is failing(DOWN, 1, error=error).state


@pytest.mark.parametrize("kind", UNCLEAR)
def test_a_page_in_place_of_a_picture_is_no_answer(kind: FaultKind) -> None:
    """A reply that is neither a picture nor a refusal changes no count, and a probe that gets one has failed."""
    error = ChartApiError.of(kind, "a page")
    probing, _ = DOWN.asked("p", 30.0)
    failed, is_at_fault = probing.failed("p", error, "b", 31.0, 0.0)

    assert (Outage(), False) == Outage().failed("x", error, "b", 0.0, 0.0)
    assert failing(Outage(), 2) == failing(failing(Outage(), 2), 1, error=error)
    assert (Service.DOWN, 31.0 + 60.0, False) == (failed.state, failed.until, is_at_fault)


def test_two_failures_are_no_outage_and_an_answer_forgets_them() -> None:
    """Two failures keep it closed; a picture between failures makes them count anew."""
    two = failing(Outage(), 2)
    answered = failing(two.answered(None, "a"), 2)

    assert (Service.UP, 2) == (two.state, two.failures)
    assert Service.UP is answered.state
    assert (two, None) == two.asked("x", 0.0)
    assert (Service.DOWN, 3) == (DOWN.state, DOWN.failures)


def test_an_answer_is_no_news_until_a_call_has_failed() -> None:
    """Without a failure to forget, a picture or a refusal leaves the outage as it is."""
    quiet, failed = Outage(), failing(Outage(), 1)
    refusal = ChartApiError.of(FaultKind.INVALID_REQUEST, "no")

    assert quiet.is_quiet
    assert quiet is quiet.answered(None, "a", now=1.0)
    assert (quiet, False) == quiet.failed("x", refusal, "a", 1.0, 0.0)
    assert not failed.is_quiet
    assert failed.answered(None, "body 0").is_quiet


def test_one_probe_at_a_time_is_let_through_when_it_is_due() -> None:
    """Until a millisecond before its end a pause holds; then one may call, and the others are told the end of the next pause."""
    early, again = DOWN.asked("first", 29.9985)
    probing, first = DOWN.asked("first", 29.9992)
    same, second = probing.asked("second", 30.0)

    assert (DOWN, 30.0) == (early, again)
    assert (Service.PROBING, None) == (probing.state, first)
    assert (probing, 30.0 + 60.0) == (same, second)
    assert (probing, None) == probing.asked("first", 31.0)


@for_each(("failures", "pause"), [(0, 30), (1, 60), (2, 120), (3, 240), (4, 480), (5, 900), (50, 900)])
def test_each_failed_probe_doubles_the_pause_up_to_a_quarter_of_an_hour(failures: int, pause: float) -> None:
    """The pause is 30 s, doubles with each failed probe, and is never longer than 15 minutes."""
    outage = DOWN
    for _ in range(failures):
        outage, _ = outage.asked("p", outage.until)
        outage, _ = outage.failed("p", BUSY, "b", outage.until, 0.0)
    began = outage.until - pause

    assert Service.DOWN is outage.state
    assert began == (0.0 if not failures else pytest.approx(began))
    assert outage.until - pause == pytest.approx(sum(min(30 * 2**step, 900) for step in range(failures)))


@given(st.floats(0, 1, exclude_max=True), st.none() | st.floats(0, 1e6))
def test_a_pause_is_a_little_shorter_by_chance_and_never_shorter_than_the_server_asks(
    jitter: float, retry_after: float | None
) -> None:
    """Jitter takes at most a fifth of the pause; Retry-After lengthens it, up to an hour."""
    error = attrs.evolve(BUSY, retry_after=retry_after)
    outage = failing(Outage(), 2)
    outage, _ = outage.failed("x", error, "b", 0.0, jitter)

    assert outage.until == pytest.approx(max(30.0 - 6.0 * jitter, min(retry_after or 0.0, 3600.0)))


def test_a_probe_that_is_given_up_returns_its_turn() -> None:
    """After a probe that is given up another may probe at once, with the same pause after its failure."""
    probing, _ = DOWN.asked("p", 30.0)
    given = probing.given_up("p", 31.0)
    again, may = given.asked("q", 31.0)
    failed, _ = again.failed("q", BUSY, "b", 31.0, 0.0)

    assert (Service.DOWN, None) == (given.state, given.turn)
    assert probing == probing.given_up("other", 31.0)
    assert DOWN == DOWN.given_up("p", 31.0)
    assert (Service.PROBING, None, "q") == (again.state, may, again.turn)
    assert 31.0 + 60.0 == failed.until


def test_a_person_may_force_a_probe() -> None:
    """A forced outage lets the next fetch probe at once; without an outage nothing is forced."""
    forced = DOWN.forced(5.0)

    assert (Service.PROBING, None) == (forced.asked("p", 5.0)[0].state, forced.asked("p", 5.0)[1])
    assert Outage() == Outage().forced(5.0)


def test_the_late_end_of_a_call_says_little() -> None:
    """Calls from before a recovery do not fail against it; answers to calls from before the row take one failure back each."""
    recovered = DOWN.answered("p", "b", now=50.0, began=31.0)
    late, _ = recovered.failed("x", BUSY, "b", 60.0, 0.0, began=49.0)
    fresh, _ = recovered.failed("x", BUSY, "b", 60.0, 0.0, began=50.0)
    two = Outage()
    for began in (10.0, 11.0):
        two, _ = two.failed("x", BUSY, "b", 12.0, 0.0, began=began)
    open_, _ = two.failed("x", BUSY, "b", 13.0, 0.0, began=12.0)
    row = [two]
    for _ in range(3):
        row.append(row[-1].answered("x", "o", now=12.5, began=9.0))

    assert (Service.UP, 0, 1) == (late.state, late.failures, fresh.failures)
    assert [2, 1, 0, 0] == [each.failures for each in row]
    assert [1, 0, 0] == [two.answered("x", "o", now=12.5, began=began).failures for began in (9.0, 11.0, 12.0)]
    assert Service.DOWN is open_.answered("x", "o", now=14.0, began=11.9).state
    assert Service.UP is open_.answered("x", "o", now=14.0, began=12.0).state


def test_a_late_call_of_before_neither_ends_a_probe_nor_its_pause() -> None:
    """A call that began before the outage and fails late changes no pause and no probe; if it is answered the outage ends."""
    probing, _ = DOWN.asked("p", 30.0)
    late, _ = probing.failed("late", BUSY, "b", 31.0, 0.0)

    assert (Service.PROBING, "p") == (late.state, late.turn)
    assert DOWN.until == failing(DOWN, 5, now=10.0).until
    assert (Service.UP, 0, None) == (
        late.answered(None, "b").state,
        late.answered(None, "b").failures,
        late.answered(None, "b").turn,
    )


def test_a_body_that_fails_while_others_are_drawn_is_at_fault() -> None:
    """A body with two errors of the server and a picture of another between them is at fault, and opens no outage."""
    first, early = Outage().failed("x", BUSY, "poison", 0.0, 0.0)
    second, at_fault = first.answered(None, "other").failed("x", BUSY, "poison", 1.0, 0.0)
    third, still = second.answered(None, "other").failed("x", BUSY, "poison", 2.0, 0.0)
    cured = third.answered(None, "poison").failed("x", BUSY, "poison", 3.0, 0.0)

    assert (False, True, True, False) == (early, at_fault, still, cured[1])
    assert {Service.UP} == {first.state, second.state, third.state}


def test_without_a_picture_between_no_body_is_at_fault() -> None:
    """Errors of the server in a row, and failures of another kind, put no body at fault."""
    network = ChartApiError.of(FaultKind.NETWORK, "reset")
    outage = Outage()
    verdicts = []
    for error in (BUSY, BUSY, network):
        outage, at_fault = outage.failed("x", error, "b", 0.0, 0.0)
        verdicts.append(at_fault)

    assert [False] * 3 == verdicts
    for error in (network, *(attrs.evolve(BUSY, http_status=status) for status in (408, 499))):
        outage, _ = Outage().failed("x", error, "b", 0.0, 0.0)
        assert not outage.answered(None, "other").failed("x", error, "b", 0.0, 0.0)[1]


@pytest.mark.parametrize("error", [BUSY, ChartApiError.of(FaultKind.NETWORK, "reset")])
def test_while_others_fail_too_no_body_is_at_fault(error: ChartApiError) -> None:
    """If a third body fails between the two errors, the first body is not at fault; it is suspected anew."""
    outage, _ = Outage().failed("x", BUSY, "b", 0.0, 0.0)
    outage, _ = outage.answered("o", "o").failed("y", error, "c", 0.0, 0.0)
    outage, first = outage.answered("o", "o").failed("x", BUSY, "b", 0.0, 0.0)
    outage, second = outage.answered("o", "o").failed("x", BUSY, "b", 0.0, 0.0)

    assert [False, True] == [first, second]


def test_a_picture_of_before_puts_no_body_at_fault() -> None:
    """A picture that comes between the two errors, of a call that began before the first, says nothing about the body."""
    first, _ = Outage().failed("x", BUSY, "b", 12.0, 0.0, began=11.0)
    verdicts = [
        first.answered("o", "o", now=13.0, began=began).failed("x", BUSY, "b", 14.0, 0.0, began=13.5)[1]
        for began in (10.9, 11.0)
    ]

    assert [False, True] == verdicts


def test_few_suspects_are_remembered() -> None:
    """However many bodies fail, sixty-four suspects are remembered, the newest."""
    outage = failing(Outage(), 200)

    assert 64 == len(outage.suspects)
    assert "body 199" == outage.suspects[-1].body


class AnyOrder(RuleBasedStateMachine):
    """Fetches that ask, call, fail, are answered and give up in any order, against a model of three numbers."""

    fetches = Bundle("fetches")
    used: set[tuple[Service, Happening]]

    @initialize()
    def begin(self) -> None:
        """Begin with a service that is up."""
        self.outage, self.now, self.calling = Outage(), 0.0, set[int]()
        self.probes, self.late, self.number = 0, 0, 0

    @rule(target=fetches)
    def ask(self) -> int:
        """A fetch asks, and calls if it may."""
        self.number += 1
        was_up = self.outage.state is Service.UP
        self.outage, again = self.outage.asked(self.number, self.now)
        if again is None:
            self.calling.add(self.number)
            self.probes += not was_up
            assert was_up or self.outage.turn is self.number
        else:
            assert again > self.now
        return self.number

    @rule(fetch=fetches, retry_after=st.none() | st.floats(0, 100), jitter=st.floats(0, 0.99))
    def fail(self, fetch: int, retry_after: float | None, jitter: float) -> None:
        """The call of a fetch fails."""
        if fetch in self.calling:
            self.calling.remove(fetch)
            error = attrs.evolve(BUSY, retry_after=retry_after)
            before = self.outage
            self.outage, _ = before.failed(fetch, error, "b", self.now, jitter)
            if before.state is Service.DOWN:
                assert before.until == self.outage.until

    @rule(fetch=fetches)
    def answer(self, fetch: int) -> None:
        """The call of a fetch is answered: the outage is over."""
        if fetch in self.calling:
            self.calling.remove(fetch)
            self.outage = self.outage.answered(None, "b")
            assert (Service.UP, 0) == (self.outage.state, self.outage.failures)

    @rule(fetch=fetches)
    def give_up(self, fetch: int) -> None:
        """A fetch ends without an outcome."""
        self.calling.discard(fetch)
        self.outage = self.outage.given_up(fetch, self.now)

    @precondition(lambda self: self.outage.state is Service.DOWN)
    @rule()
    def force(self) -> None:
        """A person forces a probe."""
        self.outage = self.outage.forced(self.now)

    @rule(seconds=st.sampled_from([0.1, 1.0, 29.0, 31.0, 1000.0]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds

    @invariant()
    def a_probe_is_one_that_calls(self) -> None:
        """While one probes, that fetch has a call under way; without an outage there is no turn."""
        if not hasattr(self, "outage"):
            return
        if self.outage.state is Service.PROBING:
            assert self.outage.turn in self.calling
        else:
            assert self.outage.turn is None
        assert (self.outage.state is Service.UP) == (self.outage.failures < MAX_FAILURES)


def test_in_any_order_at_most_one_probes_and_one_answer_ends_it() -> None:
    """In any order of asking, calling and ending the machine keeps its invariants."""
    run_state_machine_as_test(AnyOrder)


def test_every_row_of_the_table_is_gone_through() -> None:
    """Each state and each row of the table is reached, and a row that the table lacks can't happen."""
    turn: Hashable = "p"
    probing, _ = DOWN.asked(turn, 30.0)
    gone: dict[tuple[Service, Happening], Outage] = {
        (Service.UP, Happening.FAILURE): failing(Outage(), 1),
        (Service.UP, Happening.THIRD_FAILURE): DOWN,
        (Service.UP, Happening.ANSWER): Outage().answered(None, "b"),
        (Service.DOWN, Happening.FAILURE): failing(DOWN, 1),
        (Service.DOWN, Happening.ANSWER): DOWN.answered(None),
        (Service.DOWN, Happening.PROBE): probing,
        (Service.DOWN, Happening.FORCE): DOWN.forced(5.0),
        (Service.PROBING, Happening.FAILURE): probing.failed("late", BUSY, "b", 31.0, 0.0)[0],
        (Service.PROBING, Happening.ANSWER): probing.answered(None),
        (Service.PROBING, Happening.PROBE_FAILURE): probing.failed(turn, BUSY, "b", 31.0, 0.0)[0],
        (Service.PROBING, Happening.PROBE_GIVEN_UP): probing.given_up(turn, 31.0),
    }

    assert dict(TRANSITIONS) == {row: outage.state for row, outage in gone.items()}
    assert set(Service) == set(TRANSITIONS.values())


def test_a_row_that_the_table_lacks_cannot_happen() -> None:
    """A pair of state and happening without a row raises, with both in the message."""
    missing = [(state, each) for state in Service for each in Happening if (state, each) not in TRANSITIONS]

    assert 10 == len(missing)
    for state, each in missing:
        with pytest.raises(IllegalTransition, match=f"{each} can't happen to a service that is {state}"):
            advance(state, each)


def test_the_failures_of_a_body_at_fault_open_no_outage() -> None:
    """A body that fails again and again, after other charts were drawn, leaves the service UP; its pauses double up to a quarter of an hour."""
    outage, _ = Outage().failed("x", BUSY, "poison", 0.0, 0.0)
    outage = outage.answered(None, "other")
    assert (outage, None) == outage.asked("x", 0.0, "poison")
    for second in range(10):
        outage, is_at_fault = outage.failed("x", BUSY, "poison", float(second), 0.0)
        assert (Service.UP, True) == (outage.state, is_at_fault)
        assert outage.asked("x", second, "poison")[1] == second + min(30 * 2**second, 900)
    until = 9.0 + 15 * 60
    assert (outage, until) == outage.asked("x", 10.0, "poison")
    assert (outage, None) == outage.asked("x", 10.0, "other")
    assert (outage, None) == outage.asked("x", until, "poison")
    assert outage.forced(10.0).asked("x", 10.0, "poison")[1] is None


def test_while_one_body_alone_has_failed_another_one_may_probe_at_once() -> None:
    """Three errors to one body bar that body for the pause; the failure of another one bars all."""
    down = Outage()
    for _ in range(3):
        down, _ = down.failed("x", BUSY, "body", 0.0, 0.0)
    probing, again = down.asked("other", 1.0, "another body")
    failed, _ = probing.failed("other", BUSY, "another body", 1.0, 0.0)

    assert (down, 30.0) == down.asked("x", 1.0, "body")
    assert (Service.PROBING, None) == (probing.state, again)
    assert (failed, 61.0) == failed.asked("third", 1.0, "a third body")
