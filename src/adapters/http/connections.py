"""Connections to one address: their time, their trusted authorities, and one reply to each request.

urllib3 bounds each address, read and write, but not all of them together, so a server that drips could last for ever. Here the
connect timeout bounds all up to the end of the request, and the read timeout the whole reply. Each failure up to the end of the
handshake is told apart from later ones, since it can't have cost a call.

A reply belongs to the request before it. So a server that speaks before the request is not asked. A connection is used again
only if its last reply was final, whole, and followed by no further byte.
"""

from __future__ import annotations

import http.client
import math
import re
import socket
import ssl
import time
import weakref
from collections.abc import Mapping
from typing import Any, Final, Self, cast
from urllib.parse import SplitResult

import urllib3
from urllib3 import exceptions
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.ssl_ import create_urllib3_context

from ...address import DEFAULT_BASE_URL
from ...domain.errors import ConfigError
from .dialer import Dialer
from .proxy import proxy_for, proxy_manager
from .response import MIN_TIMEOUT_SECONDS, BoundedResponse, WholeReply

__all__ = ["Allowance", "abandon", "connection_pool", "tls_settings"]

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_PIECE_BYTES: Final = 15 * 1024  # under TLS a record of 16 KiB is bounded, but not several of them together


class Allowance(urllib3.Timeout):
    """The time of one call, from now on. That of urllib3 would begin after the tunnel of a proxy.

    Args:
        total: seconds for the call.
        connect: seconds up to the end of the request.
        read: seconds for the reply.
    """

    def __init__(self, total: float | None, connect: float, read: float) -> None:
        super().__init__(connect=connect, read=read)
        self._limits = connect, read
        self._end = math.inf if total is None else time.monotonic() + total

    def clone(self) -> Self:
        """Return itself, which goes on."""
        return self

    @property
    def connect_timeout(self) -> float:
        """Return the seconds that are left up to the end of the request."""
        return self._within(self._limits[0])

    @property
    def read_timeout(self) -> float:
        """Return the seconds that are left for the reply."""
        return self._within(self._limits[1])

    def _within(self, seconds: float) -> float:
        return max(0.0, min(seconds, self._end - time.monotonic()))


