"""How the fixtures of a folder look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from rich.text import Text

from ...domain.fixture import FixtureEntry, FixtureKind
from .text import counted, printable, show_table, table

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["show_fixtures", "sum_up_fixtures"]

_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"))
_MEGABYTE: Final = 1_000_000


def show_fixtures(entries: Sequence[FixtureEntry], now: datetime) -> None:
    """Print a row for each chart: content, size, age at *now*, the origin if there is room, and findings if any."""
    show_table(_fixtures(entries, now, origins=True), _fixtures(entries, now, origins=False))


def _fixtures(entries: Sequence[FixtureEntry], now: datetime, *, origins: bool) -> Table:
    headings: tuple[str, ...] = ("chart", "fixture", "KB", "age", *(("origin",) if origins else ()))
    if flawed := any(entry.findings for entry in entries):
        headings += ("findings",)
    rows = table(
        *headings, folding=() if origins else ("fixture",), right=("KB", "age"), title=sum_up_fixtures(entries)
    )
    for entry in entries:
        rows.add_row(
            Text(printable(entry.chart)),
            Text(printable(_content(entry))),
            Text("" if entry.kind is FixtureKind.OTHER else f"{entry.size / 1000:,.1f}"),
            Text("" if entry.recorded_at is None else _age(entry.recorded_at, now)),
            *((Text(printable(entry.origin or "")),) if origins else ()),
            *((Text(str(len(entry.findings) or ""), style="red"),) if flawed else ()),
        )
    return rows


def sum_up_fixtures(entries: Sequence[FixtureEntry]) -> str:
    """Return the counts and the size of *entries* in a phrase: ``10 pictures, 3 errors, 571 KB, 2 findings``."""
    kinds = Counter(entry.kind for entry in entries)
    size = sum(entry.size for entry in entries if entry.kind is not FixtureKind.OTHER)
    return ", ".join(
        (
            counted(kinds[FixtureKind.PICTURE], "picture"),
            counted(kinds[FixtureKind.ERROR], "error"),
            *([counted(kinds[FixtureKind.ANSWER], "answer")] if FixtureKind.ANSWER in kinds else ()),
            f"{size / _MEGABYTE:,.1f} MB" if size >= _MEGABYTE else f"{size / 1000:.0f} KB",
            counted(sum(len(entry.findings) for entry in entries), "finding"),
        )
    )


def _content(entry: FixtureEntry) -> str:
    """Describe the result of a replay: the size of a picture, or the status and message of an error."""
    match entry.kind:
        case FixtureKind.PICTURE if entry.width is not None:
            return f"{entry.width}x{entry.height}"
        case FixtureKind.ERROR if entry.http_status is not None:
            return f"{entry.http_status} {entry.message or ''}"
        case FixtureKind.ANSWER:
            return "answer"
        case FixtureKind.PICTURE | FixtureKind.ERROR:
            return f"{entry.kind}, damaged"
        case _:
            return "none"


def _age(recorded_at: datetime, now: datetime) -> str:
    """Return an age in the largest unit that fits, rounded down: ``3 d``."""
    seconds = (now - recorded_at).total_seconds()
    if seconds < 0:
        return "in the future"
    return next((f"{seconds // size:,.0f} {unit}" for size, unit in _UNITS if seconds >= size), "now")
