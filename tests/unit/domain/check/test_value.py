"""The types of values, and how messages show them."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from chartimg.domain.check.catalog import Parameter, ValueType
from chartimg.domain.check.value import TYPES, choices_of, is_later, kind_of, range_of, shown
from rows import for_each

VALUES: tuple[object, ...] = (None, True, 0, 1.0, 1.5, "x", "2026-01-01", {}, MappingProxyType({}), [], ())


@for_each(
    ("kind", "name", "included"),
    [
        (ValueType.STRING, "text", ("x", "2026-01-01")),
        (ValueType.COLOUR, "text, a colour like rgb(33,150,243)", ("x", "2026-01-01")),
        (ValueType.INTEGER, "a whole number", (0, 1.0)),
        (ValueType.FLOAT, "a number", (0, 1.0, 1.5)),
        (ValueType.BOOLEAN, "true or false", (True,)),
        (ValueType.MOMENT, "text, a date and time in ISO 8601", ("2026-01-01",)),
        (ValueType.OBJECT, "an object", ({}, MappingProxyType({}))),
        (ValueType.OBJECTS, "an array of objects", ([], ())),
        (ValueType.STRING_OR_OBJECT, "text or an object", ("x", "2026-01-01", {}, MappingProxyType({}))),
    ],
)
def test_each_type_includes_its_values_alone(kind: ValueType, name: str, included: tuple[object, ...]) -> None:
    """Every type has a name in messages and a test of values."""
    assert name == TYPES[kind].name
    assert list(included) == [value for value in VALUES if TYPES[kind].includes(value)]


@for_each(
    ("value", "kind"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (1.5, "the number 1.5"),
        ('a"b', 'the text "a\\"b"'),
        ({}, "an object"),
        ((), "an array"),
        (b"", "bytes"),
    ],
)
def test_each_value_has_a_kind_in_the_words_of_json(value: object, kind: str) -> None:
    """Numbers and texts are shown, other values are named."""
    assert kind == kind_of(value)


def test_60_characters_of_a_value_are_shown() -> None:
    """A longer value is cut, in numbers and texts."""
    assert ["1" * 60, f"{'1' * 60}…"] == [shown(int("1" * digits)) for digits in (60, 61)]
    assert [f'"{"x" * 58}"', f'"{"x" * 59}…'] == [shown("x" * length) for length in (58, 59)]


def test_12_choices_are_listed() -> None:
    """Three dots stand for the others."""
    assert "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11" == choices_of(range(12))
    assert "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 …" == choices_of(range(13))


@pytest.mark.parametrize(
    ("limits", "text"),
    [((1000, None), "1,000 or more"), ((None, 2000), "2,000 or less"), ((0, 0.5), "from 0 to 0.5")],
)
def test_a_range_has_one_limit_or_both(limits: tuple[float | None, float | None], text: str) -> None:
    """A range names the limits that it has, and large numbers have separators."""
    assert text == range_of(Parameter("x", ValueType.FLOAT, min=limits[0], max=limits[1]))


@for_each(
    ("one", "other", "later"),
    [
        ("2026-01-02", "2026-01-01", True),
        ("2026-01-01", "2026-01-01", False),
        ("2026-01-01T01:00:00Z", "2026-01-01T01:30:00+01:00", True),
        ("2026-01-02", "2026-01-01T00:00:00Z", False),
        ("2026-01-02", None, False),
        ("soon", "2026-01-01", False),
    ],
)
def test_two_moments_are_compared_if_both_or_neither_has_a_time_zone(one: object, other: object, later: bool) -> None:  # noqa: FBT001 (a case)
    """Of two moments, the later one is found if both or neither has a time zone; other pairs have no order."""
    assert later is is_later(one, other)
