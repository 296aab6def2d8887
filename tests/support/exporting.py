"""An export without a client, from its beginning to its end."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import attrs

from chartimg import ChartApiResult, ChartRequest
from chartimg.adapters.catalog import shipped_catalog
from chartimg.app.export.export import Export
from chartimg.app.export.manifest import ExportEnd, Manifest
from chartimg.app.export.run import ExportRun
from chartimg.app.flights import Flights
from chartimg.app.listeners import Listeners
from chartimg.domain.chart import Request
from chartimg.domain.chart.candle import Grid
from chartimg.domain.chart.leeway import Leeway
from chartimg.domain.check.catalog import Catalog
from chartimg.domain.finding import Finding
from chartimg.domain.ports import Listener
from chartimg.testing import EventLog, VirtualClock, picture

Fetch = Callable[[ChartRequest], ChartApiResult]


def numbered_picture(number: int) -> bytes:
    """Return a picture of the default size, with a text of its own."""
    whole, text = picture(), b"tEXt" + b"number\0%d" % number
    end = whole.rindex(b"IEND") - 4
    return whole[:end] + (len(text) - 4).to_bytes(4) + text + zlib.crc32(text).to_bytes(4) + whole[end:]


@attrs.define
class Source:
    """A source of charts without a client."""

    listener: Listener = attrs.field(factory=EventLog)
    read_rules: Callable[[], Catalog] = shipped_catalog
    clock: VirtualClock = attrs.field(factory=VirtualClock)
    flights: Flights = attrs.field(factory=Flights)
    refused: Callable[[Request], tuple[Finding, ...]] = lambda _: ()

    @property
    def rules(self) -> Catalog:
        """Return the rules."""
        return self.read_rules()

    def completed(self, request: Request) -> Request:
        """Return the request as it is."""
        return request

    def possible(self, request: Request, _: Leeway) -> Iterator[Request]:
        """Return the request alone."""
        yield request

    def errors(self, request: Request, _: Leeway) -> tuple[Finding, ...]:
        """Return what the test says."""
        return self.refused(request)

    def grid_of(self, _: str | None) -> Grid:
        """Return the grid of an exchange that never rests."""
        return Grid(0)


class Exporting:
    """An export from its beginning to its end."""

    def __init__(
        self,
        fetch: Fetch,
        requests: Iterable[ChartRequest],
        out: Path,
        jobs: int,
        source: Source,
        options: Mapping[str, Any],
    ) -> None:
        """Prepare it."""
        self.work = Export(source, tuple(requests), out, **options)
        self.driver = ExportRun(self.work, lambda _, request: fetch(cast("ChartRequest", request)), jobs=jobs)
        self.ends: list[ExportEnd] = []

    def run(self) -> Manifest:
        """Carry it out."""
        self.driver.begin()
        while (end := self.driver.next()) is not None:
            self.ends.append(end)
        return self.work.finish()


def export(
    fetch: Fetch,
    requests: Iterable[ChartRequest],
    out: Path,
    *,
    jobs: int = 1,
    listener: Listener | None = None,
    rules: Callable[[], Catalog] = shipped_catalog,
    source: Source | None = None,
    **options: Any,
) -> Exporting:
    """Prepare an export of one chart at a time; *options* are further arguments."""
    return Exporting(fetch, requests, out, jobs, source or Source(Listeners((listener or EventLog(),)), rules), options)
