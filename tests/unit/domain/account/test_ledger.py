"""The ledger: what each event does to a snapshot, and what no sequence of events can do to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from fractions import Fraction
from functools import cache

import attrs
import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st

from chartimg.domain.account import (
    TRANSITIONS,
    Account,
    AccountEvent,
    AccountSnapshot,
    AccountState,
    Claim,
    advance,
    ledger,
    window_of,
)
from chartimg.domain.faults import ChartApiError, FaultKind
from chartimg.domain.plan import UNKNOWN, ChartLimits
from paper import within_pace
from pools import SECOND, fault, too_much
from rows import for_each
from samples import NOON

ACCOUNT = Account("a", "key-1", daily_limit=3, requests_per_second=2.0, burst=2)
REKEYED = attrs.evolve(ACCOUNT, api_key="key-2")

A, T, X, S = AccountState.AVAILABLE, AccountState.THROTTLED, AccountState.EXHAUSTED, AccountState.SUSPENDED
E = AccountEvent


SIZE = too_much("Resolution Limit (800x600)")
COUNT = too_much("Parameter Limit (3)")


def claimed() -> tuple[AccountSnapshot, Claim]:
    """Return the snapshot of an account with one unit taken, and the claim."""
    return ledger.grant(ledger.fresh(ACCOUNT, NOON), ACCOUNT, NOON)


def in_state(state: AccountState) -> tuple[AccountSnapshot, Claim]:
    """Return a snapshot in *state*, and a claim that was taken before."""
    snapshot, claim = claimed()
    match state:
        case AccountState.THROTTLED:
            snapshot = ledger.throttle(snapshot, ACCOUNT, NOON + 60 * SECOND, "slow down")
        case AccountState.EXHAUSTED:
            snapshot = ledger.exhaust(snapshot, ACCOUNT, "spent")
        case AccountState.SUSPENDED:
            snapshot = ledger.suspend(snapshot, "refused")
        case _:
            pass
    assert state is snapshot.state
    return snapshot, claim


def tomorrow(snapshot: AccountSnapshot) -> AccountSnapshot:
    """Return the snapshot in the next window."""
    return ledger.current(snapshot, ACCOUNT, snapshot.window_end)


def spent_suspension(snapshot: AccountSnapshot) -> AccountSnapshot:
    """Return the snapshot after its day was spent and it was reinstated."""
    return ledger.reinstate(ledger.exhaust(snapshot, ACCOUNT, "spent"))


SCENES: dict[tuple[AccountState, AccountEvent], Callable[[AccountSnapshot, Claim], AccountSnapshot]] = {
    (A, E.CLAIM): lambda s, _: ledger.grant(s, ACCOUNT, NOON)[0],
    (A, E.REFUND): ledger.refund,
    (A, E.THROTTLE): lambda s, _: ledger.throttle(s, ACCOUNT, NOON + SECOND, "slow down"),
    (A, E.EXHAUST): lambda s, _: ledger.exhaust(s, ACCOUNT, "spent"),
    (A, E.NEW_WINDOW): lambda s, _: tomorrow(s),
    (A, E.SUSPEND): lambda s, _: ledger.suspend(s, "refused"),
    (T, E.CLAIM): lambda s, _: ledger.grant(s, ACCOUNT, NOON + 60 * SECOND)[0],
    (T, E.REFUND): ledger.refund,
    (T, E.THROTTLE): lambda s, _: ledger.throttle(s, ACCOUNT, NOON + 90 * SECOND, "slower"),
    (T, E.COOL): lambda s, _: ledger.current(s, ACCOUNT, NOON + 60 * SECOND),
    (T, E.EXHAUST): lambda s, _: ledger.exhaust(s, ACCOUNT, "spent"),
    (T, E.NEW_WINDOW): lambda s, _: tomorrow(ledger.throttle(s, ACCOUNT, s.window_end + SECOND, "long")),
    (T, E.SUSPEND): lambda s, _: ledger.suspend(s, "refused"),
    (X, E.NEW_WINDOW): lambda s, _: tomorrow(s),
    (X, E.SUSPEND): lambda s, _: ledger.suspend(s, "refused"),
    (S, E.REFUND): ledger.refund,
    (S, E.EXHAUST): lambda s, _: ledger.exhaust(s, ACCOUNT, "spent"),
    (S, E.NEW_WINDOW): lambda s, _: tomorrow(s),
    (S, E.SUSPEND): lambda s, _: ledger.suspend(s, "refused again"),
    (S, E.REINSTATE): lambda s, _: ledger.reinstate(s),
    (S, E.REINSTATE_SPENT): lambda s, _: spent_suspension(s),
    **{(state, E.RESET): lambda snapshot, _: ledger.reset(snapshot, NOON) for state in AccountState},
}


def test_every_row_of_the_table_happens_in_the_books(monkeypatch: pytest.MonkeyPatch) -> None:
    """In each row's scene the ledger uses the row and ends in the state that it names."""
    seen: list[tuple[AccountState, AccountEvent]] = []

    def noted(state: AccountState, happened: AccountEvent) -> AccountState:
        seen.append((state, happened))
        return advance(state, happened)

    for row, scene in SCENES.items():
        snapshot, claim = in_state(row[0])
        with monkeypatch.context() as patched:
            patched.setattr("chartimg.domain.account.ledger.advance", noted)
            after = scene(snapshot, claim)
        assert row == seen[-1]
        assert TRANSITIONS[row] is after.state

    assert set(SCENES) == set(TRANSITIONS)
    assert set(TRANSITIONS) == set(seen)


