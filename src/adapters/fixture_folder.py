"""The folder of fixtures: which files stand for a chart, reading them, and writing them whole.

A picture is ``<stem>.png``, an error ``<stem>__<STATUS>_<SLUG>.json``; ``<stem>.meta.json`` beside them says what was
recorded when and for which body. Where the stem of a chart belongs to another one, the chart has a stem of its own.
"""

from __future__ import annotations

import os
import re
import tempfile
import threading
import time
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

import attrs

from ..domain.chart import ChartKey
from ..domain.errors import ConfigError
from ..domain.filename import distinct_stem, stem
from ..files import read_whole, refuse_special, write_atomically

__all__ = ["ERROR_NAME", "FixtureFolder", "FixtureMeta", "Found"]

ERROR_NAME: Final = re.compile(r"(?P<stem>.+)__(?P<status>\d{3})(?:_[A-Z0-9_]+)?\.json")
_SETTLED: Final = 1_000_000_000  # nanoseconds; a file touched more recently may change again without a new mtime
_SCHEMA_VERSION: Final = 1


@attrs.frozen
class FixtureMeta:
    """What the recorder knows of a fixture.

    Attributes:
        symbol, timeframe, chart_template_id: the exact key.
        file: the name of the file that holds the content.
        body_sha256: of the body that was posted, as canonical JSON.
        content_sha256: of the content of the file.
        recorded_at: when (UTC).
        origin: where the content came from.
        library_version: of the chartimg that wrote it.
        schema_version: of this file.
    """

    symbol: str
    timeframe: str
    chart_template_id: str
    file: str
    body_sha256: str
    content_sha256: str
    recorded_at: datetime
    origin: str
    library_version: str
    schema_version: int = _SCHEMA_VERSION

    @property
    def key(self) -> ChartKey:
        """The chart it is of."""
        return ChartKey(self.symbol, self.timeframe, self.chart_template_id)


@attrs.frozen
class Found:
    """A fixture as it stands in the folder: its content, its meta if it has one, and what the file system says of it.

    Attributes:
        signature: changes when the file does; None while it is too young for that to be relied on.
    """

    path: Path
    content: bytes
    meta: FixtureMeta | None
    signature: tuple[int, int, int] | None


@attrs.frozen
class _Listing:
    """What is in the folder: all names, and the error file of each stem, the first by name where there are several."""

    changed: int
    names: frozenset[str]
    errors: Mapping[str, str]


