"""The error table."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest

from chartimg.domain.errors import ChartUnavailable, ConfigError
from chartimg.domain.faults import MEANINGS, ChartApiError, ErrorCode, FaultKind, Retriable
from chartimg.domain.finding import Finding, Severity
from places import DOCS
from rows import for_each
from samples import NOON


def test_the_table_that_decides_is_the_documented_one() -> None:
    """MEANINGS has the rows of docs/results.md: each kind with its code, its retriability and its remedy."""
    text = (DOCS / "results.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\|[^|]+\| `(\w+)` \| `(\w+)` \| ([^|]+) \| ([a-z ]+?)(?:;[^|]*)? \|$", text, re.MULTILINE)

    assert set(FaultKind) == set(MEANINGS)
    assert rows == [(kind, row.code, row.retriable, row.remedy.replace("_", " ")) for kind, row in MEANINGS.items()]


@for_each("kind", FaultKind)
def test_the_help_of_an_error_is_the_section_of_its_kind(kind: FaultKind) -> None:
    """The address that an error and its exception name is a heading of docs/errors.md."""
    error = ChartApiError.of(kind, "it failed")
    page, _, anchor = error.help.partition("#")
    headings = re.findall("^## (.*)$", (DOCS.parent / page).read_text(encoding="utf-8"), re.MULTILINE)

    assert anchor in [heading.lower() for heading in headings]
    assert [f"see {error.help}"] == ChartUnavailable(error).__notes__


def test_codes_and_kinds_are_their_own_text() -> None:
    """A host may compare a code or a kind with text."""
    assert all(code == code.name for code in ErrorCode)
    assert all(kind == kind.name for kind in FaultKind)


@for_each("kind", FaultKind)
@for_each("available_at", [None, NOON])
def test_an_error_is_what_its_row_says(kind: FaultKind, available_at: datetime | None) -> None:
    """Code, retriability and remedy of an error are those of its row; a moment may decide whether it is retriable."""
    row = MEANINGS[kind]
    error = ChartApiError.of(kind, "it failed", available_at=available_at)

    retriable = {Retriable.NO: False, Retriable.YES: True, Retriable.IF_DATED: available_at is not None}
    assert (row.code, retriable[row.retriable], row.remedy) == (error.code, error.retriable, error.remedy)


def test_an_error_keeps_all_that_it_gets() -> None:
    """Status, pause, moment and details of an error are the caller's; without them it has none."""
    kind, details = FaultKind.THROTTLED, ({"param": "width"},)
    full = ChartApiError.of(kind, "slow", http_status=429, retry_after=2.0, available_at=NOON, details=details)

    code = ErrorCode.CHART_API_LIMIT_EXCEEDED
    assert ChartApiError(code, kind, "slow", True, 429, 2.0, NOON, details) == full  # noqa: FBT003
    assert ChartApiError(code, kind, "slow", True, None, None, None, ()) == ChartApiError.of(kind, "slow")  # noqa: FBT003
    assert ChartApiError(code, kind, "slow", True) == ChartApiError.of(kind, "slow")  # noqa: FBT003


def test_an_error_of_nonsense_names_the_argument() -> None:
    """An error of another type than a kind, or of other things than findings, is a ConfigError that names the argument."""
    nonsense: Any = 5
    with pytest.raises(ConfigError, match=r"^kind must be a FaultKind, not int$"):
        ChartApiError.of(nonsense, "it failed")
    with pytest.raises(ConfigError, match=r"^findings must be "):
        ChartApiError.invalid(nonsense)


@pytest.mark.parametrize(
    ("count", "end"),
    [
        (1, "a[0]: is odd"),
        (5, "a[0]: is odd; a[1]: is odd; a[2]: is odd; a[3]: is odd; a[4]: is odd"),
        (6, "a[0]: is odd; a[1]: is odd; a[2]: is odd; a[3]: is odd; a[4]: is odd; and 1 more"),
        (5_000, "a[0]: is odd; a[1]: is odd; a[2]: is odd; a[3]: is odd; a[4]: is odd; and 4,995 more"),
    ],
)
def test_a_wrong_request_names_five_findings_and_keeps_all(count: int, end: str) -> None:
    """The message fits a line however many findings there are; each of them is a detail."""
    findings = [Finding(f"a[{number}]", Severity.ERROR, "is odd") for number in range(count)]
    error = ChartApiError.invalid(findings)

    assert (FaultKind.INVALID_BEFORE_CALL, f"The chart request is wrong: {end}") == (error.kind, error.message)
    assert tuple(finding.detail for finding in findings) == error.details


def test_the_table_is_frozen() -> None:
    """A row of the table can't be replaced."""
    with pytest.raises(TypeError):
        MEANINGS[FaultKind.NETWORK] = MEANINGS[FaultKind.BAD_IMAGE]  # type: ignore[index]


def test_errors_are_named_before_warnings() -> None:
    """The message of a wrong request begins with its ERRORs, however many WARNINGs were found before them."""
    warnings = [Finding(f"studies[{place}]", Severity.WARNING, "may be wrong") for place in range(9)]
    error = ChartApiError.invalid([*warnings, Finding("width", Severity.ERROR, "is too large")])

    assert error.message.startswith("The chart request is wrong: width: is too large; studies[0]: may be wrong")
    assert [("width", "ERROR"), ("studies[0]", "WARNING")] == [(d["param"], d["severity"]) for d in error.details[:2]]
    assert 10 == len(error.details)
