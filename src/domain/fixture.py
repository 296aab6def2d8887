"""A fixture in its folder: the files of one chart, and the problems with them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import attrs

from .chart import PictureKey
from .errors import ConfigError

__all__ = ["FixtureEntry", "FixtureKind", "FixtureProblem", "no_fixtures"]


def no_fixtures(folder: object) -> ConfigError:
    """Return the error of a *folder* of fixtures that does not exist."""
    return ConfigError(f"the fixtures folder {folder} does not exist; set CHARTS_FIXTURES_DIR to one that does")


class FixtureKind(StrEnum):
    """The outcome of a replay."""

    PICTURE = "picture"
    ERROR = "error"
    ANSWER = "answer"  # in JSON, with the status 200: an address or a list
    OTHER = "other"  # not a fixture, or a meta file alone


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
    """The files under one stem.

    Attributes:
        stem: the name without its suffix; the whole name of a file that is not a fixture.
        kind: the outcome of a replay.
        file: name of the file that is replayed, or that is not a fixture; None for a meta file alone.
        key: the chart, if a meta file names it.
        http_status: status of a readable error or answer.
        message: message of a readable error.
        size: bytes of the file.
        width, height: pixels of a whole picture.
        recorded_at: moment (UTC) of the recording, if a meta file has it.
        origin: source of the content, if a meta file has it.
        findings: problems with the files under this stem.
    """

    stem: str
    kind: FixtureKind
    file: str | None
    key: PictureKey | None = None
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
        """The chart for people: its key if that is known, else the stem."""
        return self.stem if self.key is None else str(self.key)

    def with_finding(self, file: str, problem: str) -> FixtureEntry:
        """Return this entry with one more problem."""
        return attrs.evolve(self, findings=(*self.findings, FixtureProblem(file, problem)))