def test_new_books_are_of_today_and_have_everything_left() -> None:
    """A fresh snapshot is of the current UTC day, and its account has all units and can be called."""
    snapshot = ledger.fresh(ACCOUNT, NOON)

    assert window_of(NOON) == snapshot.window
    assert (A, 0, ACCOUNT.key_digest) == (snapshot.state, snapshot.used, snapshot.key_digest)
    assert ledger.left(snapshot, ACCOUNT) == 3
    assert (ledger.ready_at(snapshot, ACCOUNT) or NOON) < NOON


def test_a_grant_is_charged_at_once_and_moves_the_pace() -> None:
    """A grant charges one unit at once and moves the arrival by one emission."""
    snapshot, claim = claimed()

    assert Claim("a", 1, window_of(NOON), 0, NOON) == claim
    assert (snapshot.used, snapshot.serial, snapshot.version) == (1, 1, 1)
    assert NOON + ACCOUNT.emission == snapshot.arrival
    assert ledger.left(snapshot, ACCOUNT) == 2


def test_a_burst_is_free_and_the_next_call_is_due_when_a_token_is() -> None:
    """After a burst each call is due when a token is, all of them after one margin."""
    account = attrs.evolve(ACCOUNT, daily_limit=10)
    snapshot, _ = ledger.grant(claimed()[0], account, NOON)
    due = []
    for _ in range(3):
        due.append(ledger.ready_at(snapshot, account) or NOON)
        snapshot, _ = ledger.grant(snapshot, account, due[-1])

    assert [NOON + number * SECOND / 2 + ledger.MARGIN for number in (1, 2, 3)] == due


def test_a_day_without_units_is_ready_when_the_next_one_begins() -> None:
    """An account without units is ready at midnight, and stays AVAILABLE for refunds."""
    snapshot, claim = claimed()
    for second in (1, 2):
        snapshot, _ = ledger.grant(snapshot, ACCOUNT, NOON + second * SECOND)

    assert (snapshot.state, ledger.left(snapshot, ACCOUNT)) == (A, 0)
    assert snapshot.window_end == ledger.ready_at(snapshot, ACCOUNT)
    assert ledger.left(ledger.refund(snapshot, claim), ACCOUNT) == 1


def test_a_lower_limit_in_the_settings_leaves_no_units() -> None:
    """If the limit is lowered below the units taken, 0 units are left."""
    snapshot, _ = ledger.grant(claimed()[0], ACCOUNT, NOON)

    assert ledger.left(snapshot, attrs.evolve(ACCOUNT, daily_limit=1)) == 0


def test_an_account_without_any_units_is_never_ready() -> None:
    """An account with a daily limit of 0 is never ready."""
    idle = attrs.evolve(ACCOUNT, daily_limit=0)

    assert ledger.ready_at(ledger.fresh(idle, NOON), idle) is None


def test_a_throttled_account_is_ready_when_its_pause_is_over() -> None:
    """A throttled account is ready at the end of its pause, with one token."""
    snapshot, _ = in_state(T)
    until = NOON + 60 * SECOND
    after, _ = ledger.grant(snapshot, ACCOUNT, until)

    assert until == ledger.ready_at(snapshot, ACCOUNT)
    assert until + ACCOUNT.emission == ledger.ready_at(after, ACCOUNT)


def test_a_suspended_account_is_never_ready() -> None:
    """A suspended account is never ready, also in the next window."""
    snapshot, _ = in_state(S)

    assert ledger.ready_at(snapshot, ACCOUNT) is None
    assert ledger.ready_at(tomorrow(snapshot), ACCOUNT) is None


def test_midnight_gives_a_whole_day_and_forgets_the_last_one() -> None:
    """A new window has all units, is not spent and has no reason."""
    snapshot = tomorrow(in_state(X)[0])

    assert (snapshot.state, snapshot.used, snapshot.spent, snapshot.reason) == (A, 0, False, "")
    assert ledger.left(snapshot, ACCOUNT) == 3


def test_midnight_neither_ends_a_pause_nor_a_suspension() -> None:
    """A pause and a suspension outlast midnight, with their reasons."""
    paused = tomorrow(ledger.throttle(claimed()[0], ACCOUNT, NOON + timedelta(days=2), "slow down"))
    stopped = tomorrow(in_state(S)[0])

    assert (paused.state, paused.reason) == (T, "slow down")
    assert (stopped.state, stopped.reason) == (S, "refused")


@given(seconds=st.integers(-40 * 86_400, 59), state=st.sampled_from(AccountState))
def test_the_snapshot_stays_within_its_window_and_after_clock_steps(seconds: int, state: AccountState) -> None:
    """Neither time within the window nor a clock that steps back changes the window, the count or the state."""
    snapshot, _ = in_state(state)

    assert snapshot is ledger.current(snapshot, ACCOUNT, NOON + timedelta(seconds=seconds))


def test_a_pause_that_is_over_is_over_with_its_reason() -> None:
    """At the end of its pause an account is AVAILABLE, without the reason of the pause."""
    snapshot = ledger.current(in_state(T)[0], ACCOUNT, NOON + 60 * SECOND)

    assert (snapshot.state, snapshot.until, snapshot.reason) == (A, None, "")


def test_a_second_throttle_never_shortens_the_first() -> None:
    """Of two pauses the later end holds."""
    snapshot = ledger.throttle(in_state(T)[0], ACCOUNT, NOON + SECOND, "again")

    assert (snapshot.until, snapshot.reason) == (NOON + 60 * SECOND, "again")


