"""A reply that is read within a time, and never one of several for one request."""

from __future__ import annotations

import http.client
import io
import math
import socket
import time
import weakref
from typing import Any, Final, Protocol

__all__ = ["MIN_TIMEOUT_SECONDS", "BoundedResponse"]

MIN_TIMEOUT_SECONDS: Final = 1e-6  # 0 would mean not to block
_BUFFER_BYTES: Final = 80 * 1024  # most pictures and their headers take one read or two


class _BoundedReads(io.RawIOBase):
    """Reads from a socket until *deadline* (monotonic seconds)."""

    def __init__(self, raw: io.RawIOBase, connection: socket.socket, deadline: float) -> None:
        self._raw = raw
        self._socket = connection
        self._deadline = deadline
        self.ended = self.stopped = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self.stopped:
            return None
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._socket.settimeout(None if left == math.inf else max(left, MIN_TIMEOUT_SECONDS))
        count = self._raw.readinto(buffer)
        self.ended = count == 0
        return count

    def close(self) -> None:
        super().close()
        self._raw.close()


class _Headers(http.client.HTTPMessage):
    """Headers without malformed lines: urllib3 would log these, and the provider may have put a key there."""

    def items(self) -> list[tuple[str, str]]:
        return list(self.raw_items())  # quicker: no policy is applied to each value

    def get_payload(self, *_: object, **__: object) -> Any:
        return None


class _Reading:
    """The part of a socket that http.client uses: a file to read from, here a bounded one."""

    def __init__(self, connection: socket.socket) -> None:
        timeout = connection.gettimeout()
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        self.reads = _BoundedReads(connection.makefile("rb", buffering=0), connection, deadline)

    def makefile(self, _: str) -> io.BufferedReader:
        return io.BufferedReader(self.reads, _BUFFER_BYTES)


class Owner(Protocol):
    """The connection of a reply."""

    is_settled: bool


class BoundedResponse(http.client.HTTPResponse):
    """A reply that must be whole, headers included, within the timeout of its socket.

    Interim replies before it are skipped. At its end it tells its owner whether the connection can have another one.
    """

    def __init__(self, owner: weakref.ref[Owner], connection: socket.socket, *args: Any, **kwargs: Any) -> None:
        reading = _Reading(connection)
        super().__init__(reading, *args, **kwargs)  # type: ignore[arg-type]  # only makefile is used
        self._owner = owner
        self._reads = reading.reads
        self._is_final = False

    def begin(self) -> None:
        """Read the headers."""
        super().begin()
        if self._reads.ended:  # http.client takes the end of the connection for the end of the headers
            raise http.client.RemoteDisconnected("the connection ended in the headers")
        self._is_final = self.status != http.HTTPStatus.SWITCHING_PROTOCOLS
        self.msg.defects.clear()
        # http.client makes the message itself, so its class can only be changed afterwards.
        self.msg.__class__ = _Headers

    def _read_status(self) -> tuple[str, int, str]:
        """Read the status of the final reply, after those of interim ones (RFC 9110, section 15.2)."""
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if status // 100 != 1 or status == http.HTTPStatus.SWITCHING_PROTOCOLS:
                return version, status, reason
            http.client.parse_headers(self.fp)

    def _close_conn(self) -> None:
        """End the reply; http.client calls this at the end of the body."""
        self._reads.stopped = True
        if self._is_final and (owner := self._owner()) is not None:
            owner.is_settled = isinstance(self.fp, io.BufferedReader) and not self.fp.peek(1)
        super()._close_conn()  # type: ignore[misc]
