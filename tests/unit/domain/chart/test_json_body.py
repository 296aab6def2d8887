"""The places that keep a payload from being JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.chart.json_body import encode, json_problems, path_below, path_of
from rows import for_each


@for_each(
    ("payload", "path", "message"),
    [
        ({"a": float("nan")}, "a", "is nan, which is not a number in JSON"),
        ({"a": [1, {"b": float("-inf")}]}, "a[1].b", "is -inf, which is not a number in JSON"),
        ({"a": (1.5, b"x")}, "a[1]", "is bytes and not text; decode it"),
        ({"a": memoryview(b"x")}, "a", "is memoryview and not text; decode it"),
        ({"a": {1, 2}}, "a", "is set and not a JSON value"),
        ({"a": "x\udc00"}, "a", "holds a lone surrogate; was it cut, or read in the wrong encoding?"),
        ({"a": {(1, 2): 3}}, "a", "has a key that is tuple and not text"),
        ({"a": {1: 2, "x": 3}}, "a", "has keys that are not all text"),
        ({"a": {float("nan"): 3}}, "a", "has a key that is nan and not text"),
        ({"a": {1.5: b"x"}}, "a.1.5", "is bytes and not text; decode it"),
        ({"a": {None: b"x"}}, "a.None", "is bytes and not text; decode it"),
        ({"a": 10**5000}, "a", "is a number with thousands of digits"),
        ({"a": datetime(2026, 1, 1, tzinfo=UTC)}, "a", "is datetime; write it as text, with isoformat()"),
        ({"a": {"\ud800": 3}}, "a", "the key '\\ud800' holds a lone surrogate"),
    ],
)
def test_each_place_is_named(payload: dict[str, object], path: str, message: str) -> None:
    """The finding has the path and the problem of the value."""
    (found, *_) = json_problems(payload)

    assert (path, message) == (found.path, found.message)


def nested(value: object, levels: int) -> object:
    """Put *value* into a list, *levels* times."""
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("levels", "problem"),
    [(200, "is bytes and not text; decode it"), (201, "is nested more than 200 levels deep")],
)
def test_a_value_is_found_200_levels_deep_and_no_deeper(levels: int, problem: str) -> None:
    """A value 200 levels deep is examined; deeper nesting is reported once, however deep."""
    assert [problem] == [each.message for each in json_problems({"a": nested(b"", levels)})]
    assert ["is nested more than 200 levels deep"] == [
        each.message for each in json_problems({"a": nested(1, 100_000)})
    ]


def test_a_value_that_holds_itself_is_reported_with_the_reason_of_json() -> None:
    """A list that holds itself twice is reported once, in the words of JSON."""
    circle: list[object] = []
    circle += [circle, circle]

    (found,) = json_problems({"a": circle})

    assert ("", "can't be written as JSON (Circular reference detected)") == (found.path, found.message)


def test_a_value_that_is_there_twice_does_not_hide_the_next() -> None:
    """A list in two places is examined once, and the places after it are examined, too."""
    twice = [b""]

    assert ["a[0]", "c"] == [each.path for each in json_problems({"a": twice, "b": twice, "c": b""})]


def test_an_error_without_a_text_is_reported_by_its_name() -> None:
    """An exception without a text is reported by the name of its class."""

    def fail() -> bytes:
        raise ValueError

    (found,) = json_problems({}, fail)

    assert "can't be written as JSON (ValueError)" == found.message


def test_findings_and_their_paths_are_limited() -> None:
    """100 findings are listed, with the first 300 characters of their paths."""
    value: Any = [float("nan")] * 200_000
    for _ in range(190):
        value = {"k" * 80: value}

    found = json_problems(value)

    assert 100 == len(found)
    assert {f"{'.'.join(['k' * 80] * 4)[:300]}…"} == {each.path for each in found}


@pytest.mark.parametrize("sign", [1, -1])
def test_a_number_has_at_most_4300_digits(sign: int) -> None:
    """A number of 4,300 digits passes; a longer one, which Python does not write by default, is reported."""
    assert () == json_problems({"a": sign * (10**4300 - 1)})
    assert ["b"] == [each.path for each in json_problems({"a": sign * (10**4300 - 1), "b": b""})]
    assert ["is a number with thousands of digits"] == [each.message for each in json_problems({"a": sign * 10**4300})]


def test_a_strange_key_makes_a_printable_path() -> None:
    """A key of over 80 characters is cut, and an empty or unprintable one is quoted."""
    assert ["a.b", "a.''", "'\\x1b'"] == [path_below("a", "b"), path_below("a", ""), path_below("", "\x1b")]
    assert ["k" * 80, f"'{'k' * 80}'"] == [path_below("", "k" * length) for length in (80, 81)]


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


def test_the_text_is_canonical() -> None:
    """The text of a body is ASCII with sorted keys and without a space, since kept pictures are named after it."""
    assert b'{"a":[1,2],"b":"\\u00fc"}' == encode({"b": "\u00fc", "a": [1, 2]})


@given(payload=st.dictionaries(st.text(), values))
def test_a_place_is_found_exactly_when_there_is_one(payload: dict[str, object]) -> None:
    """A payload without findings is JSON in UTF-8, and one with findings is not."""
    try:
        json.dumps(payload, allow_nan=False, ensure_ascii=False, sort_keys=True).encode()
        writes = True
    except (ValueError, TypeError):
        writes = False

    assert writes == (() == json_problems(payload))


@pytest.mark.parametrize(("last", "end"), [("k" * 57, ""), ("k" * 58, "\u2026")])
def test_a_path_of_300_characters_is_whole(last: str, end: str) -> None:
    """A path of at most 300 characters is not cut."""
    place = ((((None, "k" * 80, False), "k" * 80, False), "k" * 80, False), last, False)

    assert f"{'.'.join(['k' * 80] * 3)}.{last}"[:300] + end == path_of(place)


def test_keys_may_be_of_several_kinds_of_text() -> None:
    """Keys of a class that is text, beside plain ones, are sorted and written like them."""
    name = StrEnum("name", ["SIZE"])

    assert () == json_problems({"a": 1, name.SIZE: {name.SIZE: 2, "b": 3}})
    assert ["c"] == [each.path for each in json_problems({"a": {name.SIZE: 2, "b": 3}, "c": float("nan")})]
