"""The manifest of an export: the end of every chart, as an item or a failure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain, count
from textwrap import indent
from typing import Final

import attrs

from ...codec import dump, load_parts
from ...domain.chart import ChartKey, LayoutKey, PictureKey
from ...domain.chart.candle import Candle
from ...domain.chart.file_name import distinct_stem, stem
from ...domain.errors import ConfigError
from ...domain.faults import ChartApiError
from ...domain.finding import Finding

__all__ = [
    "INTERRUPTED",
    "MANIFEST_NAME",
    "STORE_UNAVAILABLE",
    "WRITE_FAILED",
    "ExportEnd",
    "ExportFailure",
    "ExportItem",
    "Manifest",
    "picture_names",
    "read_manifest",
]

MANIFEST_NAME: Final = "manifest.json"
INTERRUPTED: Final = "INTERRUPTED"
"""The code of a chart that was not fetched before the export ended."""
STORE_UNAVAILABLE: Final = "STORE_UNAVAILABLE"
"""The code of a chart that got no claim, because the account store can't be reached."""
WRITE_FAILED: Final = "WRITE_FAILED"
"""The code of a chart that was paid for or replayed, and whose picture can't be written."""
_VERSION: Final = 2
_LISTS: Final = ("items", "failures", "others")
_NO_OTHERS: Final = ',\n  "others": []'


class _OfChart:
    """The end of a chart, which its fields name."""

    __slots__ = ()
    symbol: str | None
    timeframe: str | None
    template: str | None
    layout_id: str | None

    def __attrs_post_init__(self) -> None:
        _ = self.key

    @property
    def key(self) -> PictureKey:
        """The name of the chart.

        Raises:
            ConfigError: a part of the name is missing.
        """
        if self.layout_id is not None:
            return LayoutKey(self.layout_id, self.symbol, self.timeframe)
        if self.symbol is None or self.timeframe is None or self.template is None:
            raise ConfigError("symbol, timeframe and template must be text, or layoutId must be there")
        return ChartKey(self.symbol, self.timeframe, self.template)


@attrs.frozen
class ExportItem(_OfChart):
    """A chart that was saved.

    Attributes:
        symbol, timeframe, template: the name of a chart; of a layout the symbol and the interval, if they are stated.
        file: the path of the picture, relative to the folder.
        bytes: the size of the file.
        sha256: the digest of the file, in hexadecimal.
        width: pixels.
        height: pixels.
        calls: calls that this run made for the chart.
        warnings: problems of the request or the picture.
        body_sha256: the digest of the body that was posted; None in a manifest of version 1.
        taken_at: the moment (UTC) when the picture was taken; None if its fixture does not say.
        candle: the candle that was forming then; None if it is not known. A picture of the first five seconds counts as one of
            the candle before.
        kept: whether the picture is from an earlier run.
        layout_id: the id of the layout, for a picture of one.
    """

    symbol: str | None
    timeframe: str | None
    template: str | None
    file: str
    bytes: int
    sha256: str
    width: int
    height: int
    from_fixture: bool
    account_id: str | None
    calls: int
    warnings: tuple[Finding, ...] = ()
    body_sha256: str | None = None
    taken_at: datetime | None = None
    candle: Candle | None = None
    kept: bool = False
    layout_id: str | None = None


@attrs.frozen
class ExportFailure(_OfChart):
    """A chart that was not saved.

    Attributes:
        code: an error code of the client, or INTERRUPTED, STORE_UNAVAILABLE, WRITE_FAILED, UNEXPECTED.
        message: one line for a person.
        calls: calls that this run began for the chart.
        warnings: problems of the request.
        layout_id: the id of the layout, for a picture of one.
    """

    symbol: str | None
    timeframe: str | None
    template: str | None
    code: str
    message: str
    kind: str | None = None
    retriable: bool = True
    http_status: int | None = None
    available_at: datetime | None = None
    calls: int = 0
    warnings: tuple[Finding, ...] = ()
    layout_id: str | None = None

    @classmethod
    def of(cls, key: PictureKey, code: str, message: str, calls: int = 0) -> ExportFailure:
        """Build the failure of a chart without a result."""
        template, layout = key.chart_template_id, key.layout_id
        return cls(key.symbol, key.timeframe, template, code, message, calls=calls, layout_id=layout)

    @classmethod
    def of_error(
        cls, key: PictureKey, error: ChartApiError, calls: int, warnings: tuple[Finding, ...] = ()
    ) -> ExportFailure:
        """Build the failure of a chart that ended with *error*."""
        return attrs.evolve(
            cls.of(key, str(error.code), error.message),
            kind=str(error.kind),
            retriable=error.retriable,
            http_status=error.http_status,
            available_at=error.available_at,
            calls=calls,
            warnings=warnings,
        )


ExportEnd = ExportItem | ExportFailure


@attrs.frozen
class Manifest:
    """The end of every chart of an export; *requested* counts the items and the failures.

    *others* are pictures in the folder that this run was not asked for. A later run that is asked for them keeps them.
    """

    created_at: datetime
    requested: int
    items: tuple[ExportItem, ...]
    failures: tuple[ExportFailure, ...]
    schema_version: int = _VERSION
    others: tuple[ExportItem, ...] = ()

    @property
    def calls(self) -> int:
        """The calls that this run began."""
        return sum(item.calls for item in self.items) + sum(failure.calls for failure in self.failures)

    def text(self) -> Iterator[str]:
        """Return the manifest as JSON in pieces, so that its whole text is never in memory. Without others they are left out."""
        empty = dump(attrs.evolve(self, items=(), failures=(), others=()))
        if not self.others:
            empty = empty.replace(_NO_OTHERS, "")
        for name in _LISTS if self.others else _LISTS[:-1]:
            before, mark, empty = empty.partition(f'"{name}": []')
            entries: Sequence[ExportEnd] = getattr(self, name)
            yield before
            if not entries:
                yield mark
                continue
            yield f'"{name}": ['
            for number, entry in enumerate(entries):
                yield f"{',' if number else ''}\n{indent(dump(entry).rstrip(), '    ')}"
            yield "\n  ]"
        yield empty


def read_manifest(text: str, *, where: str) -> Manifest:
    """Read a manifest of version 1 or 2.

    Raises:
        ConfigError: it is not one.
    """
    parts = {"file": ExportItem, "code": ExportFailure}
    manifest = load_parts(text, Manifest, parts, where=where)
    if not 1 <= manifest.schema_version <= _VERSION:
        raise ConfigError(f"{where} has the version {manifest.schema_version}; this chartimg reads 1 and {_VERSION}")
    return manifest


def picture_names(keys: Sequence[PictureKey]) -> Sequence[str]:
    """Name a file for each of *keys*; names differ by more than upper and lower case."""
    taken: set[str] = set()
    names: list[str] = []
    for key in keys:
        distinct = distinct_stem(key)
        candidates = chain((stem(key), distinct), (f"{distinct}-{number}" for number in count(2)))
        name = next(name for name in candidates if name.casefold() not in taken)
        taken.add(name.casefold())
        names.append(f"{name}.png")
    return names
