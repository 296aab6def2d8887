"""The search of the catalog: whole names, aliases, beginnings and parts."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from hypothesis import given
from hypothesis import strategies as st

from chartimg.adapters.catalog import shipped_catalog
from chartimg.app.search import matching_names
from chartimg.domain.errors import ConfigError
from rows import for_each

CATALOG = shipped_catalog()
STUDIES = [study.name for study in CATALOG.studies]


@given(st.sampled_from(STUDIES), st.sampled_from([str.upper, str.lower, str.swapcase]))
def test_a_whole_name_means_itself(name: str, case: Callable[[str], str]) -> None:
    """A whole name means itself in any case, even if longer names begin with it."""
    assert [name] == list(matching_names("study", STUDIES, case(name), CATALOG.study_by_alias))


@given(st.text())
def test_a_name_means_names_there_are(text: str) -> None:
    """For any text the answer is some of the names, or a ConfigError."""
    found: Sequence[str] = ["none"]
    with contextlib.suppress(ConfigError):
        found = matching_names("study", STUDIES, text, CATALOG.study_by_alias)

    assert found
    assert set(found) <= {*STUDIES, "none"}


@for_each(
    ("text", "names"),
    [
        ("macd", ["MACD"]),
        ("stoch", ["Stochastic"]),
        ("linear", ["Linear Regression Curve", "Linear Regression Slope"]),
        ("rsi", ["Relative Strength Index"]),
        ("ema", ["Moving Average Exponential"]),
        ("sma", ["Moving Average"]),
        ("exponential moving average", ["Moving Average Exponential"]),
        ("tsi", ["Trend Strength Index", "True Strength Index"]),
        ("rvi", ["Relative Vigor Index", "Volatility Index"]),
        ("trend", ["Trend Strength Index"]),
        ("%", ["Bollinger Bands %B", "Williams %R"]),
    ],
)
def test_a_part_of_a_name_means_the_names_that_have_it(text: str, names: list[str]) -> None:
    """A text means the names it abbreviates or is an alias of, else those it begins, else those it is in."""
    assert names == list(matching_names("study", STUDIES, text, CATALOG.study_by_alias))
