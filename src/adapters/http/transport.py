"""The real thing: CHART-IMG over HTTPS with urllib3 (API page, "API v2 TradingView Advanced Chart")."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Self

import urllib3
from urllib3 import exceptions

from ...address import read_address
from ...domain.account import Account
from ...domain.chart import ChartRequest
from ...domain.faults import FaultKind
from ...domain.reply import Reply, TransportFailure
from ...version import __version__
from .connections import connection_pool

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

__all__ = ["Urllib3Transport"]

_PATH: Final = "/v2/tradingview/advanced-chart"
_PIECE: Final = 64 * 1024
_NONE: Final = urllib3.Retry.from_int(
    retries=False, redirect=False
)  # made once; urllib3 makes it of False for each call

_FAILURES: Final[Mapping[type[Exception], tuple[FaultKind, str]]] = MappingProxyType(
    {
        # From the most to the least particular; the first that fits counts.
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


class Urllib3Transport:
    """Posts chart requests over one pool of connections. Safe from many threads.

    Nothing is retried and no redirect is followed here: urllib3 would sleep on ``Retry-After`` behind the policy's back,
    and forward ``x-api-key`` to another host. Proxies are those of the environment, never used for loopback.

    Args:
        base_url: https, or http to this machine only, since the key travels in a header.
        connect_timeout: seconds for making a connection.
        read_timeout: seconds for the whole reply, from the request being sent.
        max_body: bytes of a reply that are read at most.
        pool_size: connections that are kept open.
        ca_certs: a file of certificate authorities to trust instead of the system's.

    Raises:
        ConfigError: *base_url*, or the proxy of the environment, can't be used.
    """

    def __init__(
        self,
        base_url: str = "https://api.chart-img.com",
        connect_timeout: float = 5.0,
        read_timeout: float = 60.0,
        max_body: int = 16 * 1024 * 1024,
        *,
        pool_size: int = 16,
        ca_certs: str | None = None,
    ) -> None:
        address = read_address(base_url)
        self._path = address.path.rstrip("/") + _PATH
        self._where = address.netloc
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._timeout = urllib3.Timeout(connect=connect_timeout, read=read_timeout)
        self._longest = connect_timeout + read_timeout
        self._max_body = max_body
        self._pool = connection_pool(address, pool_size, ca_certs)

    def send(
        self, request: ChartRequest, account: Account | None, *, timeout: float | None = None
    ) -> Reply | TransportFailure:
        """Post *request* with the key of *account*; *timeout* is the seconds left of the deadline.

        Raises:
            ValueError: there is no account.
        """
        if account is None:
            raise ValueError("a call over HTTP needs an account")
        left = self._longest if timeout is None else timeout
        if left <= 0:
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
                retries=_NONE,
                redirect=False,
                preload_content=False,
                timeout=self._timeout if left >= self._longest else self._clipped(left),
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
        """Read the body in pieces, up to the cap."""
        pieces: list[bytes] = []
        size = 0
        encoded = "content-encoding" in response.headers
        try:
            while (encoded or response.length_remaining != 0) and (
                piece := response.read1(_PIECE, decode_content=encoded)
            ):
                size += len(piece)
                if size > self._max_body:
                    response.close()
                    return TransportFailure(
                        FaultKind.UNEXPECTED_REPLY, f"{self._where}: the reply is larger than {self._max_body} bytes"
                    )
                pieces.append(piece)
        except BaseException:
            response.close()
            raise
        response.release_conn()
        return Reply(response.status, response.headers, b"".join(pieces))

    def _clipped(self, left: float) -> urllib3.Timeout:
        """Clip the timeouts to the seconds *left*, of which connecting takes its part."""
        connect, read = min(self._connect_timeout, left), min(self._read_timeout, left)
        return urllib3.Timeout(total=left, connect=connect, read=read)

    def _failure(self, error: Exception) -> TransportFailure:
        """Translate an exception; its own text may hold a proxy's password and is not repeated."""
        kind, phrase = next(meaning for known, meaning in _FAILURES.items() if isinstance(error, known))
        if _is_untrusted(error):
            kind, phrase = FaultKind.NOT_SENT, "the server's certificate is not trusted"
        return TransportFailure(kind, f"{self._where}: {phrase} ({type(error).__name__})")


def _is_untrusted(error: BaseException | None) -> bool:
    """Whether the handshake ended at the certificate, before anything was sent."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError) or any(
            isinstance(cause, ssl.SSLCertVerificationError) for cause in error.args
        ):
            return True
        error = error.__cause__ or error.__context__
    return False
