"""The account: a state machine for one key of the host's and the units left of its day."""

from __future__ import annotations

from .settings import Account
from .snapshot import LONG_AGO, AccountSnapshot, Claim
from .states import TRANSITIONS, AccountEvent, AccountState, IllegalTransition, advance
from .window import WINDOW, window_of

__all__ = [
    "LONG_AGO",
    "TRANSITIONS",
    "WINDOW",
    "Account",
    "AccountEvent",
    "AccountSnapshot",
    "AccountState",
    "Claim",
    "IllegalTransition",
    "advance",
    "window_of",
]
