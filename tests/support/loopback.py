"""A scripted HTTP server on loopback: real sockets, with each reply, stall and reset as the test decides."""

from __future__ import annotations

import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar, cast

import attrs
import h11

S = TypeVar("S", bound="LoopbackServer")
Exchange = Callable[[socket.socket, threading.Event], bool]
"""Plays one exchange's reply on a socket; the event is set when the server closes; True keeps the connection."""


@attrs.frozen
class Received:
    """One request as it came over the wire."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    connection: int
    wire: bytes = b""


def answer(status: int, body: bytes = b"", **headers: str) -> Exchange:
    """Answer with a whole reply; ``_`` in a header's name stands for ``-``."""
    return raw(_head(status, {**_dashed(headers), "content-length": str(len(body))}) + body)


def chunked(status: int, pieces: Sequence[bytes]) -> Exchange:
    """Answer with a chunked body."""
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return raw(_head(status, {"transfer-encoding": "chunked"}) + chunks + b"0\r\n\r\n")


def cut(status: int, body: bytes, at: int) -> Exchange:
    """Promise the whole *body*, send *at* bytes of it, and close."""
    return raw(_head(status, {"content-length": str(len(body))}) + body[:at], keep=False)


def raw(data: bytes, *, keep: bool = True) -> Exchange:
    """Send *data* unchanged."""

    def play(connection: socket.socket, _: threading.Event) -> bool:
        connection.sendall(data)
        return keep

    return play


def reset(after: bytes = b"") -> Exchange:
    """Send *after*, then reset the connection."""

    def play(connection: socket.socket, _: threading.Event) -> bool:
        connection.sendall(after)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        return False

    return play


def stall(after: bytes = b"") -> Exchange:
    """Send *after*, then nothing until the server closes."""

    def play(connection: socket.socket, closing: threading.Event) -> bool:
        connection.sendall(after)
        closing.wait()
        return False

    return play


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _dashed(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


class LoopbackServer(socketserver.ThreadingTCPServer):
    """Plays *script*, one exchange for each request; then *otherwise*, or a 599 that no test expects.

    If ``unasked`` is set, each connection begins with it, before any request is read.
    """

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, *script: Exchange, otherwise: Exchange | None = None, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[Received] = []
        self.script = list(script)
        self.otherwise = otherwise or answer(599, b"the script has run out")
        self.unasked: Exchange | None = None
        self.closing = threading.Event()
        self.connections = 0
        self.ended = 0
        self.lock = threading.Lock()
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.scheme = "http" if tls is None else "https"

    @property
    def port(self) -> int:
        """The port."""
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        """The base address."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def keys(self) -> list[str | None]:
        """The ``x-api-key`` of each request, in order."""
        return [request.headers.get("x-api-key") for request in self.requests]

    def take(self, received: Received) -> Exchange:
        """Record a request and return the exchange to play for it."""
        with self.lock:
            self.requests.append(received)
            return self.script.pop(0) if self.script else self.otherwise

    def shutdown_request(self, request: Any) -> None:
        """Close a connection, and count it."""
        super().shutdown_request(request)
        with self.lock:
            self.ended += 1

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that hang up or refuse the certificate, as tests make them do."""


class _Handler(socketserver.BaseRequestHandler):
    """Reads requests with h11 and plays their exchanges on the bare socket."""

    def handle(self) -> None:
        server, connection = cast("LoopbackServer", self.server), cast("socket.socket", self.request)
        with server.lock:
            server.connections += 1
            number = server.connections
        keep = server.unasked is None or server.unasked(connection, server.closing)
        while keep:
            received = self._receive(connection, number)
            keep = received is not None and server.take(received)(connection, server.closing)

    @staticmethod
    def _receive(connection: socket.socket, number: int) -> Received | None:
        """Read one request; return None if the client has left."""
        parser, head, body, wire = h11.Connection(h11.SERVER), None, b"", b""
        while True:
            event = parser.next_event()
            if event is h11.NEED_DATA:
                data = connection.recv(65536)
                if not data and head is None:
                    return None
                wire += data
                parser.receive_data(data)
            elif isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                headers = {name.decode(): value.decode("latin-1") for name, value in head.headers}
                return Received(head.method.decode(), head.target.decode(), headers, body, number, wire)
            else:
                return None


def serving(
    *script: Exchange, otherwise: Exchange | None = None, tls: ssl.SSLContext | None = None
) -> AbstractContextManager[LoopbackServer]:
    """Run a server with a script for the length of a ``with`` block."""
    return running(LoopbackServer(*script, otherwise=otherwise, tls=tls))


@contextmanager
def running(server: S) -> Iterator[S]:
    """Run *server* for the length of a ``with`` block."""
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
            thread.join()
