"""The texts with rules of their own, without a table."""

from __future__ import annotations

import pytest

from chartimg.domain.check.catalog import Catalog, Entry
from chartimg.domain.check.particular import PARTICULAR, Problems, error, unknown_key, unknown_name, warning
from chartimg.domain.check.suggestion import Unknown, with_suggestions
from chartimg.domain.finding import Finding, Severity
from rows import for_each

LISTS = Catalog(
    intervals=("1h", "1D"), unconfirmed_intervals=("2m",), timezones=("Etc/UTC",), exchanges=("BINANCE", "NASDAQ")
)


def found(name: str, text: str, catalog: Catalog = LISTS) -> list[tuple[Severity, str, str | None]]:
    """Return the severity, the message and the suggestion of each finding."""
    problems: Problems = []
    PARTICULAR[name](problems, name, text, catalog)
    return [(each.severity, each.message, each.suggestion) for each in with_suggestions(problems)]


@for_each(
    ("name", "text", "severity", "message", "suggestion"),
    [
        (
            "symbol",
            "nasdaq:AAPL",
            Severity.ERROR,
            'the exchange "nasdaq" is written NASDAQ; did you mean "NASDAQ:AAPL"?',
            "NASDAQ:AAPL",
        ),
        (
            "symbol",
            "AAPL:NASDAQ",
            Severity.WARNING,
            'the exchange "AAPL" is not in the catalog; did you mean "NASDAQ:AAPL"?',
            "NASDAQ:AAPL",
        ),
        ("symbol", "NEWEX:AAPL", Severity.WARNING, 'the exchange "NEWEX" is not in the catalog', None),
        ("interval", "60", Severity.ERROR, '"60" is not an interval; did you mean "1h"?', "1h"),
        ("interval", "soon", Severity.ERROR, '"soon" is not an interval; use one of 1h, 1D', None),
        ("interval", "2m", Severity.WARNING, '"2m" appears only in the change log of the documentation', None),
        (
            "timezone",
            "UTC",
            Severity.ERROR,
            '"UTC" is not a time zone of the provider; did you mean "Etc/UTC"?',
            "Etc/UTC",
        ),
        (
            "timezone",
            "Mars",
            Severity.ERROR,
            '"Mars" is not a time zone of the provider; use one like America/New_York',
            None,
        ),
    ],
)
def test_a_text_outside_its_list_has_one_finding(
    name: str, text: str, severity: Severity, message: str, suggestion: str | None
) -> None:
    """An exchange that differs in case alone is an ERROR, and an unknown one is a WARNING."""
    assert [(severity, message, suggestion)] == found(name, text)


TWELVE = tuple("abcdefghijkl")


@for_each(
    ("problem", "expected"),
    [
        (
            unknown_name("studies[0]", "Newest", {}, {}),
            'ERROR studies[0].name: "Newest" is not in the catalog; if the provider has added it, name it in CHARTS_CATALOG',
        ),
        (
            unknown_name("studies[0]", "EMA:200", {"EMA": Entry("EMA")}, {}),
            'ERROR studies[0].name: "EMA:200" is not in the catalog, and its numbers belong in input; did you mean "EMA"?',
        ),
        (unknown_key("a.b", "b", ()), 'WARNING a.b: "b" is not a key here; no keys are documented'),
        (
            unknown_key("z", "z", TWELVE),
            'WARNING z: "z" is not a key here; keys are a, b, c, d, e, f, g, h, i, j, k, l',
        ),
        (unknown_key("z", "z", (*TWELVE, "m")), 'WARNING z: "z" is not a key here'),
        (unknown_key("widht", "widht", ("width",)), 'WARNING widht: "widht" is not a key here; did you mean "width"?'),
        (error("width", "is required"), "ERROR width: is required"),
        (warning("width", "is odd"), "WARNING width: is odd"),
    ],
)
def test_an_unknown_name_or_key_says_how_to_go_on(problem: Finding | Unknown, expected: str) -> None:
    """The message ends with the likely name, or with the keys of a short table."""
    (finding,) = with_suggestions([problem])

    assert expected == f"{finding.severity} {finding.path}: {finding.message}"
    assert ("did you mean" in expected) is (finding.suggestion is not None)


@pytest.mark.parametrize(("name", "text"), [("symbol", "x:Y"), ("interval", "soon"), ("timezone", "here")])
def test_an_empty_list_allows_any_text(name: str, text: str) -> None:
    """A catalog without a list has no finding about the texts of that list."""
    assert [] == found(name, text, Catalog())
