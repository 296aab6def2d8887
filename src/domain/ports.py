"""The ports: the domain's needs of the world. Adapters implement them, and so may a host."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from .account import Account, AccountSnapshot
from .cached import CachedPicture, CacheEntry
from .chart import Request
from .events import Event
from .refusal import Refusal
from .reply import Reply, TransportFailure

__all__ = [
    "AccountStore",
    "CacheLock",
    "Clock",
    "ClockedStore",
    "InterruptibleClock",
    "LastingTransport",
    "Listener",
    "PictureCache",
    "RecordedTransport",
    "RefusalLog",
    "SelectiveListener",
    "Signal",
    "Transport",
]


class Transport(Protocol):
    """Turns one chart request and one account into one reply."""

    def send(
        self, request: Request, account: Account | None, *, timeout: float | None = None
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
        """Whether all answers are recorded ones, which cost nothing, and stand even if the check refuses the request."""
        ...


@runtime_checkable
class LastingTransport(RecordedTransport, Protocol):
    """A recorded transport that returns the same object again while a recording stands."""

    def is_unchanged(self, request: Request, outcome: Reply | TransportFailure) -> bool:
        """Return whether a send of *request* would return *outcome* again, which it has returned before."""
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


class CacheLock(Protocol):
    """Held by the one who fetches a picture. It ends with the process that holds it."""

    def release(self) -> None:
        """Let another take the lock; idempotent, and never raises."""
        ...


class PictureCache(Protocol):
    """Keeps pictures by the digest of their bodies, one each, whole or not at all. Safe from many threads.

    It has a bound of bytes; the least recently used pictures leave first. Every verb may raise :class:`CacheUnavailable`.
    """

    def read(self, body_digest: str) -> CachedPicture | None:
        """Return the picture that was kept last for *body_digest*, verified; None if there is none, or if it is damaged."""
        ...

    def keep(self, picture: CachedPicture) -> None:
        """Keep *picture* in place of an older one. A picture larger than the bound is not kept."""
        ...

    def lock(self, body_digest: str) -> CacheLock | None:
        """Return the lock on fetching *body_digest*, at once; None if another thread, process or machine holds it."""
        ...

    def entries(self) -> Sequence[CacheEntry]:
        """List the kept pictures, from the most to the least recently used."""
        ...

    def clear(self) -> int:
        """Remove all pictures, and return how many there were."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
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


class RefusalLog(Protocol):
    """Keeps the final refusals, for people to learn from."""

    def note(self, refusal: Refusal) -> None:
        """Keep *refusal*. If it can't be kept, go on without it."""
        ...


class Listener(Protocol):
    """Hears of each event after it has happened."""

    def notify(self, event: Event) -> None:
        """Take note of *event*, quickly; an exception raised here is logged and dropped."""
        ...


@runtime_checkable
class SelectiveListener(Listener, Protocol):
    """A listener that says beforehand of which events it takes note, so that others need not be made."""

    def hears(self, kind: type[Event]) -> bool:
        """Return whether it takes note of events of this *kind* now."""
        ...
