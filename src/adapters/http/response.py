"""A reply that is read within a time, and never one of several for one request."""

from __future__ import annotations

import http.client
import io
import math
import re
import socket
import time
import weakref
from typing import Any, Final, Protocol

__all__ = ["KEPT_HEADERS", "MIN_TIMEOUT_SECONDS", "BoundedResponse"]

MIN_TIMEOUT_SECONDS: Final = 1e-6  # 0 would mean not to block
_MAX_LINE_BYTES: Final = 65_536
_MAX_HEADERS: Final = 100
KEPT_HEADERS: Final = ("content-type", "date", "retry-after", "server", "x-amzn-errortype", "x-amzn-requestid")
"""The headers that are read later, or that the provider's support asks for."""
_FRAMING: Final = (
    "connection",
    "content-encoding",
    "content-length",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
)
_READ_HEADERS: Final = frozenset(name.encode() for name in KEPT_HEADERS + _FRAMING)
_BLANK: Final = frozenset({b"\r\n", b"\n"})
_DIGITS: Final = re.compile(r"[0-9]{1,15}")
_WITHOUT_BODY: Final = frozenset({http.HTTPStatus.NO_CONTENT, http.HTTPStatus.NOT_MODIFIED})
_BUFFER_BYTES: Final = 80 * 1024  # most pictures and their headers take one read or two


class _BoundedReads(io.RawIOBase):
    """Reads from a socket until *deadline* (monotonic seconds)."""

    def __init__(self, raw: io.RawIOBase, connection: socket.socket, deadline: float) -> None:
        self._raw = raw
        self._socket = connection
        self._deadline = deadline
        self.stopped = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self.stopped:
            return None
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._socket.settimeout(None if left == math.inf else max(left, MIN_TIMEOUT_SECONDS))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        super().close()
        self._raw.close()


class _Headers(http.client.HTTPMessage):
    """Headers whose values are as they came."""

    def items(self) -> list[tuple[str, str]]:
        return list(self.raw_items())  # quicker: no policy is applied to each value

    def get_payload(self, *_: object, **__: object) -> None:
        """Return None: every line was parsed, and urllib3 looks here for others."""


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
        """Read the status and the headers, and find the end of the body (RFC 9112, section 6.3).

        The parser that http.client uses is one for mail. It takes as much time as all decisions about a fetch, and lets malformed
        lines pass, which urllib3 would log; the provider may have put a key there.
        """
        version, self.status, self.reason = self._read_status()
        if not version.startswith("HTTP/1."):
            raise http.client.UnknownProtocol(version)
        self.code, self.version = self.status, 10 if version == "HTTP/1.0" else 11
        self.headers = self.msg = _read_headers(self.fp)
        self.chunked = self.headers.get("transfer-encoding", "").lower() == "chunked"
        self.chunk_left = None
        self.length = self._body_bytes()
        self.will_close = self._check_close() or (self.length is None and not self.chunked)  # type: ignore[attr-defined]
        is_framed_twice = self.chunked and "content-length" in self.headers
        self._is_final = self.status != http.HTTPStatus.SWITCHING_PROTOCOLS and not is_framed_twice

    def _body_bytes(self) -> int | None:
        """Return the length of the body; None if it ends with its last chunk or with the connection."""
        if self.status < http.HTTPStatus.OK or self.status in _WITHOUT_BODY:
            return 0
        stated = self.headers.get("content-length", "")
        return int(stated) if _DIGITS.fullmatch(stated) and not self.chunked else None

    def _read_status(self) -> tuple[str, int, str]:
        """Read the status of the final reply, after those of interim ones (RFC 9110, section 15.2)."""
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if status // 100 != 1 or status == http.HTTPStatus.SWITCHING_PROTOCOLS:
                return version, status, reason
            _read_headers(self.fp)

    def _close_conn(self) -> None:
        """End the reply; http.client calls this at the end of the body."""
        self._reads.stopped = True
        if self._is_final and (owner := self._owner()) is not None:
            owner.is_settled = isinstance(self.fp, io.BufferedReader) and not self.fp.peek(1)
        super()._close_conn()  # type: ignore[misc]


def _read_headers(file: io.BufferedIOBase) -> _Headers:
    """Read headers to their end, and return those that are of use."""
    headers = _Headers()
    for _ in range(_MAX_HEADERS + 1):
        line = file.readline(_MAX_LINE_BYTES)
        if line in _BLANK:
            return headers
        if line[-1:] != b"\n":
            if len(line) == _MAX_LINE_BYTES:
                raise http.client.LineTooLong("header line")
            raise http.client.RemoteDisconnected("the connection ended in the headers")
        name, colon, value = line.partition(b":")
        if colon and name.lower() in _READ_HEADERS:
            headers.set_raw(name.decode(), value.decode("latin-1").strip())
    raise http.client.HTTPException(f"got more than {_MAX_HEADERS} headers")
