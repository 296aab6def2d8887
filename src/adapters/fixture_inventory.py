"""Takes stock of a folder of fixtures: what a replay would give for each chart, and all that is wrong with the files."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import attrs

from ..codec import load
from ..domain.chart import ChartKey
from ..domain.error_text import read_error_text
from ..domain.errors import ConfigError
from ..domain.filename import distinct_stem, stem
from ..domain.fixture import Finding, FixtureEntry, FixtureKind
from ..domain.png import inspect
from ..files import read_whole
from .fixture import read_error_fixture
from .fixture_folder import ERROR_NAME, FixtureMeta

__all__ = ["take_inventory"]

_PICTURE: Final = ".png"
_META: Final = ".meta.json"
_TEMPORARY: Final = re.compile(r"\.chartimg-.*\.tmp")
_OF_GIT: Final = frozenset({".gitkeep", ".gitignore", ".gitattributes"})
_DISTINCT: Final = re.compile(r"(?!\.)[A-Za-z0-9_.!+&=@(),\-%]{1,80}~[0-9a-f]{16}")
_MOST_PROBLEMS: Final = 2
_AGAIN: Final = "delete it and record it again"
_STRANGE: Final = (
    "it has no fixture's name, <SYMBOL>__<TIMEFRAME>__<TEMPLATE>.png or …__<STATUS>_<SLUG>.json with : written _ and "
    "/ written %2F, so nothing ever replays it; rename it or delete it"
)

Expected = Callable[[ChartKey], str | None]


def take_inventory(directory: str | os.PathLike[str], expected: Expected) -> tuple[FixtureEntry, ...]:
    """Read every file in *directory* once and give an entry for each stem, sorted.

    *expected* gives the SHA-256 of the body that a request for a chart posts today, None where that isn't known.

    Raises:
        ConfigError: the folder can't be read.
    """
    root = Path(directory)
    try:
        names = sorted(entry.name for entry in root.iterdir())
    except OSError as error:
        raise ConfigError(
            f"fixtures folder {root} can't be read: {error.strerror}; name the folder in CHARTS_FIXTURES_DIR"
        ) from None
    shelf: defaultdict[str, _Files] = defaultdict(_Files)
    entries = [_stray(name) for name in names if not _put(name, shelf) and name not in _OF_GIT]
    entries += (_Look(root, expected, name, files).entry() for name, files in shelf.items())
    return tuple(sorted(_compared(entries), key=lambda entry: entry.stem))


@attrs.define
class _Files:
    """The names of the files of one stem; its errors in the order in which a replay prefers them."""

    picture: str | None = None
    errors: list[str] = attrs.field(factory=list)
    has_meta: bool = False

    def replayed(self) -> str | None:
        """Say which file is replayed: the picture, or else the first error by name."""
        return self.picture or next(iter(self.errors), None)


def _put(name: str, shelf: defaultdict[str, _Files]) -> bool:
    """Put *name* to the other files of its stem; False when it is not like a fixture's name."""
    if name.startswith("."):  # no chart's stem does
        return False
    if name.endswith(_PICTURE):
        shelf[name.removesuffix(_PICTURE)].picture = name
    elif name.endswith(_META):
        shelf[name.removesuffix(_META)].has_meta = True
    elif match := ERROR_NAME.fullmatch(name):
        shelf[match["stem"]].errors.append(name)
    else:
        return False
    return True


def _stray(name: str) -> FixtureEntry:
    """Describe a file that stands for no chart."""
    problem = "a writer that was stopped has left it; delete it" if _TEMPORARY.fullmatch(name) else _STRANGE
    return FixtureEntry(name, FixtureKind.OTHER, name, findings=(Finding(name, problem),))


