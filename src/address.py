"""The address of the provider: https, or http to this machine, since a key travels in a header."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from .domain.errors import ConfigError

__all__ = ["DEFAULT_BASE_URL", "SCHEMES", "is_loopback", "may_be_rebound", "read_address"]

DEFAULT_BASE_URL: Final = "https://api.chart-img.com"
SCHEMES: Final = frozenset({"http", "https"})
_ENDPOINT: Final = re.compile(r"/(v[123]|tradingview)(/|$)", re.IGNORECASE)


def read_address(base_url: str) -> SplitResult:
    """Read the address of the provider.

    Raises:
        ConfigError: it is not an address, or would send the key in the clear. The message never repeats a password.
    """
    try:
        address = urlsplit(base_url)
        host, _ = address.hostname, address.port
        (host or "").encode("idna")
    except ValueError:  # also UnicodeError
        host = address = None
    if not base_url.isprintable() or " " in base_url:
        address = None
    if address is not None and "@" in address.netloc:
        raise ConfigError("the base address must not contain a user name or password")
    if not address or not host or address.scheme not in SCHEMES or address.query or address.fragment:
        raise ConfigError(f"the base address {_wrong(base_url)}; write it like {DEFAULT_BASE_URL}")
    if _ENDPOINT.search(address.path):
        raise ConfigError(f"the base address must end before the endpoint /v2/…; write it like {DEFAULT_BASE_URL}")
    if address.scheme == "http" and not is_loopback(host):
        raise ConfigError(
            f"the base address http://{host} would send the key in the clear; use https (http is for loopback only)"
        )
    return address


def _wrong(base_url: str) -> str:
    """Return what is wrong with an address, without its text: that may be a key."""
    if base_url.startswith(("/", "./", "../", "~")) and not base_url.startswith("//"):
        return "is a path"
    if "://" not in base_url:
        return "has no scheme"
    if not base_url.lower().startswith(("https://", "http://")):
        return "must begin with https://"
    if _ENDPOINT.search(base_url):
        return "must end before the endpoint /v2/…"
    return "is malformed"


def is_loopback(host: str) -> bool:
    """Return whether *host*, a name or an address, is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def may_be_rebound(authority: str) -> bool:
    """Return whether a stranger may own the name in *authority*, ``host[:port]``, and have bound it to this machine.

    An address, a name without a dot, and the names below ``localhost`` and ``internal`` belong to no stranger (RFC 6761).
    """
    try:
        host = urlsplit(f"//{authority}").hostname or ""
    except ValueError:
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        _, dot, last = host.rstrip(".").rpartition(".")
        return bool(dot) and last not in {"localhost", "internal"}
    return False
