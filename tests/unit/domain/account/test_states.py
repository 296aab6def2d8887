"""The account: its table of transitions, its settings, its snapshot."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.account import (
    TRANSITIONS,
    WINDOW,
    Account,
    AccountEvent,
    AccountSnapshot,
    AccountState,
    IllegalTransition,
    advance,
    window_of,
)
from chartimg.domain.errors import ConfigError
from chartimg.domain.plan import PlanName

MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)
KEY = "canary-key-51f0"
FLOAT = Fraction(1, 2**50)  # a rate is a float: a third is not a third

A, T, X, S = AccountState.AVAILABLE, AccountState.THROTTLED, AccountState.EXHAUSTED, AccountState.SUSPENDED
E = AccountEvent

REJECTED = {
    (A, E.COOL),
    (A, E.REINSTATE),
    (A, E.REINSTATE_SPENT),
    (T, E.REINSTATE),
    (T, E.REINSTATE_SPENT),
    (X, E.CLAIM),
    (X, E.REFUND),
    (X, E.THROTTLE),
    (X, E.COOL),
    (X, E.EXHAUST),
    (X, E.REINSTATE),
    (X, E.REINSTATE_SPENT),
    (S, E.CLAIM),
    (S, E.THROTTLE),
    (S, E.COOL),
}


def product() -> set[tuple[AccountState, AccountEvent]]:
    """Pair every state with every event."""
    return {(state, event) for state in AccountState for event in AccountEvent}


def test_every_row_joins_a_state_and_an_event() -> None:
    """The table speaks of nothing but states and events, and leads to states."""
    assert product() >= set(TRANSITIONS)
    assert set(AccountState) >= set(TRANSITIONS.values())


def test_every_state_is_reached_from_available() -> None:
    """No state is an island, seen from where books begin."""
    reached = {A}
    while more := {after for (before, _), after in TRANSITIONS.items() if before in reached} - reached:
        reached |= more

    assert set(AccountState) == reached


def test_every_state_finds_its_way_back_to_available() -> None:
    """No state is a trap."""
    back = {A}
    while more := {before for (before, _), after in TRANSITIONS.items() if after in back} - back:
        back |= more

    assert set(AccountState) == back


def test_the_pairs_without_a_row_are_these_and_no_others() -> None:
    """What can't happen is written down twice, and both agree."""
    assert product() - set(TRANSITIONS) == REJECTED


@given(state=st.sampled_from(AccountState), event=st.sampled_from(AccountEvent))
def test_every_pair_is_a_row_or_a_mistake(state: AccountState, event: AccountEvent) -> None:
    """An event either leads to the state in the table, or raises and names both."""
    if (state, event) in REJECTED:
        with pytest.raises(IllegalTransition, match=rf"^{event} can't happen to an account that is {state}$"):
            advance(state, event)
    else:
        assert TRANSITIONS[state, event] is advance(state, event)


def test_a_spent_day_is_left_by_midnight_or_for_suspension_only() -> None:
    """EXHAUSTED has two ways out, and neither gives a unit of the same day."""
    assert {E.NEW_WINDOW, E.SUSPEND} == {event for state, event in TRANSITIONS if state is X}


def test_a_suspension_is_left_by_reinstatement_only() -> None:
    """Nothing the provider or the time does brings a suspended account back."""
    assert {E.REINSTATE, E.REINSTATE_SPENT} == {
        event for (state, event), after in TRANSITIONS.items() if state is S and after is not S
    }


def test_claims_are_granted_to_the_available_and_the_throttled_only() -> None:
    """A spent or suspended account has nothing to claim."""
    assert {A, T} == {state for state, event in TRANSITIONS if event is E.CLAIM}


def test_midnight_comes_to_every_state() -> None:
    """A new window is news to every account."""
    assert set(AccountState) == {state for state, event in TRANSITIONS if event is E.NEW_WINDOW}


def test_the_table_is_read_only() -> None:
    """No module can add a row in passing."""
    with pytest.raises(TypeError):
        TRANSITIONS[X, E.CLAIM] = A  # type: ignore[index]


def test_an_account_needs_an_id_and_a_key_and_has_defaults_for_the_rest() -> None:
    """The defaults are BASIC's limits, with six units a day in reserve."""
    account = Account("a", KEY)

    assert (
        account.daily_limit,
        account.plan,
        account.requests_per_second,
        account.burst,
    ) == (44, None, 1.0, 3)


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("id", "", "id is empty"),
        ("id", " \t", "id is empty"),
        ("api_key", "", "api_key is empty"),
        ("api_key", "two words", "api_key holds a space, a line break or a character outside ASCII"),
        ("api_key", "line\n", "api_key holds a space, a line break or a character outside ASCII"),
        ("api_key", "schlüssel", "api_key holds a space, a line break or a character outside ASCII"),
        ("daily_limit", -1, "daily_limit must be 0 or more, not -1"),
        ("plan", "GOLD", "plan must be one of BASIC, PRO, MEGA, ULTRA, ENTERPRISE"),
        ("requests_per_second", 0.0, "requests_per_second must be more than 0, not 0.0"),
        ("requests_per_second", -1.0, "requests_per_second must be more than 0, not -1.0"),
        ("requests_per_second", float("nan"), "requests_per_second must be more than 0, not nan"),
        ("requests_per_second", float("inf"), "requests_per_second must be more than 0, not inf"),
        ("burst", 0, "burst must be at least 1, not 0"),
    ],
)
def test_a_value_out_of_its_range_is_refused_by_name(field: str, value: object, problem: str) -> None:
    """A wrong setting raises, naming the field and, where it is a number, the value; texts may be a key."""
    settings: dict[str, Any] = {"id": "a", "api_key": KEY, field: value}
    with pytest.raises(ConfigError) as caught:
        Account(**settings)

    (line,) = caught.value.problems
    assert line.startswith(problem)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"id": None}, "id must be text"),
        ({"api_key": b"k"}, "api_key must be text"),
        ({"daily_limit": "44"}, "daily_limit must be a whole number"),
        ({"daily_limit": True}, "daily_limit must be a whole number"),
        ({"requests_per_second": "1"}, "requests_per_second must be a number"),
        ({"burst": 1.5}, "burst must be a whole number"),
        ({"plan": 7}, "plan must be one of"),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(fields: dict[str, Any], told: str) -> None:
    """For hosts without a type checker."""
    with pytest.raises(ConfigError, match=told):
        Account(**{"id": "a", "api_key": "k", **fields})


