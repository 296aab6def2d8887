"""A listener for tests: it keeps the events."""

from __future__ import annotations

import threading
from typing import TypeVar

from ..domain.events import Event

E = TypeVar("E", bound=Event)


class EventLog:
    """A :class:`chartimg.domain.ports.Listener` that keeps every event, in order. Safe from many threads."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._lock = threading.Lock()

    @property
    def events(self) -> list[Event]:
        """The events so far; a copy."""
        with self._lock:
            return list(self._events)

    def notify(self, event: Event) -> None:
        """Keep *event*."""
        with self._lock:
            self._events.append(event)

    def of(self, kind: type[E]) -> list[E]:
        """Return the events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def other_than(self, *kinds: type[Event]) -> list[Event]:
        """Return the events of all kinds but these."""
        return [event for event in self.events if not isinstance(event, kinds)]

    def clear(self) -> None:
        """Remove the events so far."""
        with self._lock:
            self._events.clear()
