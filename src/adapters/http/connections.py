"""Connections to one address: their proxy, their trusted authorities, and which reply is the answer to which request.

urllib3 bounds each read from a socket, but not all reads together, so a reply that drips could last for ever. Here the read
timeout bounds the whole reply. Each failure up to the end of the handshake is told apart from later ones, since it can't
have cost a call.

A reply belongs to the request before it. So interim replies are skipped, a server that speaks before the request is not asked,
and a connection is used again only if its last reply was final, whole, and followed by no further byte.
"""

from __future__ import annotations

import http.client
import io
import math
import socket
import ssl
import time
import weakref
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3 import exceptions
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.ssl_ import create_urllib3_context

from ...address import DEFAULT_BASE_URL, SCHEMES, is_loopback
from ...domain.errors import ConfigError

__all__ = ["abandon", "connection_pool", "tls_settings"]

_BUFFER_BYTES: Final = 80 * 1024  # most pictures and their headers take one read or two
_MIN_TIMEOUT_SECONDS: Final = 1e-6  # 0 would mean not to block


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
        self._socket.settimeout(None if left == math.inf else max(left, _MIN_TIMEOUT_SECONDS))
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


class _BoundedResponse(http.client.HTTPResponse):
    """A reply that must be whole, headers included, within the timeout of its socket."""

    def __init__(self, owner: weakref.ref[_OneReply], connection: socket.socket, *args: Any, **kwargs: Any) -> None:
        reading = _Reading(connection)
        super().__init__(reading, *args, **kwargs)  # type: ignore[arg-type]  # only makefile is used
        self._owner = owner
        self._reads = reading.reads
        self._is_final = False

    def begin(self) -> None:
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


class _OneReply(HTTPConnection):
    """A connection on which each request has one reply.

    Attributes:
        is_settled: the last reply was final and whole, and no byte came after it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_settled = True
        self._unsent: list[bytes] | None = None

    def response_class(self, *args: Any, **kwargs: Any) -> _BoundedResponse:  # type: ignore[override]  # http.client calls it
        return _BoundedResponse(weakref.ref(self), *args, **kwargs)

    @property
    def is_connected(self) -> bool:
        return self.is_settled and super().is_connected

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is None:  # the pool has just looked at an older connection
            self.connect()
            if self._speaks():
                self.close()
                raise exceptions.NewConnectionError(self, "the server spoke before it was asked")
        self.is_settled = False
        self._unsent = []
        super().request(*args, **kwargs)
        pieces, self._unsent = self._unsent, None
        super().send(b"".join(pieces))

    def send(self, data: Any) -> None:
        """Send *data*; a request goes out as one piece, since each costs a system call and a packet."""
        if self._unsent is None:
            super().send(data)
        else:
            self._unsent.append(data)

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


def connection_pool(address: SplitResult, size: int, context: ssl.SSLContext | None) -> urllib3.HTTPConnectionPool:
    """Make the pool of connections to *address*, through the proxy that the environment has for it.

    Raises:
        ConfigError: the address or the proxy can't be used.
    """
    secure = context is not None
    proxy = _proxy(address)
    manager: urllib3.PoolManager
    if proxy is None:
        manager = urllib3.PoolManager(num_pools=1, maxsize=size, ssl_context=context)
    else:
        manager = _proxy_manager(proxy, size, context)
    try:
        pool = manager.connection_from_url(address.geturl())
    except exceptions.LocationParseError:
        raise ConfigError(f"the base address is not like {DEFAULT_BASE_URL}") from None
    pool.ConnectionCls = _SecureConnection if secure else _PlainConnection
    return pool


def _proxy(address: SplitResult) -> str | None:
    """Return the proxy that the environment has for *address*; None for this machine, since a proxy would see the key."""
    host = str(address.hostname)
    if is_loopback(host) or proxy_bypass(host):
        return None
    proxies = getproxies()
    return proxies.get(address.scheme) or proxies.get("all")


def _proxy_manager(proxy: str, size: int, context: ssl.SSLContext | None) -> urllib3.PoolManager:
    try:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ConfigError("the proxy of the environment is not an address like http://proxy:3128") from None
    if parts.scheme not in SCHEMES or not host:
        raise ConfigError(f"the proxy of the environment must be an http or https address, not {parts.scheme}://…")
    where = f"[{host}]" if ":" in host else host
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
    return urllib3.ProxyManager(
        f"{parts.scheme}://{where}:{port}" if port else f"{parts.scheme}://{where}",
        num_pools=1,
        maxsize=size,
        ssl_context=context,
        proxy_headers=urllib3.make_headers(proxy_basic_auth=login) if login else None,
    )


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
