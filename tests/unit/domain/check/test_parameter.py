"""The rows of a table, and the quick test of a value."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.check.catalog import Catalog, Parameter, ValueType
from chartimg.domain.check.check import check_payload
from chartimg.domain.check.parameter import Table

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


def test_a_table_lists_the_keys_that_must_be_there() -> None:
    """A table gives its rows by name, the last of two namesakes, and the names of the required ones."""
    rows = [Parameter("a", ValueType.STRING), Parameter("b", ValueType.STRING, required=True)]
    table = Table([*rows, Parameter("a", ValueType.FLOAT, required=True)])

    assert (["a", "b"], ("a", "b"), ValueType.FLOAT) == ([*table], table.required, table["a"].type)


def _outer(row: Parameter) -> Parameter:
    return Parameter("outer", ValueType.OBJECT, fields=(row,))
