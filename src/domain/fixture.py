"""The fixture as it lies in its folder: what stands there for one chart, and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import attrs

from .chart import ChartKey

__all__ = ["FixtureEntry", "FixtureKind", "FixtureProblem", "printable", "sum_up"]


def printable(text: str) -> str:
    r"""Write what would break a line, steer a terminal or not encode as an escape: a line break as ``\n``."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


class FixtureKind(StrEnum):
    """What a replay of the fixture would give."""

    PICTURE = "picture"
    ERROR = "error"
    OTHER = "other"  # nothing: no fixture's name, or a meta file alone


@attrs.frozen
class FixtureProblem:
    """Something wrong in the folder.

    Attributes:
        file: the exact name of the file.
        problem: one line that can be printed: what, and what to do.
    """

    file: str
    problem: str = attrs.field(converter=printable)

    def __str__(self) -> str:
        return f"{printable(self.file)}: {self.problem}"


@attrs.frozen
class FixtureEntry:
    """What is in the folder under one stem.

    Attributes:
        stem: the name without its suffix; the whole name of a file that is no fixture.
        kind: what a replay gives.
        file: the name of the file that is replayed, or that is no fixture; None when there is only a meta file.
        key: the chart it is of, None unless a meta file says so.
        http_status: of an error that can be read.
        message: what such an error says.
        size: of the file, in bytes.
        width, height: of a whole picture, in pixels.
        recorded_at: when (UTC), None unless a meta file says so.
        origin: where it came from, None unless a meta file says so.
        findings: what is wrong with the files under this stem.
    """

    stem: str
    kind: FixtureKind
    file: str | None
    key: ChartKey | None = None
    http_status: int | None = None
    message: str | None = None
    size: int = 0
    width: int | None = None
    height: int | None = None
    recorded_at: datetime | None = None
    origin: str | None = None
    findings: tuple[FixtureProblem, ...] = ()

    @property
    def chart(self) -> str:
        """Name the chart for people: by its key where that is known, else by the stem."""
        return printable(self.stem if self.key is None else str(self.key))

    def with_finding(self, file: str, problem: str) -> FixtureEntry:
        """Give the same entry with one more finding."""
        return attrs.evolve(self, findings=(*self.findings, FixtureProblem(file, problem)))


def sum_up(entries: Sequence[FixtureEntry]) -> str:
    """Say in one phrase what *entries* are: ``10 pictures, 3 errors, 571 KB, 2 findings``."""
    kinds = Counter(entry.kind for entry in entries)
    size = sum(entry.size for entry in entries if entry.kind is not FixtureKind.OTHER)
    return ", ".join(
        (
            _count(kinds[FixtureKind.PICTURE], "picture"),
            _count(kinds[FixtureKind.ERROR], "error"),
            f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} KB",  # noqa: PLR2004 (a million is a million)
            _count(sum(len(entry.findings) for entry in entries), "finding"),
        )
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
