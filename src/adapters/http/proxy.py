"""The proxy that the environment has for an address."""

from __future__ import annotations

import ipaddress
import re
import ssl
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, getproxies_environment, proxy_bypass

import urllib3

from ...address import SCHEMES, is_loopback
from ...domain.errors import ConfigError

__all__ = ["exempt", "proxy_for", "proxy_manager"]

_PORTS: Final = {"http": 80, "https": 443}


def proxy_for(address: SplitResult) -> str | None:
    """Return the proxy that the environment has for *address*; None for this machine, since a proxy would see the key."""
    host = str(address.hostname)
    proxies, port = getproxies_environment(), address.port or _PORTS[address.scheme]
    if is_loopback(host) or (exempt(host, port, proxies.get("no", "")) if proxies else proxy_bypass(host)):
        return None
    proxies = proxies or getproxies()  # those of macOS and Windows
    return proxies.get(address.scheme) or proxies.get("all")


def exempt(host: str, port: int, entries: str) -> bool:
    """Return whether *entries*, those of ``NO_PROXY``, name *host*.

    An entry is ``*``, a domain (``x``, ``.x``, ``*.x``), an address (``::1``, ``[::1]``) or a network (``10.0.0.0/8``), and may
    have a port. A domain stands for all names that end with it.
    """
    return any(_names(entry, host.lower().rstrip("."), port) for entry in re.split(r"[\s,]+", entries.lower()))


def _names(entry: str, host: str, port: int) -> bool:
    name, number = entry, ""
    if entry.count(":") == 1 or "]:" in entry:
        name, _, number = entry.rpartition(":")
    name = name.replace("[", "").replace("]", "")
    if number and number != str(port):
        return False
    if name == "*":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        domain = name.removeprefix("*").strip(".")
        return bool(domain) and f".{host}".endswith(f".{domain}")
    try:
        return address in ipaddress.ip_network(name, strict=False)
    except ValueError:
        return False


def proxy_manager(proxy: str, size: int, context: ssl.SSLContext | None) -> urllib3.PoolManager:
    """Make the connections through *proxy*.

    Raises:
        ConfigError: it is not the address of a proxy. The message never repeats a password.
    """
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
