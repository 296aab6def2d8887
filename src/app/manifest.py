"""The manifest of an export: the end of every chart, as an item or a failure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain, count
from typing import Final

import attrs

from ..domain.chart import ChartRequest
from ..domain.chart.file_name import distinct_stem, stem
from ..domain.faults import ChartApiError
from ..domain.finding import Finding

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
]

MANIFEST_NAME: Final = "manifest.json"
INTERRUPTED: Final = "INTERRUPTED"
"""The code of a chart that was not fetched before the export ended."""
STORE_UNAVAILABLE: Final = "STORE_UNAVAILABLE"
"""The code of a chart that got no claim, because the account store can't be reached."""
WRITE_FAILED: Final = "WRITE_FAILED"
"""The code of a chart that was paid for or replayed, and whose picture can't be written."""


@attrs.frozen
class ExportItem:
    """A chart that was saved.

    Attributes:
        file: the path of the picture, relative to the folder.
        bytes: the size of the file.
        sha256: the digest of the file, in hexadecimal.
        width: pixels.
        height: pixels.
        calls: calls made for the chart.
        warnings: problems of the request or the picture.
    """

    symbol: str
    timeframe: str
    template: str
    file: str
    bytes: int
    sha256: str
    width: int
    height: int
    from_fixture: bool
    account_id: str | None
    calls: int
    warnings: tuple[Finding, ...] = ()


@attrs.frozen
class ExportFailure:
    """A chart that was not saved.

    Attributes:
        code: an error code of the client, or INTERRUPTED, STORE_UNAVAILABLE, WRITE_FAILED, UNEXPECTED.
        message: one line for a person.
        calls: calls made for the chart.
        warnings: problems of the request.
    """

    symbol: str
    timeframe: str
    template: str
    code: str
    message: str
    kind: str | None = None
    retriable: bool = True
    http_status: int | None = None
    available_at: datetime | None = None
    calls: int = 0
    warnings: tuple[Finding, ...] = ()

    @classmethod
    def of(cls, request: ChartRequest, code: str, message: str) -> ExportFailure:
        """Build the failure of a chart without a result."""
        return cls(request.symbol, request.timeframe, request.chart_template_id, code, message)

    @classmethod
    def of_error(
        cls, request: ChartRequest, error: ChartApiError, calls: int, warnings: tuple[Finding, ...] = ()
    ) -> ExportFailure:
        """Build the failure of a chart that ended with *error*."""
        return attrs.evolve(
            cls.of(request, str(error.code), error.message),
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
    """The end of every chart of an export; *requested* counts the items and the failures."""

    created_at: datetime
    requested: int
    items: tuple[ExportItem, ...]
    failures: tuple[ExportFailure, ...]
    schema_version: int = 1


def picture_names(requests: Sequence[ChartRequest]) -> Mapping[ChartRequest, str]:
    """Name a file for each of *requests*; names differ by more than upper and lower case."""
    taken: set[str] = set()
    names: dict[ChartRequest, str] = {}
    for request in requests:
        distinct = distinct_stem(request.key)
        candidates = chain((stem(request.key), distinct), (f"{distinct}-{number}" for number in count(2)))
        name = next(name for name in candidates if name.casefold() not in taken)
        taken.add(name.casefold())
        names[request] = f"{name}.png"
    return names
