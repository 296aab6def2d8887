"""The budget of a session, read from its variable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg import ConfigError
from chartimg.app.mcp.settings import read_budget
from rows import for_each


@given(st.integers(0, 999_999_999))
def test_a_budget_is_a_whole_number(units: int) -> None:
    """A whole number is the budget; without the variable there is none."""
    assert units == read_budget({"CHARTS_MCP_BUDGET": f" {units} "})
    assert read_budget({}) is read_budget({"CHARTS_MCP_BUDGET": " "}) is None


@for_each("text", ["-1", "1.5", "ten", "1_0", "٣", "9" * 30])
def test_another_text_is_refused_by_name(text: str) -> None:
    """A text that is not a whole number is a ConfigError that names the variable."""
    with pytest.raises(ConfigError, match="CHARTS_MCP_BUDGET must be a whole number of units for one session"):
        read_budget({"CHARTS_MCP_BUDGET": text})
