"""The export of many charts, for hosts: an iterator over the end of each."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import attrs

from ...domain.account.forecast import Forecast
from ...domain.argument import require
from ...domain.chart import PictureKey, PictureRequest
from ...domain.chart.freshness import Freshness
from ...domain.chart.leeway import Leeway
from ...domain.errors import ConfigError
from ...domain.result import Source
from ..client import Client, SyncClient
from .export import Export
from .manifest import ExportEnd, Manifest
from .run import ExportRun

if TYPE_CHECKING:
    from ..async_client import AsyncClient

__all__ = ["ChartExport", "ExportPlan"]

_MAX_JOBS: Final = 256


@attrs.frozen
class ExportPlan:
    """The work that an export would do.

    Attributes:
        requested: charts, each once.
        kept: charts that are there.
        from_fixtures: charts that would be replayed.
        from_cache: charts that would be taken from the cache.
        calls: charts that would be called for, with one call each if all goes well.
        missing: charts that would fail for want of a fixture, in mock mode.
        forecast: when those calls could be made; None without a call.
    """

    requested: int
    kept: int
    from_fixtures: int
    from_cache: int
    calls: tuple[PictureKey, ...]
    missing: int
    forecast: Forecast | None


class ChartExport:
    """Fetches *requests* into the folder *out*, and iterates over the end of each, once: ``for`` or ``async for``.

    An end is an :class:`chartimg.app.export.ExportItem`, or an :class:`chartimg.app.export.ExportFailure` with a code and a
    message. No new chart is begun while the caller does not ask for the next end. If the caller leaves the loop, no further call
    is made, and those under way are awaited, since they are paid for.

    Args:
        client: a ``ChartClient`` for ``for``, or an ``AsyncChartClient`` for ``async for``.
        requests: the charts; equal ones are fetched once. A long sequence may make each when it is asked for.
        out: the folder; made if it does not exist.
        jobs: charts in flight at once.
        resume: whether pictures of earlier runs are kept, without a call. They are proved by the digest of the file, and by that of
            the body, which must be the one of today.
        fresh: how recently a picture must have been drawn, as in ``client.fetch``: one of the folder, or one of the cache. By
            default that of the client. If it is ``off`` there, a picture of the folder may have any age.
        on_invalid_symbol: exchanges where the ticker of a refused symbol is tried, as in ``client.fetch``. The file and the item
            keep the name that was asked for, and a warning in the item names the exchange that drew the picture.
        fit: ``plan`` makes charts smaller that no account's plan allows, as in ``client.fetch``.

    Raises:
        ConfigError: an argument is wrong.
    """

    def __init__(
        self,
        client: SyncClient | AsyncClient,
        requests: Iterable[PictureRequest],
        out: str | os.PathLike[str],
        *,
        jobs: int = 4,
        resume: bool = False,
        fresh: Freshness | str | float | None = None,
        on_invalid_symbol: Sequence[str] | None = None,
        fit: str | None = None,
    ) -> None:
        require("client", client, Client)
        is_lazy = isinstance(requests, Sequence) and not isinstance(requests, list | tuple | str | bytes)
        if not is_lazy:
            given: object = requests
            listed = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else given
            require("requests", listed, Sequence[PictureRequest])
            requests = cast("tuple[PictureRequest, ...]", listed)
        require("out", out, str | os.PathLike)
        require("jobs", jobs, int)
        require("resume", resume, bool)
        if not 1 <= jobs <= _MAX_JOBS:
            raise ConfigError(f"jobs must be from 1 to {_MAX_JOBS}")
        asked = client.routes.fresh if fresh is None else Freshness.of(fresh, where="fresh")
        if resume and fresh is not None and asked.is_off:
            raise ConfigError("fresh=off asks for new pictures, and resume keeps old ones; leave one of them out")
        self._client = client
        self._requests = cast("Sequence[PictureRequest]", requests)
        self._out = Path(out)
        self._jobs = jobs
        self._resume = resume
        self._fresh = asked
        self._leeway = Leeway.of(on_invalid_symbol, fit)
        self._work: Export | None = None

    @property
    def manifest(self) -> Manifest:
        """The manifest of the last run, as of now, with the end of every chart.

        Raises:
            ConfigError: there was no run yet.
        """
        if self._work is None:
            raise ConfigError("an export has a manifest when it is iterated over")
        return self._work.manifest()

    @property
    def failure(self) -> str | None:
        """The failure of the folder that stopped the last run; None after a run that was not stopped."""
        return None if self._work is None else self._work.failure

    def plan(self) -> ExportPlan:
        """Return the work of a run now, without a call and without a change of the folder. It reads files, and so blocks.

        Raises:
            ConfigError: a chart would be refused before its call, or the manifest in the folder can't be read.
            StoreUnavailable: the account store can't be reached.
        """
        work, routes = self._export(), self._client.routes
        work.survey()
        work.keep()
        sources: Counter[Source | None] = Counter()
        calls: list[PictureKey] = []
        has_live = not all(route.recorded for route in routes.routes)
        for request in work.waiting:
            source = routes.free(request, self._fresh, self._leeway)
            sources[source] += 1
            if source is None and has_live:
                calls.append(request.key)
        return ExportPlan(
            len(work),
            len(work) - sources.total(),
            sources[Source.FIXTURE],
            sources[Source.CACHE],
            tuple(calls),
            sources[None] - len(calls),
            routes.pool.forecast(len(calls)) if calls and routes.pool is not None else None,
        )

    def __iter__(self) -> Iterator[ExportEnd]:
        """Run the export in threads, and return the end of each chart, as it comes.

        Raises:
            ConfigError: a chart would be refused before its call, another export uses the folder, or its manifest can't be read.
            OSError: the folder can't be written.
            TypeError: the client is asynchronous.
        """
        client = self._client
        if not isinstance(client, SyncClient):
            raise TypeError("an export over an AsyncChartClient is iterated over with: async for")
        work = self._work = self._export()
        run = ExportRun(work, partial(client.fetch_for, fresh=self._fresh, leeway=self._leeway), jobs=self._jobs)
        try:
            run.begin()
            while (end := run.next()) is not None:
                yield end
        finally:
            work.stop()
            try:
                run.drain()
            finally:
                work.finish(give_up=work.is_busy)

    def __aiter__(self) -> AsyncIterator[ExportEnd]:
        """Run the export on the event loop, and return the end of each chart, as it comes.

        Raises:
            ConfigError: a chart would be refused before its call, another export uses the folder, or its manifest can't be read.
            OSError: the folder can't be written.
            TypeError: the client is not asynchronous.
        """
        client = self._client
        if isinstance(client, SyncClient):
            raise TypeError("an export over a ChartClient is iterated over with: for")
        from .async_run import async_ends

        work = self._work = self._export()
        return async_ends(
            work, partial(client.fetch_for, fresh=self._fresh, leeway=self._leeway), client.workers, jobs=self._jobs
        )

    def _export(self) -> Export:
        fresh = None if self._fresh.is_off else self._fresh
        return Export(
            self._client.routes, self._requests, self._out, resume=self._resume, fresh=fresh, leeway=self._leeway
        )
