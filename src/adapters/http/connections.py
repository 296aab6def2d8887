"""Connections to one address: who may be called, through which proxy, trusting whom, and for how long.

urllib3 bounds each read from a socket, not all of them together; so a reply that comes a byte at a time could last for
ever. Here the read timeout is for the whole reply. And whatever fails before a connection is made, handshake and proxy
included, is told apart from what fails later: the first can't have cost a call.
"""

from __future__ import annotations

import http.client
import io
import math
import socket
import ssl
import time
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3 import exceptions
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.ssl_ import create_urllib3_context

from ...address import SCHEMES, is_loopback
from ...domain.errors import ConfigError

__all__ = ["connection_pool"]

_BUFFER: Final = 80 * 1024  # bytes; most pictures come with their headers in one read or two
_LEAST: Final = 1e-6  # seconds; a timeout of 0 would mean not to block


class _BoundedReads(io.RawIOBase):
    """Reads from a socket until *deadline* (monotonic seconds), however the bytes come in."""

    def __init__(self, raw: io.RawIOBase, connection: socket.socket, deadline: float) -> None:
        self._raw = raw
        self._socket = connection
        self._deadline = deadline
        self.ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._socket.settimeout(None if left == math.inf else max(left, _LEAST))
        count = self._raw.readinto(buffer)
        self.ended = count == 0
        return count

    def close(self) -> None:
        super().close()
        self._raw.close()


class _Headers(http.client.HTTPMessage):
    """Headers and nothing else: urllib3 would look for lines that are none, and log them, whatever they hold."""

    def is_multipart(self) -> bool:
        return False

    def items(self) -> list[tuple[str, str]]:
        return list(self.raw_items())

    def get_payload(self, i: int | None = None, decode: bool = False) -> Any:  # noqa: ARG002, FBT001, FBT002 (email's)
        return None


class _Reading:
    """What http.client needs of a socket: a file to read from, here one that is bounded."""

    def __init__(self, connection: socket.socket) -> None:
        timeout = connection.gettimeout()
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        self.reads = _BoundedReads(connection.makefile("rb", buffering=0), connection, deadline)

    def makefile(self, _: str) -> io.BufferedReader:
        return io.BufferedReader(self.reads, _BUFFER)


class _BoundedResponse(http.client.HTTPResponse):
    """A reply that has to be whole, headers included, within the timeout of its socket."""

    def __init__(self, connection: socket.socket, *args: Any, **kwargs: Any) -> None:
        reading = _Reading(connection)
        super().__init__(reading, *args, **kwargs)  # type: ignore[arg-type]  # it asks for no more than makefile
        self._reads = reading.reads

    def begin(self) -> None:
        super().begin()
        if self._reads.ended:  # http.client takes the end of the connection for the end of the headers
            raise http.client.RemoteDisconnected("the connection ended in the headers")
        self.msg.defects.clear()
        self.msg.__class__ = _Headers


class _PlainConnection(HTTPConnection):
    """A connection to this machine."""

    response_class = _BoundedResponse


class _SecureConnection(HTTPSConnection):
    """A connection that says of everything up to the end of the handshake that nothing was sent."""

    response_class = _BoundedResponse

    def connect(self) -> None:
        try:
            super().connect()
        except TimeoutError as error:
            raise exceptions.ConnectTimeoutError(self, "the handshake did not end in time") from error
        except (OSError, http.client.HTTPException) as error:
            if self.proxy is not None and not isinstance(error, ssl.SSLError):
                raise exceptions.ProxyError("the proxy made no tunnel", error) from error
            raise exceptions.NewConnectionError(self, "the handshake failed") from error


def connection_pool(address: SplitResult, size: int, ca_certs: str | None) -> urllib3.HTTPConnectionPool:
    """Make the pool of connections to *address*, through the proxy of the environment if it names one for this host.

    Raises:
        ConfigError: the proxy or the file *ca_certs* can't be used.
    """
    secure = address.scheme == "https"
    context = _context(ca_certs) if secure else None
    proxy = _proxy(address)
    manager: urllib3.PoolManager
    if proxy is None:
        manager = urllib3.PoolManager(num_pools=1, maxsize=size, ssl_context=context)
    else:
        manager = _proxy_manager(proxy, size, context)
    try:
        pool = manager.connection_from_url(address.geturl())
    except exceptions.LocationParseError:
        raise ConfigError("the base address is not like https://api.chart-img.com") from None
    pool.ConnectionCls = _SecureConnection if secure else _PlainConnection
    return pool


def _proxy(address: SplitResult) -> str | None:
    """Find the proxy of the environment; there is none for this machine, whose key it would see."""
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


def _context(ca_certs: str | None) -> ssl.SSLContext:
    """Trust the system's authorities, or those in a file, once for all connections; host names are checked."""
    context = create_urllib3_context()
    try:
        if ca_certs is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(ca_certs)
    except OSError as error:
        raise ConfigError(f"the certificate authorities in {ca_certs} can't be read: {error.strerror}") from None
    return context
