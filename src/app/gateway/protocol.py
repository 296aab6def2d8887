"""The wire of the gateway: HTTP/1.1 of uvicorn, with limits for the head of a request."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from .answers import message

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["HeadLimit", "HeadLimitedProtocol"]

_HEAD_SECONDS: Final = 10.0
_MAX_HEAD_BYTES: Final = 16 * 1024


class HeadLimit:
    """Refuses requests with a large head; h11 limits only those that come in parts."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let *app* answer, or answer 431."""
        app = self._app
        if scope["type"] == "http" and _head_bytes(scope) > _MAX_HEAD_BYTES:
            app = message(431, f"the head is larger than {_MAX_HEAD_BYTES:,} bytes")
        await app(scope, receive, send)


def _head_bytes(scope: Scope) -> int:
    return (
        len(scope["path"])
        + len(scope["query_string"])
        + sum(len(name) + len(value) for name, value in scope["headers"])
    )


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

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP/1.1 in the provider's shape, and close the connection."""
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:  # else another answer is under way
            answer = message(400, msg, {"connection": "close"})
            parts = (
                h11.Response(status_code=answer.status_code, headers=answer.raw_headers, reason=b"Bad Request"),
                h11.Data(data=bytes(answer.body)),
                h11.EndOfMessage(),
            )
            for part in parts:
                self.transport.write(self.conn.send(part) or b"")
        self.transport.close()

    def _end_limit(self) -> None:
        if self._head_limit is not None:
            self._head_limit.cancel()
            self._head_limit = None