class _Look:
    """A look at the files of one stem; it collects what it finds wrong."""

    def __init__(self, root: Path, expected: Expected, name: str, files: _Files) -> None:
        self._root = root
        self._expected = expected
        self._stem = name
        self._meta_name = f"{name}{_META}"
        self._files = files
        self._findings: list[Finding] = []

    def entry(self) -> FixtureEntry:
        """Read the files and judge them."""
        meta = self._meta()
        file = self._files.replayed()
        entry = FixtureEntry(self._stem, FixtureKind.OTHER, file)
        if meta is not None:
            entry = attrs.evolve(entry, key=meta.key, recorded_at=_utc(meta.recorded_at), origin=meta.origin)
        if file is not None:
            entry = self._content(entry, file, meta)
            self._unused(file)
        self._name(file, meta)
        if meta is not None:
            self._agreement(file, meta)
        return attrs.evolve(entry, findings=tuple(self._findings))

    def _find(self, file: str, problem: str) -> None:
        self._findings.append(Finding(file, problem))

    def _read(self, name: str) -> bytes | None:
        try:
            return read_whole(str(self._root / name))[0]
        except OSError as error:
            self._find(name, f"it can't be read: {error.strerror}; make it a readable file or delete it")
            return None

    def _meta(self) -> FixtureMeta | None:
        """Read the meta file, as a replay does."""
        content = self._read(self._meta_name) if self._files.has_meta else None
        if content is None:
            return None
        try:
            return load(content.decode("utf-8", "replace"), FixtureMeta, where="it")
        except ConfigError as error:
            told = "; ".join(problem.removeprefix("it, at ") for problem in error.problems[:_MOST_PROBLEMS])
            more = len(error.problems) - _MOST_PROBLEMS
            told += f"; and {more} more" if more > 0 else ""
            self._find(self._meta_name, f"it can't be read ({told}); delete it and record the chart again")
            return None

    def _content(self, entry: FixtureEntry, file: str, meta: FixtureMeta | None) -> FixtureEntry:
        """Read what is replayed, and check it as a replay does."""
        is_picture = file == self._files.picture
        entry = attrs.evolve(entry, kind=FixtureKind.PICTURE if is_picture else FixtureKind.ERROR)
        content = self._read(file)
        if content is None:
            return entry
        entry = attrs.evolve(entry, size=len(content))
        entry = self._picture(entry, file, content) if is_picture else self._error(entry, file, content)
        whole = entry.width is not None or entry.http_status is not None  # what is not whole differs, of course
        if whole and meta is not None and meta.file == file and _digest(content) != meta.content_sha256:
            self._find(
                file,
                f"its content differs from the digest in its meta file; {_AGAIN}, "
                f"or delete {self._meta_name} if the change is meant",
            )
        return entry

    def _picture(self, entry: FixtureEntry, file: str, content: bytes) -> FixtureEntry:
        verdict = inspect(content)
        if isinstance(verdict, str):
            self._find(file, f"it is not a whole PNG: {verdict}; {_AGAIN}")
            return entry
        return attrs.evolve(entry, width=verdict.width, height=verdict.height)

    def _error(self, entry: FixtureEntry, file: str, content: bytes) -> FixtureEntry:
        try:
            reply = read_error_fixture(content, self._root / file)
        except ConfigError as error:
            self._find(file, f"it is not an error that can be replayed: {error}; {_AGAIN}")
            return entry
        match = ERROR_NAME.fullmatch(file)
        if match is not None and int(match["status"]) != reply.status:
            self._find(file, f"its name says {match['status']} and its content {reply.status}; correct one of them")
        return attrs.evolve(entry, http_status=reply.status, message=read_error_text(reply.body).message)

    def _unused(self, replayed: str) -> None:
        """Find errors that stand behind the file that is replayed."""
        for name in self._files.errors:
            if name != replayed:
                self._find(name, f"it is never replayed, because {replayed} is; delete one of the two")

    def _name(self, file: str | None, meta: FixtureMeta | None) -> None:
        """Find a name under which no chart, or not the chart of the meta file, is looked for."""
        if meta is None:
            if not _is_stem(self._stem):
                self._find(file or self._meta_name, _STRANGE)
        elif self._stem not in {plain := stem(meta.key), distinct_stem(meta.key)}:
            self._find(
                self._meta_name,
                f"it is of {meta.key}, which is looked for under {plain}; rename the files, or correct what it says",
            )

    def _agreement(self, file: str | None, meta: FixtureMeta) -> None:
        """Find a meta file that is of another file, or of a body that is posted no longer."""
        if file is None:
            self._find(self._meta_name, f"the file it is of, {meta.file}, is not there; delete this one, too")
        elif meta.file != file:
            self._find(
                self._meta_name, f"it is of {meta.file}, but {file} is replayed; delete it and what is not meant"
            )
        elif self._expected(meta.key) not in {None, meta.body_sha256}:
            self._find(
                file,
                "it is stale: recorded for another body than a request posts today "
                f"(the template or the time zone has changed); {_AGAIN}",
            )


def _compared(entries: Iterable[FixtureEntry]) -> Iterator[FixtureEntry]:
    """Find entries that get in each other's way."""
    entries = tuple(entries)
    fixtures = [entry for entry in entries if entry.kind is not FixtureKind.OTHER]
    by_stem = {entry.stem: entry for entry in fixtures}
    alike: defaultdict[str, list[FixtureEntry]] = defaultdict(list)
    for fixture in fixtures:
        alike[fixture.stem.casefold()].append(fixture)
    for entry in entries:
        if entry.file is None or entry.kind is FixtureKind.OTHER:
            yield entry
            continue
        twin = next((each for each in alike[entry.stem.casefold()] if each is not entry), None)
        if twin is not None and entry.key is None:
            yield entry.with_finding(
                entry.file,
                f"its name differs from {twin.file} only in upper and lower case, so a file system that ignores case "
                "keeps only one of them; delete it and record the chart, which gives it a name of its own",
            )
        elif first := _replayed_instead(entry, by_stem):
            yield entry.with_finding(
                entry.file, f"it is never replayed, because {first.file} is found first; delete one of the two"
            )
        else:
            yield entry


def _replayed_instead(entry: FixtureEntry, by_stem: dict[str, FixtureEntry]) -> FixtureEntry | None:
    """Give the fixture under the plain name of a chart that has one under its distinct name, too."""
    if entry.key is None or entry.stem == (plain := stem(entry.key)):
        return None
    first = by_stem.get(plain)
    return first if first is not None and first.key in {None, entry.key} else None


def _is_stem(name: str) -> bool:
    """Say whether *name* can be the stem of a chart: it is what the stem of the chart it spells comes to."""
    if "~" in name:
        return _DISTINCT.fullmatch(name) is not None
    seams = [place for place in range(len(name)) if name.startswith("__", place)]
    return any(
        name == stem(ChartKey(*(unquote(part, errors="surrogateescape") for part in parts)))
        for one, two in itertools.combinations(seams, 2)
        if all(parts := (name[:one], name[one + 2 : two], name[two + 2 :]))
    )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _utc(moment: datetime) -> datetime | None:
    """Give *moment* in UTC, None at the far ends of the calendar."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return None
