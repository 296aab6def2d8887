"""A reply that is read to its end within a time, and never one of several for one request."""

from __future__ import annotations

import http.client
import io
import math
import re
import socket
import time
from collections.abc import Mapping
from typing import Any, Final, cast

import attrs
import urllib3
from urllib3 import exceptions

__all__ = ["KEPT_HEADERS", "MIN_TIMEOUT_SECONDS", "BoundedResponse", "TooLarge", "WholeReply"]

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
_CHUNK_SIZE: Final = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;[^\n]*|\r)?\n")
_WITHOUT_BODY: Final = frozenset({http.HTTPStatus.NO_CONTENT, http.HTTPStatus.NOT_MODIFIED})
_PIECE_BYTES: Final = 64 * 1024
_BUFFER_BYTES: Final = 80 * 1024  # most pictures and their headers take one read or two


class _BoundedReads(io.RawIOBase):
    """Reads from a socket for as long as its timeout from now on."""

    def __init__(self, connection: socket.socket) -> None:
        timeout = connection.gettimeout()
        self._deadline = math.inf if timeout is None else time.monotonic() + timeout
        self._socket = connection
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
        return self._socket.recv_into(buffer)

    def makefile(self, _: str) -> io.BufferedReader:
        """Return the file to read from; it is the only part of a socket that http.client uses."""
        return io.BufferedReader(self, _BUFFER_BYTES)


class BoundedResponse(http.client.HTTPResponse):
    """A reply that must be whole, headers included, within the timeout of its socket.

    Interim replies before it are skipped.

    Attributes:
        is_settled: the reply was final and whole, and no byte came after it, so its connection can have another one.
    """

    def __init__(self, connection: socket.socket, *args: Any, **kwargs: Any) -> None:
        self._reads = _BoundedReads(connection)
        super().__init__(self._reads, *args, **kwargs)  # type: ignore[arg-type]  # only makefile is used
        self._is_final = self.is_settled = False

    def begin(self) -> None:
        """Read the status and the headers, and find the end of the body (RFC 9112, section 6.3).

        The parser that http.client uses is one for mail. It takes as much time as all decisions about a fetch, and lets malformed
        lines pass, which urllib3 would log; the provider may have put a key there.
        """
        version, self.status, self.reason = self._read_status()
        if not version.startswith("HTTP/1."):
            raise http.client.UnknownProtocol(version)
        self.code, self.version = self.status, 10 if version == "HTTP/1.0" else 11
        self.headers = self.msg = _read_headers(self.fp)  # type: ignore[assignment]  # only those that are of use
        has_body = self.status >= http.HTTPStatus.OK and self.status not in _WITHOUT_BODY
        self.chunked = has_body and self.headers.get("transfer-encoding", "").lower() == "chunked"
        self.chunk_left = None
        self.length = self._body_bytes() if has_body else 0
        self.will_close = self._check_close() or (self.length is None and not self.chunked)  # type: ignore[attr-defined]
        is_framed_oddly = "transfer-encoding" in self.headers and (not self.chunked or "content-length" in self.headers)
        is_other_protocol = self.status == http.HTTPStatus.SWITCHING_PROTOCOLS
        self._is_final = not (self.will_close or is_framed_oddly or is_other_protocol)

    def _body_bytes(self) -> int | None:
        """Return the length of the body; None if it ends with its last chunk or with the connection."""
        first, *others = self.headers.get("content-length", "").split(", ")
        if set(others) - {first}:
            raise http.client.HTTPException("the reply states two lengths")
        return int(first) if _DIGITS.fullmatch(first) and not self.chunked else None

    def _read_status(self) -> tuple[str, int, str]:
        """Read the status of the final reply, after those of interim ones (RFC 9110, section 15.2)."""
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if status // 100 != 1 or status == http.HTTPStatus.SWITCHING_PROTOCOLS:
                return version, status, reason
            _read_headers(self.fp)

    def whole_body(self, max_bytes: int) -> bytes:
        """Read the body to its end, as it was sent.

        Raises:
            TooLarge: it has more than *max_bytes* bytes.
            http.client.HTTPException, OSError: it can't be read to its end.
        """
        body = self.read(max_bytes + 1)
        if len(body) > max_bytes:
            raise TooLarge
        if self.length:
            raise http.client.IncompleteRead(body, self.length)
        return body

    def _read_next_chunk_size(self) -> int:
        """Read the size of a chunk. http.client takes any number for one, and with -1 reads without a bound."""
        size = _CHUNK_SIZE.fullmatch(self.fp.readline(_MAX_LINE_BYTES))
        if size is None:
            raise ValueError  # http.client makes an IncompleteRead of it
        return int(size[1], 16)

    def _close_conn(self) -> None:
        """End the reply; http.client calls this at the end of the body."""
        self._reads.stopped = True
        self.is_settled = self._is_final and isinstance(self.fp, io.BufferedReader) and not self.fp.peek(1)
        super()._close_conn()  # type: ignore[misc]


class TooLarge(exceptions.HTTPError):
    """A reply has more bytes than may be read."""


@attrs.define(slots=False)
class WholeReply:
    """A reply that was read to its end, and what else urllib3 asks of one.

    Attributes:
        status: the HTTP status.
        headers: those that are of use, by their names in lower case.
        body: the body, decoded.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    version_string = "HTTP/1.1"
    length_remaining = 0

    @classmethod
    def of(cls, response: BoundedResponse, max_bytes: int) -> WholeReply:
        """Read *response* to its end.

        Raises:
            TooLarge, urllib3.exceptions.DecodeError, http.client.HTTPException, OSError: it can't be read.
        """
        headers = cast("Mapping[str, str]", response.headers)
        body = response.whole_body(max_bytes)
        if "content-encoding" in headers:
            body = _decoded(body, headers, max_bytes)
        return cls(response.status, headers, body)


def _decoded(body: bytes, headers: Mapping[str, str], max_bytes: int) -> bytes:
    """Undo the content encoding of *body*. One alone is, since it was asked for none, and several could make a few bytes endless."""
    if "," in headers["content-encoding"]:
        raise exceptions.DecodeError("the body is encoded more than once")
    pieces, size = [], 0
    encoded = urllib3.HTTPResponse(io.BytesIO(body), headers, preload_content=False)
    for piece in encoded.stream(_PIECE_BYTES, decode_content=True):
        pieces.append(piece)
        size += len(piece)
        if size > max_bytes:
            raise TooLarge
    return b"".join(pieces)


def _read_headers(file: io.BufferedIOBase) -> dict[str, str]:
    """Read headers to their end, and return those that are of use. The values of one name are joined, as by RFC 9110, section 5.3."""
    headers: dict[str, str] = {}
    for _ in range(_MAX_HEADERS + 1):
        line = file.readline(_MAX_LINE_BYTES)
        if line in _BLANK:
            return headers
        if line[-1:] != b"\n":
            if len(line) == _MAX_LINE_BYTES:
                raise http.client.LineTooLong("header line")
            raise http.client.RemoteDisconnected("the connection ended in the headers")
        field, colon, content = line.partition(b":")
        if colon and (lower := field.lower()) in _READ_HEADERS:
            name, value = lower.decode(), content.decode("latin-1").strip()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    raise http.client.HTTPException(f"got more than {_MAX_HEADERS} headers")