class FixtureFolder:
    """Finds and writes fixtures under *directory*. Safe from many threads; the folder may change at any time."""

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory)
        self._root = os.fspath(self.directory)
        self._metas: dict[str, tuple[tuple[int, int, int], FixtureMeta]] = {}
        self._listing: _Listing | None = None
        self._writing = threading.Lock()

    def find(self, key: ChartKey) -> Found | None:
        """Give the fixture of *key*: its picture, or else its error; None when there is neither.

        Raises:
            ConfigError: the meta file can't be read.
            OSError: a file is there and can't be read.
        """
        listing = self._settled_listing()
        for name in _stems(key):
            meta = self._meta(name) if listing is None or f"{name}.meta.json" in listing.names else None
            if meta is not None and meta.key != key:
                continue
            picture = f"{name}.png"
            if listing is None or picture in listing.names:
                found = self._read(picture, meta)
                if found is not None:
                    return found
            error = (listing or self._list()).errors.get(name)
            if error is not None and (found := self._read(error, meta)) is not None:
                return found
        return None

    def write(self, key: ChartKey, suffix: str, content: bytes, meta: FixtureMeta) -> Path:
        """Write *content* for *key* under its stem and *suffix*, then its meta; in place of what was recorded before.

        Raises:
            OSError: the folder can't be written; what was there before still is.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        with self._writing:  # two charts that share a stem must not both find it free
            name = self._stem_to_write(key)
            path = self.directory / f"{name}{suffix}"
            write_atomically(path, content)
            write_atomically(self.directory / f"{name}.meta.json", _dump(attrs.evolve(meta, file=path.name)))
            for old in self._files_of(name):
                if old.name != path.name:
                    old.unlink(missing_ok=True)
        return path

    def refuse_unwritable(self) -> None:
        """Make sure a fixture can be written, before a call is paid for.

        Raises:
            ConfigError: it can't.
        """
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.directory):
                pass
        except OSError as error:
            raise ConfigError(
                f"fixtures can't be recorded in {self.directory}: {error.strerror}; "
                "make the folder writable or name another in CHARTS_FIXTURES_DIR"
            ) from None

    def stems(self) -> tuple[str, ...]:
        """List the stems of all pictures and errors, sorted."""
        listing = self._list()
        pictures = {name.removesuffix(".png") for name in listing.names if name.endswith(".png")}
        return tuple(sorted(pictures | listing.errors.keys()))

    def path_of(self, key: ChartKey) -> Path:
        """Say where the picture of *key* would be looked for."""
        return self.directory / f"{stem(key)}.png"

    def _read(self, name: str, meta: FixtureMeta | None) -> Found | None:
        """Read a whole file; None when it isn't there."""
        path = f"{self._root}/{name}"
        try:
            content, status = read_whole(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Found(_path(path), content, meta, _signature(status))

    def _meta(self, name: str) -> FixtureMeta | None:
        """Give the meta of a stem; read again only when the file has changed."""
        path = f"{self._root}/{name}.meta.json"
        try:
            status = os.stat(path)  # noqa: PTH116 (once for every replay)
        except (FileNotFoundError, NotADirectoryError):
            return None
        refuse_special(status, path)
        signature = _signature(status)
        known = self._metas.get(path)
        if known is not None and known[0] == signature:
            return known[1]
        meta = _load(Path(path))
        if signature is not None:
            self._metas[path] = (signature, meta)
        return meta

    def _settled_listing(self) -> _Listing | None:
        """Give what is in the folder, listed once for as long as it does not change; None while it has just changed."""
        try:
            changed = os.stat(self._root).st_mtime_ns  # noqa: PTH116 (once for every replay)
        except OSError:
            return None
        if self._listing is None or self._listing.changed != changed:
            if time.time_ns() - changed <= _SETTLED:
                return None
            self._listing = self._list(changed)
        return self._listing

    def _list(self, changed: int = 0) -> _Listing:
        try:
            names = frozenset(entry.name for entry in self.directory.iterdir())
        except OSError:
            names = frozenset()
        errors: dict[str, str] = {}
        for name in sorted(names):
            if match := ERROR_NAME.fullmatch(name):
                errors.setdefault(match["stem"], name)
        return _Listing(changed, names, errors)

    def _stem_to_write(self, key: ChartKey) -> str:
        """Choose the stem for *key*: the plain one, unless it belongs to another chart or differs from one only in case."""
        plain = stem(key)
        meta = self._meta(plain)
        if meta is not None:
            return plain if meta.key == key else distinct_stem(key)
        others = {name.casefold() for name in self.stems() if name != plain}
        return distinct_stem(key) if plain.casefold() in others else plain

    def _files_of(self, name: str) -> list[Path]:
        """List the content files of a stem."""
        errors = (
            entry
            for entry in self.directory.iterdir()
            if (match := ERROR_NAME.fullmatch(entry.name)) and match["stem"] == name
        )
        return [self.directory / f"{name}.png", *errors]


@lru_cache(maxsize=4096)
def _stems(key: ChartKey) -> tuple[str, ...]:
    """Give the stems under which *key* may be found, the plain one first."""
    return tuple(dict.fromkeys((stem(key), distinct_stem(key))))


@lru_cache(maxsize=4096)
def _path(name: str) -> Path:
    return Path(name)


def _signature(status: os.stat_result) -> tuple[int, int, int] | None:
    if time.time_ns() - status.st_mtime_ns <= _SETTLED:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _load(path: Path) -> FixtureMeta:
    from ..codec import load

    return load(path.read_text(encoding="utf-8", errors="replace"), FixtureMeta, where=f"fixture meta {path}")


def _dump(meta: FixtureMeta) -> bytes:
    from ..codec import dump

    return dump(meta).encode()