@pytest.mark.parametrize("state", [X, S])
def test_a_throttle_does_not_change_a_spent_or_suspended_account(state: AccountState) -> None:
    """A throttle does not change a spent or a suspended account."""
    snapshot, _ = in_state(state)

    assert snapshot is ledger.throttle(snapshot, ACCOUNT, NOON + SECOND)


@pytest.mark.parametrize("state", [A, T, S])
def test_exhausting_takes_the_whole_day_once(state: AccountState) -> None:
    """Exhausting sets the count to the limit and ends a pause; a second time and a refund change nothing."""
    before, claim = in_state(state)
    snapshot = ledger.exhaust(before, ACCOUNT, "spent")

    assert (snapshot.used, snapshot.spent, snapshot.until) == (3, True, None)
    assert ("refused" if state is S else "spent") == snapshot.reason
    assert snapshot is ledger.exhaust(snapshot, ACCOUNT, "again")
    assert snapshot is ledger.refund(snapshot, claim)


def test_a_spent_day_stays_spent_under_a_larger_limit() -> None:
    """A larger limit in the settings gives no unit of a spent day."""
    snapshot, _ = in_state(X)
    larger = attrs.evolve(ACCOUNT, daily_limit=1000)

    assert ledger.left(ledger.current(snapshot, larger, NOON + SECOND), larger) == 0


def test_a_suspension_for_the_same_reason_changes_nothing() -> None:
    """Suspending again changes the reason only."""
    snapshot, _ = in_state(S)

    assert snapshot is ledger.suspend(snapshot, "refused")
    assert ledger.suspend(snapshot, "by hand").reason == "by hand"


@pytest.mark.parametrize("state", [A, T, X])
def test_reinstating_is_for_the_suspended(state: AccountState) -> None:
    """Reinstating changes only a suspended account; a spent day stays spent."""
    snapshot, _ = in_state(state)

    assert snapshot is ledger.reinstate(snapshot)


def test_reinstating_keeps_the_count_and_begins_an_epoch() -> None:
    """Reinstating keeps the units taken, clears the reason and begins an epoch."""
    snapshot = ledger.reinstate(in_state(S)[0])

    assert (snapshot.state, snapshot.used, snapshot.epoch, snapshot.reason) == (A, 1, 1, "")


def test_reinstating_a_spent_account_gives_an_exhausted_one() -> None:
    """A day that was spent before or during a suspension is spent after it."""
    during = spent_suspension(in_state(S)[0])
    before = ledger.reinstate(ledger.suspend(in_state(X)[0], "refused"))

    assert X is during.state is before.state
    assert ledger.left(during, ACCOUNT) == ledger.left(before, ACCOUNT) == 0
    assert "the day is spent" == during.reason == before.reason


@pytest.mark.parametrize(("state", "after"), [(A, A), (T, T), (X, X), (S, A)])
def test_another_key_ends_a_suspension_and_nothing_else(state: AccountState, after: AccountState) -> None:
    """A new key begins an epoch and lifts a suspension; units and pauses stay."""
    before, claim = in_state(state)
    snapshot = ledger.current(before, REKEYED, NOON)

    assert (after, REKEYED.key_digest, before.used) == (snapshot.state, snapshot.key_digest, snapshot.used)
    assert snapshot.epoch > before.epoch
    assert snapshot.version == before.version + 1
    assert not ledger.confirm(snapshot, claim)
    assert snapshot is ledger.current(snapshot, REKEYED, NOON)


def test_a_claim_stands_while_its_account_may_be_called() -> None:
    """A claim stands in its window and epoch while its account is AVAILABLE and it is not refunded."""
    snapshot, claim = claimed()

    assert ledger.confirm(snapshot, claim)
    assert not ledger.confirm(ledger.refund(snapshot, claim), claim)
    assert not ledger.confirm(tomorrow(snapshot), claim)
    assert not ledger.confirm(ledger.reinstate(ledger.suspend(snapshot, "x")), claim)
    for state in (T, X, S):
        assert not ledger.confirm(*in_state(state))


@pytest.mark.parametrize("state", [A, T, S])
def test_a_refund_happens_once(state: AccountState) -> None:
    """The first refund returns the unit and the second changes nothing; the pace stays, and no count is below 0."""
    before, claim = in_state(state)
    snapshot = ledger.refund(before, claim)

    assert (0, state, before.arrival) == (snapshot.used, snapshot.state, snapshot.arrival)
    assert 0 == ledger.refund(attrs.evolve(before, used=0), claim).used
    assert snapshot is ledger.refund(snapshot, claim)


@given(order=st.permutations(range(6)), again=st.lists(st.integers(0, 5)))
def test_every_claim_is_refunded_once_in_any_order(order: list[int], again: list[int]) -> None:
    """Six claims return six units, in any order and however often each is refunded."""
    account = attrs.evolve(ACCOUNT, daily_limit=10)
    snapshot, claims = ledger.fresh(account, NOON), []
    for _ in order:
        snapshot, claim = ledger.grant(snapshot, account, NOON)
        claims.append(claim)
    for number, place in enumerate(order, 1):
        snapshot = ledger.refund(snapshot, claims[place])
        assert 6 - number == snapshot.used
    for place in again:
        assert snapshot is ledger.refund(snapshot, claims[place])


@cache
def long_day() -> tuple[Account, AccountSnapshot, tuple[Claim, ...], frozenset[Claim]]:
    """Take 2100 units, and refund every fiftieth of the first 600 before the rest are taken."""
    account = attrs.evolve(ACCOUNT, daily_limit=5000)
    snapshot, claims, early = ledger.fresh(account, NOON), list[Claim](), frozenset[Claim]()
    for number in range(2100):
        if number == 600:
            early = frozenset(claims[::50])
            for claim in early:
                snapshot = ledger.refund(snapshot, claim)
        snapshot, claim = ledger.grant(snapshot, account, NOON)
        claims.append(claim)
    return account, snapshot, tuple(claims), early


