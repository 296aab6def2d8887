"""The table of transitions, row by row."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.account import (
    TRANSITIONS,
    AccountEvent,
    AccountState,
    IllegalTransition,
    advance,
)

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
    """Each row joins a state and an event, and leads to a state."""
    assert product() >= set(TRANSITIONS)
    assert set(AccountState) >= set(TRANSITIONS.values())


def test_every_state_is_reached_from_available() -> None:
    """Each state can be reached from AVAILABLE."""
    reached = {A}
    while more := {after for (before, _), after in TRANSITIONS.items() if before in reached} - reached:
        reached |= more

    assert set(AccountState) == reached


def test_every_state_finds_its_way_back_to_available() -> None:
    """AVAILABLE can be reached from each state."""
    back = {A}
    while more := {before for (before, _), after in TRANSITIONS.items() if after in back} - back:
        back |= more

    assert set(AccountState) == back


def test_the_pairs_without_a_row_are_these_and_no_others() -> None:
    """The pairs without a row are those listed here."""
    assert product() - set(TRANSITIONS) == REJECTED


@given(state=st.sampled_from(AccountState), event=st.sampled_from(AccountEvent))
def test_every_pair_is_a_row_or_a_mistake(state: AccountState, event: AccountEvent) -> None:
    """An event leads to the state in the table, or raises and names both."""
    if (state, event) in REJECTED:
        with pytest.raises(IllegalTransition, match=rf"^{event} can't happen to an account that is {state}$"):
            advance(state, event)
    else:
        assert TRANSITIONS[state, event] is advance(state, event)


def test_a_spent_day_is_left_by_midnight_or_for_suspension_only() -> None:
    """EXHAUSTED ends with the window, by suspension, or if a person begins the books anew."""
    assert {E.NEW_WINDOW, E.SUSPEND, E.RESET} == {event for state, event in TRANSITIONS if state is X}


def test_a_suspension_is_left_by_reinstatement_only() -> None:
    """SUSPENDED ends by reinstatement only."""
    assert {E.REINSTATE, E.REINSTATE_SPENT} == {
        event for (state, event), after in TRANSITIONS.items() if state is S and after is not S
    }


def test_claims_are_granted_to_the_available_and_the_throttled_only() -> None:
    """A claim is possible in AVAILABLE and THROTTLED only."""
    assert {A, T} == {state for state, event in TRANSITIONS if event is E.CLAIM}


def test_midnight_comes_to_every_state() -> None:
    """Each state has a row for a new window."""
    assert set(AccountState) == {state for state, event in TRANSITIONS if event is E.NEW_WINDOW}


def test_the_table_is_read_only() -> None:
    """The table can not be changed."""
    with pytest.raises(TypeError):
        TRANSITIONS[X, E.CLAIM] = A  # type: ignore[index]


@pytest.mark.parametrize("words", [AccountState, AccountEvent])
def test_the_text_of_a_state_or_an_event_is_its_name(words: type[AccountState | AccountEvent]) -> None:
    """Books, logs and diagrams show each state and event by its name."""
    assert [word.name for word in words] == [*map(str, words)]
