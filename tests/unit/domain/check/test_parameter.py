"""The rows of a table, and the quick test of a value."""

from __future__ import annotations

from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.check.catalog import Catalog, Entry, Parameter, ValueType
from chartimg.domain.check.check import check_payload
from chartimg.domain.check.parameter import Table
from rows import for_each

VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-9, 9),
    st.floats(-9, 9),
    st.sampled_from(["", " ", "a", "1", "rgb(1,2,3)", "rgba(1,2,3,0.55)", "2026-01-05", [], {}, [{}], 5.0]),
)
ROWS = st.builds(
    Parameter,
    st.just("key"),
    st.sampled_from(ValueType),
    required=st.booleans(),
    min=st.none() | st.integers(-5, 0),
    max=st.none() | st.integers(0, 5),
    enum=st.sampled_from([(), ("a", "1"), (1, 5)]),
)


@given(row=ROWS, value=VALUES)
def test_a_value_that_surely_fits_has_no_finding(row: Parameter, value: object) -> None:
    """The quick test passes no value that the check would report."""
    if row.surely_fits(value):
        assert [] == check_payload({"outer": {"key": value}}, Catalog(parameters=(_outer(row),)))


@for_each(
    ("row", "right", "unsure"),
    [
        (Parameter("x", ValueType.BOOLEAN), [True, False], [None, 0, 1, "true"]),
        (Parameter("x", ValueType.BOOLEAN, min=0), [], [True]),
        (Parameter("x", ValueType.BOOLEAN, max=1), [], [True]),
        (Parameter("x", ValueType.BOOLEAN, enum=(1,)), [], [True]),
        (Parameter("x", ValueType.INTEGER), [-(10**9), 10**9], [None, 1.5, 2.0, True, "1"]),
        (Parameter("x", ValueType.INTEGER, min=1, max=5), [1, 5], [0, 6]),
        (Parameter("x", ValueType.FLOAT, min=1, max=5), [1, 1.0, 5], [0.9, 5.1, True]),
        (Parameter("x", ValueType.FLOAT, enum=(1, 5)), [], [1, 5]),
        (Parameter("x", ValueType.STRING), ["", "a"], [None, 1, {}]),
        (Parameter("x", ValueType.STRING, required=True), [], ["", "a"]),
        (Parameter("x", ValueType.STRING, enum=("a", "1", 1)), ["a", "1"], ["b", "", 1, None]),
        (Parameter("x", ValueType.STRING_OR_OBJECT, enum=("a",)), ["a"], ["b", {}]),
        (Parameter("x", ValueType.COLOUR), ["rgb(1,2,3)"], ["red", "", None]),
        (Parameter("x", ValueType.COLOUR, enum=("red",)), [], ["red", "rgb(1,2,3)"]),
        (Parameter("x", ValueType.OBJECT), [{}, {"a": 1}], [[], None, "a"]),
        (Parameter("x", ValueType.OBJECT, fields=(Parameter("y", ValueType.STRING),)), [], [{}]),
        (Parameter("x", ValueType.MOMENT), [], ["2024-01-01", 1]),
        (Parameter("x", ValueType.OBJECTS), [], [[], [{}]]),
    ],
)
def test_a_plain_value_surely_fits(row: Parameter, right: list[object], unsure: list[object]) -> None:
    """The quick test passes booleans, numbers, choices, colours, plain texts and free objects, and no other value."""
    assert [True] * len(right) + [False] * len(unsure) == [row.surely_fits(each) for each in right + unsure]


def test_a_parameter_states_nothing_by_default() -> None:
    """A row with a name and a type alone allows every value of that type."""
    assert (False, None, None, (), None, "", ()) == attrs.astuple(Parameter("x", ValueType.STRING))[2:]


def test_a_type_is_written_as_in_the_tables_of_the_documentation() -> None:
    """A catalog in a file names the types in these words."""
    words = ["String", "Integer", "Float", "Boolean", "Color", "DateTime", "Object", "Object[]", "String or Object"]

    assert words == [*map(str, ValueType)]


def test_an_entry_has_its_keys_by_name() -> None:
    """The keys of input and those of override are two tables."""
    one, other = Parameter("a", ValueType.STRING), Parameter("b", ValueType.STRING)
    entry = Entry("E", (one,), (other,))

    assert ({"a": one}, {"b": other}) == (entry.input_by_name, entry.override_by_name)
    assert {"a": one} == Parameter("x", ValueType.OBJECT, fields=(one,)).field_by_name


def test_a_table_lists_the_keys_that_must_be_there() -> None:
    """A table gives its rows by name, the last of two namesakes, and the names of the required ones."""
    rows = [Parameter("a", ValueType.STRING), Parameter("b", ValueType.STRING, required=True)]
    table = Table([*rows, Parameter("a", ValueType.FLOAT, required=True)])

    assert (["a", "b"], ("a", "b"), ValueType.FLOAT) == ([*table], table.required, table["a"].type)


def _outer(row: Parameter) -> Parameter:
    return Parameter("outer", ValueType.OBJECT, fields=(row,))
