"""The meaning of each exception of urllib3, with its remedy."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from urllib3 import exceptions

from ...domain.faults import FaultKind
from ...domain.reply import TransportFailure

__all__ = ["failure"]

_FAILURES: Final[Mapping[type[Exception], tuple[FaultKind, str]]] = MappingProxyType(
    {
        # The first row that fits counts.
        exceptions.NameResolutionError: (FaultKind.NOT_SENT, "the name of the server was not found"),
        exceptions.NewConnectionError: (FaultKind.NOT_SENT, "no connection could be made"),
        exceptions.ConnectTimeoutError: (FaultKind.NOT_SENT, "no connection was made in time"),
        exceptions.ProxyError: (FaultKind.NOT_SENT, "the proxy could not be reached; check HTTPS_PROXY"),
        exceptions.ClosedPoolError: (FaultKind.NOT_SENT, "the transport is closed"),
        exceptions.ReadTimeoutError: (FaultKind.NETWORK, "the reply did not come in time"),
        exceptions.TimeoutError: (FaultKind.NETWORK, "the request was not taken in time"),
        exceptions.IncompleteRead: (FaultKind.NETWORK, "the connection ended in the middle of the reply"),
        exceptions.ProtocolError: (FaultKind.NETWORK, "the connection broke before the reply was whole"),
        exceptions.SSLError: (FaultKind.NETWORK, "the encrypted connection failed"),
        exceptions.DecodeError: (FaultKind.UNEXPECTED_REPLY, "the reply's content encoding is damaged"),
        exceptions.HTTPError: (FaultKind.NETWORK, "the exchange failed"),
        OSError: (FaultKind.NETWORK, "the connection failed"),
    }
)

_NO_WAY: Final = "the proxy could not reach the server; check the name of the server, and the network of the proxy"
_REFUSALS: Final[Mapping[int, str]] = MappingProxyType(
    {
        403: "the proxy forbids this server; have it allowed there, or name the server in NO_PROXY",
        407: "the proxy wants another login; set HTTPS_PROXY to http://user:password@host:port",
        502: _NO_WAY,
        503: _NO_WAY,
        504: _NO_WAY,
    }
)
"""The meaning of a status that answers CONNECT."""

_UNKNOWN: Final = "is of an unknown issuer; install the issuer's certificate here, or name its file in SSL_CERT_FILE"
_DISTRUST: Final[Mapping[int, str]] = MappingProxyType(
    {
        9: "is not valid yet; check the clock of this machine",
        10: "has expired; check the clock of this machine, and then tell those who run it",
        18: _UNKNOWN,
        19: _UNKNOWN,
        20: _UNKNOWN,
        21: _UNKNOWN,
        62: "is for another name; check CHARTS_API_BASE_URL, and who answers in its place",
        64: "is for another address; check CHARTS_API_BASE_URL, and who answers in its place",
    }
)
"""The meaning of a code of OpenSSL (X509_V_ERR_…, x509_vfy.h)."""


def failure(where: str, error: Exception) -> TransportFailure:
    """Translate an exception of a call to *where*. Its own text may hold a proxy's password, so only its type is shown."""
    kind, phrase = next(meaning for row, meaning in _FAILURES.items() if isinstance(error, row))
    proxy = error if isinstance(error, exceptions.ProxyError) else None
    if (distrust := _distrust(error)) is not None:
        whose = "proxy" if proxy else "server"
        kind, phrase = FaultKind.NOT_SENT, f"the certificate of the {whose} {_DISTRUST.get(distrust, 'is not trusted')}"
    elif proxy and (refusal := re.match(r"Tunnel connection failed: (\d{3})\b", str(proxy.original_error))):
        status = int(refusal[1])
        phrase = _REFUSALS.get(status, "the proxy refused; check HTTPS_PROXY") + f" (HTTP {status})"
    return TransportFailure(kind, f"{where}: {phrase} ({type(error).__name__})")


def _distrust(error: BaseException | None) -> int | None:
    """Return the code of OpenSSL, if the handshake ended at the certificate, before the request was sent."""
    while error is not None:
        for each in (error, *error.args):
            if isinstance(each, ssl.SSLCertVerificationError):
                return each.verify_code
        error = error.__cause__ or error.__context__
    return None
