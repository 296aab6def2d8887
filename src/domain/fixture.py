"""The fixture as it lies in its folder: what stands there for one chart, and what is wrong with it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import attrs

from .chart import ChartKey

__all__ = ["FixtureEntry", "FixtureKind", "FixtureProblem"]


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
        problem: one line: what, and what to do.
    """

    file: str
    problem: str

    def __str__(self) -> str:
        return f"{self.file}: {self.problem}"


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
        return self.stem if self.key is None else str(self.key)

    def with_finding(self, file: str, problem: str) -> FixtureEntry:
        """Give the same entry with one more finding."""
        return attrs.evolve(self, findings=(*self.findings, FixtureProblem(file, problem)))