@given(places=st.lists(st.integers(0, 2099), max_size=8))
def test_after_a_thousand_later_claims_no_unit_is_refunded_twice(places: list[int]) -> None:
    """A recent claim is refunded once; an old one may stay charged, but is never refunded twice."""
    account, snapshot, claims, early = long_day()
    assert 2100 - len(early) == snapshot.used

    given_back = set(early)
    for place in places:
        before = snapshot
        snapshot = ledger.refund(snapshot, claims[place])
        returned = before.used - snapshot.used
        assert returned in {0, 1}
        if claims[place] in given_back:
            assert returned == 0
        elif place >= 1100:
            assert returned == 1
        if returned:
            given_back.add(claims[place])

    assert ledger.left(snapshot, account) == 5000 - 2100 + len(given_back)


def test_a_claim_of_yesterday_is_not_refunded_today() -> None:
    """A claim of the last window is not refunded in the next one."""
    snapshot, claim = claimed()
    snapshot, today = ledger.grant(tomorrow(snapshot), ACCOUNT, snapshot.window_end)

    assert snapshot is ledger.refund(snapshot, claim)
    assert ledger.refund(snapshot, today).used == 0


def test_an_unknown_claim_is_not_refunded() -> None:
    """A claim that the books have never granted is not refunded."""
    _, claim = claimed()
    snapshot = ledger.fresh(ACCOUNT, NOON)

    assert snapshot is ledger.refund(snapshot, claim)


@for_each(
    ("kind", "state", "used"),
    [
        (None, A, 1),
        (FaultKind.BAD_IMAGE, A, 1),
        (FaultKind.UNEXPECTED_REPLY, A, 1),
        (FaultKind.INVALID_REQUEST, A, 1),
        (FaultKind.SESSION_REJECTED, A, 1),
        (FaultKind.CREDENTIAL_REJECTED, S, 1),
        (FaultKind.PLAN_LIMIT, A, 1),
        (FaultKind.THROTTLED, T, 1),
        (FaultKind.QUOTA_EXCEEDED, X, 3),
        (FaultKind.SERVICE_UNAVAILABLE, A, 1),
        (FaultKind.NOT_SENT, A, 0),
        (FaultKind.NETWORK, A, 1),
        (FaultKind.FIXTURE_MISSING, A, 1),
        (FaultKind.NO_ACCOUNT, A, 1),
    ],
)
def test_a_report_books_what_the_outcome_means(kind: FaultKind | None, state: AccountState, used: int) -> None:
    """A call that was never sent is refunded, three kinds change the state, and other kinds stay charged."""
    snapshot, claim = claimed()
    error = None if kind is None else fault(kind)
    snapshot = ledger.apply_report(snapshot, ACCOUNT, claim, error, NOON)

    assert (state, used) == (snapshot.state, snapshot.used)
    assert ("" if state is A or error is None else error.message) == snapshot.reason


@for_each(
    ("rate", "retry_after", "pause"),
    [(2.0, None, 1.0), (2.0, 0.0, 1.0), (2.0, 0.25, 1.0), (2.0, 7.5, 7.5), (0.125, None, 8.0), (0.125, 20.0, 20.0)],
)
def test_a_throttle_lasts_as_asked_and_at_least_until_a_token_is_earned(
    rate: float, retry_after: float | None, pause: float
) -> None:
    """A pause lasts as long as Retry-After says, at least a second and the time of one token."""
    account = attrs.evolve(ACCOUNT, requests_per_second=rate)
    snapshot, claim = ledger.grant(ledger.fresh(account, NOON), account, NOON)
    snapshot = ledger.apply_report(snapshot, account, claim, fault(FaultKind.THROTTLED, retry_after), NOON)

    assert NOON + timedelta(seconds=pause) == snapshot.until == ledger.ready_at(snapshot, account)
    assert ledger.left(snapshot, account) == 2


@given(kind=st.sampled_from(FaultKind), retry_after=st.none() | st.floats(0, 86_400), days=st.integers(1, 3))
def test_a_report_of_yesterday_changes_nothing_today(kind: FaultKind, retry_after: float | None, days: int) -> None:
    """A report of a call from an older window changes nothing in a newer one."""
    snapshot, claim = claimed()
    today = ledger.current(snapshot, ACCOUNT, NOON + timedelta(days=days))

    assert today is ledger.apply_report(today, ACCOUNT, claim, fault(kind, retry_after), NOON + timedelta(days=days))


@given(kind=st.sampled_from(FaultKind), key_changed=st.booleans())
def test_a_report_from_before_a_reinstatement_changes_nothing_after_it(kind: FaultKind, key_changed: bool) -> None:  # noqa: FBT001
    """A report of a call from before a reinstatement or a key change does not change the state."""
    snapshot, claim = claimed()
    snapshot = (
        ledger.current(snapshot, REKEYED, NOON)
        if key_changed
        else ledger.reinstate(ledger.suspend(snapshot, "refused"))
    )
    account = REKEYED if key_changed else ACCOUNT
    after = ledger.apply_report(snapshot, account, claim, fault(kind), NOON)

    assert (after.state, after.reason) == (A, "")
    assert after.used in ({0, 1} if kind is FaultKind.NOT_SENT else {1})


rates = st.floats(0.01, 1000) | st.sampled_from([1.0, 0.3, 7.0])


