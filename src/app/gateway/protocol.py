"""The wire of the gateway: HTTP/1.1 of uvicorn, with a time limit for the head of a request."""

from __future__ import annotations

import asyncio
from typing import Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["HeadLimitedProtocol"]

_HEAD_SECONDS: Final = 10.0


class HeadLimitedProtocol(H11Protocol):
    """Closes a connection if the head of a request takes longer than ten seconds.

    Without it idle connections would hold all files of the process. uvicorn limits only the time between two requests.
    """

    _head_limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # so does uvicorn
        """Begin the time of the first head."""
        super().connection_made(transport)
        self._head_limit = self.loop.call_later(_HEAD_SECONDS, transport.close)

    def data_received(self, data: bytes) -> None:
        """End the time of a head that is whole; begin it with the first bytes of a later one."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._end_limit()
        elif self._head_limit is None:
            self._head_limit = self.loop.call_later(_HEAD_SECONDS, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the time."""
        self._end_limit()
        super().connection_lost(exc)

    def _end_limit(self) -> None:
        if self._head_limit is not None:
            self._head_limit.cancel()
            self._head_limit = None
