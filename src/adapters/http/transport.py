"""Calls to CHART-IMG over HTTPS with urllib3 (API page, "API v2 TradingView Advanced Chart")."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Self

import urllib3
from urllib3 import exceptions

from ...address import DEFAULT_BASE_URL, read_address
from ...domain.account import Account
from ...domain.chart import ChartRequest
from ...domain.faults import FaultKind
from ...domain.reply import Reply, TransportFailure
from ...fork import begin_in_children
from ...version import __version__
from .connections import abandon, connection_pool, tls_settings

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

__all__ = ["Urllib3Transport"]

_PATH: Final = "/v2/tradingview/advanced-chart"
_KEPT_HEADERS: Final = ("content-type", "date", "retry-after", "server", "x-amzn-errortype", "x-amzn-requestid")
"""The headers of a reply that are read later, or that the provider's support asks for."""

_PIECE_BYTES: Final = 64 * 1024
_NO_RETRIES: Final = urllib3.Retry(total=False, redirect=False)

_FAILURES: Final[Mapping[type[Exception], tuple[FaultKind, str]]] = MappingProxyType(
    {
        # The first row that fits counts.
        exceptions.NameResolutionError: (FaultKind.NOT_SENT, "the name of the server was not found"),
        exceptions.NewConnectionError: (FaultKind.NOT_SENT, "no connection could be made"),
        exceptions.ConnectTimeoutError: (FaultKind.NOT_SENT, "no connection was made in time"),
        exceptions.ProxyError: (FaultKind.NOT_SENT, "the proxy of the environment could not be reached"),
        exceptions.ClosedPoolError: (FaultKind.NOT_SENT, "the transport is closed"),
        exceptions.ReadTimeoutError: (FaultKind.NETWORK, "the reply did not come in time"),
        exceptions.IncompleteRead: (FaultKind.NETWORK, "the connection ended in the middle of the reply"),
        exceptions.ProtocolError: (FaultKind.NETWORK, "the connection broke before the reply was whole"),
        exceptions.SSLError: (FaultKind.NETWORK, "the encrypted connection failed"),
        exceptions.DecodeError: (FaultKind.UNEXPECTED_REPLY, "the reply's content encoding is damaged"),
        exceptions.HTTPError: (FaultKind.NETWORK, "the exchange failed"),
        OSError: (FaultKind.NETWORK, "the connection failed"),
    }
)


_PARENTS: Final[list[urllib3.HTTPConnectionPool]] = []
"""Pools of a parent. They are never finalized: that would wait for a lock that a thread of the parent may hold."""


class Urllib3Transport:
    """Posts chart requests over one pool of connections. Safe from many threads.

    It neither retries a call nor follows a redirect: urllib3 would sleep on ``Retry-After`` against the retry policy, and
    would send ``x-api-key`` to another host. It uses the proxies of the environment, but never for loopback.

    Args:
        base_url: https, or http to this machine only, since the key travels in a header.
        connect_timeout: seconds to make a connection.
        read_timeout: seconds from the end of the request to the end of the reply.
        max_body: largest body in bytes.
        pool_size: most connections to keep open; as many calls may be in flight without a connection made in vain.
        ca_certs: file of certificate authorities to trust instead of those of the system.

    Raises:
        ConfigError: *base_url*, *ca_certs* or the proxy of the environment can't be used.
    """

    def __init__(
        self,
        base_url: str = DEFAULT_BASE_URL,
        connect_timeout: float = 5.0,
        read_timeout: float = 60.0,
        max_body: int = 16 * 1024 * 1024,
        *,
        pool_size: int = 1024,
        ca_certs: str | None = None,
    ) -> None:
        address = read_address(base_url)
        self._path = address.path.rstrip("/") + _PATH
        self._where = address.netloc
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._max_body = max_body
        self._connect = partial(connection_pool, address, pool_size, tls_settings(address, ca_certs))
        self._pool = self._connect()
        begin_in_children(self)

    def begin(self) -> None:
        """Close the connections of the parent, in a forked child, and make new ones."""
        abandon(self._pool)
        _PARENTS.append(self._pool)
        self._pool = self._connect()

    def send(
        self, request: ChartRequest, account: Account | None, *, timeout: float | None = None
    ) -> Reply | TransportFailure:
        """Post *request* with the key of *account*, within *timeout* seconds.

        Raises:
            ValueError: *account* is None.
        """
        if account is None:
            raise ValueError("a call over HTTP needs an account")
        if timeout is not None and timeout <= 0:
            return TransportFailure(FaultKind.NOT_SENT, f"{self._where}: the deadline was over before the call")
        try:
            response = self._pool.urlopen(
                "POST",
                self._path,
                body=request.encoded,
                headers={
                    "content-type": "application/json",
                    "user-agent": f"chartimg/{__version__}",
                    "x-api-key": account.api_key,
                },
                retries=_NO_RETRIES,
                redirect=False,
                preload_content=False,
                timeout=urllib3.Timeout(total=timeout, connect=self._connect_timeout, read=self._read_timeout),
            )
            return self._reply(response)
        except (exceptions.HTTPError, OSError) as error:
            return self._failure(error)

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _reply(self, response: BaseHTTPResponse) -> Reply | TransportFailure:
        """Read the body in pieces, up to *max_body* bytes."""
        pieces: list[bytes] = []
        size = 0
        encoded = "content-encoding" in response.headers  # to decode a plain body would copy it
        try:
            while (encoded or response.length_remaining != 0) and (
                piece := response.read1(_PIECE_BYTES, decode_content=encoded)
            ):
                size += len(piece)
                if size > self._max_body:
                    response.close()
                    message = f"{self._where}: the reply is larger than {self._max_body:,} bytes"
                    return TransportFailure(FaultKind.UNEXPECTED_REPLY, message)
                pieces.append(piece)
        except BaseException:
            response.close()
            raise
        response.release_conn()
        headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
        return Reply(response.status, headers, b"".join(pieces))

    def _failure(self, error: Exception) -> TransportFailure:
        """Translate an exception. Its own text may hold a proxy's password, so only its type is shown."""
        kind, phrase = next(meaning for row, meaning in _FAILURES.items() if isinstance(error, row))
        if _is_untrusted(error):
            kind, phrase = FaultKind.NOT_SENT, "the server's certificate is not trusted"
        return TransportFailure(kind, f"{self._where}: {phrase} ({type(error).__name__})")


def _is_untrusted(error: BaseException | None) -> bool:
    """Return whether the handshake ended at the certificate, before the request was sent."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError) or any(
            isinstance(cause, ssl.SSLCertVerificationError) for cause in error.args
        ):
            return True
        error = error.__cause__ or error.__context__
    return False