@given(
    rate=rates,
    burst=st.integers(1, 6),
    steps=st.lists(
        st.tuples(st.floats(-5, 20), st.sampled_from(["claim", "claim", "claim", "refund", "throttle", "midnight"])),
        max_size=30,
    ),
)
def test_grants_never_come_faster_than_the_provider_allows(
    rate: float, burst: int, steps: list[tuple[float, str]]
) -> None:
    """In any span t at most burst + rate * t calls are granted, with refunds, throttles and clock steps."""
    account = Account("a", "key", daily_limit=10_000, requests_per_second=rate, burst=burst)
    now, snapshot = NOON, ledger.fresh(account, NOON)
    grants: list[datetime] = []
    claim: Claim | None = None
    for seconds, step in steps:
        now += timedelta(seconds=seconds)
        snapshot = ledger.current(snapshot, account, now)
        match step:
            case "claim":
                ready = ledger.ready_at(snapshot, account)
                assert ready is not None
                snapshot, claim = ledger.grant(snapshot, account, max(now, ready))
                grants.append(claim.not_before)
            case "refund" if claim is not None:
                snapshot = ledger.refund(snapshot, claim)
            case "throttle" if claim is not None:
                snapshot = ledger.apply_report(snapshot, account, claim, fault(FaultKind.THROTTLED, 2.0), now)
            case "midnight":
                now = max(now, snapshot.window_end)
            case _:
                pass

    assert within_pace(grants, account)


@given(rate=rates, burst=st.integers(1, 20), idle=st.floats(0, 10_000))
def test_a_rested_account_gives_its_whole_burst_at_once(rate: float, burst: int, idle: float) -> None:
    """A burst is granted at once at first, and again after its refill and the margin."""
    account = Account("a", "key", daily_limit=10_000, requests_per_second=rate, burst=burst)
    snapshot, now = ledger.fresh(account, NOON), NOON
    for _ in range(2):
        for _ in range(burst):
            assert (ledger.ready_at(snapshot, account) or now + SECOND) <= now
            snapshot, _ = ledger.grant(snapshot, account, now)
        now += account.emission * burst + ledger.MARGIN + timedelta(seconds=idle)
        snapshot = ledger.current(snapshot, account, now)


def test_books_that_were_lost_are_restored_without_forgetting() -> None:
    """A restored snapshot has the larger counts, the later window and all refunds of both."""
    known = attrs.evolve(ledger.fresh(ACCOUNT, NOON), version=7, used=2, serial=4, refunded=frozenset({3}))
    older = attrs.evolve(known, version=5, used=1, serial=3, refunded=frozenset({1}))
    spent = ledger.exhaust(older, ACCOUNT, "Limit Exceeded")
    tomorrow = ledger.current(older, ACCOUNT, NOON + timedelta(days=1))

    assert attrs.evolve(known, version=8) == ledger.restore(None, known)
    assert attrs.evolve(known, version=8) == ledger.restore(attrs.evolve(older, window=NOON - timedelta(days=9)), known)
    assert attrs.evolve(known, version=8, refunded=frozenset({1, 3})) == ledger.restore(older, known)
    both = ledger.restore(spent, known)
    assert (8, X, True, ACCOUNT.calls.daily_limit) == (both.version, both.state, both.spent, both.used)
    after = ledger.restore(tomorrow, known)
    assert (tomorrow.window, tomorrow.used, known.serial) == (after.window, after.used, after.serial)


def test_an_exhausted_snapshot_is_restored_by_the_table() -> None:
    """If one side is spent, the restored snapshot is EXHAUSTED without a pause, to the end of the window."""
    paused = ledger.throttle(ledger.fresh(ACCOUNT, NOON), ACCOUNT, NOON + 60 * SECOND, "Too Many Requests")
    spent = ledger.exhaust(ledger.fresh(ACCOUNT, NOON), ACCOUNT, "Limit Exceeded")
    paused = attrs.evolve(paused, version=spent.version + 1)

    for one, other in ((paused, spent), (spent, paused)):
        after = ledger.restore(one, other)
        assert (X, None, "Limit Exceeded", True) == (after.state, after.until, after.reason, after.spent)
        assert X is ledger.current(after, ACCOUNT, NOON + 61 * SECOND).state
    suspended = attrs.evolve(ledger.suspend(paused, "Forbidden"), version=9)
    after = ledger.restore(spent, suspended)
    assert (S, "Forbidden", True) == (after.state, after.reason, after.spent)


@given(
    versions=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    days=st.tuples(st.integers(0, 1), st.integers(0, 1)),
    state=st.sampled_from([A, T, X]),
    is_kept=st.booleans(),
)
def test_a_suspension_is_restored_whichever_side_knows_it(
    *, versions: tuple[int, int], days: tuple[int, int], state: AccountState, is_kept: bool
) -> None:
    """If either side is suspended, so is the restored snapshot, unless the other has a later epoch or another key."""
    known = ledger.suspend(ledger.fresh(ACCOUNT, NOON), "Forbidden")
    other = ledger.fresh(ACCOUNT, NOON)
    if state is T:
        other = ledger.throttle(other, ACCOUNT, NOON + 60 * SECOND)
    elif state is X:
        other = ledger.exhaust(other, ACCOUNT, "Limit Exceeded")
    known, other = (
        attrs.evolve(side, version=version, window=side.window + timedelta(days=day))
        for side, version, day in zip((known, other), versions, days, strict=True)
    )

    after = ledger.restore(*(known, other) if is_kept else (other, known))
    assert (S, "Forbidden", None) == (after.state, after.reason, after.until)

    if (other.window, other.version) > (known.window, known.version):
        for change in (attrs.evolve(other, epoch=1), attrs.evolve(other, key_digest="another")):
            after = ledger.restore(*(known, change) if is_kept else (change, known))
            assert state is after.state


