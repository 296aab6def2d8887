"""The callers of a gateway: read from one variable, and never shown."""

from __future__ import annotations

import json

import pytest

from chartimg import ConfigError
from chartimg.app.gateway.settings import Caller, read_callers
from rows import for_each

TOKEN = "canary-token-of-node"


def read(value: object) -> tuple[Caller, ...]:
    """Read the callers of *value*, as JSON unless it is text."""
    return read_callers({"CHARTS_GATEWAY_TOKENS": value if isinstance(value, str) else json.dumps(value)})


def test_callers_have_a_token_and_perhaps_a_limit() -> None:
    """A caller is a token, or an object with a token and a limit a day; without the variable there are no callers."""
    told = {"node": TOKEN, "sheet": {"token": f"{TOKEN}-2", "perDay": 20}, "bot": {"token": f"{TOKEN}-3"}}

    assert (Caller("node", TOKEN), Caller("sheet", f"{TOKEN}-2", 20), Caller("bot", f"{TOKEN}-3")) == read(told)
    assert () == read_callers({})
    assert TOKEN not in repr(read(told))


@for_each(
    ("value", "said"),
    [
        ("{", "is not JSON"),
        ([TOKEN], "must be an object, name to token"),
        ({}, "must be an object, name to token"),
        ({"node": 5}, "caller 1: it must be a token"),
        ({"node": {"token": TOKEN, "perWeek": 2}}, "caller 1: it must be a token"),
        ({"node": {"token": TOKEN, "perDay": True}}, "caller 1: it must be a token"),
        ({"node": {"token": TOKEN, "perDay": 0}}, "caller 1: its perDay must be above 0"),
        ({"node": "short-canary"}, "caller 1: its token must be at least 16 visible ASCII characters"),
        ({"node": f"{TOKEN} {TOKEN}"}, "caller 1: its token holds a space"),
        ({"node": "canary-tökén-of-node"}, "visible ASCII characters"),
        ({" ": TOKEN}, "caller 1: its name must be visible text"),
        (f'{{"a": "{TOKEN}", "a": "{TOKEN}-2"}}', "a name is there twice"),
        ({"a": TOKEN, "b": TOKEN}, "two callers have the same token"),
    ],
)
def test_a_mistake_is_named_without_a_token(value: object, said: str) -> None:
    """Each mistake is reported with the number of its caller, and no message holds a token."""
    with pytest.raises(ConfigError, match=r"^CHARTS_GATEWAY_TOKENS") as caught:
        read(value)

    assert said in str(caught.value)
    assert "canary" not in str(caught.value)


def test_all_mistakes_are_reported_at_once() -> None:
    """Every caller with a mistake has a line."""
    with pytest.raises(ConfigError) as caught:
        read({"a": 1, "b": "short"})

    assert 2 == len(caught.value.problems)
