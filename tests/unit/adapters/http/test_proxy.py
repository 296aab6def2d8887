"""The hosts that need no proxy."""

from __future__ import annotations

import ipaddress

from hypothesis import given
from hypothesis import strategies as st

from chartimg.adapters.http.proxy import exempt
from rows import for_each

HOST, PORT = "api.chart-img.com", 443
NAMES = st.from_regex(r"[a-z][a-z0-9]{0,5}(\.[a-z][a-z0-9]{0,5}){0,3}", fullmatch=True)
ADDRESSES = st.ip_addresses()


@for_each(
    ("host", "entries", "named"),
    [
        (HOST, "", False),
        (HOST, " , ,", False),
        (HOST, "*", True),
        (HOST, "*.chart-img.com", True),
        (HOST, ".chart-img.com", True),
        (HOST, "chart-img.com", True),
        (HOST, "CHART-IMG.com.", True),
        (HOST, "localhost,127.0.0.1 api.chart-img.com", True),
        (HOST, "api.chart-img.com:443", True),
        (HOST, "*.chart-img.com:443", True),
        (HOST, "*:443", True),
        (HOST, "api.chart-img.com:8443", False),
        (HOST, "img.com", False),
        (HOST, "v2.api.chart-img.com", False),
        (HOST, "*.", False),
        (HOST, "0.0.0.0/0,::/0", False),
        ("chart-img.com", "*.chart-img.com", True),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.3:443", True),
        ("10.1.2.3", "10.1.2.3:80", False),
        ("10.1.2.3", "192.168.0.0/16,fd00::/8", False),
        ("10.1.2.3", "2.3,.3,*.3", False),
        ("10.1.2.3", "*", True),
        ("fd00::1", "fd00::1", True),
        ("fd00::1", "[fd00::1]", True),
        ("fd00::1", "[fd00:0::1]:443", True),
        ("fd00::1", "[fd00::1]:80", False),
        ("fd00::1", "fd00::/8", True),
        ("fd00::1", "[fd00::]/8", True),
        ("fd00::1", "10.0.0.0/8", False),
    ],
)
def test_each_common_form_of_an_entry_is_understood(host: str, entries: str, named: bool) -> None:  # noqa: FBT001
    """A host is exempt if an entry names it, its domain or its network, with its port or without one."""
    assert named is exempt(host, PORT, entries)


@given(ADDRESSES, ADDRESSES, st.integers(0, 128))
def test_a_network_exempts_exactly_its_addresses(
    host: ipaddress.IPv4Address, base: ipaddress.IPv4Address, bits: int
) -> None:
    """A network exempts an address if and only if the address is in it."""
    network = ipaddress.ip_network(f"{base}/{min(bits, base.max_prefixlen)}", strict=False)

    assert (host in network) is exempt(str(host), PORT, str(network))


@given(NAMES, NAMES, st.sampled_from(["", ".", "*."]), st.integers(1, 65535))
def test_a_domain_exempts_exactly_itself_and_the_names_below_it(name: str, domain: str, form: str, port: int) -> None:
    """A domain exempts the names that are equal to it or end with it after a dot, on its port alone if it has one."""
    assert exempt(domain, PORT, form + domain)
    assert exempt(f"{name}.{domain}", PORT, form + domain)
    assert (name == domain or name.endswith(f".{domain}")) is exempt(name, PORT, form + domain)
    assert (port == PORT) is exempt(domain, PORT, f"{form}{domain}:{port}")


@given(st.text(), st.text())
def test_any_text_is_an_entry(host: str, entries: str) -> None:
    """No entry and no host raises."""
    exempt(host, PORT, entries)
