"""The words of the tools: one line beside a picture, and a next step in each error."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from chartimg.app.mcp import words
from chartimg.domain.account import AccountState
from chartimg.domain.account.status import AccountStatus
from chartimg.domain.faults import ChartApiError, FaultKind
from chartimg.domain.finding import Finding, Severity
from chartimg.domain.result import ChartApiSuccess, Source
from rows import for_each

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
SEVERITIES = st.sampled_from(Severity)
STEPS = (
    "Correct it and ask again:",
    "draws no new ones.",
    "Do not ask again before 2026-01-02 12:00:00 UTC.",
    "It may cost another unit.",
    "Change the chart, or tell a person.",
)
FINDINGS = st.lists(
    st.builds(Finding, st.sampled_from(["", "width"]), SEVERITIES, st.sampled_from(["is wrong", "is odd"]))
)


def status(name: str, left: int) -> AccountStatus:
    """Return the status of an account with units *left* of ten."""
    return AccountStatus(name, AccountState.AVAILABLE, 10 - left, 10, left, "", NOON, NOON, None)


@given(st.sampled_from(Source), st.none() | st.just(NOON), FINDINGS)
def test_a_picture_has_one_line_with_its_moment_source_and_units(
    source: Source, taken_at: datetime | None, warnings: list[Finding]
) -> None:
    """The line has the chart, the moment if it is known, the source, the units and each warning, and not the picture."""
    result = ChartApiSuccess(png_bytes=b"canary", source=source, taken_at=taken_at, warnings=tuple(warnings))
    line = words.pictured("BINANCE:BTCUSDT 1h", result, "units left: 3 today")
    moment = "an unknown time" if taken_at is None else "2026-01-02 12:00:00 UTC"

    assert line.startswith(f"BINANCE:BTCUSDT 1h, taken at {moment}, source {source}, units left: 3 today")
    assert len(warnings) == line.count("warning: ")
    assert 1 == len(line.splitlines())
    assert result.as_data_url().partition(",")[2] not in line


@for_each("at", [None, NOON])
@for_each("kind", FaultKind)
def test_each_error_ends_with_a_next_step(kind: FaultKind, at: datetime | None) -> None:
    """For each kind the text says what to do; a kind that may succeed later never asks for a change."""
    error = ChartApiError.of(kind, "it failed", available_at=at)
    text = words.failed(error)

    assert 1 == sum(text.endswith(step) for step in STEPS)
    assert not (error.retriable and text.endswith("Change the chart, or tell a person."))


@given(FINDINGS)
def test_a_check_shows_every_finding_errors_first(findings: list[Finding]) -> None:
    """Each finding is a line, those that the provider refuses first; without findings the body is right."""
    head, *lines = words.checked(findings).splitlines()

    assert sorted(map(str, findings)) == sorted(lines)
    assert lines == sorted(lines, key=lambda line: "WARNING" in line)
    assert ("No mistake was found." == head) is (not findings)


def test_many_accounts_are_cut_off_and_counted() -> None:
    """Of many accounts twenty are shown, and the units of all are added."""
    lines = words.units([status(f"a{number}", 2) for number in range(25)], None, None).splitlines()

    assert "units left: 50 today" == lines[0]
    assert 22 == len(lines)
    assert (
        "a0: AVAILABLE, 2 of 10 units left, next call 2026-01-02 12:00:00 UTC, new day 2026-01-02 12:00:00 UTC"
        == lines[1]
    )
    assert "and 5 more accounts" == lines[-1]
