"""A guard around a listener: its failure must not cost the host a picture that is paid for."""

from __future__ import annotations

import logging

from ..domain.events import Event
from ..domain.ports import Listener

__all__ = ["Guarded"]


class Guarded:
    """Passes events to *listener*, and logs its exceptions instead of raising them."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def notify(self, event: Event) -> None:
        """Pass *event* on."""
        try:
            self._listener.notify(event)
        except Exception:
            logging.getLogger("chartimg").exception("a listener failed on %s", type(event).__name__)
