"""The real thing: CHART-IMG over HTTPS with urllib3 (API page, "API v2 TradingView Advanced Chart")."""

from __future__ import annotations

import ipaddress
import ssl
import time
from collections.abc import Mapping
from contextlib import ExitStack
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3 import exceptions
from urllib3.util.ssl_ import create_urllib3_context

from ..domain.account import Account
from ..domain.chart import ChartRequest
from ..domain.errors import ConfigError
from ..domain.faults import FaultKind
from ..domain.reply import Reply, TransportFailure
from ..version import __version__

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

__all__ = ["Urllib3Transport"]

_PATH: Final = "/v2/tradingview/advanced-chart"
_PIECE: Final = 64 * 1024

_FAILURES: Final[Mapping[type[Exception], tuple[FaultKind, str]]] = MappingProxyType(
    {
        # From the most to the least particular; the first that fits counts.
        exceptions.NameResolutionError: (FaultKind.NOT_SENT, "the name of the server was not found"),
        exceptions.NewConnectionError: (FaultKind.NOT_SENT, "no connection could be made"),
        exceptions.ConnectTimeoutError: (FaultKind.NOT_SENT, "no connection was made in time"),
        exceptions.ProxyError: (FaultKind.NOT_SENT, "the proxy of the environment could not be reached"),
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
        address = _address(base_url)
        self._path = address.path.rstrip("/") + _PATH
        self._where = address.netloc
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._max_body = max_body
        self._manager = _manager(address, pool_size, ca_certs)
        self._pool = self._manager.connection_from_url(base_url)

    def send(
        self, request: ChartRequest, account: Account | None, *, timeout: float | None = None
    ) -> Reply | TransportFailure:
        """Post *request* with the key of *account*; *timeout* is the seconds left of the deadline.

        Raises:
            ValueError: there is no account.
        """
        if account is None:
            raise ValueError("a call over HTTP needs an account")
        left = self._connect_timeout + self._read_timeout if timeout is None else timeout
        started = time.monotonic()
        try:
            response = self._pool.urlopen(
                "POST",
                self._path,
                body=request.encoded,
                headers={
                    "content-type": "application/json",
                    "accept": "image/png, application/json",
                    "user-agent": f"chartimg/{__version__}",
                    "x-api-key": account.api_key,
                },
                retries=False,
                redirect=False,
                preload_content=False,
                timeout=urllib3.Timeout(
                    total=left, connect=min(self._connect_timeout, left), read=min(self._read_timeout, left)
                ),
            )
            return self._reply(response, started + min(left, self._connect_timeout + self._read_timeout))
        except (exceptions.HTTPError, OSError) as error:
            return self._failure(error)

    def close(self) -> None:
        """Close the connections."""
        self._manager.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _reply(self, response: BaseHTTPResponse, deadline: float) -> Reply | TransportFailure:
        """Read the body in pieces, up to the cap and to *deadline* (monotonic seconds)."""
        pieces: list[bytes] = []
        size = 0
        with ExitStack() as unless_whole:
            unless_whole.callback(response.close)
            while response.length_remaining != 0 and (piece := response.read1(_PIECE)):
                size += len(piece)
                if size > self._max_body:
                    return TransportFailure(
                        FaultKind.UNEXPECTED_REPLY, f"{self._where}: the reply is larger than {self._max_body} bytes"
                    )
                pieces.append(piece)
                if time.monotonic() > deadline:
                    return TransportFailure(FaultKind.NETWORK, f"{self._where}: the reply did not come in time")
            unless_whole.pop_all()
        response.release_conn()
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status, headers, b"".join(pieces))

    def _failure(self, error: Exception) -> TransportFailure:
        """Translate an exception; its own text may hold a proxy's password and is not repeated."""
        kind, phrase = next(meaning for known, meaning in _FAILURES.items() if isinstance(error, known))
        if _is_untrusted(error):
            kind, phrase = FaultKind.NOT_SENT, "the server's certificate is not trusted"
        return TransportFailure(kind, f"{self._where}: {phrase} ({type(error).__name__})")


def _address(base_url: str) -> SplitResult:
    """Read the base address, and refuse one over which the key would travel in the clear."""
    try:
        address = urlsplit(base_url)
        host, _ = address.hostname, address.port
    except ValueError:
        address, host = SplitResult("", "", "", "", ""), None
    if not host or address.scheme not in {"http", "https"} or address.query or address.fragment:
        raise ConfigError(f"the base address {_public(base_url)!r} is not like https://api.chart-img.com")
    if address.username is not None or address.password is not None:
        raise ConfigError("the base address must not hold a user name or password")
    if address.scheme == "http" and not _is_loopback(host):
        raise ConfigError(
            f"the base address http://{host} would send the key in the clear; use https (http is for loopback only)"
        )
    return address


def _public(base_url: str) -> str:
    """Show an address without what may be a password."""
    return base_url.rpartition("@")[2]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _manager(address: SplitResult, size: int, ca_certs: str | None) -> urllib3.PoolManager:
    """Make the pool, through the proxy of the environment if it names one for this host."""
    host = str(address.hostname)
    proxies = {} if _is_loopback(host) or proxy_bypass(host) else getproxies()
    proxy = proxies.get(address.scheme) or proxies.get("all")
    context = _context(ca_certs) if address.scheme == "https" else None
    if not proxy:
        return urllib3.PoolManager(num_pools=1, maxsize=size, ssl_context=context)
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigError(
            f"the proxy of the environment for {address.scheme} must be http or https, not {parts.scheme}"
        )
    login = f"{parts.username}:{parts.password or ''}" if parts.username else None
    return urllib3.ProxyManager(
        parts.geturl(),
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


def _is_untrusted(error: BaseException | None) -> bool:
    """Whether the handshake ended at the certificate, before anything was sent."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError) or any(
            isinstance(cause, ssl.SSLCertVerificationError) for cause in error.args
        ):
            return True
        error = error.__cause__ or error.__context__
    return False
