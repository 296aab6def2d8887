"""The texts with rules of their own, without a table."""

from __future__ import annotations

import pytest

from chartimg.domain.check.catalog import Catalog
from chartimg.domain.check.particular import PARTICULAR, Problems
from chartimg.domain.check.suggestion import with_suggestions
from chartimg.domain.finding import Severity
from rows import for_each

LISTS = Catalog(intervals=("1h",), timezones=("Etc/UTC",), exchanges=("BINANCE", "NASDAQ"))


def found(name: str, text: str, catalog: Catalog = LISTS) -> list[tuple[Severity, str | None]]:
    """Return the severity and the suggestion of each finding."""
    problems: Problems = []
    PARTICULAR[name](problems, name, text, catalog)
    return [(each.severity, each.suggestion) for each in with_suggestions(problems)]


@for_each(
    ("name", "text", "severity", "suggestion"),
    [
        ("symbol", "nasdaq:AAPL", Severity.ERROR, "NASDAQ:AAPL"),
        ("symbol", "AAPL", Severity.ERROR, None),
        ("symbol", "AAPL:NASDAQ", Severity.WARNING, "NASDAQ:AAPL"),
        ("symbol", "NEWEX:AAPL", Severity.WARNING, None),
        ("interval", "60", Severity.ERROR, "1h"),
        ("timezone", "UTC", Severity.ERROR, "Etc/UTC"),
    ],
)
def test_a_text_outside_its_list_has_one_finding(
    name: str, text: str, severity: Severity, suggestion: str | None
) -> None:
    """An exchange that differs in case alone is an ERROR, and an unknown one is a WARNING."""
    assert [(severity, suggestion)] == found(name, text)


@pytest.mark.parametrize(("name", "text"), [("symbol", "x:Y"), ("interval", "soon"), ("timezone", "here")])
def test_an_empty_list_allows_any_text(name: str, text: str) -> None:
    """A catalog without a list has no finding about the texts of that list."""
    assert [] == found(name, text, Catalog())
