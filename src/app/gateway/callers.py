"""Who may ask a gateway, and how many units each caller may spend a day."""

from __future__ import annotations

import hmac
import math
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from ...domain.account import Account, Claim
from ...domain.account.turn import Granted
from ...domain.account.window import WINDOW, window_of
from ..pool import Pool
from .settings import Caller

__all__ = ["Callers", "DaySpent", "day_account"]

_PREFIX: Final = "gateway:"
_NO_KEY: Final = "no-key"
_NO_PACE: Final = 1e6  # calls a second: the accounts of the provider have the pace
_NO_BURST: Final = 10**6
_PATIENCE: Final = timedelta(seconds=10)  # for the store


class DaySpent(Exception):  # noqa: N818 (it is no error of the gateway's)
    """The caller has spent its day.

    Attributes:
        seconds: whole seconds to the end of the UTC day, by the clock of the store.
    """

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def day_account(caller: Caller) -> Account:
    """Return an account for the day of a caller.

    Books are kept of it like those of a provider's account. So several workers share the limit, and it ends with the UTC day.
    """
    name = f"{_PREFIX}{caller.name}"
    return Account(name, _NO_KEY, caller.per_day, None, _NO_PACE, _NO_BURST)


class Callers:
    """The callers of a gateway. Safe from many threads.

    Args:
        callers: those with a token; empty: everybody may ask.
        open_books: opens the books of one account, in the store of the gateway.
    """

    def __init__(self, callers: Sequence[Caller], open_books: Callable[[Account], Pool]) -> None:
        self._callers = tuple(callers)
        self._days = {each.name: open_books(day_account(each)) for each in callers if each.per_day is not None}

    @property
    def is_open(self) -> bool:
        """Whether everybody may ask."""
        return not self._callers

    def known(self, token: str) -> Caller | None:
        """Return the caller with *token*, if there is one. Every wrong token takes the same time."""
        given, found = token.encode("utf-8", "replace"), None
        for caller in self._callers:
            if hmac.compare_digest(given, caller.token.encode()):
                found = caller
        return found

    def limits(self, caller: Caller) -> bool:
        """Return whether a caller has a limit a day."""
        return caller.name in self._days

    def spend(self, caller: Caller) -> Claim:
        """Take a unit of the day of a caller with a limit. Blocks for the store.

        Raises:
            DaySpent: no unit is left.
            StoreUnavailable: the store can't be reached.
        """
        days = self._days[caller.name]
        now = days.clock.now()
        turn = days.claim(latest=now + _PATIENCE)
        if not isinstance(turn, Granted):
            raise DaySpent(math.ceil((window_of(now) + WINDOW - now).total_seconds()))
        return turn.claim

    def give_back(self, claim: Claim) -> None:
        """Return a unit that paid for no call. Blocks for the store."""
        self._days[claim.account_id.removeprefix(_PREFIX)].refund(claim)

    def close(self) -> None:
        """Close the books."""
        for days in self._days.values():
            days.close()
