"""The listeners of a client: each event goes to all of them, and none of them costs the host a picture that is paid for."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Final

import attrs

from ..domain.events import Event
from ..domain.ports import Listener

__all__ = ["FETCH_ID", "Listeners"]

FETCH_ID: Final[ContextVar[str | None]] = ContextVar("chartimg_fetch_id", default=None)
"""The name of the fetch that this thread or task works for."""


class Listeners:
    """Passes each event to all of *listeners*, with the name of its fetch, and logs their exceptions instead of raising them."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self._listeners = tuple(listeners)

    def notify(self, event: Event) -> None:
        """Pass *event* on."""
        if event.fetch_id is None and (fetch_id := FETCH_ID.get()) is not None:
            event = attrs.evolve(event, fetch_id=fetch_id)
        for listener in self._listeners:
            try:
                listener.notify(event)
            except Exception:
                logging.getLogger("chartimg").exception("a listener failed on %s", type(event).__name__)