counts = st.tuples(st.integers(0, 3), st.integers(0, 9), st.integers(0, 9), st.integers(-5, 5), st.integers(0, 9))


@given(one=counts, other=counts)
def test_a_restored_snapshot_has_the_larger_of_each_count(
    one: tuple[int, int, int, int, int], other: tuple[int, int, int, int, int]
) -> None:
    """Units, serial, epoch and arrival are the larger of the two, in either order, and the version is new."""
    first, second = (
        attrs.evolve(
            ledger.fresh(ACCOUNT, NOON),
            used=used,
            serial=serial,
            epoch=epoch,
            arrival=NOON + seconds * SECOND,
            version=version,
        )
        for used, serial, epoch, seconds, version in (one, other)
    )
    for kept, remembered in ((first, second), (second, first)):
        after = ledger.restore(kept, remembered)
        assert (
            max(first.used, second.used),
            max(first.serial, second.serial),
            max(first.epoch, second.epoch),
            max(first.arrival, second.arrival),
            max(first.version, second.version) + 1,
        ) == (after.used, after.serial, after.epoch, after.arrival, after.version)


rates = st.floats(0.01, 1000) | st.sampled_from([1.0, 10.0, 15.0, 35.0])
bursts = st.integers(1, 60)
idles = st.sampled_from([0.0, 0.0, 0.0, 0.03, 0.1, 0.13, 0.2, 0.5, 3.0])


def grants(account: Account, pauses: list[float]) -> list[datetime]:
    """Take a claim as soon as possible after each pause, and return the moments."""
    snapshot, now, taken = ledger.fresh(account, NOON), NOON, list[datetime]()
    for pause in pauses:
        ready = ledger.ready_at(snapshot, account)
        assert ready is not None
        now = max(ready, now + pause * SECOND)
        snapshot, claim = ledger.grant(snapshot, account, now)
        taken.append(claim.not_before)
    return taken


@given(rate=rates, burst=bursts)
def test_a_steady_caller_gets_the_rate(rate: float, burst: int) -> None:
    """After the burst, grants are one emission apart and late by the margin once: at least 0.95 of any rate."""
    account = Account("a", "key", 10**9, None, rate, burst)
    taken = grants(account, [0.0] * (burst + 50))

    assert [NOON] * burst == taken[:burst]
    assert [NOON + number * account.emission + ledger.MARGIN for number in range(1, 51)] == taken[burst:]
    assert account.emission <= (SECOND / rate) / 0.95 + timedelta(microseconds=1)


@given(rate=rates, burst=bursts, pauses=st.lists(idles, max_size=80))
def test_no_caller_gets_more_than_rate_and_burst(rate: float, burst: int, pauses: list[float]) -> None:
    """Grants of any caller, with pauses about as long as the margin too, keep to the burst and the rate in every span."""
    account = Account("a", "key", 10**9, None, rate, burst)

    assert within_pace(grants(account, pauses), account)


