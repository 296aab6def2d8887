"""Calls to CHART-IMG over HTTPS with urllib3 (API page, "API v2 TradingView Advanced Chart")."""

from __future__ import annotations

import re
import sys
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Final, Self, cast
from urllib.parse import quote

import urllib3
from urllib3 import exceptions
from urllib3.connection import port_by_scheme
from urllib3.util import parse_url

from ...address import DEFAULT_BASE_URL, read_address
from ...domain.account import Account
from ...domain.chart import Request, TradingViewSession
from ...domain.chart.endpoint import Answer
from ...domain.errors import ConfigError
from ...domain.faults import FaultKind
from ...domain.reply import Reply, TransportFailure
from ...domain.reply.secret import scrub_reply
from ...fork import begin_in_children
from ...version import __version__
from .connections import Allowance, abandon, connection_pool, tls_settings
from .failures import failure
from .response import KEPT_HEADERS, TooLarge, WholeReply

__all__ = ["Urllib3Transport"]

_JSON: Final = {"content-type": "application/json"}
_NO_RETRIES: Final = urllib3.Retry(total=False, redirect=False)

_USURPED: Final = (
    "urllib3.future is installed in the place of urllib3, and chartimg can't call with it; to have both: pip uninstall -y "
    "urllib3 urllib3-future; URLLIB3_NO_OVERRIDE=1 pip install --no-binary urllib3-future urllib3-future urllib3"
)
_OPENTELEMETRY: Final = "opentelemetry.instrumentation.utils"

_PARENTS: Final[list[urllib3.HTTPConnectionPool]] = []
"""Pools of a parent. They are never finalized: that would wait for a lock that a thread of the parent may hold."""


class Urllib3Transport:
    """Posts chart requests over one pool of connections. Safe from many threads.

    It neither retries a call nor follows a redirect: urllib3 would sleep on ``Retry-After`` against the retry policy, and
    would send ``x-api-key`` to another host. It uses the proxies of the environment, but never for loopback.

    Args:
        base_url: https, or http to this machine only, since the key travels in a header.
        connect_timeout: seconds to look the name up, make a connection with all that belongs to it, and send the request.
        read_timeout: seconds from the end of the request to the end of the reply.
        max_body: largest body in bytes.
        pool_size: most connections to keep open; as many calls may be in flight without a connection made in vain.
        ca_certs: file of certificate authorities to trust instead of those of the system.
        session: the TradingView session to send with each request for a picture.

    Raises:
        ConfigError: *base_url*, *ca_certs*, the proxy of the environment or the urllib3 that is installed can't be used.
    """

    def __init__(
        self,
        base_url: str = DEFAULT_BASE_URL,
        connect_timeout: float = 10.0,
        read_timeout: float = 60.0,
        max_body: int = 16 * 1024 * 1024,
        *,
        pool_size: int = 1024,
        ca_certs: str | None = None,
        session: TradingViewSession | None = None,
    ) -> None:
        if re.match(r"\d+\.\d+\.9\d\d", vars(urllib3)["__version__"]):  # so it numbers itself
            raise ConfigError(_USURPED)
        address = read_address(base_url)
        self._base_path = address.path.rstrip("/")
        self._session = session
        self._where = address.netloc
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._max_body = max_body
        self._connect = partial(connection_pool, address, pool_size, tls_settings(address, ca_certs), max_body)
        self._pool = self._connect()
        self._host = _host_header(base_url)
        begin_in_children(self)

    def begin(self) -> None:
        """Close the connections of the parent, in a forked child, and make new ones."""
        abandon(self._pool)
        _PARENTS.append(self._pool)
        self._pool = self._connect()

    def send(
        self, request: Request, account: Account | None, *, timeout: float | None = None
    ) -> Reply | TransportFailure:
        """Post *request*, or get it, with the key of *account*, within *timeout* seconds.

        Raises:
            ValueError: *account* is None.
        """
        if account is None:
            raise ValueError("a call over HTTP needs an account")
        if timeout is not None and timeout <= 0:
            return TransportFailure(FaultKind.NOT_SENT, f"{self._where}: the deadline was over before the call")
        method = request.endpoint.method
        session = None if request.endpoint.answer is Answer.LISTING else self._session
        read_timeout = max(self._read_timeout, request.endpoint.min_timeout_seconds)
        try:
            with _unseen():
                whole = self._pool.urlopen(
                    method,
                    self._base_path + quote(request.path),
                    body=None if method == "GET" else request.encoded,
                    headers={
                        "host": self._host,
                        **({} if method == "GET" else _JSON),
                        "user-agent": f"chartimg/{__version__}",
                        "x-api-key": account.api_key,
                        **({} if session is None else session.headers),
                    },
                    retries=_NO_RETRIES,
                    redirect=False,
                    timeout=Allowance(timeout, self._connect_timeout, read_timeout),
                )
        except TooLarge:
            message = f"{self._where}: the reply is larger than {self._max_body:,} bytes"
            return TransportFailure(FaultKind.UNEXPECTED_REPLY, message)
        except (exceptions.HTTPError, OSError) as error:
            return failure(self._where, error)
        response = cast("WholeReply", whole)
        headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
        reply = Reply(response.status, headers, response.body, with_session=session is not None)
        for secret in () if session is None else session.secrets:
            reply = scrub_reply(reply, secret)
        return reply

    def close(self) -> None:
        """Close the connections. A call under way in another thread is cut off, and fails."""
        self._pool.close()
        self._pool.conn_kw["dialer"].cut_off()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _host_header(base_url: str) -> str:
    """Return the name and port by which a server knows itself: without a default port, and without the dot of the root."""
    url = parse_url(base_url)
    host = str(url.host).rstrip(".")
    return host if url.port in {None, port_by_scheme[str(url.scheme)]} else f"{host}:{url.port}"


def _unseen() -> AbstractContextManager[None]:
    """Hide a call from the instrumentation of OpenTelemetry, where it is loaded: it may copy headers, and so the key."""
    suppress = getattr(sys.modules.get(_OPENTELEMETRY), "suppress_instrumentation", nullcontext)
    hidden: AbstractContextManager[None] = suppress()
    return hidden