def test_all_mistakes_are_told_at_once() -> None:
    """Whoever mends the settings mends them once."""
    with pytest.raises(ConfigError) as caught:
        Account("", "", daily_limit=-1, plan="?", requests_per_second=0, burst=0)

    assert len(caught.value.problems) == 6


@given(key=st.text('az09-"\\ \t\n\u00e4\u2603').map(lambda text: f"{KEY}{text}"), limit=st.integers(-5, 5))
def test_the_key_shows_neither_in_repr_nor_in_complaints(key: str, limit: int) -> None:
    """Whatever the key, it is in no text that an account gives."""
    shown = "only the settings"
    try:
        account = Account("a", key, daily_limit=limit)
    except ConfigError as error:
        shown = f"{error} {error!r} {error.problems}"
    else:
        shown = f"{account} {account!r} {account.key_digest}"

    assert KEY not in shown


@given(
    text=st.sampled_from(PlanName).flatmap(
        lambda plan: st.tuples(*(st.sampled_from((letter, letter.lower())) for letter in plan)).map("".join)
    )
)
def test_a_plan_goes_by_its_name_in_any_case(text: str) -> None:
    """Upper or lower case, a plan's name gives the plan."""
    assert PlanName(text.upper()) is Account("a", KEY, plan=text).plan


@given(one=st.text("abc123", min_size=1), other=st.text("abc123", min_size=1))
def test_a_digest_tells_one_key_from_another(one: str, other: str) -> None:
    """Equal keys have equal digests, different keys have different ones."""
    assert (one == other) is (Account("a", one).key_digest == Account("b", other).key_digest)


rates = st.floats(0.001, 5_000_000, allow_nan=False)


@given(rate=rates, burst=st.integers(1, 50))
def test_pacing_errs_on_the_quiet_side_by_less_than_a_microsecond(rate: float, burst: int) -> None:
    """A call takes up at least its share of the rate; the tolerance is a burst less one call."""
    account = Account("a", KEY, requests_per_second=rate, burst=burst)
    exact = 1_000_000 / Fraction(rate)
    microseconds = account.emission // timedelta(microseconds=1)

    assert exact <= microseconds * (1 + FLOAT)
    assert microseconds < max(exact, Fraction(1)) * (1 + FLOAT) + 1
    assert account.emission * (burst - 1) == account.tolerance


@pytest.mark.parametrize(
    ("rate", "burst"),
    [(1.0, 10**11), (1.0, 10**15), (1.0, 10**400), (1e-10, 100), (1e-12, 3), (5e-324, 3)],
    ids=["long", "longer", "past any float", "slow", "slower", "slowest"],
)
def test_an_account_that_is_accepted_has_a_pace(rate: float, burst: int) -> None:
    """Any rate and burst either is refused by name, or can be reckoned with from any day of this century."""
    try:
        account = Account("a", KEY, requests_per_second=rate, burst=burst)
    except ConfigError as error:
        assert {"requests_per_second", "burst"} & set(str(error).split())  # noqa: PT017 (refused is as good as paced)
    else:
        assert MIDNIGHT - account.tolerance < MIDNIGHT + account.emission


def test_a_snapshot_begins_available_and_lasts_a_day() -> None:
    """New books have nothing taken, and end when their window does."""
    snapshot = AccountSnapshot("a", window=MIDNIGHT, arrival=MIDNIGHT, key_digest="0")

    assert (snapshot.state, snapshot.used, snapshot.version, snapshot.spent) == (A, 0, 0, False)
    assert MIDNIGHT + timedelta(days=1) == MIDNIGHT + WINDOW == snapshot.window_end


def test_accounts_and_snapshots_are_frozen() -> None:
    """What was handed out never changes."""
    snapshot = AccountSnapshot("a", window=MIDNIGHT, arrival=MIDNIGHT, key_digest="0")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        snapshot.used = 1  # type: ignore[misc]
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Account("a", KEY).burst = 9  # type: ignore[misc]


@given(
    moment=st.datetimes(datetime(2000, 1, 2), datetime(2100, 1, 1)),  # noqa: DTZ001 (the zone is drawn beside it)
    minutes=st.integers(-14 * 60, 14 * 60),
)
def test_a_window_is_the_utc_day_in_every_zone(moment: datetime, minutes: int) -> None:
    """The window of a moment holds it, begins at midnight UTC, and doesn't depend on the zone it is told in."""
    now = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    window = window_of(now)

    assert window <= now < window + WINDOW
    assert (window.tzinfo, window.hour, window.minute, window.second, window.microsecond) == (UTC, 0, 0, 0, 0)
    assert window_of(now.astimezone(UTC)) == window