@given(
    rate=rates | st.floats(0.1, 20.0),
    burst=bursts | st.integers(1, 6),
    calls=st.lists(st.tuples(idles | st.floats(0, 5), st.floats(0, 1)), min_size=1, max_size=60),
)
@example(rate=4.5, burst=4, calls=[(0, 0)] * 4 + [(1, 1)] + [(0, 1)] * 3 + [(0, 0)])
def test_the_bucket_of_the_provider_is_never_overdrawn(
    rate: float, burst: int, calls: list[tuple[float, float]]
) -> None:
    """The bucket has a token for each call, also if calls travel longer by the margin, or by what a small burst bears."""
    account = Account("a", "key", 10**9, None, rate, burst)
    longest = ledger.MARGIN if account.tolerance >= ledger.MARGIN else SECOND / rate / 20
    moments = grants(account, [pause for pause, _ in calls])
    arrivals = sorted(moment + share * longest for moment, (_, share) in zip(moments, calls, strict=True))
    tokens, filled_at = Fraction(burst), NOON
    for arrival in arrivals:
        passed = Fraction((arrival - filled_at) // timedelta(microseconds=1), 1_000_000)
        tokens, filled_at = min(Fraction(burst), tokens + Fraction(rate) * passed) - 1, arrival

        assert tokens > -Fraction(rate) / 1_000_000 * 2 - Fraction(1, 10**9)


def test_a_pause_outlasts_a_larger_burst_in_the_settings() -> None:
    """A throttled account is ready at the end of its pause, also if its burst has grown meanwhile."""
    until = NOON + 60 * SECOND
    paused = ledger.throttle(ledger.fresh(ACCOUNT, NOON), ACCOUNT, until)

    assert until == ledger.ready_at(paused, attrs.evolve(ACCOUNT, burst=50))


@pytest.mark.parametrize("state", AccountState)
def test_a_stated_limit_is_kept_for_the_window(state: AccountState) -> None:
    """A stated limit is kept in any state to the end of the window, and changes nothing else."""
    before, claim = in_state(state)
    snapshot = ledger.apply_report(before, ACCOUNT, claim, SIZE, NOON)
    both = ledger.apply_report(snapshot, ACCOUNT, claim, COUNT, NOON)

    assert ChartLimits(800, 600) == snapshot.learned_limits
    assert before == attrs.evolve(snapshot, learned_limits=UNKNOWN, version=before.version)
    assert (ChartLimits(800, 600, 3), before.version + 2) == (both.learned_limits, both.version)
    assert (
        both.learned_limits
        == ledger.suspend(both, "by hand").learned_limits
        == ledger.current(both, ACCOUNT, NOON + 61 * SECOND).learned_limits
    )
    assert UNKNOWN == tomorrow(both).learned_limits


@pytest.mark.parametrize("said", [fault(FaultKind.PLAN_LIMIT), too_much("Resolution Limit"), SIZE, COUNT], ids=str)
def test_a_refusal_without_a_new_limit_changes_nothing(said: ChartApiError) -> None:
    """A refusal that states no limit, or a known one, changes nothing."""
    snapshot, claim = claimed()
    snapshot = ledger.learn(snapshot, ChartLimits(800, 600, 3))

    assert snapshot is ledger.apply_report(snapshot, ACCOUNT, claim, said, NOON)


def test_of_two_stated_limits_the_smaller_is_kept() -> None:
    """Of two stated limits the smaller is kept, in either order."""
    snapshot, claim = claimed()
    for size, width in (("(800x600)", 800), ("(1920x1080)", 800), ("(400x300)", 400)):
        snapshot = ledger.apply_report(snapshot, ACCOUNT, claim, too_much(f"Resolution Limit {size}"), NOON)

        assert width == snapshot.learned_limits.max_width


def test_a_limit_of_another_window_key_or_epoch_is_not_learned() -> None:
    """A limit stated for another window, key or epoch is not learned."""
    snapshot, claim = claimed()
    rekeyed = ledger.current(ledger.learn(snapshot, ChartLimits(800, 600)), REKEYED, NOON)
    later = (tomorrow(snapshot), ledger.reinstate(ledger.suspend(snapshot, "refused")), rekeyed)

    assert UNKNOWN == rekeyed.learned_limits
    for each in later:
        assert each is ledger.apply_report(each, ACCOUNT, claim, SIZE, NOON)


def test_limits_that_were_learned_are_restored_with_lost_books() -> None:
    """Of two learned limits the smaller is restored; those of another window or key are not."""
    known = attrs.evolve(ledger.fresh(ACCOUNT, NOON), version=7, learned_limits=ChartLimits(800, 600))
    older = attrs.evolve(known, version=5, learned_limits=ChartLimits(1920, None, 3))
    newer = attrs.evolve(older, version=9)
    rekeyed = attrs.evolve(older, key_digest=REKEYED.key_digest)

    assert ChartLimits(800, 600, 3) == ledger.restore(older, known).learned_limits
    assert ChartLimits(800, 600, 3) == ledger.restore(newer, known).learned_limits
    assert ChartLimits(800, 600) == ledger.restore(rekeyed, known).learned_limits
    assert ChartLimits(800, 600) == ledger.restore(None, known).learned_limits
    assert UNKNOWN == ledger.restore(tomorrow(older), known).learned_limits


refusals = st.sampled_from(
    [SIZE, COUNT, *map(too_much, ("Limit", "Watermark Limit", "Resolution Limit (1920x1080)", "Parameter Limit (25)"))]
)

deeds = st.one_of(
    st.tuples(st.just("claim"), st.none()),
    st.tuples(st.just("refund"), st.integers(0, 5)),
    st.tuples(st.just("report"), st.tuples(st.integers(0, 5), st.none() | st.sampled_from(FaultKind))),
    st.tuples(st.just("learn"), st.tuples(st.integers(0, 5), refusals)),
    st.tuples(st.just("exhaust"), st.none()),
    st.tuples(st.just("suspend"), st.sampled_from(["refused", "by hand"])),
    st.tuples(st.just("reinstate"), st.none()),
    st.tuples(st.just("rekey"), st.none()),
    st.tuples(st.just("wait"), st.sampled_from([0.5, 61.0, 3600.0, 43_200.0, 90_000.0, -3600.0, -90_000.0])),
)


def do(
    deed: tuple[str, object], snapshot: AccountSnapshot, account: Account, claims: list[Claim], now: datetime
) -> AccountSnapshot:
    """Do one deed if it can be done now."""
    match deed:
        case ("claim", _):
            ready = ledger.ready_at(snapshot, account)
            if ready is not None and max(ready, now) < snapshot.window_end:
                snapshot, claim = ledger.grant(snapshot, account, max(ready, now))
                claims.append(claim)
        case ("refund", int(place)) if place < len(claims):
            snapshot = ledger.refund(snapshot, claims[-1 - place])
        case ("report", (int(place), FaultKind() | None as kind)) if place < len(claims):
            error = None if kind is None else fault(kind)
            snapshot = ledger.apply_report(snapshot, account, claims[-1 - place], error, now)
        case ("learn", (int(place), ChartApiError() as told)) if place < len(claims):
            snapshot = ledger.apply_report(snapshot, account, claims[-1 - place], told, now)
        case ("exhaust", _):
            snapshot = ledger.exhaust(snapshot, account, "spent")
        case ("suspend", str(reason)):
            snapshot = ledger.suspend(snapshot, reason)
        case ("reinstate", _):
            snapshot = ledger.reinstate(snapshot)
        case _:
            pass
    return snapshot


@given(sequence=st.lists(deeds, max_size=40))
def test_no_sequence_of_events_breaks_the_books(sequence: list[tuple[str, object]]) -> None:
    """In any sequence windows and versions only grow, counts stay within the limit and a spent day stays spent."""
    account, now = ACCOUNT, NOON
    snapshot = ledger.fresh(account, now)
    claims: list[Claim] = []
    for deed in sequence:
        if deed[0] == "rekey":
            account = REKEYED if account is ACCOUNT else ACCOUNT
        elif deed[0] == "wait":
            now += timedelta(seconds=float(str(deed[1])))
        before, counted = snapshot, len(claims)
        snapshot = do(deed, ledger.current(snapshot, account, now), account, claims, now)
        event(f"{before.state} -> {snapshot.state}")

        assert snapshot.window >= before.window
        assert snapshot.version > before.version or snapshot == before
        assert 0 <= snapshot.used <= account.calls.daily_limit
        assert (snapshot.until is not None) is (snapshot.state is T)
        assert snapshot.spent or snapshot.state is not X
        if snapshot.window == before.window:
            assert snapshot.spent >= before.spent
            assert len(claims) == counted or not before.spent
            assert snapshot.used >= before.used - 1
            assert deed[0] in {"rekey", "learn"} or before.learned_limits == snapshot.learned_limits
        else:
            assert UNKNOWN == snapshot.learned_limits
        if before.state is S and snapshot.state is not S:
            assert snapshot.epoch > before.epoch


@pytest.mark.parametrize("state", AccountState)
def test_books_begin_anew_in_any_state(state: AccountState) -> None:
    """A reset gives fresh books of today with the next version and epoch; a suspension and its reason stay."""
    before, claim = in_state(state)
    now = NOON - timedelta(days=400)
    after = ledger.reset(before, now)
    fresh = ledger.fresh(ACCOUNT, now)

    assert (before.version + 1, before.epoch + 1) == (after.version, after.epoch)
    assert (S if state is S else A, before.reason if state is S else "") == (after.state, after.reason)
    assert fresh == attrs.evolve(after, version=0, epoch=0, serial=0, state=A, reason="")
    for late in (
        ledger.refund(after, claim),
        ledger.apply_report(after, ACCOUNT, claim, fault(FaultKind.NOT_SENT), now),
    ):
        assert after is late
    assert not ledger.confirm(after, claim)


def test_no_claim_of_before_is_refunded_to_books_begun_anew_on_the_same_day() -> None:
    """A late refund would give a unit of the new books back, which a new claim has taken."""
    before, claim = claimed()
    after, _ = ledger.grant(ledger.reset(before, NOON), ACCOUNT, NOON)

    assert after is ledger.refund(after, claim)
    assert claim.serial + 1024 + 1 == after.serial


@for_each("state", [A, X, S])
@for_each("hours", [-1, 1, 48])
def test_only_a_throttled_account_is_paused_by_its_until(state: AccountState, hours: int) -> None:
    """Books with an end of a pause, in a state that is not a pause, mean the same as without it."""
    snapshot, _ = in_state(state)
    paused = attrs.evolve(snapshot, until=NOON + timedelta(hours=hours))

    assert paused == ledger.current(paused, ACCOUNT, NOON)
    assert ledger.ready_at(snapshot, ACCOUNT) == ledger.ready_at(paused, ACCOUNT)


def test_books_that_begin_anew_are_of_the_next_epoch() -> None:
    """A reset, a reinstatement and a new key begin the next epoch, so that two of them are told apart from one."""
    snapshot, _ = claimed()

    assert snapshot.epoch + 1 == ledger.reset(snapshot, NOON).epoch
    assert snapshot.epoch + 1 == ledger.current(snapshot, REKEYED, NOON).epoch
    assert snapshot.epoch + 1 == ledger.reinstate(ledger.suspend(snapshot, "refused")).epoch


def test_a_pause_or_a_spent_day_without_a_reason_has_none() -> None:
    """The reason of a throttle and of a spent day is empty if it is left out."""
    snapshot, _ = claimed()

    assert "" == ledger.throttle(snapshot, ACCOUNT, NOON + SECOND).reason
    assert "" == ledger.exhaust(snapshot, ACCOUNT).reason


def test_a_bucket_is_full_from_the_margin_after_its_last_token_on() -> None:
    """A call that is the margin later than the bucket was full begins a burst; one a microsecond sooner does not."""
    snapshot, _ = claimed()
    full = snapshot.arrival + ledger.MARGIN
    sooner = full - timedelta(microseconds=1)

    assert full == ledger.grant(snapshot, ACCOUNT, full)[0].full_at
    assert snapshot.full_at == ledger.grant(snapshot, ACCOUNT, sooner)[0].full_at


@pytest.mark.parametrize(("rate", "arrival"), [(10.0, 350), (20.0, 202.5)])
def test_a_late_call_delays_the_calls_after_it_only_if_the_burst_is_as_long_as_the_margin(
    rate: float, arrival: float
) -> None:
    """A burst of a tenth of a second loses the time by which a call is late; a shorter one runs behind by the margin."""
    account = Account("a", "key-1", requests_per_second=rate, burst=2)
    snapshot = ledger.fresh(account, NOON)
    for milliseconds in (0, 0, 250):
        snapshot, _ = ledger.grant(snapshot, account, NOON + timedelta(milliseconds=milliseconds))

    assert NOON + timedelta(milliseconds=arrival) == snapshot.arrival


def test_the_last_1024_claims_can_be_refunded() -> None:
    """An older claim stays charged, and its serial is not remembered among those refunded."""
    snapshot, claim = claimed()
    later = attrs.evolve(snapshot, used=3, serial=claim.serial + 1023)
    too_late = attrs.evolve(later, serial=claim.serial + 1024)
    newest = attrs.evolve(claim, serial=too_late.serial)

    assert {claim.serial} == ledger.refund(later, claim).refunded
    assert too_late == ledger.refund(too_late, claim)
    assert {newest.serial} == ledger.refund(attrs.evolve(too_late, refunded=frozenset({claim.serial})), newest).refunded
