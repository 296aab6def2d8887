"""The ports: the domain's needs of the world. Adapters implement them, and so may a host."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from .account import Account, AccountSnapshot
from .chart import ChartRequest
from .events import Event
from .reply import Reply, TransportFailure

__all__ = [
    "AccountStore",
    "Clock",
    "ClockedStore",
    "InterruptibleClock",
    "Listener",
    "RecordedTransport",
    "Signal",
    "Transport",
]


class Transport(Protocol):
    """Turns one chart request and one account into one reply."""

    def send(
        self, request: ChartRequest, account: Account | None, *, timeout: float | None = None
    ) -> Reply | TransportFailure:
        """Make one exchange; a failure is a value, too.

        *account* is None where no account is needed (fixtures). *timeout* is the seconds left of the deadline; it
        clips the transport's own timeouts.
        """
        ...


@runtime_checkable
class RecordedTransport(Transport, Protocol):
    """A transport that may answer without the provider, from a recording."""

    @property
    def recorded(self) -> bool:
        """Whether all answers are recorded ones: they cost nothing, and stand even if the check refuses the request."""
        ...


class AccountStore(Protocol):
    """Keeps the snapshots of accounts, and swaps them atomically.

    A store that is busy with others waits a moment for them, then raises :class:`StoreBusy`. The caller knows the
    deadline, and so decides how long to ask again.
    """

    def read(self, account_ids: Sequence[str]) -> tuple[AccountSnapshot | None, ...]:
        """Return the snapshot of each of *account_ids*, in that order; None for one that was never kept.

        Raises:
            StoreBusy: others use the store.
            StoreUnavailable: the store can't be reached.
        """
        ...

    def replace(self, old: AccountSnapshot | None, new: AccountSnapshot) -> bool:
        """Swap *old* for *new* if *old* is kept now (None: no snapshot is kept yet); return whether it was swapped.

        Raises:
            StoreBusy: others use the store; the swap was not made.
            StoreUnavailable: the store can't be reached; the swap may or may not have been made.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


@runtime_checkable
class ClockedStore(AccountStore, Protocol):
    """A store that machines share and that has the time for all of them, so that skewed clocks do no harm."""

    @property
    def clock(self) -> Clock:
        """The time of the store."""
        ...


class Clock(Protocol):
    """Time: the date, the seconds passed, and letting some pass."""

    def now(self) -> datetime:
        """Return the date and time, aware, in UTC; it may step."""
        ...

    def monotonic(self) -> float:
        """Return seconds from some fixed point; never steps back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let *seconds* pass."""
        ...


class Signal(Protocol):
    """Ends a wait early; a ``threading.Event`` is one."""

    def wait(self, timeout: float) -> object:
        """Return when the signal is given, or after *timeout* seconds."""
        ...


@runtime_checkable
class InterruptibleClock(Clock, Protocol):
    """A clock whose waits can be ended early."""

    def wait(self, seconds: float, signal: Signal) -> None:
        """Let *seconds* pass, or fewer if *signal* is given before."""
        ...


class Listener(Protocol):
    """Hears of each event after it has happened."""

    def notify(self, event: Event) -> None:
        """Take note of *event*, quickly; an exception raised here is logged and dropped."""
        ...
