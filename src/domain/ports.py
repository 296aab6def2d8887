"""What the domain needs of the world. Adapters implement these; a host may bring its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from .account import Account, AccountSnapshot
from .chart import ChartRequest
from .events import Event
from .reply import Reply, TransportFailure

__all__ = ["AccountStore", "Clock", "Listener", "Transport"]


class Transport(Protocol):
    """Turns one chart request and one account into one reply."""

    def send(
        self, request: ChartRequest, account: Account | None, *, timeout: float | None = None
    ) -> Reply | TransportFailure:
        """Make one exchange; what goes wrong is a value, too.

        *account* is None where no account is needed (fixtures). *timeout* is the seconds left of the deadline; it
        clips the transport's own timeouts.
        """
        ...


class AccountStore(Protocol):
    """Keeps the snapshots of accounts, and swaps them atomically.

    A store that is busy with others waits a moment for them and then says so (:class:`StoreBusy`); how long it is asked
    again is the caller's to decide, who knows the deadline.
    """

    def read(self, account_ids: Sequence[str]) -> tuple[AccountSnapshot | None, ...]:
        """Give the snapshot of each of *account_ids*, in that order; None for one that was never kept.

        Raises:
            StoreBusy: others use the store.
            StoreUnavailable: the store can't be reached.
        """
        ...

    def replace(self, old: AccountSnapshot | None, new: AccountSnapshot) -> bool:
        """Put *new* in the place of *old* if *old* is what is kept (None: nothing is kept); say whether it was.

        Raises:
            StoreBusy: others use the store; the swap was not made.
            StoreUnavailable: the store can't be reached; whether the swap was made is not known.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


class Clock(Protocol):
    """Time: what day it is, how much has passed, and letting some pass."""

    def now(self) -> datetime:
        """Give the date and time, aware, in UTC; it may step."""
        ...

    def monotonic(self) -> float:
        """Give seconds from some fixed point; never steps back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let *seconds* pass."""
        ...


class Listener(Protocol):
    """Is told what happens, when it has happened."""

    def notify(self, event: Event) -> None:
        """Take note of *event*, quickly; what it raises is logged and dropped."""
        ...
