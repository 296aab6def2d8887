"""The listeners of a client: each event goes to all of them, and none of them costs the host a picture that is paid for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Final

import attrs

from ..domain.events import CallStarted, Event
from ..domain.ports import Listener, SelectiveListener

__all__ = ["FETCHES", "WITNESS", "Doubts", "Listeners", "hearing"]

FETCHES: Final[ContextVar[tuple[str, ...]]] = ContextVar("chartimg_fetches", default=())
"""The names of the fetches that this thread or task works for. A listener or transport of each one began the next."""

WITNESS: Final[ContextVar[Listener | None]] = ContextVar("chartimg_witness", default=None)
"""A listener to the events of this thread or task alone."""


class Listeners:
    """Passes each event to all of *listeners*, with the name of its fetch, and logs their exceptions instead of raising them."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self._listeners = tuple(listeners)
        self._hearing = tuple(map(hearing, self._listeners))

    def hears(self, kind: type[Event]) -> bool:
        """Return whether one of them takes note of events of this *kind*."""
        for hears in self._hearing:
            try:
                if hears(kind):
                    return True
            except Exception:  # noqa: BLE001 (notify logs what is wrong with it)
                return True
        return False

    def notify(self, event: Event) -> None:
        """Pass *event* on."""
        if event.fetch_id is None and (fetches := FETCHES.get()):
            event = attrs.evolve(event, fetch_id=fetches[-1])
        witness = WITNESS.get()
        for listener in self._listeners if witness is None else (witness, *self._listeners):
            try:
                listener.notify(event)
            except Exception:
                logging.getLogger("chartimg").exception("a listener failed on %s", type(event).__name__)


def hearing(listener: Listener) -> Callable[[type[Event]], bool]:
    """Return the function that tells whether *listener* takes note of a kind of event; by default it does."""
    return listener.hears if isinstance(listener, SelectiveListener) else lambda _: True


class Doubts:
    """A listener that reports the doubts about a request before its first call, so that no unit is spent in silence."""

    def __init__(self, listener: Listener, report: Callable[[], None]) -> None:
        self._listener = listener
        self._report: Callable[[], None] | None = report

    def tell(self) -> None:
        """Report them, unless they are reported."""
        if (report := self._report) is not None:
            self._report = None
            report()

    def notify(self, event: Event) -> None:
        """Hand *event* on."""
        if isinstance(event, CallStarted):
            self.tell()
        self._listener.notify(event)
