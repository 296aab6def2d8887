"""The address of the provider: https, or http to this machine, without secrets."""

from __future__ import annotations

import pytest

from chartimg.address import may_be_rebound, read_address
from chartimg.domain.errors import ConfigError
from rows import for_each

SECRET = "s3cret-pass"


@for_each(
    "address",
    [
        "https://api.chart-img.com",
        "https://api.chart-img.com:8443/prefix",
        "HTTPS://API.CHART-IMG.COM",
        "http://localhost:8080",
        "http://LOCALHOST",
        "http://127.0.0.1:1",
        "http://127.8.7.6",
        "http://[::1]:8080",
        "https://[2001:db8::1]",
    ],
)
def test_a_base_address_that_keeps_the_key_safe_is_taken(address: str) -> None:
    """A base address may be https, or http to this machine."""
    assert read_address(address).hostname


@for_each(
    "address",
    [
        "http://api.chart-img.com",
        "http://192.168.0.1",
        "http://0.0.0.0",
        "http://[2001:db8::1]",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1\\@example.com",
        "http://example.com\\@127.0.0.1",
    ],
)
def test_http_to_another_machine_is_refused(address: str) -> None:
    """Http to another machine is a ConfigError, since the key would travel in the clear."""
    with pytest.raises(ConfigError):
        read_address(address)


@for_each(
    "address",
    [
        "",
        " ",
        "api.chart-img.com",
        "//api.chart-img.com",
        "https://",
        "https:///v2",
        "https:api.chart-img.com",
        "ftp://api.chart-img.com",
        "file:///etc/hosts",
        "https://[::1",
        "https://[nothing]",
        "https://api.chart-img.com:port",
        "https://api.chart-img.com:99999",
        "https://api.chart-img.com?key=1",
        "https://api.chart-img.com/#top",
        "https://api chart-img.com",
        "https://api..chart-img.com",
        f"https://{'a' * 64}.com",
    ],
)
def test_garbage_for_a_base_address_is_refused(address: str) -> None:
    """A malformed base address is a ConfigError of one line."""
    with pytest.raises(ConfigError) as refusal:
        read_address(address)

    assert 1 == len(str(refusal.value).splitlines())


@for_each(
    ("address", "wrong"),
    [
        ("/v2/tradingview/advanced-chart", "is a path"),
        ("./chart-img", "is a path"),
        ("~/charts", "is a path"),
        ("api.chart-img.com", "has no scheme"),
        ("localhost:8080", "has no scheme"),
        (SECRET, "has no scheme"),
        ("https://api.chart-img.com/v2/tradingview/advanced-chart", "must end before the endpoint /v2/…"),
        ("https://api.chart-img.com/prefix/v2", "must end before the endpoint /v2/…"),
        (f"https://api.chart-img.com/v1/tradingview/mini-chart?key={SECRET}", "must end before the endpoint /v2/…"),
        ("http://localhost:8080/v3/", "must end before the endpoint /v2/…"),
        ("https://api.chart-img.com/V2", "must end before the endpoint /v2/…"),
        ("https://api.chart-img.com/tradingview/advanced-chart", "must end before the endpoint /v2/…"),
        ("//api.chart-img.com", "has no scheme"),
        ("htps://api.chart-img.com", "must begin with https://"),
        (f"https://api.chart-img.com?key={SECRET}", "is malformed"),
    ],
)
def test_what_is_wrong_with_a_base_address_is_named(address: str, wrong: str) -> None:
    """A path, an address without a scheme and one with the endpoint are each called so, and a key is not repeated."""
    with pytest.raises(ConfigError) as refusal:
        read_address(address)

    assert f"the base address {wrong}; write it like https://api.chart-img.com" == str(refusal.value)


@for_each(
    "address",
    [
        f"https://user:{SECRET}@api.chart-img.com",
        f"https://{SECRET}@api.chart-img.com",
        f"https://:{SECRET}@api.chart-img.com",
        f"http://user:{SECRET}@127.0.0.1",
        f"https://user:{SECRET}@api.chart-img.com:port",
        f"https://user:{SECRET}/x@api.chart-img.com",
        f"https://user:x@{SECRET}@api.chart-img.com?q=1",
        f"ftp://user:{SECRET}@api.chart-img.com",
    ],
)
def test_a_password_in_the_base_address_is_refused_and_not_repeated(address: str) -> None:
    """A base address with a password is a ConfigError that does not repeat it."""
    with pytest.raises(ConfigError) as refusal:
        read_address(address)

    assert SECRET not in str(refusal.value)


@for_each(
    ("authority", "expected"),
    [
        ("", False),
        ("localhost:8765", False),
        ("LOCALHOST.", False),
        ("app.localhost", False),
        ("host.docker.internal:8765", False),
        ("gateway:8765", False),
        ("127.0.0.1:8765", False),
        ("[::1]:8765", False),
        ("10.0.0.7", False),
        ("evil.example", True),
        ("localhost.evil.example:8765", True),
        ("127.0.0.1.evil.example", True),
        ("evil.example.", True),
        ("[bad", True),
    ],
)
def test_a_name_that_a_stranger_may_own_is_told_from_others(authority: str, *, expected: bool) -> None:
    """Addresses and names of this machine or network belong to no stranger, and any other name may be rebound."""
    assert expected is may_be_rebound(authority)
