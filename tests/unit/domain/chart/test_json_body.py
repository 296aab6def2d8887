"""What keeps a payload from being JSON, and where it is."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.chart.json_body import place, unwritable


@pytest.mark.parametrize(
    ("payload", "path", "phrase"),
    [
        ({"a": float("nan")}, "a", "is nan"),
        ({"a": [1, {"b": float("-inf")}]}, "a[1].b", "is -inf"),
        ({"a": (b"x",)}, "a[0]", "is bytes and not text"),
        ({"a": memoryview(b"x")}, "a", "is memoryview and not text"),
        ({"a": {1, 2}}, "a", "is set, for which JSON has no form"),
        ({"a": "x\udc00"}, "a", "a lone surrogate"),
        ({"a": {(1, 2): 3}}, "a", "has a key that is tuple"),
        ({"a": {1: 2, "x": 3}}, "a", "has keys that are not all text"),
        ({"a": {float("nan"): 3}}, "a", "has a key that is nan"),
        ({"a": 10**5000}, "a", "thousands of digits"),
        ({"a": datetime(2026, 1, 1, tzinfo=UTC)}, "a", "write it as text, with isoformat()"),
        ({"a": {"\ud800": 3}}, "a", "the key '\\ud800' holds a lone surrogate"),
    ],
)
def test_each_place_is_named(payload: dict[str, object], path: str, phrase: str) -> None:
    """The finding has the path of the value and says what it is."""
    (found, *_) = unwritable(payload, None)

    assert path == found.path
    assert phrase in found.message


def test_what_is_nested_too_deep_is_said_once() -> None:
    """However deep it goes on beneath."""
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]

    (found,) = unwritable({"a": value}, "too deep")

    assert "nested more than 200 levels" in found.message


def test_what_holds_itself_ends() -> None:
    """Each value is looked at once; the reason is told where no place is found."""
    circle: list[object] = []
    circle += [circle, circle]

    (found,) = unwritable({"a": circle}, "Circular reference")

    assert ("", True) == (found.path, "Circular reference" in found.message)


def test_a_path_is_no_longer_than_it_can_be_read() -> None:
    """However many values lie at the end of how long a path, little memory is taken and few are told."""
    value: Any = [float("nan")] * 200_000
    for _ in range(190):
        value = {"k" * 80: value}

    found = unwritable(value, None)

    assert 100 == len(found)
    assert 302 > max(len(each.path) for each in found)


def test_a_strange_key_makes_a_printable_path() -> None:
    """Long keys are cut, an empty one can be seen, and no control character gets through."""
    assert "a.''" == place("a", "")
    assert "a.b" == place("a", "b")
    assert "'\\x1b'" == place("", "\x1b")
    assert 100 > len(place("a", "k" * 10_000))


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=4)
    | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4) | st.integers(), inner, max_size=4),
    max_leaves=10,
)


@given(payload=st.dictionaries(st.text(), values))
def test_a_place_is_found_exactly_when_there_is_one(payload: dict[str, object]) -> None:
    """Without findings the payload is JSON that survives UTF-8, and with one it isn't."""
    try:
        json.dumps(payload, allow_nan=False, ensure_ascii=False, sort_keys=True).encode()
        writes = True
    except (ValueError, TypeError):
        writes = False

    assert writes == (() == unwritable(payload, None))