class _OneReply(HTTPConnection):
    """A connection on which each request has one reply. Its timeout is for all until the next one is set.

    Attributes:
        is_settled: the last reply was final and whole, and no byte came after it.
    """

    response_class = BoundedResponse  # for the answer of a proxy

    def __init__(self, *args: Any, dialer: Dialer, max_body: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._dialer = dialer
        self._max_body = max_body
        self.is_settled = True

    @property
    def timeout(self) -> float | None:
        """Return the seconds that are left."""
        return None if self._end == math.inf else max(self._end - time.monotonic(), MIN_TIMEOUT_SECONDS)

    @timeout.setter
    def timeout(self, seconds: float | None) -> None:
        self._end = math.inf if seconds is None else time.monotonic() + seconds

    def bound(self) -> None:
        """Bound the next read or write of the socket by the time that is left.

        Raises:
            TimeoutError: no time is left.
        """
        if self._end <= time.monotonic():
            raise TimeoutError("timed out")
        self.sock.settimeout(self.timeout)

    def _new_conn(self) -> socket.socket:
        try:
            made = self._dialer.connect(self._dns_host, self.port, self._end, self.socket_options or ())
        except (socket.gaierror, ValueError) as error:
            raise exceptions.NameResolutionError(self.host, self, socket.gaierror(str(error))) from error
        except TimeoutError as error:
            raise exceptions.ConnectTimeoutError(self, "no address answered in time") from error
        except OSError as error:
            raise exceptions.NewConnectionError(self, "no address could be reached") from error
        made.settimeout(self.timeout)
        return made

    def send(self, data: Any) -> None:
        """Send *data*, all of it in time."""
        for start in range(0, len(data), _PIECE_BYTES):
            self.bound()
            super().send(data[start : start + _PIECE_BYTES])

    @property
    def is_connected(self) -> bool:
        return self.is_settled and super().is_connected

    def request(  # type: ignore[override]
        self, method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None, **_: object
    ) -> None:
        """Send a request as one piece, since each costs a system call and a packet.

        Raises:
            ValueError: a header can't be sent.
        """
        fields = {**(headers or {}), "accept-encoding": "identity"}
        if body is not None:
            fields["content-length"] = str(len(body))
        lines = f"{method} {url} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""
        if any(map(_CONTROL.search, lines)):
            raise ValueError("a header holds a control character")
        if self.sock is None:  # the pool has just looked at an older connection
            self.connect()
            if self._speaks():
                self.close()
                raise exceptions.NewConnectionError(self, "the server spoke before it was asked")
        self.is_settled = False
        try:
            self.send("\r\n".join(lines).encode("latin-1") + (body or b""))
        except TimeoutError as error:
            raise exceptions.TimeoutError("the request was not taken in time") from error

    def getresponse(self) -> WholeReply:  # type: ignore[override]  # urllib3 takes what has its attributes
        """Read the whole reply."""
        self.sock.settimeout(self.timeout)
        response = BoundedResponse(self.sock)
        try:
            response.begin()
            whole = WholeReply.of(response, self._max_body)
            self.is_settled = response.is_settled
        finally:
            response.close()
        if not self.is_settled:
            self.close()
        return whole

    def _speaks(self) -> bool:
        """Return whether the server has sent a byte, or closed."""
        self.sock.settimeout(0)
        try:
            self.sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError:
            return True
        finally:
            self.sock.settimeout(self.timeout)
        return True


class _PlainConnection(_OneReply):
    """A connection to this machine."""


class _SecureConnection(_OneReply, HTTPSConnection):
    """A connection that reports each failure up to the end of the handshake as a request that was not sent."""

    def connect(self) -> None:
        try:
            super().connect()
        except TimeoutError as error:
            raise exceptions.ConnectTimeoutError(self, "the handshake did not end in time") from error
        except (OSError, http.client.HTTPException) as error:
            if self.proxy is not None and not isinstance(error, ssl.SSLError):
                raise exceptions.ProxyError("the proxy made no tunnel", error) from error
            raise exceptions.NewConnectionError(self, "the handshake failed") from error

    @property
    def is_connected(self) -> bool:
        # TLS within TLS holds bytes that a look at the socket does not find.
        return super().is_connected and (self.proxy is None or not self._speaks())

    def _tunnel(self) -> None:
        cast("Any", super())._tunnel()  # noqa: SLF001 (http.client has no other place between tunnel and handshake)
        self.bound()

    def _connect_tls_proxy(self, hostname: str, sock: socket.socket) -> ssl.SSLSocket:
        outer = super()._connect_tls_proxy(hostname, sock)
        self._dialer.watch(outer)
        return cast("ssl.SSLSocket", _Outer(outer, weakref.ref(self)))


class _Outer:
    """The encrypted connection to a proxy, beneath one to the server. One read of the latter is many of this one."""

    def __init__(self, connection: ssl.SSLSocket, owner: weakref.ref[_OneReply]) -> None:
        self._socket = connection
        self._owner = owner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def recv(self, size: int) -> bytes:
        if self._socket.gettimeout() and (owner := self._owner()) is not None:
            owner.bound()
        return self._socket.recv(size)


def _watched(dialer: Dialer) -> type[ssl.SSLSocket]:
    """Return the class of encrypted connections that *dialer* can cut off, from the handshake on."""

    class Watched(ssl.SSLSocket):
        def do_handshake(self, *args: Any) -> None:
            dialer.watch(self)
            super().do_handshake(*args)

    return Watched


def connection_pool(
    address: SplitResult, size: int, context: ssl.SSLContext | None, max_body: int
) -> urllib3.HTTPConnectionPool:
    """Make the pool of connections to *address*, through the proxy that the environment has for it.

    Replies may have up to *max_body* bytes.

    Raises:
        ConfigError: the address or the proxy can't be used.
    """
    secure = context is not None
    proxy = proxy_for(address)
    manager: urllib3.PoolManager
    if proxy is None:
        manager = urllib3.PoolManager(num_pools=1, maxsize=size, ssl_context=context)
    else:
        manager = proxy_manager(proxy, size, context)
    try:
        pool = manager.connection_from_url(address.geturl())
    except exceptions.LocationParseError:
        raise ConfigError(f"the base address is not like {DEFAULT_BASE_URL}") from None
    connections: type[_OneReply] = _SecureConnection if secure else _PlainConnection
    pool.ConnectionCls = connections  # type: ignore[assignment]  # its replies are others
    pool.conn_kw["dialer"] = dialer = Dialer()
    pool.conn_kw["max_body"] = max_body
    if context is not None:
        context.sslsocket_class = _watched(dialer)
    return pool


def tls_settings(address: SplitResult, ca_certs: str | None) -> ssl.SSLContext | None:
    """Make the TLS settings of all connections; trust the authorities of the system, or those in a file.

    Raises:
        ConfigError: the file *ca_certs* can't be used.
    """
    if address.scheme != "https":
        return None
    context = create_urllib3_context()
    try:
        if ca_certs is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(ca_certs)
    except OSError as error:
        raise ConfigError(f"the certificate authorities in {ca_certs} can't be read: {error.strerror}") from None
    return context


def abandon(pool: urllib3.HTTPConnectionPool) -> None:
    """Close the idle connections of a parent's pool in its child, without the lock of the pool."""
    idle = [] if pool.pool is None else list(pool.pool.queue)
    for connection in idle:
        if connection is not None and connection.sock is not None:
            connection.sock.close()
