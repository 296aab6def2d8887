"""The states of an account, and the one table for every change of state.

Rule 1: every change of state is a row of :data:`TRANSITIONS`. A pair of state and event without a row is a mistake of ours
and raises.

Rule 2: a snapshot is frozen. Every change makes a new snapshot with the next version, and a store replaces the old one only
if it is still there. So the books are right for any interleaving of threads, processes and crashes.

Theory of operation
    AVAILABLE    may be called as far as its day and its pacing allow.
    THROTTLED    the provider asked for a pause, which ends at ``until``. The day is not spent.
    EXHAUSTED    the provider says the day is spent. Only the next window ends this, or a person: no refund, no clock that
                 steps back, no larger limit in the settings.
    SUSPENDED    the provider refuses the key. A person reinstates the account, or its key changes.

    Two events are the passing of time, COOL and NEW_WINDOW. The ledger applies them when it next reads a snapshot, so no
    timer has to run. An account whose units are all held by claims stays AVAILABLE with zero units left: an unused claim may
    still be refunded.

    The provider names two limits, requests per second with a burst, and requests per day (API page, "Rate Limit").
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

__all__ = ["TRANSITIONS", "AccountEvent", "AccountState", "IllegalTransition", "advance"]


class AccountState(StrEnum):
    """The state of an account."""

    AVAILABLE = "AVAILABLE"
    THROTTLED = "THROTTLED"
    EXHAUSTED = "EXHAUSTED"
    SUSPENDED = "SUSPENDED"


class AccountEvent(StrEnum):
    """An event in the life of an account."""

    CLAIM = "CLAIM"
    REFUND = "REFUND"
    THROTTLE = "THROTTLE"
    COOL = "COOL"
    EXHAUST = "EXHAUST"
    NEW_WINDOW = "NEW_WINDOW"
    SUSPEND = "SUSPEND"
    REINSTATE = "REINSTATE"
    REINSTATE_SPENT = "REINSTATE_SPENT"
    RESET = "RESET"


_S, _E = AccountState, AccountEvent

TRANSITIONS: Final[Mapping[tuple[AccountState, AccountEvent], AccountState]] = MappingProxyType(
    {
        (_S.AVAILABLE, _E.CLAIM): _S.AVAILABLE,
        (_S.AVAILABLE, _E.REFUND): _S.AVAILABLE,
        (_S.AVAILABLE, _E.THROTTLE): _S.THROTTLED,
        (_S.AVAILABLE, _E.EXHAUST): _S.EXHAUSTED,
        (_S.AVAILABLE, _E.NEW_WINDOW): _S.AVAILABLE,
        (_S.AVAILABLE, _E.SUSPEND): _S.SUSPENDED,
        # A claim for the end of the pause; the caller waits for it.
        (_S.THROTTLED, _E.CLAIM): _S.THROTTLED,
        (_S.THROTTLED, _E.REFUND): _S.THROTTLED,
        (_S.THROTTLED, _E.THROTTLE): _S.THROTTLED,
        (_S.THROTTLED, _E.COOL): _S.AVAILABLE,
        (_S.THROTTLED, _E.EXHAUST): _S.EXHAUSTED,
        (_S.THROTTLED, _E.NEW_WINDOW): _S.THROTTLED,
        (_S.THROTTLED, _E.SUSPEND): _S.SUSPENDED,
        # A spent day takes no claim and no refund.
        (_S.EXHAUSTED, _E.NEW_WINDOW): _S.AVAILABLE,
        (_S.EXHAUSTED, _E.SUSPEND): _S.SUSPENDED,
        (_S.SUSPENDED, _E.REFUND): _S.SUSPENDED,
        (_S.SUSPENDED, _E.EXHAUST): _S.SUSPENDED,
        (_S.SUSPENDED, _E.NEW_WINDOW): _S.SUSPENDED,
        (_S.SUSPENDED, _E.SUSPEND): _S.SUSPENDED,
        (_S.SUSPENDED, _E.REINSTATE): _S.AVAILABLE,
        # Its day was spent before or during the suspension.
        (_S.SUSPENDED, _E.REINSTATE_SPENT): _S.EXHAUSTED,
        # A person begins the books anew; a refused key stays refused.
        (_S.AVAILABLE, _E.RESET): _S.AVAILABLE,
        (_S.THROTTLED, _E.RESET): _S.AVAILABLE,
        (_S.EXHAUSTED, _E.RESET): _S.AVAILABLE,
        (_S.SUSPENDED, _E.RESET): _S.SUSPENDED,
    }
)


class IllegalTransition(Exception):  # noqa: N818 (a mistake of ours, named by what it is)
    """The table has no row for this state and event."""


def advance(state: AccountState, event: AccountEvent) -> AccountState:
    """Return the state after *event*.

    Raises:
        IllegalTransition: the table has no such row.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransition(f"{event} can't happen to an account that is {state}") from None
